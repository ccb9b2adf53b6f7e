"""Rows made for synthetic cases: rows of the probe, and copies of them with some columns changed.

A made row says by its number what it is: variant times `VARIANT` plus the position of its base row
in the probe's table. Variant 0 is the base row itself; the others follow from the cases in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype, is_string_dtype, pandas_dtype

from retouch.policy.guardrails import Guardrail, Synthetic, SyntheticCase

VARIANT = 10**12
MOST_ROWS = 500
"""Base rows of a case, evenly spaced over those it is about."""
_EXACT = 2**53
_WIDE = 2**62
_Change = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Variant:
    """One way a case changes its rows."""

    number: int
    change: _Change
    keeps_unchanged: bool
    """Rows the change does not change are asked about too: boundary rows."""


def cases_of(guardrails: Sequence[Guardrail]) -> tuple[SyntheticCase, ...]:
    """Return the cases of all synthetic guardrails, in their order: one table serves them all."""
    return tuple(case for each in guardrails if isinstance(each, Synthetic) for case in each.cases)


def made_rows(rows: pd.DataFrame, cases: Sequence[SyntheticCase]) -> pd.DataFrame:
    """Return the base rows and their changed copies, with a new integer column `row`.

    A case gets at most `MOST_ROWS` of the rows it is about, evenly spaced in their order, and
    copies only of those the change changes. A case that cannot be made of these columns makes no
    row; `fault_of` says why.
    """
    rows = _plain_columns(rows.drop(columns="row", errors="ignore")).reset_index(drop=True)
    base: set[int] = set()
    copies = []
    for case, variants in numbered(cases):
        if fault_of(case, rows):
            continue
        chosen = rows.iloc[_spaced(np.flatnonzero(_about(case, rows)))]
        base.update(chosen.index.tolist())
        for variant in variants:
            changed = variant.change(chosen.copy())
            moved = _differs(chosen, changed)
            copy = changed if variant.keeps_unchanged else changed[moved]
            copies.append(copy.assign(row=copy.index.to_numpy() + variant.number * VARIANT))
    kept = rows.iloc[sorted(base)]
    kept = kept.assign(row=kept.index.to_numpy(dtype=np.int64))
    whole = pd.concat([kept, *(copy for copy in copies if len(copy))], ignore_index=True)
    return whole.assign(row=whole["row"].astype(np.int64))


def numbered(
    cases: Sequence[SyntheticCase],
) -> Iterator[tuple[SyntheticCase, tuple[Variant, ...]]]:
    """Yield each case with its variants, which are numbered from 1 through all cases."""
    number = 1
    for case in cases:
        changes = tuple(_changes(case))
        yield (
            case,
            tuple(
                Variant(number + place, change, keeps_unchanged=case.rows is not None)
                for place, change in enumerate(changes)
            ),
        )
        number += len(changes)


def fault_of(case: SyntheticCase, rows: pd.DataFrame) -> str:
    """Say why a case cannot be made of these rows' columns; nothing when it can."""
    settings = [case.invariant_to or {}, *(case.rows or ())]
    steps = (case.rises_with or {}) | (case.falls_with or {}) | (case.noise or {})
    for column in (*case.where, *(name for change in settings for name in change), *steps):
        if column not in rows.columns:
            return f"the made-up rows have no column {column!r}"
    for column in steps:
        if not _is_number(rows[column]):
            return f"the column {column!r} of the made-up rows holds no numbers"
    for change in settings:
        for column, value in change.items():
            if not _fits(rows[column], value):
                return f"the column {column!r} of the made-up rows cannot hold {value!r}"
    if not _about(case, rows).any():
        return "no made-up row is one it is about"
    return ""


def _plain_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with categories as the values they stand for."""
    categories = [name for name in rows if isinstance(rows[name].dtype, pd.CategoricalDtype)]
    return rows.astype({name: rows[name].cat.categories.dtype for name in categories})


def _about(case: SyntheticCase, rows: pd.DataFrame) -> NDArray[np.bool_]:
    chosen = np.ones(len(rows), dtype=bool)
    for column, value in case.where.items():
        values = rows[column]
        holds = values.isna() if value is None else (values == value).fillna(False)
        chosen &= holds.to_numpy(dtype=bool)
    return chosen


def _spaced(places: NDArray[np.intp]) -> NDArray[np.intp]:
    if len(places) <= MOST_ROWS:
        return places
    return places[np.linspace(0, len(places) - 1, MOST_ROWS).round().astype(np.intp)]


def _changes(case: SyntheticCase) -> Iterator[_Change]:
    for setting in (*([case.invariant_to] if case.invariant_to else ()), *(case.rows or ())):
        yield partial(_set, setting)
    if case.noise:
        yield partial(_move, case.noise)
        yield partial(_move, {name: -step for name, step in case.noise.items()})
    elif steps := case.rises_with or case.falls_with:
        yield partial(_move, steps)


def _set(values: Mapping[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: _filled(rows[name], value) for name, value in values.items()})


def _move(steps: Mapping[str, float], rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: _moved(rows[name], step) for name, step in steps.items()})


def _filled(column: pd.Series[Any], value: Any) -> pd.Series[Any]:
    """Return a column of one value, of a type that goes with the column it replaces."""
    if _is_number(column):
        value = float("nan") if value is None else _whole(column, float(value))
        return pd.Series(value, index=column.index)
    unlike = value is None and is_bool_dtype(column)
    dtype = object if unlike else column.dtype
    return pd.Series([value] * len(column), index=column.index, dtype=dtype)


def _moved(column: pd.Series[Any], step: float) -> pd.Series[Any]:
    """Return a column moved by a step; narrow whole numbers would wrap round, or not hold it."""
    if column.dtype.kind in "iu":
        ends = (end for end in (column.min(), column.max()) if not pd.isna(end))
        kind = "Int64" if all(abs(int(end)) < _WIDE for end in ends) else "Float64"
        plain = isinstance(column.dtype, np.dtype)
        column = column.astype(np.dtype(kind.lower()) if plain else pandas_dtype(kind))
    return column + _whole(column, step)


def _whole(column: pd.Series[Any], value: float) -> float | int:
    """Return whole numbers as such for a column of them, so that they stay what they are."""
    whole = column.dtype.kind in "iu" and value.is_integer() and abs(value) < _EXACT
    return int(value) if whole else value


def _is_number(column: pd.Series[Any]) -> bool:
    return bool(is_numeric_dtype(column)) and not is_bool_dtype(column)


def _fits(column: pd.Series[Any], value: Any) -> bool:
    if value is None:
        return True
    if _is_number(column):
        return isinstance(value, bool | int | float)
    if is_bool_dtype(column):
        return isinstance(value, bool)
    return is_string_dtype(column.dropna()) and isinstance(value, str)


def _differs(before: pd.DataFrame, after: pd.DataFrame) -> NDArray[np.bool_]:
    """Say of each row whether any column changed; two missing values are alike."""
    differs = np.zeros(len(before), dtype=bool)
    for name in before.columns:
        old, new = before[name].astype(object), after[name].astype(object)
        same = (old == new) | (old.isna() & new.isna())
        differs |= ~same.to_numpy(dtype=bool)
    return differs
