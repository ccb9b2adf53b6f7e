"""Periods: half-open, without quarantined days, never past the clock."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.common.command import StageError
from stages.common.periods import Period, check_arrived, parse_period

days = st.dates(date(2013, 1, 1), date(2013, 12, 31)).map(date.isoformat)


def test_a_period_holds_its_first_day_but_not_its_last() -> None:
    period = parse_period("p", "2013-03-01", "2013-03-16")
    assert "2013-03-01" in period
    assert "2013-03-15" in period
    assert "2013-03-16" not in period
    assert "2013-02-28" not in period


def test_quarantined_days_are_left_out() -> None:
    nemo = {"from": "2013-02-08", "until": "2013-02-10"}
    period = parse_period("p", "2013-02-01", "2013-03-01", [nemo])
    outside = [f"2013-02-{day:02}" for day in range(1, 29) if f"2013-02-{day:02}" not in period]
    assert outside == ["2013-02-08", "2013-02-09"]


@given(days, days, days)
def test_two_periods_that_meet_share_no_day_and_miss_none(a: str, b: str, day: str) -> None:
    start, middle, until = "2013-01-01", min(a, b), max(a, b)
    first, second = Period(start, middle), Period(middle, until)
    assert (day in first) + (day in second) == (day in Period(start, until))


@given(days, days, days)
def test_the_month_of_every_day_of_a_period_overlaps_it(a: str, b: str, day: str) -> None:
    period = Period(min(a, b), max(a, b))
    assert day not in period or period.overlaps_month(day[:7])


@pytest.mark.parametrize(
    ("start", "until", "exclude", "message"),
    [
        ("2013-03-16", "2013-03-16", [], "holds no day"),
        ("2013-3-1", "2013-03-16", [], "p.from must be a quoted day"),
        (date(2013, 3, 1), "2013-03-16", [], "p.from must be a quoted day"),
        ("2013-03-01", "2013-02-30", [], "p.until must be a quoted day"),
        ("2013-03-01", "2013-03-16", ["2013-03-02"], "p.exclude must be a list"),
        ("2013-03-01", "2013-03-16", [{"from": "2013-03-02"}], "p.exclude must be a list"),
    ],
)
def test_a_malformed_period_is_named(start: Any, until: Any, exclude: Any, message: str) -> None:
    with pytest.raises(StageError, match=message):
        parse_period("p", start, until, exclude)


def test_a_period_past_the_clock_is_refused() -> None:
    period = Period("2013-06-16", "2013-07-01")
    check_arrived("evaluate", period, "2013-07-01")
    with pytest.raises(StageError, match="data has arrived only before 2013-06-30"):
        check_arrived("evaluate", period, "2013-06-30")
