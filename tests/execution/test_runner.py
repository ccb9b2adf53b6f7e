"""The runner on real DVC: what runs, what does not, and what `dvc.lock` holds afterwards."""

from __future__ import annotations

import shutil

import pytest
from rich.console import Console

from retouch.cli.console import ProgressLines
from retouch.engine.project import open_project
from retouch.execution.stages import run_stages
from retouch.planning.plan import plan_stages
from tests.toy_project import Toy

STAGES = ["clean", "fit@eu", "fit@us", "assemble", "evaluate"]


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory, started: Toy) -> Toy:
    """The project built from nothing with two jobs, where fit@us ends long before fit@eu."""
    toy = Toy(tmp_path_factory.mktemp("uneven") / "toy")
    shutil.copytree(started.root, toy.root, symlinks=True)
    toy.slow("eu", 2.5)
    told = toy.retouch("build", "--record", "--jobs", "2")
    assert told.code == 0, told
    return toy


def test_a_build_from_nothing_with_two_jobs_writes_what_one_dvc_repro_writes(
    uneven: Toy, unbuilt: Toy
):
    unbuilt.slow("eu", 2.5)
    unbuilt.dvc("repro", "--quiet")

    assert uneven.lock() == unbuilt.lock()
    ours, theirs = uneven.tree(), unbuilt.tree()
    for path in ("models/.gitignore", "data/.gitignore"):  # DVC appends to it as stages end
        assert ours.pop(path) and theirs.pop(path)
        assert _lines(uneven, path) == _lines(unbuilt, path)
    assert ours == theirs


def test_independent_stages_overlap_in_time_and_dependents_wait(uneven: Toy):
    receipts = uneven.receipts()
    assert set(receipts) == set(STAGES)
    start = {name: r.started_after for name, r in receipts.items()}
    end = {name: r.started_after + r.wall_seconds for name, r in receipts.items()}
    rounding = 0.01
    assert end["clean"] <= min(start["fit@eu"], start["fit@us"]) + rounding
    assert max(start["fit@eu"], start["fit@us"]) < min(end["fit@eu"], end["fit@us"])
    assert start["assemble"] >= max(end["fit@eu"], end["fit@us"]) - rounding
    assert start["evaluate"] >= end["assemble"] - rounding


def test_a_receipt_says_what_a_stage_cost_and_made(built: Toy):
    for stage, receipt in built.receipts().items():
        assert receipt.outcome == "ran", stage
        assert receipt.wall_seconds > 0, stage
        assert receipt.cpu_seconds > 0.1, stage  # DVC and the command are processes of their own
        assert receipt.peak_memory_bytes < 2_000_000_000, stage
        assert receipt.exit_code == 0, stage
        assert receipt.log is not None
        assert "Running stage" in (built.root / receipt.log).read_text()
    fit = built.receipts()["fit@eu"]
    assert fit.output_bytes == (built.root / "models/eu.json").stat().st_size
    assert fit.outputs["models/eu.json"] in built.lock()
    bundle = built.receipts()["assemble"]
    assert bundle.output_bytes == sum(f.stat().st_size for f in built.root.glob("models/bundle/*"))
    assert bundle.outputs["models/bundle"].endswith(".dir")


def test_stages_whose_inputs_come_out_identical_are_cut_off(toy: Toy):
    toy.replace("params.yaml", "highest: 1000", "highest: 900")  # no label is that high
    logs = toy.root / ".retouch/logs"
    for log in logs.glob("*.log"):
        log.unlink()
    by_dvc = toy.copy("by-dvc")

    told = toy.retouch("build", "--record")
    by_dvc.dvc("repro", "--quiet")

    assert told.code == 0, told
    assert "fit@eu: cut off: its inputs did not change" in told.err
    assert toy.outcomes() == {"clean": "ran"} | dict.fromkeys(STAGES[1:], "cut_off")
    assert [log.name for log in logs.iterdir()] == ["clean.log"]
    assert toy.receipts()["fit@eu"].cpu_seconds == 0
    assert toy.lock() == by_dvc.lock()


def test_a_run_that_was_done_before_is_restored_from_the_run_cache(toy: Toy):
    before = toy.lock()
    toy.fit_until("eu", "2024-01-25")
    assert toy.retouch("build", "--record").code == 0
    assert toy.outcomes() == dict.fromkeys(["fit@eu", "assemble", "evaluate"], "ran")
    after = toy.lock()
    toy.git("checkout", "--quiet", "params.yaml", "dvc.lock", "models/metrics.json")
    toy.dvc("checkout", "--quiet", "--force")
    assert toy.lock() == before

    toy.fit_until("eu", "2024-01-25")
    told = toy.retouch("build", "--record")

    assert "fit@eu: restored from the run cache" in told.err
    assert toy.outcomes()["fit@eu"] == toy.outcomes()["assemble"] == "restored"
    assert toy.lock() == after
    assert '"mean": 99.865' in (toy.root / "models/eu.json").read_text()


def test_only_planned_stages_run_even_when_others_are_out_of_date(toy: Toy):
    toy.replace("params.yaml", "highest: 1000", "highest: 120")  # upstream: drops labels
    toy.fit_until("eu", "2024-01-25")
    toy.fit_until("us", "2024-01-25")
    project = open_project(toy.root)
    planned = tuple(s for s in plan_stages(project.pipeline) if s.stage == "fit@us")
    (toy.root / ".retouch/run").mkdir(parents=True, exist_ok=True)

    class How:
        jobs = 2
        watch = ProgressLines(Console(quiet=True), {})

    receipts = run_stages(toy.root, project.pipeline, planned, How)

    assert [(r.stage, r.outcome) for r in receipts] == [("fit@us", "ran")]
    after = toy.tree()
    changed = {path for path, digest in _committed(toy).items() if after[path] != digest}
    assert changed == {"params.yaml", "dvc.lock", "models/us.json"}


def test_nothing_to_build_runs_nothing_and_changes_nothing(toy: Toy):
    before = toy.tree()
    told = toy.retouch("build")
    assert (told.code, told.out) == (0, "Up to date.\n")
    assert toy.tree() == before
    assert toy.git("status", "--porcelain") == ""


def _lines(toy: Toy, path: str) -> list[str]:
    return sorted((toy.root / path).read_text().splitlines())


def _committed(toy: Toy) -> dict[str, str]:
    toy.git("stash", "--quiet")
    toy.dvc("checkout", "--quiet", "--force")
    return toy.tree()
