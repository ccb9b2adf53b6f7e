"""docs/alerts.md tells the truth about every field and every kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retouch.alerts import model
from retouch.alerts.parse import parse_alert

PAGE = (Path(__file__).parents[2] / "docs/alerts.md").read_text()
PARTS = [
    model.Alert,
    model.Monitor,
    model.Slice,
    model.DataRef,
    model.Window,
    model.Predicate,
    model.Confidence,
    model.Finding,
    model.Evidence,
]


@pytest.mark.parametrize("example", re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
def test_an_example_is_an_alert(example):
    parse_alert(example.encode(), "docs/alerts.md")


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_field_is_told_and_the_required_ones_in_bold(part):
    for name, field in part.model_fields.items():
        assert f"`{name}`" in PAGE
        assert not field.is_required() or f"**`{name}`**" in PAGE


def test_every_kind_stands_beside_its_family():
    for kind, family in model.FAMILY_OF.items():
        assert re.search(rf"^\| {family} \|.*`{kind}`", PAGE, re.MULTILINE)
