"""One real run of the pipeline, shared by the tests: the commands of dvc.yaml, in one process.

The clock stands at 16 April and the models are tiny, so that all 42 stages take seconds.
"""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo

from tests.made_once import made_once

ROOT = Path(__file__).parents[2]
CLOCK = "2013-04-16"
HOLDOUT = ("2013-04-01", CLOCK)


@contextmanager
def working_directory(path: Path) -> Iterator[None]:
    """Run a block in another directory, since the commands of dvc.yaml use relative paths."""
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


def module_of(stage: Any) -> str:
    """Give the module a stage runs, such as stages.train."""
    interpreter, flag, module, *_ = shlex.split(stage.cmd)
    assert (interpreter, flag) == ("python", "-m")
    return module


class Pipeline:
    """A directory in which stages of dvc.yaml run, with a params file of its own."""

    def __init__(self, directory: Path, stages: dict[str, Any]) -> None:
        self.directory = directory
        self.stages = stages
        self.params = yaml.safe_load((ROOT / "params.yaml").read_text())

    def write_params(self) -> None:
        (self.directory / "params.yaml").write_text(yaml.safe_dump(self.params))

    def run(self, names: Iterable[str]) -> None:
        """Run the commands of the stages `names`, as DVC would."""
        self.write_params()
        with working_directory(self.directory):
            for name in names:
                stage = self.stages[name]
                arguments = shlex.split(stage.cmd)[3:]
                assert importlib.import_module(module_of(stage)).main(arguments) == 0

    def outputs(self, names: Iterable[str]) -> dict[str, bytes]:
        """Give the bytes of every output file of the stages `names`."""
        found = {}
        for name in names:
            for out in self.stages[name].outs:
                path = self.directory / out.def_path
                files = sorted(path.rglob("*")) if path.is_dir() else [path]
                found |= {str(f.relative_to(self.directory)): f.read_bytes() for f in files}
        return found


@pytest.fixture(scope="session")
def dvc_stages() -> dict[str, Any]:
    """Give the stages of dvc.yaml by name, inputs before consumers, with templates resolved."""
    graph = Repo(str(ROOT)).index.graph
    ordered = [stage for stage in nx.dfs_postorder_nodes(graph) if stage.path_in_repo == "dvc.yaml"]
    return {stage.addressing: stage for stage in ordered}


def set_to_winter(params: dict[str, Any]) -> None:
    """Set the clock to mid-April, train every part on the winter, and repair nothing."""
    params["data"]["until"] = CLOCK
    for part in params["parts"].values():
        winter = {"from": "2013-01-01", "until": "2013-03-16", "exclude": [], "increments": []}
        part["train"] |= winter
        part["calibrate"] |= {"from": "2013-03-16", "until": "2013-04-01", "exclude": []}
    for source in params["sources"].values():
        source["range_check"] = False


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, dvc_stages: dict[str, Any]) -> Pipeline:
    """Give the pipeline after a full run. Tests read it; those that change something copy it."""

    def make(folder: Path) -> Path:
        pipeline = Pipeline(folder, dvc_stages)
        set_to_winter(pipeline.params)  # the committed windows change with every accepted retrain
        pipeline.params["evaluate"] = {"from": HOLDOUT[0], "until": HOLDOUT[1]}
        pipeline.params["audit"]["repeats"] = 1
        for component in ("air", "taxi"):
            pipeline.params["model"][component]["max_iter"] = 5
        pipeline.run(dvc_stages)
        return folder

    pipeline = Pipeline(made_once(tmp_path_factory, "pipeline", make), dvc_stages)
    pipeline.params = yaml.safe_load((pipeline.directory / "params.yaml").read_text())
    return pipeline


@pytest.fixture
def copy(built: Pipeline, tmp_path: Path) -> Pipeline:
    """Give the built pipeline again in a directory of its own, with links to the data."""
    pipeline = Pipeline(tmp_path, built.stages)
    pipeline.params = yaml.safe_load((built.directory / "params.yaml").read_text())
    for file in built.directory.rglob("*"):
        if file.is_file() and file.name != "params.yaml":
            target = tmp_path / file.relative_to(built.directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A hard link costs nothing, and stages replace files instead of writing into them.
            target.hardlink_to(file)
    return pipeline
