"""Silences are read strictly: none without an end, a reason, an author or a condition."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.policy.silences import SILENCES_FILE, Silence, parse_silences, silence_of
from tests.suppression.histories import at, silence, taken

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/suppression.md").read_text()
TEXT = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_example_of_the_page_is_one_and_has_every_key():
    parsed = parse_silences(TEXT, "docs/suppression.md")

    assert parsed.silences[0].match.dataset == "weather"
    assert all(f"{name}:" in TEXT for name in Silence.model_fields)


def test_the_silences_of_this_repository_are_read():
    assert parse_silences((ROOT / SILENCES_FILE).read_text(), SILENCES_FILE).version == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('    ends: "2026-12-08T00:00:00Z"\n', "", "silences[0].ends: missing."),
        ("2026-12-08T00:00:00Z", "2026-12-01T00:00:00Z", "silences[0]: ends must be after starts."),
        (
            "2026-12-08T00:00:00Z",
            "2026-12-08T00:00:00",
            "silences[0].ends: must be a time with",
        ),
        ("{dataset: weather}", "{}", "silences[0].match: must name at least one condition"),
        ("dataset:", "datset:", "silences[0].match.datset: unknown key; did you mean 'dataset'?"),
        ("    author: Ann\n", "", "silences[0].author: missing."),
        (TEXT, "", "must be a mapping of keys to values."),
        (
            TEXT,
            TEXT + TEXT[TEXT.index("  - name") :],
            "two silences are named 'The weather feed is being rebuilt'; receipts refer to them by",
        ),
    ],
)
def test_a_fault_is_reported_with_its_place(old, new, message):
    assert old in TEXT
    with pytest.raises(InputError) as caught:
        parse_silences(TEXT.replace(old, new), "s.yaml")

    assert caught.value.message.startswith(f"s.yaml: {message}")
    assert caught.value.hint == "Correct it, then run `retouch policy check`."


@pytest.mark.parametrize(
    ("hours", "name"), [(0, None), (1, "short"), (2, "long"), (5, "long"), (9, None)]
)
def test_of_several_silences_the_one_that_ends_last_is_named(hours, name):
    known = [
        silence("short", 1, 5, kind="data_drift"),
        silence("long", 2, 9, kind="data_drift"),
        silence("other", 0, 99, kind="volume"),
    ]

    found = silence_of(taken(1).alert, known, at(hours))

    assert (found and found.name) == name
