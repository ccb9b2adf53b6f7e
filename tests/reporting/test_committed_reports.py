"""The committed reports are those that the present code renders from their documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retouch.engine.report_files import report_files
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.gate.shadow_model import Shadow
from retouch.planning.model import Plan

REPORTS = Path(__file__).parents[2] / "reports"
FOLDERS = sorted(REPORTS.glob("[0-9]*/"))
HINT = "run `retouch report ID`, and keep the documents as they are"


def read(folder, name, model):
    path = folder / f"{name}.json"
    return model.model_validate_json(path.read_bytes()) if path.exists() else None


def drawn(svg: bytes) -> list[str]:
    """The texts of a figure: places and fonts may differ with the version of matplotlib."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.decode())


def test_there_are_committed_reports():
    assert len(FOLDERS) > 5


@pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])
def test_a_committed_report_renders_again_to_itself(folder):
    plan = read(folder, "plan", Plan)
    assert plan is not None
    made = report_files(
        plan,
        read(folder, "run", Run),
        read(folder, "verdict", Verdict),
        read(folder, "shadow", Shadow),
    )
    assert set(made) == {path.name for path in folder.iterdir()}
    assert made["report.md"].decode() == (folder / "report.md").read_text(encoding="utf-8"), HINT
    for name in (name for name in made if name.endswith(".svg")):
        assert drawn(made[name]) == drawn((folder / name).read_bytes()), HINT
