"""One score table, as the scoring command wrote it, read strictly or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_datetime64_any_dtype, is_timedelta64_dtype

from retouch.policy.promotion import Scoring
from retouch.validation.holdout import HoldoutDays
from retouch.validation.losses import Numbers


@dataclass(frozen=True)
class ScoreTable:
    """What the gate needs of one model's scores, in the order of the ids (as text)."""

    rows: pd.DataFrame
    """One row per example: id and day (text), label and score (finite floats)."""
    slices: pd.DataFrame
    """The columns slices are cut by, row for row with `rows`."""


@dataclass(frozen=True)
class Incomparable:
    """Why the comparison is invalid."""

    says: str
    """One sentence: what is wrong, in how many rows, and the first id where there is one."""


def read_scores(
    table: pd.DataFrame,
    of: str,
    *,
    scoring: Scoring,
    holdout: HoldoutDays,
    required: tuple[str, ...],
    carried: tuple[str, ...],
) -> ScoreTable | Incomparable:
    """Read one model's score table; `of` is what a sentence calls the model.

    Columns of `required` must be there; those of `carried` are kept to cut slices by.
    """
    named = (scoring.id, scoring.time, scoring.day, scoring.label, scoring.score)
    for column in (*named, *required):
        if column not in table.columns:
            return Incomparable(f"The score table of {of} has no column {column!r}.")
    if table.empty:
        return Incomparable(f"The score table of {of} has no rows.")
    without_id = int(table[scoring.id].isna().sum())
    if without_id:
        return Incomparable(f"The score table of {of} has {rows_text(without_id)} without an id.")
    rows = pd.DataFrame(
        {
            "id": table[scoring.id].astype(str),
            "day": _days(table[scoring.day]),
            "label": _numbers(table[scoring.label]),
            "score": _numbers(table[scoring.score]),
        }
    )
    order = rows["id"].argsort(kind="stable").to_numpy()
    rows = rows.iloc[order].reset_index(drop=True)
    fault = next(_faults(rows, holdout), None)
    if fault is not None:
        return Incomparable(f"The score table of {of} has {fault}.")
    return ScoreTable(rows, table[[*carried]].iloc[order].reset_index(drop=True))


def _faults(rows: pd.DataFrame, holdout: HoldoutDays) -> Iterator[str]:
    within = f"{holdout.start} to {holdout.end} (exclusive)"
    outside = (rows["day"] < holdout.start) | (rows["day"] >= holdout.end)
    for what, at_fault in (
        ("whose id occurs more than once", rows["id"].duplicated(keep=False)),
        ("whose label is not a finite number", ~np.isfinite(rows["label"])),
        ("whose score is not a finite number", ~np.isfinite(rows["score"])),
        ("whose day cannot be read", rows["day"].isna()),
        (f"outside the hold-out, {within}", outside),
    ):
        if at_fault.any():
            yield f"{rows_text(int(at_fault.sum()))} {what}; {first_id(rows['id'], at_fault)}"
    if len(rows) > 1 and rows["score"].nunique() == 1:
        yield f"the same score, {rows['score'].iloc[0]:g}, in all of its {rows_text(len(rows))}"


def rows_text(count: int) -> str:
    """Return `1 row`, `1,234 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def first_id(ids: pd.Series[Any], chosen: pd.Series[bool] | NDArray[np.bool_]) -> str:
    """Name the first of the chosen ids, to end a sentence with."""
    return f"the first has the id {ids[chosen].iloc[0]!r}"


def _numbers(column: pd.Series[Any]) -> Numbers:
    """Return floats; NaN for what is no number, times and durations among them."""
    if is_datetime64_any_dtype(column) or is_timedelta64_dtype(column):
        return np.full(len(column), np.nan)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _days(column: pd.Series[Any]) -> pd.Series[str]:
    """Return days as `YYYY-MM-DD`, of dates, timestamps or texts; missing where unreadable."""
    if not is_datetime64_any_dtype(column):
        text = column.astype(str).str.slice(0, len("YYYY-MM-DD"))
        column = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    return pd.Series(column.dt.strftime("%Y-%m-%d"), index=column.index, dtype=str)
