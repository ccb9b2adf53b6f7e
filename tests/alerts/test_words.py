"""An alert in the words of a report."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retouch.alerts.model import Window
from retouch.alerts.new import new_alert
from retouch.alerts.words import AlertSummary, summarise

NOW = datetime(2013, 7, 1, 6, tzinfo=UTC)


def summary(**said):
    words = {"kind": "concept_drift", "model": "block-time", "monitor": "m", "dataset": "flights"}
    return summarise(new_alert(words | said, now=NOW, randomness=bytes(10)))


def test_a_whole_alert_is_put_into_words():
    finding = {
        "metric": "mae",
        "column": "air_time",
        "value": 27.3,
        "upper": 12.0,
        "breach_when": "gt",
    }

    assert summary(
        severity="critical",
        columns=["air_time"],
        where={"region": "central"},
        window=["2013-06-16", "2013-07-01"],
        confidence={"score": 0.999, "basis": "p_value", "n": 15},
        findings=[finding, finding | {"verdict": "ok"}],
        message="The error of the centre doubled.",
        hypothesis="The jet stream moved.",
        model_version="v1.2.0",
    ) == AlertSummary(
        alert_id="017YCD1YR00000000000000000",
        kind="concept_drift",
        family="performance",
        severity="critical",
        monitor="m",
        dataset="flights",
        columns=("air_time",),
        where=("region = central",),
        window="2013-06-16 to 2013-07-01",
        emitted_at=NOW,
        confidence="0.999 by p-value, n = 15",
        findings=("mae of air_time 27.3 > 12",),
        message="The error of the centre doubled.",
        hypothesis="The jet stream moved.",
        model_version="v1.2.0",
    )


def test_what_is_not_said_is_not_made_up():
    words = summary()

    assert (words.window, words.confidence, words.findings) == (None, "not stated", ())


@pytest.mark.parametrize(
    ("predicate", "words"),
    [
        ({"op": "eq", "value": "EWR"}, "x = EWR"),
        ({"op": "ne", "value": True}, "x ≠ true"),
        ({"op": "ge", "value": 3.5}, "x ≥ 3.5"),
        ({"op": "in", "value": ["EWR", "JFK"]}, "x in EWR, JFK"),
    ],
)
def test_a_predicate_reads_as_a_condition(predicate, words):
    assert summary(where=[{"column": "x"} | predicate]).where == (words,)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ({}, "psi"),
        ({"value": 0.123456}, "psi 0.1235"),
        ({"value": 1234567.0}, "psi 1234567"),
        ({"value": 0.3, "upper": 0.2}, "psi 0.3, limit 0.2"),
        ({"value": 0.3, "lower": 0, "upper": 0.2}, "psi 0.3 outside 0 to 0.2"),
        ({"value": 0.3, "lower": 0.5, "upper": 1, "breach_when": "lt"}, "psi 0.3 < 0.5"),
        (
            {"value": 0.3, "upper": 0.2, "breach_when": "ge", "p_value": 0.001},
            "psi 0.3 ≥ 0.2 (p = 0.001)",
        ),
    ],
)
def test_a_finding_reads_as_a_broken_limit(finding, words):
    assert summary(findings=[{"metric": "psi"} | finding]).findings == (words,)


def test_a_window_is_told_in_the_offset_it_was_written_in():
    window = {"start": "2013-06-16T00:00:00-04:00", "end": "2013-06-30T18:30:00-04:00"}

    assert summary(window=window).window == "2013-06-16 to 2013-06-30 18:30"


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2013-06-16T00:00:00-04:00", "2013-07-01T00:00:00-04:00", ["2013-06-16", "2013-07-01"]),
        ("2013-06-16T21:00:00-04:00", "2013-06-30T18:30:00-04:00", ["2013-06-16", "2013-07-01"]),
        ("2013-06-30T23:00:00Z", "2013-06-30T23:59:59Z", ["2013-06-30", "2013-07-01"]),
    ],
)
def test_the_days_of_a_window_hold_all_of_it_and_no_more(start, end, days):
    window = Window.model_validate({"start": start, "end": end})

    assert [day.isoformat() for day in window.days] == days


ZONES = ("America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


@given(st.dates(date(2012, 2, 1), date(2028, 3, 31)), st.integers(1, 40), st.sampled_from(ZONES))
@example(date(2024, 2, 29), 1, "UTC")
@example(date(2013, 3, 10), 1, "America/New_York")
@example(date(2013, 11, 3), 1, "America/New_York")
def test_a_window_of_whole_local_days_is_these_days(first, days, zone):
    """Leap days count, and days of 23 and 25 hours: each end is read in its own UTC offset."""
    after = first + timedelta(days=days)
    start, end = (
        datetime.combine(day, time(), ZoneInfo(zone)).isoformat() for day in (first, after)
    )

    assert Window(start=start, end=end).days == (first, after)
