"""Calibration as a guardrail: an interval's coverage, or the reliability of probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gate.guardrail_tables import ask, make_paired

ROWS = 3000
ORIGINS = np.array(["EWR", "JFK", "LGA"])[np.arange(ROWS) // 15 % 3]
COVERAGE = {"kind": "calibration", "coverage": 0.9}
RELIABILITY = {"kind": "calibration", "reliability_error_at_most": 0.04}


def covered(production, candidate, *, only=None):
    """Make rows where the intervals hold these shares of the labels; `only`: of one origin."""
    place = np.random.default_rng(1).permutation(ROWS) / ROWS
    off = [np.where(place < share, 0.5, 2.0) for share in (production, candidate)]
    if only is not None:
        off[1] = np.where(only == ORIGINS, off[1], off[0])
    return make_paired(np.zeros(ROWS), *off, slices={"origin": ORIGINS}, width=1)


def odds(shift, *, rows=ROWS, seed=1):
    """Make probabilities; the candidate's are too high by `shift`."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.1, 0.6, rows)
    label = (rng.uniform(size=rows) < chance).astype(float)
    return make_paired(label, chance, chance + shift)


@pytest.mark.parametrize(
    ("candidate", "result"), [(0.9, "pass"), (0.87, "pass"), (0.7, "fail"), (0.99, "fail")]
)
def test_coverage_may_be_off_to_neither_side(candidate, result):
    found = ask(covered(0.9, candidate), COVERAGE | {"coverage_off_by_at_most": 0.05})
    assert found.result == result
    assert found.candidate == pytest.approx(abs(candidate - 0.9), abs=1e-3)


def test_coverage_that_may_be_off_by_chance_is_neither():
    found = ask(covered(0.9, 0.846), COVERAGE | {"coverage_off_by_at_most": 0.05})
    assert found.result == "not_enough_data"
    assert found.lower < 0.05 < found.compared


def test_being_off_as_production_is_no_fault_where_only_worsening_is():
    limits = {"coverage_off_by_at_most": 0.05, "worsens_at_most": 0.02}
    assert ask(covered(0.7, 0.7), COVERAGE | limits).result == "pass"
    assert ask(covered(0.9, 0.7), COVERAGE | limits).result == "fail"
    assert ask(covered(0.9, 0.87), COVERAGE | limits).result == "pass"
    only = ask(covered(0.9, 0.87), COVERAGE | {"worsens_at_most": 0})
    assert only.compared == pytest.approx(0.03, abs=2e-3)
    assert only.result == "fail"


def test_one_slice_that_is_off_breaks_the_limit_for_all():
    limits = COVERAGE | {"coverage_off_by_at_most": 0.15}
    paired = covered(0.9, 0.6, only="JFK")
    assert ask(paired, limits).result == "pass"
    found = ask(paired, limits | {"by": "origin"})
    assert found.result == "fail"
    assert "On origin = JFK, the worst of 4 slices" in found.message
    assert found.evidence[0]["where"] == "origin = JFK"
    assert len(found.evidence) == 4


def test_each_slice_is_judged_more_warily_the_more_there_are():
    """The one slice has all rows: asked of twice, they are surer to be off by chance once."""
    paired = covered(0.9, 0.8)
    paired.slices["airport"] = "EWR"
    limit = COVERAGE | {"coverage_off_by_at_most": 0.5}
    alone, twice = ask(paired, limit), ask(paired, limit | {"by": "airport"})
    assert twice.compared == alone.compared
    assert twice.lower < alone.lower < alone.upper < twice.upper


def test_small_slices_are_named_and_not_judged():
    limit = COVERAGE | {"coverage_off_by_at_most": 0.5}
    paired = covered(0.9, 0.9)
    alone = ask(paired, limit, min_rows=1100)
    among = ask(paired, limit | {"by": "origin"}, min_rows=1100)
    assert (among.lower, among.upper) == (alone.lower, alone.upper)
    assert "too few rows or days: origin = EWR" in among.message


def test_probabilities_that_are_too_high_break_the_limit():
    found = ask(odds(0.2), RELIABILITY)
    assert found.result == "fail"
    assert found.candidate == pytest.approx(0.2, abs=0.02)
    assert found.production < 0.04
    assert {"rows", "mean_score", "mean_label"} == set(found.evidence[0])


def test_probabilities_that_are_right_pass():
    assert ask(odds(0), RELIABILITY).result == "pass"


@pytest.mark.parametrize("seed", range(5))
def test_few_rows_are_off_by_chance_and_that_is_no_failure(seed):
    """Thirty bins of ten rows are off by about 0.1 each, though every probability is right."""
    found = ask(odds(0, rows=300, seed=seed), RELIABILITY | {"bins": 30})
    assert found.compared > 0.04
    assert found.result == "not_enough_data"


@pytest.mark.parametrize(
    ("paired", "limit", "message"),
    [
        (make_paired(range(300), 1, 2), COVERAGE, "have no interval"),
        (covered(0.9, 0.9), COVERAGE | {"by": "carrier"}, "no column 'carrier'"),
        (make_paired(range(300), 1, 2), RELIABILITY, "needs labels 0 and 1"),
        (make_paired(np.ones(300), 1, 2), RELIABILITY, "scores from 0 to 1"),
        (make_paired([], 1, 1), RELIABILITY, "0 rows on 0 days"),
        (make_paired([1], 1, 1), RELIABILITY, "1 row on 1 day"),
        (make_paired(np.ones(300), 1, 1, days=1), RELIABILITY, "on 1 day"),
        (make_paired([], 1, 1, width=1), COVERAGE, "0 rows on 0 days"),
    ],
)
def test_what_cannot_be_told_is_not_passed(paired, limit, message):
    if "coverage" in limit:
        limit = limit | {"coverage_off_by_at_most": 1}
    found = ask(paired, limit)
    assert found.result == "not_enough_data"
    assert message in found.message


def test_constant_probabilities_are_one_bin():
    found = ask(make_paired(np.arange(ROWS) % 4 == 0, 0.25, 0.25), RELIABILITY)
    assert (found.result, found.compared) == ("pass", pytest.approx(0))
