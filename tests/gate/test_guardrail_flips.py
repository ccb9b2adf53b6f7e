"""Negative flips: rows production had right and the candidate has wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gate.guardrail_tables import ask, make_paired

FLIPS = {"kind": "negative_flips", "share_at_most": 0.02}
ROWS = 1500


def flipped(share, *, mended=0.0):
    """Make decisions where the candidate errs on a share of rows, and mends another."""
    place = np.random.default_rng(1).permutation(ROWS) / ROWS
    label = (np.arange(ROWS) % 2).astype(float)
    production = np.where(place >= 1 - mended, 1 - label, label)
    candidate = np.where(place < share, 1 - label, label)
    return make_paired(label, production, candidate)


def test_a_share_beyond_the_limit_fails_whatever_else_is_mended():
    found = ask(flipped(0.1, mended=0.5), FLIPS | {"threshold": 0.5})
    assert found.result == "fail"
    assert found.candidate == found.compared == pytest.approx(0.1)
    assert 0.02 < found.lower < 0.1 < found.upper
    assert "150 rows wrong and 750 rows right" in found.message
    assert len(found.evidence) == 50


def test_a_share_within_it_passes():
    assert ask(flipped(0.01), FLIPS | {"threshold": 0.5}).result == "pass"


def test_a_share_that_may_be_beyond_it_by_chance_is_neither():
    found = ask(flipped(0.0247), FLIPS | {"threshold": 0.5})
    assert found.result == "not_enough_data"


def test_one_row_is_proof_where_none_may_flip():
    found = ask(flipped(1 / ROWS), FLIPS | {"threshold": 0.5, "share_at_most": 0})
    assert found.result == "fail"
    assert ask(flipped(0), FLIPS | {"threshold": 0.5, "share_at_most": 0}).result == "pass"


def test_right_is_within_the_tolerance():
    label = np.zeros(ROWS)
    off = np.where(np.arange(ROWS) < 300, 5.0, 4.999)
    limit = FLIPS | {"share_at_most": 0.1}
    assert ask(make_paired(label, 4, off), limit | {"tolerance": 4.999}).compared == 0.2
    assert ask(make_paired(label, 4, off), limit | {"tolerance": 5}).compared == 0
    assert ask(make_paired(label, 4, off), limit | {"tolerance": 3}).compared == 0


def test_the_rows_farthest_off_come_first():
    label = np.zeros(ROWS)
    off = np.arange(ROWS) / 10
    found = ask(make_paired(label, 0, off), FLIPS | {"tolerance": 1})
    assert found.evidence[0] == {
        "id": "001499",
        "day": "2013-11-15",
        "label": 0.0,
        "production": 0.0,
        "candidate": 149.9,
    }


@pytest.mark.parametrize(
    ("paired", "message"),
    [
        (make_paired([], 0, 0), "0 rows on 0 days"),
        (make_paired([1.0], 0, 0), "1 row on 1 day"),
        (make_paired(np.ones(500), 1, 1, days=9), "500 rows on 9 days"),
        (make_paired(np.full(500, 0.5), 1, 1), "neither 0 nor 1"),
    ],
    ids=["no row", "one row", "few days", "no decisions"],
)
def test_what_cannot_be_told_is_not_passed(paired, message):
    found = ask(paired, FLIPS | {"threshold": 0.5})
    assert found.result == "not_enough_data"
    assert message in found.message


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=20, max_size=60))
def test_the_share_is_what_counting_gives(rows):
    label, production, candidate = zip(*rows, strict=True)
    limit = {"threshold": 1, "share_at_most": 0.3}
    found = ask(
        make_paired(label, production, candidate, days=4),
        FLIPS | limit,
        min_rows=1,
        min_days=2,
    )
    flips = sum(p == y != c for y, p, c in rows)
    assert found.compared == pytest.approx(flips / len(rows))
    assert found.result == "pass" or flips / len(rows) > 0.3
