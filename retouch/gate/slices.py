"""Slices of rows: by an alert's predicates, or by the values of a column."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.alerts.model import Predicate

Mask = NDArray[np.bool_]
"""True for the rows of a slice; shape (rows,)."""
Rows = NDArray[np.intp]
"""The positions of the rows of a slice, ascending."""

MISSING = "(missing)"
"""The name of the slice of rows without a value."""

_COMPARE: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "eq": ("=", operator.eq),
    "ne": ("!=", operator.ne),
    "in": ("in", lambda column, values: column.isin(values)),
    "lt": ("<", operator.lt),
    "le": ("<=", operator.le),
    "gt": (">", operator.gt),
    "ge": (">=", operator.ge),
}


@dataclass(frozen=True)
class Selection:
    """The rows that satisfy all predicates that could be applied."""

    mask: Mask
    applied: tuple[Predicate, ...]
    skipped: tuple[Predicate, ...]
    """Those of a column the table does not have, or cannot compare with the value."""


def select(slices: pd.DataFrame, where: tuple[Predicate, ...]) -> Selection:
    """Select the rows where all predicates hold; a missing value satisfies none, as in SQL."""
    mask = np.ones(len(slices), dtype=bool)
    applied, skipped = [], []
    for predicate in where:
        holds = _holds(slices, predicate)
        if holds is None:
            skipped.append(predicate)
        else:
            applied.append(predicate)
            mask &= holds
    return Selection(mask, tuple(applied), tuple(skipped))


@dataclass(frozen=True)
class Groups:
    """Rows partitioned into groups."""

    names: tuple[str, ...]
    """Sorted."""
    of_row: Rows
    """The number of each row's group; shape (rows,)."""

    @property
    def sizes(self) -> Rows:
        """How many rows each group has."""
        return np.bincount(self.of_row, minlength=len(self.names))

    def __iter__(self) -> Iterator[tuple[str, Rows]]:
        """Yield the name and the rows of each group."""
        by_group = np.argsort(self.of_row, kind="stable")
        return zip(self.names, np.split(by_group, np.cumsum(self.sizes)[:-1]), strict=True)


def group_by_value(column: pd.Series[Any]) -> Groups:
    """Group rows by the value of a column, as text; those without a value are a group too."""
    known = column.notna()
    if column.dtype == object:
        column = column.map(str).where(known, None)
    codes, values = pd.factorize(column)
    names = [*map(str, values), MISSING]  # A missing value has the code -1: the last name.
    used = set(names) if not known.all() else {*names[:-1]}
    number = {name: n for n, name in enumerate(sorted(used))}
    numbers = np.array([number.get(name, -1) for name in names], dtype=np.intp)
    return Groups(tuple(number), numbers[codes])


def mask_of(rows: Rows, count: int) -> Mask:
    """Return True for these of `count` rows."""
    mask = np.zeros(count, dtype=bool)
    mask[rows] = True
    return mask


def describe(predicate: Predicate) -> str:
    """Return `region = central`, `carrier in AA, UA`."""
    value = predicate.value
    values = value if isinstance(value, tuple) else (value,)
    return f"{predicate.column} {_COMPARE[predicate.op][0]} {', '.join(map(str, values))}"


def _holds(slices: pd.DataFrame, predicate: Predicate) -> Mask | None:
    """Return the rows where one predicate holds; None when it cannot be applied."""
    if predicate.column not in slices:
        return None
    column = slices[predicate.column]
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    known = column.notna().to_numpy(dtype=bool)
    holds = np.zeros(len(column), dtype=bool)
    try:
        holds[known] = _COMPARE[predicate.op][1](column[known], predicate.value)
    except (TypeError, ValueError):
        return None
    return holds
