"""What chance could do, shared out among candidates and slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from retouch.errors import InputError
from retouch.gate.checks import holm
from retouch.gate.comparison import HoldoutUse

CHANCES = st.lists(st.floats(0, 1), max_size=12)


@given(st.integers(1, 60), st.floats(0.5, 0.999))
def test_the_shares_of_all_candidates_sum_to_the_chance_of_one_wrong_promotion(allowed, overall):
    shares = [1 - HoldoutUse(k, allowed).confidence(overall) for k in range(1, allowed + 1)]
    assert sum(shares) == pytest.approx(1 - overall)
    assert shares == sorted(shares, reverse=True)
    assert min(shares) > 0


def test_a_holdout_for_one_candidate_gives_it_all():
    assert HoldoutUse().confidence(0.95) == pytest.approx(0.95)
    assert HoldoutUse(1, 10).confidence(0.95) == pytest.approx(1 - 0.05 / 2.928968, abs=1e-7)


@pytest.mark.parametrize(("number", "used_up"), [(1, False), (10, False), (11, True)])
def test_a_holdout_is_used_up_after_its_last_candidate(number, used_up):
    assert HoldoutUse(number, 10).used_up is used_up


@pytest.mark.parametrize(("number", "allowed"), [(0, 5), (1, 0), (-1, 5)])
def test_candidates_count_from_one(number, allowed):
    with pytest.raises(InputError, match="count from 1"):
        HoldoutUse(number, allowed)


def stepwise_holm(chances, level):
    """Holm's procedure as he wrote it: the smallest first, until one is too large."""
    rejected = set()
    for step, index in enumerate(sorted(range(len(chances)), key=lambda i: (chances[i], i))):
        if chances[index] * (len(chances) - step) > level:
            break
        rejected.add(index)
    return rejected


def stepwise_discoveries(chances, level):
    """Benjamini and Hochberg's: all up to the last p-value below its share of the level."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    last = max(
        (n for n, i in enumerate(order, 1) if chances[i] * (len(chances) / n) <= level), default=0
    )
    limit = chances[order[last - 1]] if last else -1.0
    return {i for i in order if chances[i] <= limit}


@given(CHANCES, st.floats(0.001, 0.5))
def test_holm_rejects_what_his_procedure_does(chances, level):
    found = {i for i, p in enumerate(holm(chances)) if p <= level}
    assert found == stepwise_holm(chances, level)


@given(CHANCES, st.floats(0.001, 0.5))
def test_q_values_discover_what_benjamini_and_hochberg_do(chances, level):
    found = {i for i, q in enumerate(false_discovery_control(chances)) if q <= level}
    assert found == stepwise_discoveries(chances, level)


@given(CHANCES)
def test_corrected_chances_are_no_smaller_and_keep_their_order(chances):
    for corrected in (holm(chances), false_discovery_control(chances)):
        assert all(after >= before for before, after in zip(chances, corrected, strict=True))
        assert all(p <= 1 for p in corrected)
        order = np.argsort(chances, kind="stable")
        assert (np.diff(corrected[order]) >= 0).all()


def test_one_true_alarm_among_many_quiet_slices_is_found_and_chance_is_not():
    assert holm([0.001, *[0.6] * 19])[0] == pytest.approx(0.02)
    assert holm([0.04, *[0.6] * 19])[0] == pytest.approx(0.8)
