"""What the reports tell of earlier answers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.storage.report_history import answers, episodes, judged_candidates

ID = "01J1Q5T7M0A1B2C3D4E5F6G7H8"
RECEIPTS = {"fit@eu": "ran", "fit@us": "cut_off", "assemble": "restored"}


def write_report(root: Path, outcome: str) -> None:
    """Write as much of a report as is read of it."""
    receipts = [{"stage": stage, "outcome": what} for stage, what in RECEIPTS.items()]
    documents = {
        "plan": {
            "alerts": [{"alert_id": ID}],
            "touched": {"stages": ["clean", "fit@eu"]},
            "action": "retrain",
            "planned_at": "2026-11-23T06:00:00Z",
        },
        "verdict": {"judged_at": "2026-11-23T06:05:00Z", "outcome": outcome},
        "run": {"attempts": [{"receipts": receipts, "kept": True}]},
    }
    folder = root / "reports" / ID
    folder.mkdir(parents=True)
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("outcome", "stages"),
    [("promote", ("assemble", "clean", "fit@eu")), ("equivalent", ())],
)
def test_a_retrain_answers_for_what_it_touched_and_what_ran(
    tmp_path: Path, outcome: str, stages: tuple[str, ...]
):
    write_report(tmp_path, outcome)
    (told,) = answers(tmp_path, {})
    assert told.kept
    assert told.stages == stages


def judgement(tier: str, outcome: str, gain: float | None = None, **said: object) -> dict:
    checks = [] if gain is None else [{"name": "overall", "rows": 40, "gain": gain}]
    days = {"start": "2026-02-01", "end": "2026-02-15", "rows": 40} | said
    return {"tier": tier, "outcome": outcome, "checks": checks, "holdout": days if checks else None}


def write_judged(root: Path, *judgements: dict) -> None:
    write_report(root, "promote")
    folder = root / "reports" / ID
    plan = json.loads((folder / "plan.json").read_text())
    plan["alerts"] = [
        {"alert_id": ID, "family": "drift", "where": []},
        {"alert_id": ID, "family": "performance", "where": ["region = eu"]},
    ]
    plan["tiers"] = [{"tier": "repair", "must": "not_get_worse"}]
    (folder / "plan.json").write_text(json.dumps(plan))
    verdict = json.loads((folder / "verdict.json").read_text())
    (folder / "verdict.json").write_text(json.dumps(verdict | {"judgements": judgements}))


def test_every_tier_that_was_judged_is_an_episode(tmp_path: Path):
    slice_too = judgement("refit", "promote", 0.5)
    slice_too["checks"].append({"name": "alerted slice", "rows": 10, "gain": 2.0})
    unmeasured = judgement("full", "not_enough_data", 0.1)
    unmeasured["checks"][0]["gain"] = None
    write_judged(
        tmp_path,
        judgement("repair", "equivalent"),
        judgement("nudge", "equivalent"),
        judgement("broken", "invalid"),
        unmeasured,
        slice_too,
    )

    told = {episode.tier: episode for episode in episodes(tmp_path)}

    assert list(told) == ["repair", "nudge", "full", "refit"]
    assert told["refit"].families == ("drift", "performance")
    assert told["refit"].where == ("region = eu",)
    assert (told["refit"].gain, told["refit"].share, told["refit"].overall_gain) == (2.0, 0.25, 0.5)
    assert (told["full"].gain, told["full"].share) == (None, 1.0)
    passed = {tier: episode.passed for tier, episode in told.items()}
    assert passed == {"repair": True, "nudge": False, "full": False, "refit": True}


def test_a_hold_out_was_put_to_use_by_what_it_really_judged(tmp_path: Path):
    write_judged(
        tmp_path,
        judgement("same", "equivalent"),
        judgement("broken", "invalid", 0.1),
        judgement("old", "reject", 0.1),
        judgement("last", "promote", 0.1, candidate_number=2, candidates_allowed=2),
        judgement("late", "not_enough_data", 0.1, candidate_number=3, candidates_allowed=2),
    )

    assert [(one.start, one.end) for one in judged_candidates(tmp_path)] == [
        (date(2026, 2, 1), date(2026, 2, 15))
    ] * 2


def test_a_report_that_tells_nothing_of_its_tiers_has_no_episodes(tmp_path: Path):
    write_report(tmp_path, "promote")

    assert episodes(tmp_path) == []
    assert judged_candidates(tmp_path) == []


def test_a_hold_out_without_days_is_refused_in_one_sentence(tmp_path: Path):
    write_judged(tmp_path, judgement("refit", "promote", 0.1, start="soon"))

    with pytest.raises(InputError, match="is not a VerdictHead of this version"):
        judged_candidates(tmp_path)
