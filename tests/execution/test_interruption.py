"""A run that is stopped, killed, or not alone: whatever happens, it can be undone."""

from __future__ import annotations

import signal

import pytest

from tests.toy_project import Toy, kill, wait_for

SLOW = 120  # seconds: longer than any test waits


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_an_interrupted_build_puts_everything_back_and_leaves_no_process(toy: Toy, number):
    toy.fit_until("eu", "2024-01-25")
    before = toy.tree()
    process = toy.start("build", slow=SLOW)
    wait_for(lambda: _stage_runs(toy))

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    assert said.endswith(b"Interrupted; changes were rolled back.\n")
    assert b"Traceback" not in said
    assert toy.tree() == before
    assert toy.processes() == []
    assert "interrupted" not in toy.retouch("status").out


def test_a_killed_run_is_told_of_and_the_next_one_undoes_it_and_completes(toy: Toy):
    alert = toy.alert("target_drift", where={"region": "eu"})
    before = toy.tree()
    process = toy.start("run", alert, slow=SLOW)
    wait_for(lambda: _stage_runs(toy))

    second = toy.retouch("run", alert)
    assert (second.code, second.out) == (2, "")
    assert second.err == (
        "Error: Another `retouch` run is active in this checkout. Wait until it has ended.\n"
    )

    kill(process)
    orphans = toy.processes()
    assert _stage_runs(toy), "DVC and the stage live on"
    assert toy.tree() != before

    told = toy.retouch("status").out
    assert f"A run was interrupted: tier refit for alert {toy.report(alert).name}." in told
    assert toy.processes() == orphans, "asking changes nothing"

    told = toy.retouch("run", alert)
    assert told.code == 0, told
    assert "Undid an interrupted run: tier refit for alert" in told.out
    assert "Verdict: promote." in told.out
    assert toy.processes() == []
    assert toy.outcomes(alert)["fit@eu"] == "ran"
    assert "interrupted" not in toy.retouch("status").out


@pytest.mark.parametrize(
    ("point", "sign"),
    [
        ("before the first stage", ".retouch/run/journal.json"),
        ("between two stages", ".retouch/logs/assemble.log"),
    ],
)
def test_a_run_that_is_killed_at_any_point_can_be_undone(toy: Toy, point, sign):
    for log in (toy.root / ".retouch/logs").iterdir():  # of the build
        log.unlink()
    alert = toy.alert("target_drift", where={"region": "eu"})
    before = toy.tree()
    process = toy.start("run", alert)
    wait_for((toy.root / sign).exists)

    kill(process)
    assert toy.tree() != before or point == "before the first stage"
    assert not toy.report(alert).exists()

    told = toy.retouch("build")
    assert told.out == "Up to date.\n", told
    assert toy.tree() == before
    assert toy.processes() == []
    assert not (toy.root / ".retouch/run").exists()


def test_a_run_that_is_killed_while_scoring_is_taken_up_again_without_repeating_a_stage(toy: Toy):
    alert = toy.alert("target_drift", where={"region": "eu"})
    process = toy.start("run", alert)
    wait_for((toy.root / ".retouch/logs/score-candidate.log").exists)
    kill(process)

    told = toy.retouch("run", alert)

    assert told.code == 0, told
    assert "Undid an interrupted run" in told.out
    assert "Verdict: promote." in told.out
    assert toy.outcomes(alert) == {
        "fit@eu": "restored",
        "assemble": "restored",
        "evaluate": "restored",
    }
    assert toy.dvc("status", "--cloud", "assemble", "fit@eu").strip().endswith("in sync.")


def _stage_runs(toy: Toy) -> bool:
    return any(command.startswith("python fit.py eu") for command in toy.processes())
