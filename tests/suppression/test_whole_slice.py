"""A monitor that says all is well with a slice, and names no column of it."""

from __future__ import annotations

import pytest

from tests.suppression.histories import day, outcome, states, taken

BROKEN = {"kind": "data_quality", "columns": ["temp", "wind"]}
WELL = {"kind": "data_quality", "status": "resolved", "window": day(1)}


def after(**said):
    """Return the standings of broken data, and of what came two hours later."""
    first = taken(1, window=day(0), **BROKEN)
    return states(outcome([first, taken(2, 2, **WELL | said)], 3))


def test_ends_the_incidents_of_all_its_columns():
    assert after() == ["resolved", "resolved"]


def test_ends_them_by_a_finding_about_the_whole_data_set():
    finding = {"metric": "schema", "verdict": "ok"}
    assert after(findings=[finding]) == ["resolved", "resolved"]


@pytest.mark.parametrize(
    "said",
    [
        {"columns": ["temp"]},
        {"findings": [{"metric": "nulls", "column": "temp", "verdict": "ok"}]},
        {"where": {"origin": "JFK"}},
        {"monitor": "other"},
        {"kind": "volume"},
        {"dataset": "other"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_ends_nothing_that_it_does_not_speak_of(said):
    assert after(**said) == ["acts", "resolved"]


def test_of_a_stranger_ends_nothing_that_is_trusted():
    first = taken(1, window=day(0), **BROKEN)
    told = outcome([first, taken(2, 2, trusted=False, **WELL)], 3)
    assert states(told) == ["acts", "resolved"]
