"""The hypotheses the gate tests: on all rows, on the alerted slices, on every other slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from retouch.gate.comparison import AlertedSlice, Must
from retouch.gate.pairing import Paired
from retouch.gate.slices import Rows, Selection, describe, group_by_value, select
from retouch.policy.promotion import Limits, Promotion

Criterion = Literal["not_worse", "improve"]
Family = Literal["gate", "harm_alarm"]

ALL_ROWS = "all rows"
MOST_SHOWN = 50
"""Of a column with more values than this, those with too few rows are left out."""


@dataclass(frozen=True)
class Hypothesis:
    """What is tested on which rows: superiority (`improve`) or non-inferiority (`not_worse`)."""

    name: str
    where: str
    """The rows, as messages describe them: `all rows`, `origin = EWR`."""
    rows: Rows
    criterion: Criterion
    margin: float
    """`not_worse`: the non-inferiority margin; the mean loss may rise by less than this. `improve`:
    the gain a hold-out must be able to detect before no gain can count as a failure."""
    required: bool | None = True
    """None: required only where there are enough rows and days to test it."""
    note: str = ""
    """A clause for the end of its message."""
    family: Family = "gate"
    is_slice: bool = False
    """Whether it is one value of a slice column, which gets a q-value."""

    @property
    def limit(self) -> float:
        """The value the lower bound of the gain must exceed."""
        return 0.0 if self.criterion == "improve" else -self.margin


def hypotheses(
    paired: Paired,
    policy: Promotion,
    must: Must,
    alerted: AlertedSlice | None,
    also_alerted: Sequence[AlertedSlice] = (),
) -> tuple[Hypothesis, ...]:
    """Return all hypotheses, in the order of the report.

    Without an alerted slice, a tier that must improve must do so over all rows. `also_alerted`:
    the slices of the other alerts of a group, each tested the same way.
    """
    criterion: Criterion = "improve" if must == "improve" else "not_worse"
    overall = Hypothesis(
        name="overall",
        where=ALL_ROWS,
        rows=np.arange(len(paired.rows)),
        criterion=criterion if alerted is None else "not_worse",
        margin=policy.limits.overall_margin,
    )
    of_the_alert = () if alerted is None else (_alerted(paired, policy, criterion, alerted),)
    others = (
        replace(hypothesis, name=f"also alerted: {hypothesis.where}")
        for hypothesis in (_alerted(paired, policy, criterion, other) for other in also_alerted)
    )
    required = tuple(_slices(paired, policy.required_slices, policy.limits))
    known = {hypothesis.name for hypothesis in required}
    watched = (
        replace(hypothesis, family="harm_alarm")
        for hypothesis in _slices(paired, policy.watched_slices, policy.limits)
        if hypothesis.name not in known
    )
    return (overall, *of_the_alert, *others, *required, *watched)


def _alerted(
    paired: Paired, policy: Promotion, criterion: Criterion, alerted: AlertedSlice
) -> Hypothesis:
    chosen = select(paired.slices, alerted.where)
    where, note = describe_slice(alerted, chosen)
    return Hypothesis(
        name="alerted slice",
        where=where,
        rows=np.flatnonzero(chosen.mask),
        criterion=criterion,
        margin=policy.limits.slice_margin,
        note=note,
    )


def describe_slice(alerted: AlertedSlice, chosen: Selection) -> tuple[str, str]:
    """Return a description of the chosen rows, and a note where they are not the alert's own."""
    if chosen.skipped:
        skipped = " and ".join(describe(p) for p in chosen.skipped)
        where = " and ".join(describe(p) for p in chosen.applied) or ALL_ROWS
        note = (
            f"the score table has no usable column for {skipped}, so more than the alerted slice is"
            " judged"
        )
        return where, note
    if not alerted.where:
        return ALL_ROWS, "the alert is about all rows"
    return alerted.description, ""


def _slices(paired: Paired, columns: Sequence[str], limits: Limits) -> Iterator[Hypothesis]:
    """Yield a non-inferiority hypothesis for each value of these columns."""
    for column in dict.fromkeys(columns):
        for value, rows in _values(paired.slices[column], limits):
            yield Hypothesis(
                name=f"{column} = {value}",
                where=f"{column} = {value}",
                rows=rows,
                criterion="not_worse",
                margin=limits.slice_margin,
                required=None,
                is_slice=True,
            )


def _values(column: pd.Series[Any], limits: Limits) -> Iterator[tuple[str, Rows]]:
    groups = group_by_value(column)
    least = limits.min_rows if len(groups.names) > MOST_SHOWN else 1
    return ((value, rows) for value, rows in groups if len(rows) >= least)
