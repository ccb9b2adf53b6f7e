"""The mean gain and its bounds: worked by hand, by their symmetries, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.gate.block_jackknife import MeanGain, jackknife_error, mean_gain

T_95_2_DF = 2.919986
"""One-sided 95 % quantile of Student's t with 2 degrees of freedom, from a printed table."""
Z_80 = 0.841621


def gain_of(gains, day, confidence=0.95):
    """The mean gain when production's losses are `gains` and the candidate's are 0."""
    gains = np.asarray(gains, dtype=float)
    return mean_gain(gains, np.zeros(len(gains)), np.asarray(day), confidence=confidence)


def test_the_gain_of_unequal_days_is_the_ratio_worked_by_hand():
    # S = 2, 4, 3 and n = 2, 1, 3: gain 9/6. Leaving each day out: 7/4, 5/5, 6/3.
    found = gain_of([1, 1, 4, 0, 2, 1], ["a", "a", "b", "c", "c", "c"])
    mean = (7 / 4 + 1 + 2) / 3
    error = (2 / 3 * ((7 / 4 - mean) ** 2 + (1 - mean) ** 2 + (2 - mean) ** 2)) ** 0.5
    assert error == pytest.approx(0.600925, abs=1e-6)
    assert (found.rows, found.days, found.production, found.candidate) == (6, 3, 1.5, 0.0)
    assert found.gain == 1.5
    assert found.standard_error == pytest.approx(error)
    assert found.lower == pytest.approx(1.5 - T_95_2_DF * error)
    assert found.upper == pytest.approx(1.5 + T_95_2_DF * error)
    assert found.detectable == pytest.approx((T_95_2_DF + Z_80) * error)


def test_with_equal_days_the_error_is_that_of_the_mean_of_the_day_means():
    found = gain_of([0, 2, 1, 3, 5, 1], [1, 1, 2, 2, 3, 3])  # Day means 1, 2, 3: sd 1.
    assert found.standard_error == pytest.approx(1 / 3**0.5)


def test_more_confidence_widens_the_bounds():
    narrow, wide = (gain_of([1, 2, 3, 5], [1, 2, 3, 4], c) for c in (0.9, 0.99))
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


def test_a_gain_is_production_minus_candidate():
    found = mean_gain(np.full(4, 5.0), np.full(4, 2.0), np.array([1, 1, 2, 2]), confidence=0.95)
    assert found.gain == 3.0


def test_without_a_row_nothing_is_known():
    assert gain_of([], []) == MeanGain(rows=0, days=0)


def test_a_single_day_has_means_and_no_bounds():
    found = gain_of([1.0, 3.0], [1, 1])
    assert found == MeanGain(rows=2, days=1, production=2.0, candidate=0.0, gain=2.0)


def test_models_that_lose_alike_on_every_row_gain_exactly_nothing():
    losses = np.random.default_rng(0).random(50)
    found = mean_gain(losses, losses.copy(), np.arange(50) // 5, confidence=0.95)
    assert (found.gain, found.lower, found.upper, found.detectable) == (0.0, 0.0, 0.0, 0.0)


def test_the_noise_of_arithmetic_is_no_gain():
    losses = np.full(20, 0.3)
    candidate = np.full(20, 0.1 + 0.2)  # One bit above 0.3.
    found = mean_gain(candidate, losses, np.arange(20) // 2, confidence=0.95)
    assert candidate[0] > losses[0]
    assert (found.gain, found.lower) == (0.0, 0.0)


def test_the_same_gain_every_day_has_no_error():
    found = gain_of([2.0] * 6, [1, 1, 2, 2, 2, 3])
    assert found.lower == found.upper == found.gain == 2.0


def test_a_gain_on_one_day_alone_is_not_shown():
    found = gain_of([100] + [0] * 13, range(14))
    assert found.gain > 0 > found.lower


def test_the_jackknife_agrees_with_the_linearised_error_on_many_days():
    rng = np.random.default_rng(3)
    sizes = rng.integers(20, 40, 400)
    sums = sizes * rng.normal(1.0, 2.0, 400)
    residuals = sums - sums.sum() / sizes.sum() * sizes
    linearised = (400 / 399 * np.square(residuals).sum()) ** 0.5 / sizes.sum()
    assert jackknife_error(sums, sizes) == pytest.approx(linearised, rel=0.01)


ROWS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(0, 1e6, allow_subnormal=False),
        st.floats(0, 1e6, allow_subnormal=False),
    ),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({day for day, _, _ in rows}) >= 2)


def split(rows):
    day, production, candidate = zip(*rows, strict=True)
    return np.array(production), np.array(candidate), np.array(day)


def numbers(found):
    return (found.gain, found.lower, found.upper, found.detectable)


@given(ROWS)
def test_swapping_the_models_turns_the_gain_round(rows):
    production, candidate, day = split(rows)
    forth = mean_gain(production, candidate, day, confidence=0.95)
    back = mean_gain(candidate, production, day, confidence=0.95)
    assert (back.gain, back.lower, back.upper) == (-forth.gain, -forth.upper, -forth.lower)
    assert back.detectable == forth.detectable


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_days_change_nothing(rows, random):
    names = random.sample("uvwxyz", 6)
    moved = [(names[day], *losses) for day, *losses in random.sample(rows, len(rows))]
    before = mean_gain(*split(rows), confidence=0.95)
    after = mean_gain(*split(moved), confidence=0.95)
    assert numbers(after) == pytest.approx(numbers(before), rel=1e-6, abs=1e-6)


@given(ROWS, st.floats(-1e3, 1e3))
def test_a_constant_added_to_both_losses_changes_nothing(rows, constant):
    production, candidate, day = split(rows)
    before = mean_gain(production, candidate, day, confidence=0.95)
    after = mean_gain(production + constant, candidate + constant, day, confidence=0.95)
    assert numbers(after) == pytest.approx(numbers(before), rel=1e-6, abs=1e-6)


@given(ROWS)
def test_the_bounds_hold_the_gain_between_them(rows):
    found = mean_gain(*split(rows), confidence=0.95)
    assert found.lower <= found.gain <= found.upper
    assert found.detectable >= 0


def simulated_lower_bounds(runs, *, true_gain=0.0, day_sd=1.0, by_row=False):
    """Lower bounds from 14 days of 15 to 45 rows whose gains share the luck of their day."""
    rng = np.random.default_rng(20131101)
    bounds = []
    for _ in range(runs):
        day = np.repeat(np.arange(14), rng.integers(15, 46, 14))
        luck = rng.normal(0, day_sd, 14)[day]
        gains = true_gain + luck + rng.normal(0, 4, len(day))
        bounds.append(gain_of(gains, np.arange(len(day)) if by_row else day).lower)
    return np.array(bounds)


def test_an_equal_model_is_taken_for_a_better_one_as_often_as_promised():
    runs = 3000
    shown = (simulated_lower_bounds(runs) > 0).mean()
    three_sigma = 3 * (0.05 * 0.95 / runs) ** 0.5
    assert 0.05 - three_sigma < shown < 0.05 + three_sigma


def test_rows_taken_for_independent_would_break_that_promise():
    assert (simulated_lower_bounds(1000, by_row=True) > 0).mean() > 0.10


def test_a_gain_of_the_detectable_size_is_shown_four_times_in_five():
    runs = 3000
    rows = 14 * 30
    true_error = (1 / 14 + 16 / rows) ** 0.5  # Day and row variance; about 30 rows a day.
    t_13_df = 1.770933
    true_gain = (t_13_df + Z_80) * true_error
    shown = (simulated_lower_bounds(runs, true_gain=true_gain) > 0).mean()
    assert shown == pytest.approx(0.80, abs=0.03)
