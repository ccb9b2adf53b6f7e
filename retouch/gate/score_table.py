"""One score table, as the scoring command wrote it, read strictly or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import (
    is_datetime64_any_dtype,
    is_float_dtype,
    is_scalar,
    is_timedelta64_dtype,
)

from retouch.gate.holdout import HoldoutDays
from retouch.gate.losses import Loss, Numbers
from retouch.policy.promotion import Scoring

_MOST = 2**1000


@dataclass(frozen=True)
class ScoreTable:
    """What the gate needs of one model's scores, in the order of the ids (as text)."""

    rows: pd.DataFrame
    """One row per example: id and day (text), label and score (finite floats); with an interval in
    the policy also lower and upper."""
    slices: pd.DataFrame
    """The columns slices are cut by, row for row with `rows`."""


@dataclass(frozen=True)
class Incomparable:
    """Why the comparison is invalid."""

    message: str
    """One sentence: what is wrong, in how many rows, and the first id where there is one."""


def read_scores(
    table: pd.DataFrame,
    of: str,
    *,
    scoring: Scoring,
    holdout: HoldoutDays | None,
    loss: Loss,
    required: tuple[str, ...],
    carried: tuple[str, ...],
    days: str = "the hold-out",
) -> ScoreTable | Incomparable:
    """Read one model's score table; `of` is what messages call the model, `days` what they call the
    days of `holdout`.

    Columns of `required` must be there; those of `carried` are kept to cut slices by. Without
    `holdout`, rows may be of any day.
    """
    ends = {"lower": scoring.lower, "upper": scoring.upper}
    numbers = {"label": scoring.label, "score": scoring.score}
    numbers |= {name: column for name, column in ends.items() if column}
    named = (scoring.id, scoring.time, scoring.day, *numbers.values())
    unread = _unreadable(table, scoring.id, (*named, *required), (*named, *carried))
    if unread is not None:
        return Incomparable(f"The score table of {of} {unread}.")
    rows = pd.DataFrame(
        {"id": as_text(table[scoring.id]), "day": as_days(table[scoring.day])}
        | {name: as_numbers(table[column]) for name, column in numbers.items()}
    )
    order = rows["id"].argsort(kind="stable").to_numpy()
    rows = rows.iloc[order].reset_index(drop=True)
    fault = next(_faults(rows, holdout, days, loss), None)
    if fault is not None:
        return Incomparable(f"The score table of {of} has {fault}.")
    slices = {name: _plain(table[name]) for name in carried}
    return ScoreTable(
        rows, pd.DataFrame(slices, index=table.index).iloc[order].reset_index(drop=True)
    )


def _unreadable(
    table: pd.DataFrame, id_: str, needed: tuple[str, ...], single: tuple[str, ...]
) -> str | None:
    """Return why a table cannot be read at all; `single` columns must not occur twice."""
    for column in needed:
        if column not in table.columns:
            return f"has no column {column!r}"
    for column in single:
        if not isinstance(table[column], pd.Series):
            return f"has more than one column {column!r}"
    if table.empty:
        return "has no rows"
    without_id = int(table[id_].isna().sum())
    return f"has {rows_text(without_id)} without an id" if without_id else None


def _faults(
    rows: pd.DataFrame, holdout: HoldoutDays | None, days: str, loss: Loss
) -> Iterator[str]:
    for what, at_fault in (
        ("whose id occurs more than once", rows["id"].duplicated(keep=False)),
        *_unusable_numbers(rows, loss),
        *_unusable_days(rows["day"], holdout, days),
    ):
        if at_fault.any():
            yield f"{rows_text(int(at_fault.sum()))} {what}; {first_id(rows['id'], at_fault)}"
    if len(rows) > 1 and rows["score"].nunique() == 1:
        yield f"the same score, {rows['score'].iloc[0]:g}, in all of its {rows_text(len(rows))}"


def _unusable_numbers(rows: pd.DataFrame, loss: Loss) -> Iterator[tuple[str, pd.Series[bool]]]:
    for name in ("label", "score", "lower", "upper"):
        if name in rows:
            yield f"whose {name} is not a finite number", ~np.isfinite(rows[name])
    if "lower" in rows and "upper" in rows:
        yield "whose interval has its upper end below its lower", rows["lower"] > rows["upper"]
    if loss.binary_labels:
        yield "whose label is neither 0 nor 1", ~rows["label"].isin((0.0, 1.0))
    if loss.probability_scores:
        yield "whose score is not a probability from 0 to 1", ~rows["score"].between(0, 1)


def _unusable_days(
    day: pd.Series[str], holdout: HoldoutDays | None, days: str
) -> Iterator[tuple[str, pd.Series[bool]]]:
    yield "whose day cannot be read", day.isna()
    if holdout:
        within = f"{holdout.start} to {holdout.end} (exclusive)"
        yield f"outside {days}, {within}", (day < holdout.start) | (day >= holdout.end)


def rows_text(count: int) -> str:
    """Return `1 row`, `1,234 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def first_id(ids: pd.Series[Any], chosen: pd.Series[bool] | NDArray[np.bool_]) -> str:
    """Return a clause that names the first of the chosen ids."""
    return f"the first has the id {ids[chosen].iloc[0]!r}"


def as_text(ids: pd.Series[Any]) -> pd.Series[str]:
    """Return ids as text. Whole numbers read as floats (a gap in the column does it) lose `.0`."""
    if is_float_dtype(ids.dtype):
        known = ids.dropna().to_numpy(dtype=float)
        if np.array_equal(known, np.round(known)) and (np.abs(known) < 2**53).all():
            ids = ids.astype("Int64")
    return ids.astype(str)


def as_days(column: pd.Series[Any]) -> pd.Series[str]:
    """Return days as `YYYY-MM-DD`, of dates, timestamps or texts; missing where unreadable."""
    if not is_datetime64_any_dtype(column):
        column = column.astype(str).str.slice(0, len("YYYY-MM-DD"))
    codes, found = pd.factorize(column)  # Each day is read once, not each row.
    days = pd.Series(found)
    if not is_datetime64_any_dtype(days):
        days = pd.to_datetime(days, format="%Y-%m-%d", errors="coerce")
    texts = pd.Series(days.dt.strftime("%Y-%m-%d"), dtype=str)
    read = texts.reindex(codes)  # A missing value has the code -1, which no text has.
    return pd.Series(read.to_numpy(), index=column.index, dtype=str)


def as_numbers(column: pd.Series[Any]) -> Numbers:
    """Return floats; NaN for what is no number, times and durations among them."""
    if is_datetime64_any_dtype(column) or is_timedelta64_dtype(column):
        return np.full(len(column), np.nan)
    try:
        return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    except OverflowError:  # A CSV file may hold whole numbers of more digits than a float does.
        return as_numbers(
            column.map(lambda v: np.inf if isinstance(v, int) and abs(v) > _MOST else v)
        )


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return lists and other nested values as text, which can be compared."""
    if column.dtype != object:
        return column
    return column.map(lambda value: value if is_scalar(value) else str(value))
