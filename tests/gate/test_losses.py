"""The losses, row by row, against scikit-learn and against arithmetic by hand."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from retouch.gate.block_jackknife import mean_gain
from retouch.gate.losses import (
    LOSSES,
    auc_losses,
    log_loss,
    loss_of,
    rare_class,
)
from retouch.policy.promotion import LossName

CLASSES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 8).map(lambda n: n / 8)), min_size=4, max_size=60
).filter(lambda rows: {label for label, _ in rows} == {0, 1})


def columns(rows):
    labels, scores = zip(*rows, strict=True)
    return np.array(labels, dtype=float), np.array(scores, dtype=float)


def test_every_loss_the_policy_may_name_is_there_and_no_other():
    assert set(LOSSES) == set(get_args(LossName))


def test_absolute_error_is_in_the_unit_of_the_label(policy):
    loss = loss_of(policy(loss="absolute_error").limits)
    assert loss.per_row(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [2.0, 3.0]


def test_squared_error_weighs_the_large_misses(policy):
    loss = loss_of(policy(loss="squared_error").limits)
    assert loss.per_row(np.array([1.0, 5.0]), np.array([3.0, 2.0])).tolist() == [4.0, 9.0]


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_pinball_weighs_a_label_above_by_the_quantile(policy, quantile):
    loss = loss_of(policy(loss="pinball", quantile=quantile).limits)
    labels, scores = np.array([5.0, 1.0, 2.0]), np.array([3.0, 4.0, 2.0])
    found = loss.per_row(labels, scores)
    assert found == pytest.approx([2 * quantile, 3 * (1 - quantile), 0.0])
    expected = metrics.mean_pinball_loss(labels, scores, alpha=quantile)
    assert found.mean() == pytest.approx(expected)


@given(CLASSES)
def test_losses_of_probabilities_have_the_means_of_scikit_learn(rows):
    labels, scores = columns(rows)
    expected = metrics.log_loss(labels, scores, labels=[0, 1])
    assert log_loss(labels, scores).mean() == pytest.approx(expected)
    expected = metrics.brier_score_loss(labels, scores)
    assert LOSSES["brier"].per_row(labels, scores).mean() == pytest.approx(expected)


def test_a_certain_score_that_is_wrong_costs_much_and_not_infinity():
    wrong = log_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert wrong == pytest.approx([36.04, 36.04], abs=0.01)
    assert log_loss(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx([0, 0], abs=1e-15)


# --- the area under the curve --------------------------------------------------------------------


@given(CLASSES)
def test_the_mean_of_the_pseudo_losses_is_one_minus_the_area_under_the_curve(rows):
    labels, scores = columns(rows)
    expected = 1 - metrics.roc_auc_score(labels, scores)
    assert auc_losses(labels, scores).mean() == pytest.approx(expected, abs=1e-12)


def brute_components(labels, scores):
    """Compare every row of one class with every row of the other."""
    ones, zeros = scores[labels == 1], scores[labels == 0]
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    return wins.mean(axis=1), wins.mean(axis=0)


def delong(labels, old, new):
    """Variance of the difference of two areas: DeLong, DeLong and Clarke-Pearson (1988)."""
    ones, zeros = zip(*(brute_components(labels, s) for s in (old, new)), strict=True)
    return sum(np.cov(of).dot([1, -1]).dot([1, -1]) / len(of[0]) for of in (ones, zeros))


@pytest.mark.parametrize("digits", [1, 6])
def test_with_a_row_a_block_the_error_is_that_of_delong(digits):
    rng = np.random.default_rng(3)
    labels = (rng.random(400) < 0.3).astype(float)
    old = np.round(labels + rng.normal(0, 1.5, 400), digits)  # One digit: many ties.
    new = np.round(labels + rng.normal(0, 1.2, 400), digits)
    found = mean_gain(
        auc_losses(labels, old), auc_losses(labels, new), np.arange(400), confidence=0.95
    )
    expected = metrics.roc_auc_score(labels, new) - metrics.roc_auc_score(labels, old)
    assert found.gain == pytest.approx(expected)
    assert found.standard_error == pytest.approx(delong(labels, old, new) ** 0.5, rel=0.01)


def test_a_day_of_copies_tells_no_more_than_one_of_its_rows():
    rng = np.random.default_rng(4)
    labels = (rng.random(60) < 0.4).astype(float)
    old, new = labels + rng.normal(0, 1, 60), labels + rng.normal(0, 1, 60)
    once, often = (
        mean_gain(
            auc_losses(np.repeat(labels, n), np.repeat(old, n)),
            auc_losses(np.repeat(labels, n), np.repeat(new, n)),
            np.repeat(np.arange(60), n),
            confidence=0.95,
        )
        for n in (1, 5)
    )
    assert often.gain == pytest.approx(once.gain)
    assert often.standard_error == pytest.approx(once.standard_error)


def test_one_class_has_no_area():
    assert np.isnan(auc_losses(np.ones(5), np.arange(5.0))).all()
    assert rare_class(np.ones(50)).label == 0
    assert rare_class(np.zeros(50)).label == 1
    assert rare_class(np.repeat([0.0, 1.0], 10)) is None
    assert rare_class(np.repeat([0.0, 1.0], [10, 9])).rows == 9
