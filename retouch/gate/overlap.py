"""Whether a row of the hold-out is among those a model has learned from."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retouch.gate.holdout import HoldoutDays
from retouch.gate.score_table import as_days, as_text, first_id, rows_text


def overlap(
    of: str, learned: pd.DataFrame, ids: pd.Series[Any], holdout: HoldoutDays
) -> str | None:
    """Say in one sentence what a model has learned from the hold-out; None when nothing.

    `of` is what a sentence calls the model, `learned` has the columns `id` and `day`, `ids` are
    those of the hold-out. Ids are compared as text, and whole numbers as such too.
    """
    if "id" not in learned:
        return f"The table of what {of} has learned from has no column 'id'."
    if learned.empty:
        return f"The table of what {of} has learned from has no rows, so it proves nothing."
    known = as_text(learned["id"])[learned["id"].notna()]
    if known.empty:
        return f"The table of what {of} has learned from has no id, so it proves nothing."
    again = ids.isin(known)
    if ids.str.isdecimal().any():
        again |= ids.isin(_whole(known))
    if again.any():
        return (
            f"{_first_letter(of)} has learned from {rows_text(int(again.sum()))} of the hold-out's"
            f" {len(ids):,}; {first_id(ids, again)}."
        )
    return _late_day(of, learned, holdout)


def _whole(ids: pd.Series[str]) -> pd.Series[str]:
    """Return whole numbers as a table that holds them as numbers does: `007` and `7.0` as `7`."""
    numbers = ids[ids.str.fullmatch(r"[0-9]+(\.0+)?")]
    return numbers.str.replace(r"\.0+$|^0+(?=[0-9])", "", regex=True)


def _late_day(of: str, learned: pd.DataFrame, holdout: HoldoutDays) -> str | None:
    """Say which days of its rows are not before the hold-out; a missing day says nothing."""
    if "day" not in learned or learned["day"].isna().all():
        return None
    rows = learned[learned["day"].notna()].reset_index(drop=True)
    ids, days = as_text(rows["id"]), as_days(rows["day"])
    if days.isna().any():
        return (
            f"The table of what {of} has learned from has {rows_text(int(days.isna().sum()))} whose"
            f" day cannot be read; {first_id(ids, days.isna())}."
        )
    late = days >= holdout.start
    if not late.any():
        return None
    return (
        f"{_first_letter(of)} has learned from {rows_text(int(late.sum()))} of {days[late].min()}"
        f" and later, and the hold-out starts on {holdout.start}; {first_id(ids, late)}."
    )


def _first_letter(of: str) -> str:
    return of[0].upper() + of[1:]
