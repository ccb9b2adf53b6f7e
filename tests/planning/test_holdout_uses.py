"""How often a hold-out was used, and for which slices."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.planning.holdout_uses import JudgedCandidate, candidates_judged

DAYS = date(2026, 2, 15), date(2026, 3, 1)


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
    assert (
        candidates_judged([JudgedCandidate(start=start, end=end) for start, end in judged], DAYS)
        == count
    )


def test_another_slice_is_another_question():
    of_all, of_eu = (
        JudgedCandidate(start=DAYS[0], end=DAYS[1], wheres=wheres)
        for wheres in (((),), (("a = 1",), ()))
    )
    assert candidates_judged([of_all, of_eu], DAYS, [("a = 1",)]) == 1
    assert candidates_judged([of_all, of_eu], DAYS, [()]) == 2
    assert candidates_judged([of_all, of_eu], DAYS, [("a = 2",)]) == 0
    assert candidates_judged([of_all, of_eu], DAYS) == 2


@given(st.integers(-40, 40), st.integers(1, 40))
def test_hold_outs_of_the_same_length_agree_on_who_is_the_same(offset, length):
    here = DAYS[0], DAYS[0] + timedelta(days=length)
    there = tuple(day + timedelta(days=offset) for day in here)

    one, other = (JudgedCandidate(start=start, end=end) for start, end in (here, there))
    assert candidates_judged([other], here) == candidates_judged([one], there)
    assert candidates_judged([one], here) == 1
