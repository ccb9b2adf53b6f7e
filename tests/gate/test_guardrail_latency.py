"""Latency: ratios of times taken in turn, and how sure they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.gate.comparison import Measured, PairedTimes
from tests.gate.guardrail_tables import ask, make_paired

LIMIT = {"kind": "latency", "cmd": "time {production} {candidate} {out}"}
ROWS = make_paired(range(300), 1, 2)


def answer(turns, **limit):
    return ask(ROWS, LIMIT | limit, Measured(latency={"No. 0": turns} if turns else {}))


def times(factor=1.0, *, turns=30, noise=0.05, seed=1):
    rng = np.random.default_rng(seed)
    production = 0.03 * rng.lognormal(0, noise, turns)
    candidate = 0.03 * factor * rng.lognormal(0, noise, turns)
    return PairedTimes(1000, tuple(production), tuple(candidate))


def test_a_candidate_twice_as_slow_breaks_its_limit():
    found = answer(times(2), p50_at_most=1.5)
    assert found.result == "fail"
    assert found.compared == pytest.approx(2, rel=0.1)
    assert found.limit < found.lower < found.compared < found.upper
    assert found.candidate == pytest.approx(0.06, rel=0.1)
    assert found.evidence[0]["candidate"] >= found.evidence[1]["candidate"]


def test_a_candidate_as_quick_is_within_it():
    assert answer(times(1), p50_at_most=1.2, p95_at_most=1.3).result == "pass"


def test_slow_turns_now_and_then_are_seen_by_the_95th_percentile_only():
    turns = times(1, turns=60)
    slow = tuple(t * (4 if n % 8 == 0 else 1) for n, t in enumerate(turns.candidate))
    turns = PairedTimes(1000, turns.production, slow)
    assert answer(turns, p50_at_most=1.2).result == "pass"
    found = answer(turns, p50_at_most=1.2, p95_at_most=1.5)
    assert (found.result, found.limit) == ("fail", 1.5)
    assert "p95" in found.measure


def test_what_a_noisy_machine_may_have_made_is_no_pass_and_no_failure():
    found = answer(times(1.1, noise=0.6, turns=12), p50_at_most=1.05, p95_at_most=1.05)
    assert found.result == "not_enough_data"
    assert found.lower <= found.limit < found.compared


def test_times_are_told_for_a_thousand_rows():
    turns = PairedTimes(200, (0.01,) * 10, (0.02,) * 10)
    found = answer(turns, p50_at_most=5)
    assert (found.production, found.candidate, found.compared) == pytest.approx((0.05, 0.1, 2))
    assert (found.lower, found.upper) == pytest.approx((2, 2))


BAD = {
    "none": (None, "was not measured"),
    "few": (times(turns=9), "9 pairs of times, where 10 are needed"),
    "no turns": (PairedTimes(1000, (), ()), "0 pairs of times"),
    "no pairs": (PairedTimes(1000, (1.0,) * 10, (1.0,) * 11), "not pairs"),
    "no rows": (PairedTimes(0, (1.0,) * 10, (1.0,) * 10), "not pairs"),
    "zero": (PairedTimes(1000, (1.0,) * 10, (1.0,) * 9 + (0.0,)), "not seconds above 0"),
    "negative": (PairedTimes(1000, (1.0,) * 9 + (-1.0,), (1.0,) * 10), "not seconds above 0"),
    "nan": (PairedTimes(1000, (1.0,) * 10, (float("nan"),) * 10), "not seconds above 0"),
    "infinite": (PairedTimes(1000, (1.0,) * 10, (float("inf"),) * 10), "not seconds above 0"),
    "too far apart": (PairedTimes(1000, (1e-300,) * 10, (1e300,) * 10), "too far apart"),
}


@pytest.mark.parametrize("name", BAD)
def test_times_that_cannot_be_compared_are_not_passed(name):
    turns, message = BAD[name]
    found = answer(turns, p50_at_most=1e9)
    assert found.result == "not_enough_data"
    assert message in found.message


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.floats(1e-4, 1e3), min_size=10, max_size=40),
    st.floats(0.1, 10),
    st.floats(0.01, 100),
)
def test_the_answer_is_repeatable_and_asks_for_no_unit(production, factor, unit):
    candidate = [t * factor for t in production]
    one = answer(PairedTimes(1000, tuple(production), tuple(candidate)), p50_at_most=2)
    two = answer(
        PairedTimes(1000, tuple(t * unit for t in production), tuple(t * unit for t in candidate)),
        p50_at_most=2,
    )
    again = answer(PairedTimes(1000, tuple(production), tuple(candidate)), p50_at_most=2)
    assert one == again
    assert one.compared == pytest.approx(factor)
    assert (two.compared, two.lower) == pytest.approx((one.compared, one.lower))


def test_the_bounds_hold_the_true_ratio_about_as_often_as_they_say():
    ratios = [answer(times(1.2, seed=s), p50_at_most=9) for s in range(100)]
    misses = sum(found.lower > 1.2 for found in ratios)
    assert misses <= 12  # 5 expected at 95 %, and a little for so few turns
