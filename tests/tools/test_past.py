"""What the reports tell of earlier answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retouch.tools.past import answers

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
