"""A candidate on trial in the toy project: what is scored, what is measured, and when."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from retouch.engine.evaluate import Trial
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.gate.comparison import HoldoutUse
from retouch.policy.promotion import Promotion
from tests.toy_project import SOURCE, Toy

COPY = ".retouch/production"
LATENCY = {
    "kind": "latency",
    "name": "As quick as before",
    "cmd": "python latency.py {production} {candidate} {out}",
    "p50_at_most": 1.5,
}
SIZE = {"kind": "size", "name": "No larger", "ratio_at_most": 1.5}
SYNTHETIC = {
    "kind": "synthetic",
    "name": "Sound on made-up rows",
    "cases": [{"name": "Size is no matter", "invariant_to": {"size": 99}}],
}
GUARDRAILS = [each | {"why": "Somebody would mind."} for each in (LATENCY, SIZE, SYNTHETIC)]
PROBE = {
    "rows_cmd": "python probe.py rows {from} {until} {out}",
    "score_cmd": "python probe.py score {model} {rows} {out}",
}


def on_trial(toy: Toy, *, mean: float = 130.0, guardrails=GUARDRAILS, alerts=(), **change):
    """Put a candidate with another mean for eu in the workspace, and return its trial."""
    project = Project(toy.root)
    path = project.production.path
    shutil.copytree(toy.root / path, toy.root / COPY / path)
    part = toy.root / path / "eu.json"
    said = json.loads(part.read_text()) | {"mean": mean}
    part.unlink()
    part.write_text(json.dumps(said))
    for script in ("latency.py", "probe.py"):
        shutil.copy(SOURCE / script, toy.root)
    policy = project.promotion.model_dump()
    holdout = policy["holdout"] | change.pop("holdout", {})
    policy |= {"guardrails": guardrails, "probe": PROBE, "holdout": holdout}
    return Trial(
        root=toy.root,
        promotion=Promotion.model_validate(policy),
        days=project.holdout,
        production=project.production,
        production_copy=f"{COPY}/{path}",
        alerts=tuple(
            one.alert for one in project.read_alerts([toy.root / alert for alert in alerts])
        ),
        jobs=2,
        **change,
    )


def test_a_candidate_that_passes_so_far_is_measured(toy: Toy):
    judgement = on_trial(toy).judge("md5:new", tier="refit", must="improve")

    assert judgement.outcome == "promote", judgement.message
    assert [g.result for g in judgement.guardrails] == ["pass"] * 3
    assert judgement.guardrails[0].compared == 1
    assert (toy.root / ".retouch/measured/latency-1.json").exists()


def test_a_slow_candidate_ends_the_run(toy: Toy):
    trial = on_trial(toy)
    (toy.root / trial.production.path / "SLOWER").write_text("2")
    judgement = trial.judge("md5:new", tier="refit", must="improve")

    assert (judgement.outcome, judgement.halted_by) == ("reject", "As quick as before")
    assert judgement.guardrails[0].compared == pytest.approx(2)


def test_a_candidate_that_failed_is_not_measured(toy: Toy):
    judgement = on_trial(toy, mean=90.0).judge("md5:new", tier="refit", must="improve")

    assert judgement.outcome == "reject"
    assert judgement.guardrails == (), "what was not asked is not shown"
    assert not (toy.root / ".retouch/measured").exists()


def test_a_candidate_that_another_guardrail_stops_is_not_measured(toy: Toy):
    none_flips = {"kind": "negative_flips", "name": "None flips", "why": "They would be seen."}
    guardrails = [none_flips | {"tolerance": 2, "share_at_most": 0}, *GUARDRAILS]
    trial = on_trial(toy, guardrails=guardrails)
    part = toy.root / trial.production.path / "us.json"
    said = json.loads(part.read_text())
    part.unlink()
    part.write_text(json.dumps(said | {"mean": said["mean"] + 0.6}))
    judgement = trial.judge("md5:new", tier="refit", must="improve")

    assert (judgement.outcome, judgement.halted_by) == ("reject", "None flips")
    assert all(check.result == "pass" for check in judgement.checks if check.required)
    assert not (toy.root / ".retouch/measured").exists()


def test_the_same_model_and_a_used_up_hold_out_are_not_measured(toy: Toy):
    trial, spent = on_trial(toy), HoldoutUse(number=3, allowed=2)
    same = trial.judge(trial.production.hash, tier="refit", must="improve")
    assert same.outcome == "equivalent"
    assert not (toy.root / ".retouch/scores").exists()
    late = trial.judge("md5:new", tier="refit", must="improve", holdout_use=spent)
    assert late.outcome == "not_enough_data"
    assert not (toy.root / ".retouch/measured").exists()


def test_a_command_that_fails_says_no(toy: Toy):
    broken = GUARDRAILS[0] | {"cmd": "python -c 1/0 {production} {candidate} {out}"}
    trial = on_trial(toy, guardrails=[broken])
    with pytest.raises(CheckFailed, match="ZeroDivisionError"):
        trial.judge("md5:new", tier="refit", must="improve")


# --- what the models have learned from -----------------------------------------------------------


def write_learned(folder: Path, *, first: str, last: str, rows: Path):
    with rows.open() as file:
        learned = [r for r in csv.DictReader(file) if first <= r["day"] < last]
    folder.mkdir(parents=True)
    with (folder / "seen.csv").open("w") as file:
        writer = csv.DictWriter(file, ["id", "day"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(learned)
    return len(learned)


@pytest.mark.parametrize(
    ("until", "outcome"), [("2024-01-17", "promote"), ("2024-03-01", "invalid")]
)
def test_rows_either_model_has_learned_from_are_held_against_the_hold_out(
    toy: Toy, until: str, outcome: str
):
    rows = toy.root / "data/clean.csv"
    ours = write_learned(
        toy.root / COPY / "windows", first="2024-01-01", last="2024-01-17", rows=rows
    )
    theirs = write_learned(toy.root / "windows", first="2024-01-01", last=until, rows=rows)
    trial = on_trial(toy, guardrails=[], holdout={"learned_from": {"paths": ["windows"]}})
    judgement = trial.judge("md5:new", tier="refit", must="improve")

    assert judgement.outcome == outcome, judgement.message
    if outcome == "promote":
        assert judgement.holdout.learned_rows_compared == ours + theirs


def test_tables_that_are_nowhere_are_bad_input(toy: Toy):
    trial = on_trial(toy, holdout={"learned_from": {"paths": ["windows"]}})
    with pytest.raises(InputError, match="windows"):
        trial.judge("md5:new", tier="refit", must="improve")


# --- the reference window ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "result"),
    [("2024-01-02", "2024-01-17", "pass"), ("2023-01-02", "2023-01-17", "not_enough_data")],
)
def test_production_is_scored_on_the_alerts_reference_window(
    toy: Toy, first: str, last: str, result: str
):
    window = {"start": f"{first}T00:00:00Z", "end": f"{last}T00:00:00Z"}
    reference = {"dataset": "rows", "window": window}
    alert = toy.alert("performance", where={"region": "eu"}, reference=reference)
    trial = on_trial(toy, guardrails=[], alerts=[alert])
    judgement = trial.judge("md5:new", tier="refit", must="improve", restores=3.0)

    restored = next(check for check in judgement.checks if check.criterion == "restored")
    assert restored.result == result, restored.message
    scored = trial._reference_scores
    assert trial._reference_scores is scored  # once for all tiers
    if result == "pass":
        assert (min(scored["day"]), max(scored["day"])) == (
            first,
            date(2024, 1, 16).isoformat(),
        )


def test_without_a_reference_window_or_a_wish_nothing_is_asked_of_it(toy: Toy):
    alert = toy.alert("performance", where={"region": "eu"})
    trial = on_trial(toy, guardrails=[], alerts=[alert])
    judgement = trial.judge("md5:new", tier="refit", must="improve", restores=3.0)
    assert judgement.outcome == "promote", judgement.message
    assert all(check.criterion != "restored" for check in judgement.checks)
    assert not (toy.root / ".retouch/scores/reference.parquet").exists()
