"""The confidence sequence: it holds at every look, and reads what it is given as it should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.gate.canary import confidence_sequence

GAINS = st.lists(st.floats(-2, 2), min_size=1, max_size=40)
SCALES = st.floats(0.1, 10)


def ends(gains, *, scale=1.0, confidence=0.95):
    found = confidence_sequence(gains, scale=scale, confidence=confidence)
    return [(one.lower, one.upper) for one in found]


def by_the_book(gains, scale, alpha):
    """The formula of Waudby-Smith and Ramdas, written with arrays instead of sums carried on."""
    x = (np.clip(np.asarray(gains) / scale, -1, 1) + 1) / 2
    t = np.arange(1, len(x) + 1)
    mean = (0.5 + np.cumsum(x)) / (t + 1)
    variance = (0.25 + np.cumsum((x - mean) ** 2)) / (t + 1)
    mean, variance = np.r_[0.5, mean[:-1]], np.r_[0.25, variance[:-1]]
    bet = np.minimum(np.sqrt(2 * np.log(2 / alpha) / (variance * t * np.log(1 + t))), 0.5)
    spread = np.cumsum(4 * (x - mean) ** 2 * (-np.log(1 - bet) - bet) / 4)
    centre = np.cumsum(bet * x) / np.cumsum(bet)
    radius = (np.log(2 / alpha) + spread) / np.cumsum(bet)
    low, high = np.maximum(centre - radius, 0), np.minimum(centre + radius, 1)
    return list(zip(scale * (2 * low - 1), scale * (2 * high - 1), strict=True))


@given(GAINS, SCALES, st.sampled_from([0.6, 0.9, 0.95, 0.99]))
def test_it_is_the_formula_of_the_book(gains, scale, confidence):
    expected = by_the_book(gains, scale, 1 - confidence)
    assert np.allclose(ends(gains, scale=scale, confidence=confidence), expected)


def test_it_is_that_formula_for_so_many_days_that_the_largest_bet_is_too_large():
    gains = np.random.default_rng(2).choice([-1.0, 1.0], 400)
    assert np.allclose(ends(gains), by_the_book(gains, 1.0, 0.05))


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda chance: chance.choice([-1.0, 1.0], 28), 0.0),
        (lambda chance: chance.choice([-1.0, 0.25], 28, p=[0.2, 0.8]), 0.0),
        (lambda chance: chance.uniform(-0.2, 0.6, 28), 0.2),
        (lambda chance: chance.choice([1.0, -1.0], 28, p=[0.95, 0.05]), 0.9),
    ],
)
def test_over_all_days_together_it_seldom_misses_the_mean(draw, mean):
    chance = np.random.default_rng(11)
    missed = sum(
        any(not low <= mean <= high for low, high in ends(draw(chance))) for _ in range(300)
    )
    assert missed <= 0.05 * 300


def test_bounds_for_one_look_would_miss_far_more_often():
    chance, missed = np.random.default_rng(11), 0
    for _ in range(300):
        gains = chance.uniform(-1, 1, 28)
        t = np.arange(2, 29)
        means = np.cumsum(gains)[1:] / t
        errors = np.array([gains[:n].std(ddof=1) / math.sqrt(n) for n in t])
        missed += bool((np.abs(means) > 1.96 * errors).any())
    assert missed > 0.15 * 300


@given(GAINS, SCALES)
def test_the_other_way_round_the_bounds_change_their_sign(gains, scale):
    turned = [(-high, -low) for low, high in ends([-gain for gain in gains], scale=scale)]
    assert np.allclose(ends(gains, scale=scale), turned)


@given(GAINS, SCALES, st.floats(0.1, 10))
def test_another_unit_changes_nothing(gains, scale, factor):
    there = ends([factor * gain for gain in gains], scale=factor * scale)
    assert np.allclose(there, factor * np.array(ends(gains, scale=scale)))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=28), st.floats(1.1, 5))
def test_a_wider_scale_is_never_surer_of_gains_that_fit_in_both(gains, factor):
    (low, high), (wide_low, wide_high) = ends(gains)[-1], ends(gains, scale=factor)[-1]
    assert wide_high - wide_low >= (high - low) - 1e-9


@given(GAINS)
def test_a_gain_beyond_the_scale_counts_as_the_scale(gains):
    assert ends(gains) == ends([max(-1.0, min(1.0, gain)) for gain in gains])


@given(GAINS)
def test_what_comes_later_changes_no_earlier_bound(gains):
    assert ends(gains[:-1]) == ends(gains)[:-1]


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_days_matters_only_through_what_was_bet_on_each(gains, chance):
    mixed = list(gains)
    chance.shuffle(mixed)
    found, other = (confidence_sequence(g, scale=1, confidence=0.95)[-1] for g in (gains, mixed))
    assert math.isclose(found.gain, other.gain, abs_tol=1e-9)
    # As long as each bet is the largest one allowed, the centre is the plain mean in any order.
    low, high = (found.lower + found.upper) / 2, (other.lower + other.upper) / 2
    if max(map(abs, (found.lower, found.upper, other.lower, other.upper))) < 1 and len(gains) <= 6:
        assert math.isclose(low, high, abs_tol=1e-6)


@pytest.mark.parametrize("gain", [-1.0, -0.4, 0.0, 0.4, 1.0])
def test_days_that_are_all_alike_close_in_on_their_gain(gain):
    found = ends([gain] * 400)
    widths = [high - low for low, high in found]
    assert all(low <= gain + 1e-9 and gain - 1e-9 <= high for low, high in found)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.12


@pytest.mark.parametrize("gain", [math.nan, math.inf, -math.inf])
def test_a_missing_gain_is_refused(gain):
    with pytest.raises(ValueError, match="gain"):
        confidence_sequence([0.1, gain, 0.2], scale=1, confidence=0.95)


@pytest.mark.parametrize(("scale", "confidence"), [(0, 0.95), (math.nan, 0.95), (1, 1), (1, 0)])
def test_limits_that_make_no_sense_are_refused(scale, confidence):
    with pytest.raises(ValueError):
        confidence_sequence([0.1], scale=scale, confidence=confidence)


def test_no_day_no_bounds():
    assert confidence_sequence([], scale=1, confidence=0.95) == ()
