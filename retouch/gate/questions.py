"""What the gate asks of a candidate, and of which rows: everything, the alerted slice, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from retouch.gate.comparison import AlertedSlice, Must
from retouch.gate.pairing import Paired
from retouch.gate.slices import Rows, Selection, each_value, in_words, select
from retouch.policy.promotion import Limits, Promotion

Asks = Literal["not_worse", "improve"]
Family = Literal["gate", "harm_alarm"]

ALL_ROWS = "all rows"
MOST_SHOWN = 50
"""Of a column with more values, those with too few rows to judge are not shown."""


@dataclass(frozen=True)
class Question:
    """What is asked of which rows."""

    name: str
    where: str
    """The rows, in the words of a sentence: `all rows`, `origin = EWR`."""
    rows: Rows
    asks: Asks
    margin: float
    """`not_worse`: the mean loss may grow by less than this. `improve`: a hold-out that could miss
    a gain of this size is too small to say that there is none."""
    required: bool | None = True
    """None: only where there are rows and days enough to answer it."""
    note: str = ""
    """A clause for the end of the sentence."""
    family: Family = "gate"
    is_slice: bool = False
    """One value of a column: it gets a q-value."""

    @property
    def limit(self) -> float:
        """What the lower bound of the gain must be above."""
        return 0.0 if self.asks == "improve" else -self.margin


def questions(
    paired: Paired,
    policy: Promotion,
    must: Must,
    alerted: AlertedSlice | None,
    also_alerted: Sequence[AlertedSlice] = (),
) -> tuple[Question, ...]:
    """Return all questions, in the order of the report.

    Without an alerted slice, a tier that must improve must do so over all rows. `also_alerted`:
    the slices of the other alerts of a group; the same is asked of each.
    """
    asks: Asks = "improve" if must == "improve" else "not_worse"
    overall = Question(
        name="overall",
        where=ALL_ROWS,
        rows=np.arange(len(paired.rows)),
        asks=asks if alerted is None else "not_worse",
        margin=policy.limits.overall_margin,
    )
    of_the_alert = () if alerted is None else (_alerted(paired, policy, asks, alerted),)
    others = (
        replace(question, name=f"also alerted: {question.where}")
        for question in (_alerted(paired, policy, asks, other) for other in also_alerted)
    )
    required = tuple(_slices(paired, policy.required_slices, policy.limits))
    known = {question.name for question in required}
    watched = (
        replace(question, family="harm_alarm")
        for question in _slices(paired, policy.watched_slices, policy.limits)
        if question.name not in known
    )
    return (overall, *of_the_alert, *others, *required, *watched)


def _alerted(paired: Paired, policy: Promotion, asks: Asks, alerted: AlertedSlice) -> Question:
    chosen = select(paired.slices, alerted.where)
    where, note = in_a_sentence(alerted, chosen)
    return Question(
        name="alerted slice",
        where=where,
        rows=np.flatnonzero(chosen.mask),
        asks=asks,
        margin=policy.limits.slice_margin,
        note=note,
    )


def in_a_sentence(alerted: AlertedSlice, chosen: Selection) -> tuple[str, str]:
    """Return the words for the rows chosen, and a note where they are not the alert's own."""
    if chosen.skipped:
        skipped = " and ".join(in_words(p) for p in chosen.skipped)
        where = " and ".join(in_words(p) for p in chosen.applied) or ALL_ROWS
        note = f"the score table cannot tell {skipped}, so more than the alerted slice is judged"
        return where, note
    if not alerted.where:
        return ALL_ROWS, "the alert puts no condition on rows"
    return alerted.description, ""


def _slices(paired: Paired, columns: Sequence[str], limits: Limits) -> Iterator[Question]:
    """Yield a question for each value of these columns."""
    for column in dict.fromkeys(columns):
        for value, rows in _values(paired.slices[column], limits):
            yield Question(
                name=f"{column} = {value}",
                where=f"{column} = {value}",
                rows=rows,
                asks="not_worse",
                margin=limits.slice_margin,
                required=None,
                is_slice=True,
            )


def _values(column: pd.Series[Any], limits: Limits) -> Iterator[tuple[str, Rows]]:
    groups = each_value(column)
    least = limits.min_rows if len(groups.names) > MOST_SHOWN else 1
    return ((value, rows) for value, rows in groups if len(rows) >= least)
