"""The hold-out's days, and whether they are new to a model."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.gate.holdout import HoldoutDays, leakage


@pytest.mark.parametrize(
    ("start", "end"),
    [("2013-11-01", "2013-11-01"), ("2013-11-02", "2013-11-01"), ("2013-11-01", "soon")],
)
def test_a_holdout_without_a_day_is_bad_input(start, end):
    with pytest.raises(InputError, match="hold-out"):
        HoldoutDays(start, end)


@pytest.mark.parametrize("seen_until", ["2013-11-01", "2013-10-31", "2012-12-31"])
def test_days_a_model_has_seen_may_end_where_the_holdout_starts(holdout, seen_until):
    assert leakage("the candidate", seen_until, holdout) is None


def test_one_day_of_overlap_is_a_leak(holdout):
    assert leakage("the candidate", "2013-11-02", holdout) == (
        "The data seen by the candidate reaches up to 2013-11-02 and the hold-out starts on"
        " 2013-11-01: the hold-out is not new to it."
    )


def test_a_model_that_does_not_say_how_far_it_has_looked_is_not_trusted(holdout):
    assert leakage("the candidate", None, holdout) == (
        "It is unknown until which day the candidate has seen data, so the hold-out may not be new"
        " to it."
    )


@pytest.mark.parametrize("seen_until", ["", "soon", "20131001", "2013-10-01T00:00", "2013-13-01"])
def test_a_day_that_cannot_be_read_is_not_trusted(holdout, seen_until):
    assert "is not written YYYY-MM-DD" in leakage("the candidate", seen_until, holdout)


def test_days_without_rows_are_found_in_order():
    days = HoldoutDays("2012-02-27", "2012-03-02")
    assert days.missing_days(["2012-02-28", "2012-03-01"]) == ("2012-02-27", "2012-02-29")
    assert days.missing_days(["2012-02-27", "2012-02-28", "2012-02-29", "2012-03-01"]) == ()
