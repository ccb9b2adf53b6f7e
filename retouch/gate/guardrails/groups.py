"""The groups a guardrail asks about, and whether there are rows and days enough in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.messages import days_text
from retouch.gate.score_table import rows_text
from retouch.gate.slices import MISSING
from retouch.policy.promotion import Limits


@dataclass(frozen=True)
class Groups:
    """The values of one column, in the order of their text."""

    names: tuple[str, ...]
    of_row: NDArray[np.intp]
    """The place of each row's group among the names."""
    rows: NDArray[np.intp]
    days: NDArray[np.intp]
    """Per group."""

    def large_enough(self, limits: Limits) -> NDArray[np.intp]:
        """Return the places of the groups with rows and days enough to be judged."""
        enough = (self.rows >= limits.min_rows) & (self.days >= limits.min_days)
        return np.flatnonzero(enough)


def groups_of(column: pd.Series[Any], day: pd.Series[str]) -> Groups:
    """Group rows by the values of a column; rows without one are a group of their own."""
    text = column.astype(object).map(str).where(column.notna(), MISSING)
    of_row, names = pd.factorize(text.to_numpy(dtype=object), sort=True)
    pairs = pd.DataFrame({"group": of_row, "day": day.to_numpy()}).drop_duplicates()
    return Groups(
        names=tuple(str(name) for name in names),
        of_row=of_row,
        rows=np.bincount(of_row, minlength=len(names)),
        days=np.bincount(pairs["group"].to_numpy(), minlength=len(names)),
    )


def too_little(day: pd.Series[str], where: str, limits: Limits) -> str:
    """Say that there is too little to judge by; nothing when there is enough."""
    rows, days = len(day), day.nunique()
    if rows >= limits.min_rows and days >= limits.min_days:
        return ""
    return (
        f"Too little to judge {where} by: {rows_text(rows)} on {days_text(days)}, where"
        f" {rows_text(limits.min_rows)} on {days_text(limits.min_days)} are needed."
    )


def some_of(names: Sequence[str], most: int = 8) -> str:
    """Return `AA, B6 and 5 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
