"""What past runs spent, and which days have judged how many candidates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.execution.history import Judged, judged_on, spent_since
from retouch.execution.model import Attempt, Receipt, Run

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAYS = date(2026, 2, 15), date(2026, 3, 1)


def run(ago, cpu=10.0, judging=0.0, alerts=("a",)):
    ran = Receipt(stage="fit", outcome="ran", because="its command was run", cpu_seconds=cpu)
    attempt = Attempt(
        tier="refit",
        edits=(),
        receipts=(ran, ran),
        wall_seconds=1,
        judging_cpu_seconds=judging,
        kept=False,
    )
    return Run(
        plan_key="k",
        alert_ids=alerts,
        runner="r",
        jobs=1,
        base_commit="c",
        started_at=NOW - ago,
        finished_at=NOW,
        attempts=(attempt, attempt),
    )


def test_every_attempt_of_the_runs_since_then_counts_with_its_scoring():
    runs = [run(timedelta(hours=24), judging=3.0), run(timedelta(hours=25)), run(timedelta(0))]

    assert spent_since(runs, NOW - timedelta(days=1)) == pytest.approx(46.0 + 40.0)


def test_a_build_answers_no_alert_and_counts_for_nothing():
    assert spent_since([run(timedelta(0), alerts=())], NOW - timedelta(days=1)) == 0
    assert spent_since([], NOW) == 0


def moved(days):
    return tuple(day + timedelta(days=days) for day in DAYS)


@pytest.mark.parametrize(
    ("judged", "count"),
    [
        ([], 0),
        ([DAYS, DAYS, DAYS], 3),
        ([moved(6)], 1),  # shares eight of the fourteen days
        ([moved(7)], 0),  # half of them: as many are new
        ([moved(-6), moved(-14), moved(365)], 1),
        ([(date(2025, 1, 1), date(2027, 1, 1))], 1),  # a longer one that holds them all
    ],
)
def test_a_hold_out_that_shares_most_of_the_days_is_the_same_one(judged, count):
    assert judged_on([Judged(start=start, end=end) for start, end in judged], DAYS) == count


def test_another_slice_is_another_question():
    of_all, of_eu = (
        Judged(start=DAYS[0], end=DAYS[1], wheres=wheres) for wheres in (((),), (("a = 1",), ()))
    )
    assert judged_on([of_all, of_eu], DAYS, [("a = 1",)]) == 1
    assert judged_on([of_all, of_eu], DAYS, [()]) == 2
    assert judged_on([of_all, of_eu], DAYS, [("a = 2",)]) == 0
    assert judged_on([of_all, of_eu], DAYS) == 2


@given(st.integers(-40, 40), st.integers(1, 40))
def test_hold_outs_of_the_same_length_agree_on_who_is_the_same(offset, length):
    here = DAYS[0], DAYS[0] + timedelta(days=length)
    there = tuple(day + timedelta(days=offset) for day in here)

    one, other = (Judged(start=start, end=end) for start, end in (here, there))
    assert judged_on([other], here) == judged_on([one], there)
    assert judged_on([one], here) == 1
