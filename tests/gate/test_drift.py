"""Drift: the days of both windows, as the alert counts them, and only numbers that are some."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.model import Predicate, Window
from retouch.gate.evidence import MOST_DAYS, drift_of

NEW_YORK = timezone(timedelta(hours=-4))


def window(first: str, after: str, offset=NEW_YORK) -> Window:
    start, end = (datetime.fromisoformat(day).replace(tzinfo=offset) for day in (first, after))
    return Window(start=start, end=end)


CURRENT, REFERENCE = window("2013-06-03", "2013-06-05"), window("2013-06-01", "2013-06-03")


def table(**columns) -> pd.DataFrame:
    days = [f"2013-06-{day:02d}" for day in range(1, 7) for _ in range(11)]
    values = [float(day * 10 + i) for day in range(1, 7) for i in range(11)]
    return pd.DataFrame({"day": days, "x": values} | columns)


def found(frame, where=(), reference=REFERENCE, current=CURRENT, day="day", **more):
    return drift_of(frame, "x", where, reference, current, day=day, **more)


def test_each_day_of_both_windows_has_its_median_and_band():
    drift = found(table())
    assert [d.day for d in drift.reference] == ["2013-06-01", "2013-06-02"]
    assert [d.day for d in drift.current] == ["2013-06-03", "2013-06-04"]
    first = drift.current[0]
    assert (first.rows, first.low, first.median, first.high) == (11, 31, 35, 39)
    assert (drift.column, drift.where) == ("x", "all rows")


def test_without_a_reference_window_only_the_alerts_own_is_told():
    drift = found(table(), reference=None)
    assert drift.reference == ()
    assert len(drift.current) == 2


def test_only_rows_of_the_slice_count_and_what_cannot_be_told_is_not_claimed():
    frame = table(region=["a", "b"] * 33)
    where = (Predicate(column="region", value="a"), Predicate(column="plane", value="x"))
    drift = found(frame, where, met=(Predicate(column="origin", value="EWR"),))
    assert drift.where == "origin = EWR and region = a"
    assert {day.rows for day in drift.current} == {5, 6}


def test_moments_become_days_in_the_offset_of_the_alert():
    moments = pd.to_datetime(["2013-06-04T03:59:59Z", "2013-06-04T04:00:00Z"], utc=True)
    frame = pd.DataFrame({"time": moments, "x": [1.0, 2.0]})
    days = {day.day: day.median for day in found(frame, day="time").current}
    assert days == {"2013-06-03": 1.0, "2013-06-04": 2.0}
    in_utc = found(frame, day="time", current=window("2013-06-03", "2013-06-05", UTC))
    assert [day.day for day in in_utc.current] == ["2013-06-04"]


@pytest.mark.parametrize(
    "days",
    [
        [date(2013, 6, 3)],
        [datetime(2013, 6, 3, 9, tzinfo=NEW_YORK)],
        pd.to_datetime(["2013-06-03 09:00"]),
        pd.Categorical(["2013-06-03"]),
    ],
)
def test_days_may_be_text_dates_or_local_moments(days):
    drift = found(pd.DataFrame({"day": days, "x": [1]}))
    assert [day.day for day in drift.current] == ["2013-06-03"]


@pytest.mark.parametrize(
    "values",
    [["a"] * 66, [True] * 66, [None] * 66, [np.nan] * 66, [np.inf] * 66, [-np.inf] * 66],
    ids=["text", "flags", "nothing", "nan", "inf", "minus inf"],
)
def test_a_column_without_numbers_has_no_drift(values):
    assert found(table(x=values)) is None


@pytest.mark.parametrize("values", [[1] * 66, [Decimal("1")] * 66, [1.0] * 66])
def test_whole_numbers_decimals_and_constants_have_one(values):
    day = found(table(x=values)).current[0]
    assert (day.low, day.median, day.high) == (1, 1, 1)


def test_missing_and_infinite_values_do_not_count():
    frame = table()
    frame.loc[22:25, "x"] = [np.nan, np.inf, -np.inf, np.nan]
    assert found(frame).current[0].rows == 7


def test_no_row_within_the_window_means_no_drift():
    assert found(table(), current=window("2014-01-01", "2014-01-05")) is None
    assert found(table(), (Predicate(column="x", op="gt", value=1e9),)) is None
    assert found(table().head(0)) is None
    assert found(table(day=["someday"] * 66)) is None
    assert found(table(day=[None] * 66)) is None


def test_of_a_long_window_the_last_days_are_told():
    days = [str(date(2013, 1, 1) + timedelta(i)) for i in range(300)]
    drift = found(
        pd.DataFrame({"day": days, "x": range(300)}), current=window("2013-01-01", "2014-01-01")
    )
    assert len(drift.current) == 300 - (365 - MOST_DAYS)
    assert drift.current[-1].day == days[-1]


def test_the_ends_of_floats_never_give_a_document_without_numbers():
    frame = pd.DataFrame({"day": ["2013-06-03"] * 2 + ["2013-06-04"], "x": [1.7e308, -1.7e308, 2]})
    assert all(np.isfinite([d.low, d.high]).all() for d in found(frame).current)


@given(st.permutations(range(66)), st.sets(st.integers(0, 65), max_size=60))
def test_neither_the_order_of_rows_nor_empty_ones_change_anything(order, dropped):
    kept = [i for i in range(66) if i not in dropped]
    frame = table()
    frame.loc[sorted(dropped), "x"] = np.nan
    calm = found(table().iloc[kept])
    assert found(frame.iloc[list(order)]) == calm
