"""Fairness: the gap of a metric between groups, and how it grows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.policy.metrics import METRICS, OF_DECISIONS, OF_TWO_LABELS
from tests.gate.guardrail_tables import ask, make_paired

ROWS = 3000
CARRIERS = np.array(["AA", "B6", "UA"])[np.random.default_rng(3).integers(0, 3, ROWS)]
MAE = {"kind": "fairness", "by": "carrier", "metric": "mean_absolute_error"}


def flights(*, worse_by=0.0, carrier="UA", carriers=CARRIERS, **how):
    """Make rows where the candidate's error is larger for one carrier."""
    rng = np.random.default_rng(1)
    label = rng.normal(100, 10, ROWS)
    production = label + rng.choice([-1, 1], ROWS) * rng.gamma(4, 1, ROWS)
    off = np.sign(production - label)
    candidate = production + np.where(carriers == carrier, worse_by, 0.0) * off
    return make_paired(label, production, candidate, slices={"carrier": carriers}, **how)


def test_a_subgroup_that_is_harmed_breaks_the_limit_though_all_rows_together_hardly_do():
    found = ask(flights(worse_by=3), MAE | {"gap_at_most": 2, "gap_grows_at_most": 1})

    assert found.result == "fail"
    assert found.candidate == pytest.approx(3, abs=0.3)
    assert found.lower > found.limit == 2
    assert found.evidence[0]["group"] == "UA"
    assert found.measure == "largest gap of mean absolute error by carrier, minutes"
    assert "at most 2 is allowed" in found.message and "(UA)" in found.message


def test_a_gap_that_was_there_before_breaks_no_limit_of_growth():
    paired = flights(worse_by=3)
    paired.rows["production_score"] = paired.rows["candidate_score"]
    grown = ask(paired, MAE | {"gap_grows_at_most": 0})

    assert (grown.result, grown.compared) == ("pass", 0)
    assert ask(paired, MAE | {"gap_at_most": 2}).result == "fail"


def test_the_limit_that_fails_is_the_one_reported():
    found = ask(flights(worse_by=3), MAE | {"gap_at_most": 100, "gap_grows_at_most": 1})
    assert (found.result, found.limit) == ("fail", 1)
    assert "at most 100 is allowed" in found.message


def test_a_gap_beyond_its_limit_by_what_may_be_noise_is_no_pass_and_no_failure():
    gap = ask(flights(worse_by=0.5), MAE | {"gap_at_most": 100}).candidate
    found = ask(flights(worse_by=0.5), MAE | {"gap_at_most": gap - 0.01})

    assert found.result == "not_enough_data"
    assert found.lower < found.limit < found.compared
    assert "not significantly above the limit" in found.message


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(60)))
def test_the_order_of_rows_is_of_no_account(order):
    rng = np.random.default_rng(5)
    label, off = rng.normal(0, 1, 60), rng.normal(0, 1, 60)
    group = np.array(["a", "b"])[np.arange(60) % 2]
    limit = {"kind": "fairness", "by": "g", "metric": "bias", "gap_at_most": 0.1}
    paired = make_paired(label, label + off, label - off, slices={"g": group}, days=6)
    before = ask(paired, limit, min_rows=10, min_days=3)
    mixed = type(paired)(
        paired.rows.iloc[order].reset_index(drop=True),
        paired.slices.iloc[order].reset_index(drop=True),
    )
    after = ask(mixed, limit, min_rows=10, min_days=3)
    assert (after.result, after.message) == (before.result, before.message)
    assert after.candidate == pytest.approx(before.candidate)
    assert after.lower == pytest.approx(before.lower)


def test_small_groups_are_named_and_not_judged():
    carriers = CARRIERS.astype(object).copy()
    carriers[:3] = "HA"
    found = ask(flights(worse_by=90, carrier="HA", carriers=carriers), MAE | {"gap_at_most": 2})
    assert found.result == "pass"
    assert "left out: HA (3 rows on 3 days)" in found.message


def test_rows_without_a_group_are_a_group():
    carriers = CARRIERS.astype(object).copy()
    carriers[carriers == "UA"] = None
    found = ask(flights(carriers=carriers), MAE | {"gap_at_most": 5})
    assert "(missing)" in {piece["group"] for piece in found.evidence}


@pytest.mark.parametrize(
    ("paired", "message"),
    [
        (
            make_paired(range(300), 1, 2, slices={"origin": ["EWR"] * 300}),
            "has no column 'carrier'",
        ),
        (make_paired(range(300), 1, 2, slices={"carrier": ["AA"] * 300}), "Fewer than two groups"),
        (make_paired([1], 1, 2, slices={"carrier": ["AA"]}), "AA (1 row on 1 day)"),
        (make_paired([], 1, 2, slices={"carrier": []}), "left out: none"),
        (flights(days=1), "on 1 day"),
    ],
    ids=["no column", "one group", "one row", "no row", "one day"],
)
def test_what_cannot_be_compared_is_not_passed(paired, message):
    found = ask(paired, MAE | {"gap_at_most": 1000})
    assert found.result == "not_enough_data"
    assert message in found.message
    assert found.blocks


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_every_metric_finds_no_growth_between_equal_models(metric):
    """Each on labels and scores it is meant for; the answer of one group is its own function's."""
    rng = np.random.default_rng(2)
    chance = rng.uniform(0.05, 0.95, ROWS)
    label = (rng.uniform(size=ROWS) < chance).astype(float)
    threshold = {"threshold": 0.5} if metric in OF_DECISIONS else {}
    if metric not in OF_TWO_LABELS:
        label = label + 1.5
    paired = make_paired(label, chance, chance, slices={"carrier": CARRIERS}, width=1.4)
    limit = {"kind": "fairness", "by": "carrier", "metric": metric, "gap_grows_at_most": 0}
    found = ask(paired, limit | threshold)
    assert (found.result, found.compared) == ("pass", 0), found.message
    assert found.candidate > 0


def test_interval_coverage_is_the_share_of_labels_within():
    label = np.zeros(ROWS)
    off = np.where((CARRIERS == "UA") & (np.arange(ROWS) % 4 == 0), 2.0, 0.5)
    paired = make_paired(label, 0.5, off, slices={"carrier": CARRIERS}, width=1)
    coverage = MAE | {"metric": "interval_coverage", "gap_at_most": 0.1}
    found = ask(paired, coverage)
    assert found.result == "fail"
    assert found.production == 0
    assert found.candidate == pytest.approx(0.25, abs=0.03)
    without = make_paired(label, 0.5, off, slices={"carrier": CARRIERS})
    assert "no interval" in ask(without, coverage).message


@pytest.mark.parametrize(
    ("metric", "label", "score", "message"),
    [
        ("selection_rate", 1.0, 0.7, "give the guardrail a 'threshold'"),
        ("roc_auc_score", 0.5, 0.7, "needs labels 0 and 1"),
        ("log_loss", 1.0, 7.0, "needs scores from 0 to 1"),
        ("true_positive_rate", 0.0, 1.0, "AA (one label only)"),
        ("mean_squared_log_error", 1.0, -3.0, "is undefined"),
    ],
)
def test_a_metric_that_is_not_defined_for_these_rows_is_not_passed(metric, label, score, message):
    paired = make_paired(np.full(ROWS, label), score, score, slices={"carrier": CARRIERS})
    found = ask(paired, MAE | {"metric": metric, "gap_at_most": 1})
    assert found.result == "not_enough_data"
    assert message in found.message


def test_a_group_where_a_metric_would_be_nought_by_convention_is_not_judged():
    """No row of UA is ever decided 1: its precision is undefined, not 0."""
    label = (np.arange(ROWS) % 2).astype(float)
    score = np.where(CARRIERS == "UA", 0.0, 1.0)
    paired = make_paired(label, score, score, slices={"carrier": CARRIERS})
    limit = MAE | {"metric": "precision_score", "threshold": 0.5, "gap_at_most": 0.9}
    found = ask(paired, limit)
    assert found.result == "not_enough_data"
    assert "is undefined" in found.message


@pytest.mark.parametrize(
    "metric", ["r2_score", "explained_variance_score", "d2_absolute_error_score"]
)
def test_a_group_whose_labels_are_all_alike_has_no_share_of_their_spread(metric):
    paired = flights()
    paired.rows.loc[CARRIERS == "UA", "label"] = 100.0
    found = ask(paired, MAE | {"metric": metric, "gap_at_most": 5})
    assert found.result == "pass"
    assert "left out: UA (one label only)" in found.message

    paired.rows["label"] = 100.0
    assert ask(paired, MAE | {"metric": metric, "gap_at_most": 5}).result == "not_enough_data"


def test_the_bounds_are_wider_where_days_differ():
    """A carrier's bad days: the same rows, once spread over days and once on a few of them."""
    rng = np.random.default_rng(7)
    bad = rng.uniform(size=ROWS) < 0.2
    spread = make_paired(np.zeros(ROWS), 1, 1 + 5.0 * bad, slices={"carrier": CARRIERS})
    few = np.arange(ROWS) % 15 < 3
    clustered = make_paired(np.zeros(ROWS), 1, 1 + 5.0 * few, slices={"carrier": CARRIERS})
    clustered.rows.loc[CARRIERS != "UA", "candidate_score"] = 1.0
    spread.rows.loc[CARRIERS != "UA", "candidate_score"] = 1.0
    limit = MAE | {"gap_at_most": 100}
    wide, narrow = ask(clustered, limit), ask(spread, limit)
    assert wide.upper - wide.lower > 3 * (narrow.upper - narrow.lower)
