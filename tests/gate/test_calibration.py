"""Calibration as it is shown: bias and coverage by slice, reliability by bin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.gate.guardrails.calibration import bins_of, calibration_of, reliability_of
from tests.gate.guardrail_tables import make_paired, make_policy

POLICY = make_policy()


def everywhere(paired):
    return [("all rows", np.ones(len(paired.rows), dtype=bool))]


def test_bias_and_coverage_of_both_models_by_slice():
    label = np.zeros(600)
    late = np.arange(600) % 2 == 1
    paired = make_paired(label, 0.5, np.where(late, 3.0, -1.0), width=1)
    whole, half = calibration_of(paired, [*everywhere(paired), ("late", late)], POLICY)

    assert (whole.where, whole.rows, whole.days) == ("all rows", 600, 15)
    assert (whole.production.bias, whole.production.coverage) == (0.5, 1)
    assert (whole.candidate.bias, whole.candidate.coverage) == (1.0, 0.5)
    assert (half.where, half.rows) == ("late", 300)
    assert (half.candidate.bias, half.candidate.coverage) == (3.0, 0)


def test_the_bounds_of_coverage_hold_it_and_stay_shares():
    off = np.where(np.random.default_rng(1).uniform(size=600) < 0.98, 0.5, 2)
    paired = make_paired(np.zeros(600), 0, off, width=1)
    (found,) = calibration_of(paired, everywhere(paired), POLICY)
    of = found.candidate
    assert 0 <= of.coverage_lower < of.coverage < of.coverage_upper <= 1


def test_one_day_tells_nothing_of_how_sure_it_is():
    paired = make_paired([1.0, 2.0], 1, 1, days=1, width=1)
    (found,) = calibration_of(paired, everywhere(paired), POLICY)
    assert found.production.coverage == 1
    assert found.production.coverage_lower is None


def test_without_an_interval_or_rows_there_is_no_calibration():
    assert calibration_of(make_paired([1.0], 1, 1), [("all rows", np.array([True]))], POLICY) == ()
    paired = make_paired([1.0], 1, 1, width=1)
    assert calibration_of(paired, [("none", np.array([False]))], POLICY) == ()


def test_reliability_is_told_bin_by_bin():
    score = np.arange(1000) / 1000
    label = (np.arange(1000) % 10 == 0).astype(float)
    bins = reliability_of(make_paired(label, score, 1 - score), POLICY)
    production = [b for b in bins if b.model == "production"]
    assert len(production) == 10 and len(bins) == 20
    assert {b.rows for b in production} <= {99, 100, 101}
    assert [b.mean_score for b in production] == sorted(b.mean_score for b in production)
    assert all(b.mean_label == pytest.approx(0.1, abs=0.02) for b in production)


@pytest.mark.parametrize(
    ("label", "score"), [([], 0.5), ([0.5, 1.0], 0.5), ([0.0, 1.0], 1.5), ([0.0, 2.0], 0.5)]
)
def test_there_is_no_reliability_of_what_is_no_probability(label, score):
    assert reliability_of(make_paired(label, score, score), POLICY) == ()


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(2, 12))
def test_rows_of_one_score_share_a_bin_and_bins_are_in_order(scores, count):
    scores = np.array(scores, dtype=float)
    bins = bins_of(scores, count)
    assert set(bins) == set(range(len(set(bins)))) and len(set(bins)) <= count
    for one in range(len(scores)):
        for other in range(len(scores)):
            if scores[one] <= scores[other]:
                assert bins[one] <= bins[other]
            if scores[one] == scores[other]:
                assert bins[one] == bins[other]
