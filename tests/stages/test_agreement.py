"""dvc.yaml, params.yaml and the stage scripts say the same thing."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.common.contracts import FEATURES, FLIGHTS, ORIGINS, REGIONS
from stages.common.params import declared_keys
from stages.parts import PARTS
from tests.stages.conftest import ROOT, Pipeline, module_of

MODULES = {"ingest", "features", "window", "train", "calibrate", "assemble", "evaluate", "audit"}
COMMON = Path("stages/common")
"""One dependency for what every stage imports: DVC rewrites all of dvc.lock at each stage."""
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())


def leaves(tree: Any, key: str) -> list[str]:
    """List the keys of `tree` that hold no mapping, below `key`."""
    value = tree
    for name in key.split("."):
        value = value[name]
    if not isinstance(value, dict):
        return [key]
    return [leaf for name in value for leaf in leaves(tree, f"{key}.{name}")]


def item_of(stage: Any) -> dict[str, str]:
    """Give the values that fill the templates of a stage's keys: its options, and the component."""
    options = re.findall(r"--(part|use|origin) (\S+)", stage.cmd)
    item = dict(options)
    return item | ({"component": PARTS[item["part"]].component} if "part" in item else {})


def imported(script: Path, seen: set[Path]) -> set[Path]:
    """Collect the modules of stages that `script` imports, directly or not, and itself."""
    if script in seen:
        return seen
    seen.add(script)
    for node in ast.walk(ast.parse((ROOT / script).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stages."):
            imported(Path(*node.module.split(".")).with_suffix(".py"), seen)
    return seen


def test_there_are_42_stages_with_unique_outputs(dvc_stages: dict[str, Any]) -> None:
    assert len(dvc_stages) == 42


def test_every_stage_declares_the_keys_its_script_reads(dvc_stages: dict[str, Any]) -> None:
    for name, stage in dvc_stages.items():
        module = importlib.import_module(module_of(stage))
        read: set[str] = set()
        item = item_of(stage)
        params_class = module.USES[item["use"]] if "use" in item else vars(module).get("Params")
        if params_class is not None:
            for key in declared_keys(params_class, **item).values():
                read.update(leaves(PARAMS, key))
        declared = {
            leaf
            for dep in stage.deps
            for key in getattr(dep, "params", ())
            for leaf in leaves(PARAMS, key)
        }
        assert declared == read, name


def test_every_key_of_params_yaml_is_read_by_a_stage(dvc_stages: dict[str, Any]) -> None:
    used = {
        leaf
        for stage in dvc_stages.values()
        for dep in stage.deps
        for key in getattr(dep, "params", ())
        for leaf in leaves(PARAMS, key)
    }
    assert used == {leaf for section in PARAMS for leaf in leaves(PARAMS, section)}


def test_every_stage_depends_on_all_the_code_it_imports(dvc_stages: dict[str, Any]) -> None:
    for name, stage in dvc_stages.items():
        script = Path(*module_of(stage).split(".")).with_suffix(".py")
        modules = imported(script, set()) | {Path("stages/__init__.py")}
        needed = {COMMON if COMMON in module.parents else module for module in modules}
        code = {Path(dep.def_path) for dep in stage.deps if dep.def_path.startswith("stages/")}
        assert code == needed, name


def test_every_path_in_a_command_is_declared(dvc_stages: dict[str, Any]) -> None:
    for name, stage in dvc_stages.items():
        paths = {word for word in shlex.split(stage.cmd) if "/" in word} - {"models/parts"}
        declared = {each.def_path for each in (*stage.deps, *stage.outs)}
        assert paths <= declared, name
        code = {path for path in declared if path.startswith("stages/")}
        undeclared = {path for path in declared - code if not path.endswith(".yaml")} - paths
        assert all(path.startswith("models/parts/") for path in undeclared), name


def test_every_stage_says_what_slice_of_the_world_it_depends_on(
    dvc_stages: dict[str, Any],
) -> None:
    for name, stage in dvc_stages.items():
        meta = stage.meta["retouch"]
        assert meta["module"] in MODULES, name
        if meta["module"] in {"assemble", "evaluate", "audit"}:
            assert set(meta) == {"module"}, name
            continue
        datasets = meta["dataset"] if isinstance(meta["dataset"], list) else [meta["dataset"]]
        assert set(datasets) <= {"flights", "weather", "planes"}, name
        assert meta["columns"], name


@pytest.mark.parametrize("part", PARTS)
def test_the_stages_of_a_part_learn_from_its_own_label_only(
    part: str, dvc_stages: dict[str, Any]
) -> None:
    own = PARTS[part]
    partition = {"part": part, own.by: own.value}
    stages = [s for s in dvc_stages.values() if s.meta["retouch"].get("partition") == partition]
    modules = sorted(stage.meta["retouch"]["module"] for stage in stages)
    assert modules == ["calibrate", "train", "window", "window"]
    for stage in stages:
        assert {"air_time", "taxi"} & set(stage.meta["retouch"]["columns"]) == {own.label}


def test_the_stages_of_an_origins_weather_name_the_origin(dvc_stages: dict[str, Any]) -> None:
    for origin in ORIGINS:
        for stage in ("ingest-weather", "features-weather"):
            partition = dvc_stages[f"{stage}@{origin}"].meta["retouch"]["partition"]
            assert partition == {"source": f"weather-{origin}", "origin": origin}


def test_the_parts_cover_all_regions_and_origins_and_use_no_label_as_feature() -> None:
    assert [p.value for p in PARTS.values()] == [*REGIONS, *ORIGINS]
    labels = {"block", "air_time", "taxi", "scheduled_block"}
    assert labels <= set(FLIGHTS.columns)
    assert not labels & {name for contract in FEATURES.values() for name in contract.features}


def test_running_every_stage_again_gives_the_same_bytes(
    built: Pipeline, copy: Pipeline, dvc_stages: dict[str, Any]
) -> None:
    before = built.outputs(dvc_stages)
    copy.run(dvc_stages)
    after = copy.outputs(dvc_stages)
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert before.keys() == after.keys()


def test_dvc_yaml_names_only_existing_files_as_code(dvc_stages: dict[str, Any]) -> None:
    for stage in dvc_stages.values():
        for dep in stage.deps:
            assert not dep.def_path.endswith(".py") or (ROOT / dep.def_path).is_file()
