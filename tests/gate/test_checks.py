"""An estimate compared with its limit, and its message."""

from __future__ import annotations

import numpy as np
import pytest

from retouch.gate.block_jackknife import MeanGain, mean_gain
from retouch.gate.checks import result_of
from retouch.gate.hypotheses import Hypothesis
from retouch.gate.messages import check_message, rounded


def estimate(gain, half_width=0.1, detectable=0.15, *, rows=500, days=14, production=20.0):
    return MeanGain(
        rows=rows,
        days=days,
        production=production,
        candidate=production - gain,
        gain=gain,
        standard_error=half_width / 1.771,
        lower=gain - half_width,
        upper=gain + half_width,
        detectable=detectable,
    )


@pytest.mark.parametrize(
    ("gain", "half_width", "detectable", "not_worse", "improve"),
    [
        pytest.param(0.5, 0.1, 0.2, "pass", "pass", id="better"),
        pytest.param(0.0, 0.1, 0.2, "pass", "fail", id="as good, and a gain would have shown"),
        pytest.param(0.0, 0.2, 0.4, "pass", "not_enough_data", id="as good, as far as we can see"),
        pytest.param(-0.2, 0.2, 0.25, "fail", "fail", id="may be worse, and would have shown"),
        pytest.param(-0.2, 0.2, 0.4, "not_enough_data", "not_enough_data", id="hard to tell"),
        pytest.param(-0.2, 0.1, 0.4, "not_enough_data", "fail", id="worse, by how much?"),
        pytest.param(-0.5, 0.1, 0.2, "fail", "fail", id="worse"),
        pytest.param(-0.9, 0.5, 0.9, "fail", "fail", id="worse beyond doubt though data is short"),
        pytest.param(0.1, 0.1, 0.2, "pass", "fail", id="the bound is 0: not above it"),
        pytest.param(-0.2, 0.1, 0.3, "fail", "fail", id="the bound is the margin: not above it"),
        pytest.param(0.0, 0.0, 0.0, "pass", "fail", id="the same model"),
    ],
)
def test_the_result_follows_from_bounds_and_limit(gain, half_width, detectable, not_worse, improve):
    found = estimate(gain, half_width, detectable)
    margin = 0.3
    if found.lower == pytest.approx(-margin):  # -0.2 - 0.1 is not -0.3 in floats.
        margin = -found.lower
    assert result_of(found, -margin, margin) == not_worse
    assert result_of(found, 0.0, margin) == improve


@pytest.mark.parametrize("found", [MeanGain(rows=0, days=0), MeanGain(500, 1, 9.0, 1.0, 8.0)])
@pytest.mark.parametrize("limit", [0.0, -0.3])
def test_a_missing_bound_is_never_a_pass(found, limit):
    assert result_of(found, limit, 0.3) == "not_enough_data"


def share_passed(*, true_gain, margin, runs=2000):
    """How often a candidate passes as not worse on 14 days of 30 rows with luck of their own."""
    rng = np.random.default_rng(20131101)
    day = np.repeat(np.arange(14), 30)
    passed = 0
    for _ in range(runs):
        gains = true_gain + rng.normal(0, 1, 14)[day] + rng.normal(0, 4, len(day))
        found = mean_gain(gains, np.zeros(len(day)), day, confidence=0.95)
        passed += result_of(found, -margin, margin) == "pass"
    return passed / runs


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_harm_of_the_margin_passes_as_seldom_as_promised(margin):
    three_sigma = 3 * (0.05 * 0.95 / 2000) ** 0.5
    assert share_passed(true_gain=-margin, margin=margin) <= 0.05 + three_sigma


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_harm_of_twice_the_margin_is_blocked_more_than_19_times_in_20(margin):
    assert share_passed(true_gain=-2 * margin, margin=margin) < 0.05


def hypothesis(asks, note=""):
    return Hypothesis(
        "alerted slice", "region = central", rows=None, criterion=asks, margin=0.3, note=note
    )


@pytest.mark.parametrize(
    ("criterion", "found", "result", "message"),
    [
        (
            "improve",
            estimate(16.394, 3.194, production=27.314),
            "pass",
            "Mean absolute error on region = central falls from 27.31 to 10.92 minutes"
            " (gain 16.39, at least 13.20 with 95 % confidence).",
        ),
        (
            "improve",
            estimate(-2.0, 0.5),
            "fail",
            "Mean absolute error on region = central rises from 20.00 to 22.00 minutes"
            " (gain -2.00, at most -1.50 with 95 % confidence): it is worse.",
        ),
        (
            "improve",
            estimate(0.05),
            "fail",
            "Mean absolute error on region = central falls from 20.00 to 19.95 minutes"
            " (gain 0.05, at least -0.05 with 95 % confidence): superiority is not shown.",
        ),
        (
            "improve",
            estimate(0.05, 0.5, 0.7),
            "not_enough_data",
            "Mean absolute error on region = central falls from 20.00 to 19.95 minutes"
            " (gain 0.05, at least -0.45 with 95 % confidence): not enough data, since 14 days"
            " cannot reliably detect a difference below 0.70.",
        ),
        (
            "not_worse",
            estimate(-0.001),
            "pass",
            "Mean absolute error on region = central stays at 20.00 minutes"
            " (gain 0.00, at least -0.10 with 95 % confidence; the limit is -0.30).",
        ),
        (
            "not_worse",
            estimate(-0.5),
            "fail",
            "Mean absolute error on region = central rises from 20.00 to 20.50 minutes"
            " (gain -0.50, at most -0.40 with 95 % confidence; the limit is -0.30):"
            " worse than the margin allows.",
        ),
        (
            "not_worse",
            estimate(-0.25),
            "fail",
            "Mean absolute error on region = central rises from 20.00 to 20.25 minutes"
            " (gain -0.25, at least -0.35 with 95 % confidence; the limit is -0.30):"
            " non-inferiority is not shown.",
        ),
        (
            "not_worse",
            estimate(0.0, rows=99, days=1),
            "not_enough_data",
            "Not enough data on region = central: 99 rows on 1 day, where 100 rows on 10 days"
            " are needed.",
        ),
    ],
)
def test_a_result_reads_as_one_sentence_with_its_numbers(policy, criterion, found, result, message):
    assert check_message(hypothesis(criterion), found, result, policy().limits) == message


def test_a_note_ends_the_sentence(policy):
    message = check_message(
        hypothesis("improve", "so it goes"), estimate(1.0), "pass", policy().limits
    )
    assert message.endswith("with 95 % confidence); so it goes.")


def test_the_confidence_of_the_policy_is_named(policy):
    message = check_message(
        hypothesis("improve"), estimate(1.0), "pass", policy(confidence=0.975).limits
    )
    assert "with 97.5 % confidence" in message


@pytest.mark.parametrize(
    ("margins", "text"),
    [((0.3, 1.0), "12.35"), ((2, 1), "12.3"), ((0.02, 0.005), "12.3457"), ((30, 60), "12")],
)
def test_numbers_show_the_smaller_margin_to_two_digits(policy, margins, text):
    limits = policy(overall_margin=margins[0], slice_margin=margins[1]).limits
    assert rounded(12.34567, limits) == text


def test_a_zero_has_no_sign_and_an_unknown_is_called_so(policy):
    assert rounded(-0.0001, policy().limits) == "0.00"
    assert rounded(None, policy().limits) == "unknown"
