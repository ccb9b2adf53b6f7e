"""Numbers are shown as a person reads them, and never better than they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.reporting.numbers import (
    decimals_for,
    duration,
    number,
    percent,
    plural,
    signed,
    size,
)


def normal_spaces(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"),
        (12.44, "12.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 0 s"),
        (65, "1 m 5 s"),
        (3599, "59 m 59 s"),
        (3600, "1 h 0 m"),
        (7385, "2 h 3 m"),
    ],
)
def test_a_duration_has_the_units_of_its_size(seconds, expected):
    assert normal_spaces(duration(seconds)) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (14_200, "14.2 kB"), (3_200_000, "3.2 MB"), (999_960, "1.0 MB"),
     (5 * 10**15, "5,000.0 TB")],
)  # fmt: skip
def test_a_size_has_the_unit_of_its_size(count, expected):
    assert normal_spaces(size(count)) == expected


def test_counts_have_their_noun():
    assert plural(1, "stage") == "1 stage"
    assert plural(1204, "row") == "1,204 rows"


def test_a_missing_number_is_a_dash_and_zero_has_no_sign():
    assert number(None, 1) == signed(None, 1) == "–"
    assert signed(0, 1) == "0"
    assert signed(-0.01, 1) == "0.0"
    assert signed(-16.44, 1) == "−16.4"
    assert signed(2.49, 1) == "+2.5"


def test_there_is_no_share_of_nothing():
    assert percent(3, 0) is None
    assert normal_spaces(percent(3, 4) or "") == "75 %"


def test_three_digits_of_the_largest_value_are_shown():
    assert decimals_for([27.31, 10.87]) == 1
    assert decimals_for([0.871, 0.889]) == 3
    assert decimals_for([1204.0]) == 0
    assert decimals_for([]) == 1


def test_a_limit_is_shown_to_two_digits_as_the_gate_says_it():
    assert decimals_for([27.3], [(0.5, 0.3), (0.5, 1.0), (0.5, 0.0)]) == 2
    assert decimals_for([27.3], [(0.5, 1.0)]) == 1
    assert decimals_for([2730.0], [(0.5, 20.0)]) == 0


def test_a_bound_just_inside_its_limit_does_not_round_onto_it():
    assert decimals_for([27.3], [(-0.299, -0.3)]) == 3
    assert decimals_for([27.3], [(0.04, 0.0)]) == 2


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=5),
    st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), max_size=5),
)
def test_no_number_asks_for_more_than_six_decimals(values, limited):
    assert 0 <= decimals_for(values, limited) <= 6
