"""Which rows a slice is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retouch.alerts.model import Predicate
from retouch.gate.slices import describe, group_by_value, mask_of, select

TABLE = pd.DataFrame(
    {
        "carrier": ["AA", "UA", "HA", None],
        "hour": [5.0, 12.0, 23.0, np.nan],
        "at": pd.to_datetime(["2013-11-01", "2013-11-02", "2013-11-03", None]),
        "kind": pd.Categorical(["jet", "prop", "jet", None]),
    }
)


@pytest.mark.parametrize(
    ("column", "op", "value", "rows"),
    [
        ("carrier", "eq", "UA", [1]),
        ("carrier", "ne", "UA", [0, 2]),
        ("carrier", "in", ("AA", "HA"), [0, 2]),
        ("carrier", "lt", "HA", [0]),
        ("hour", "lt", 12, [0]),
        ("hour", "le", 12, [0, 1]),
        ("hour", "gt", 12, [2]),
        ("hour", "ge", 12, [1, 2]),
        ("hour", "eq", "12", []),
        ("at", "ge", "2013-11-02", [1, 2]),
        ("kind", "eq", "jet", [0, 2]),
        ("kind", "ne", "jet", [1]),
        ("kind", "lt", "k", [0, 2]),
    ],
)
def test_a_predicate_selects_its_rows_and_none_without_a_value(column, op, value, rows):
    chosen = select(TABLE, (Predicate(column=column, op=op, value=value),))
    assert np.flatnonzero(chosen.mask).tolist() == rows
    assert chosen.skipped == ()


def test_all_predicates_hold_for_the_rows_selected():
    where = (Predicate(column="kind", value="jet"), Predicate(column="hour", op="gt", value=6))
    assert np.flatnonzero(select(TABLE, where).mask).tolist() == [2]


@pytest.mark.parametrize(
    "unknown",
    [
        Predicate(column="altitude", op="gt", value=3),
        Predicate(column="carrier", op="gt", value=3),
        Predicate(column="hour", op="lt", value="noon"),
    ],
)
def test_a_predicate_that_cannot_be_applied_is_skipped_and_named(unknown):
    known = Predicate(column="kind", value="jet")
    chosen = select(TABLE, (unknown, known))
    assert np.flatnonzero(chosen.mask).tolist() == [0, 2]
    assert (chosen.applied, chosen.skipped) == ((known,), (unknown,))


def test_every_value_of_a_column_is_a_slice_and_so_are_the_rows_without_one():
    slices = {value: rows.tolist() for value, rows in group_by_value(TABLE["carrier"])}
    assert slices == {"(missing)": [3], "AA": [0], "HA": [2], "UA": [1]}


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pd.Series([2, 10, 2]), ["10", "2"]),
        (pd.Series([2.0, None, 2.5]), ["(missing)", "2.0", "2.5"]),
        (pd.Series([1, "1", True], dtype=object), ["1", "True"]),
        (pd.Series(["(missing)", None]), ["(missing)"]),
        (pd.Series(["é", "é", "\u0000"]), ["\u0000", "é"]),
        (pd.Series([[1], [1], None], dtype=object), ["(missing)", "[1]"]),
        (pd.Series(pd.Categorical(["b", None, "b"], categories=["a", "b"])), ["(missing)", "b"]),
    ],
)
def test_values_that_read_alike_are_one_slice_and_none_is_empty(column, names):
    groups = group_by_value(column)
    assert [*groups.names] == names
    assert sorted(row for _, rows in groups for row in rows) == [*range(len(column))]
    assert groups.sizes.min() > 0


def test_a_mask_is_true_for_its_rows():
    assert mask_of(np.array([0, 2]), 4).tolist() == [True, False, True, False]


def test_predicates_read_as_words():
    assert describe(Predicate(column="region", value="central")) == "region = central"
    assert describe(Predicate(column="carrier", op="in", value=("AA", "UA"))) == "carrier in AA, UA"
    assert describe(Predicate(column="hour", op="ge", value=6)) == "hour >= 6"
