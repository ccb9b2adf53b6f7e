"""Groups of rows: which have enough rows and days to be evaluated, and their names in messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from retouch.gate.messages import days_text
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.gate.slices import Groups, Rows
from retouch.policy.promotion import Limits


def days_per_group(groups: Groups, days: Groups) -> Rows:
    """Return on how many days each group has rows; shape (groups,)."""
    pairs = np.unique(groups.of_row * len(days.names) + days.of_row)
    return np.bincount(pairs // len(days.names), minlength=len(groups.names))


def large_enough(groups: Groups, days: Groups, limits: Limits) -> Rows:
    """Return the numbers of the groups with the rows and days that the policy requires."""
    enough = groups.sizes >= limits.min_rows
    return np.flatnonzero(enough & (days_per_group(groups, days) >= limits.min_days))


def too_few_rows(paired: Paired, where: str, limits: Limits) -> str:
    """Return a sentence when there are too few rows or days overall, else an empty text."""
    rows, days = len(paired.rows), len(paired.days.names)
    if rows >= limits.min_rows and days >= limits.min_days:
        return ""
    return (
        f"Not enough data on {where}: {rows_text(rows)} on {days_text(days)}, where"
        f" {rows_text(limits.min_rows)} on {days_text(limits.min_days)} are needed."
    )


def names_text(names: Sequence[str], most: int = 8) -> str:
    """Return `AA, B6 and 5 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
