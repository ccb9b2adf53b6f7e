"""A stage that fails: its dependents only are stopped, and everything is put back."""

from __future__ import annotations

import re

from tests.toy_project import Toy

NO_SUCH_DAY = "2024-02-30"  # makes fit fail


def test_a_failing_stage_stops_its_dependents_only_and_everything_is_put_back(unbuilt: Toy):
    toy = unbuilt  # so that DVC makes locks and .gitignore files as well
    toy.fit_until("eu", NO_SUCH_DAY)
    before = toy.tree()

    told = toy.retouch("build", "--jobs", "1")

    assert told.code == 1
    assert "clean: ran" in told.err
    assert "fit@eu: FAILED" in told.err
    assert "fit@us: ran" in told.err
    assert "assemble: skipped" in told.err
    assert "evaluate: skipped" in told.err
    message = told.err[told.err.index("Error:") :]
    assert message.count("Error:") == 1
    assert message.startswith("Error: Stage fit@eu failed; all changes were rolled back.\n")
    assert f"no such day: {NO_SUCH_DAY}" in message
    assert message.endswith("The whole output: .retouch/logs/fit@eu.log\n")
    assert (toy.root / ".retouch/logs/fit@eu.log").exists()
    assert "Traceback" not in told.err
    assert toy.tree() == before
    assert not (toy.root / ".retouch/run").exists()

    toy.fit_until("eu", "2024-01-25")
    again = toy.retouch("build", "--record")

    assert again.code == 0, again
    assert toy.outcomes() == {
        "clean": "restored",
        "fit@eu": "ran",
        "fit@us": "restored",
        "assemble": "ran",
        "evaluate": "ran",
    }


def test_a_run_whose_stage_fails_leaves_a_report_and_nothing_else(toy: Toy):
    toy.replace("policies/retraining.yaml", 'to: "{holdout.from}"', f"to: '{NO_SUCH_DAY}'")
    toy.commit("A policy that cannot be carried out")
    alert = toy.alert("performance", where={"region": "eu"})  # its first tier runs, and is refused
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 1
    assert "Error: Stage fit@eu failed; all changes were rolled back." in told.err
    assert toy.tree() == before
    assert toy.outcomes(alert) == {
        "fit@eu": "failed",
        "assemble": "skipped",
        "evaluate": "skipped",
    }
    assert toy.receipts(alert)["fit@eu"].exit_code not in (None, 0)
    assert [(a.tier, a.kept) for a in toy.last_run(alert).attempts] == [
        ("nudge", False),
        ("refit", False),
    ]
    assert sorted(p.name for p in toy.report(alert).iterdir()) == [
        "plan.json",
        "report.md",
        "run.json",
    ]
    assert "fit@eu" in (toy.report(alert) / "report.md").read_text()
    assert "failed" in toy.retouch("status").out


def test_a_failing_scoring_command_puts_everything_back(toy: Toy):
    toy.replace("policies/promotion.yaml", "python score.py", "python no_such_script.py")
    toy.commit("A promotion policy that cannot be carried out")
    alert = toy.alert("target_drift", where={"region": "eu"})
    before = toy.tree()

    told = toy.retouch("run", alert)

    assert told.code == 1
    # Both are scored at the same time, and either may fail first.
    assert re.search(
        r"Error: Scoring the (production|candidate) model failed \(exit code 2\):", told.err
    )
    assert "no_such_script.py" in told.err
    assert "Try it by hand: `python no_such_script.py" in told.err
    assert toy.tree() == before
    assert toy.processes() == []
