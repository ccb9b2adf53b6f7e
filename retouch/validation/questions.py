"""What the gate asks of a candidate, and of which rows: everything, the alerted slice, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from retouch.alerts.model import Predicate
from retouch.policy.promotion import Promotion
from retouch.validation.pairing import Paired
from retouch.validation.slices import Mask, each_value, in_words, select

Must = Literal["improve", "not_get_worse"]
"""What a tier must do for the alerted slice (`retouch.policy.model.Tier.must`)."""
Asks = Literal["not_worse", "improve"]

ALL_ROWS = "all rows"


@dataclass(frozen=True)
class AlertedSlice:
    """The part of the hold-out the alert speaks of."""

    description: str
    """In the words of a sentence: `region = central`."""
    where: tuple[Predicate, ...] = ()
    """All of them hold for its rows; without one, it is all rows."""


@dataclass(frozen=True)
class Question:
    """What is asked of which rows."""

    name: str
    where: str
    """The rows, in the words of a sentence: `all rows`, `origin = EWR`."""
    rows: Mask
    asks: Asks
    margin: float
    """`not_worse`: the mean loss may grow by less than this. `improve`: a hold-out that could miss
    a gain of this size is too small to say that there is none."""
    required: bool | None = True
    """None: only where there are rows and days enough to answer it."""
    note: str = ""
    """A clause for the end of the sentence."""

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
        rows=np.ones(len(paired.rows), dtype=bool),
        asks=asks if alerted is None else "not_worse",
        margin=policy.limits.overall_margin,
    )
    of_the_alert = () if alerted is None else (_alerted(paired, policy, asks, alerted),)
    others = (
        replace(question, name=f"also alerted: {question.where}")
        for question in (_alerted(paired, policy, asks, other) for other in also_alerted)
    )
    return (overall, *of_the_alert, *others, *_required_slices(paired, policy))


def _alerted(paired: Paired, policy: Promotion, asks: Asks, alerted: AlertedSlice) -> Question:
    chosen = select(paired.slices, alerted.where)
    where, note = alerted.description, ""
    if chosen.skipped:
        skipped = " and ".join(in_words(p) for p in chosen.skipped)
        where = " and ".join(in_words(p) for p in chosen.applied) or ALL_ROWS
        note = f"the score table cannot tell {skipped}, so more than the alerted slice is judged"
    elif not alerted.where:
        where = ALL_ROWS
        note = "the alert puts no condition on rows"
    return Question(
        name="alerted slice",
        where=where,
        rows=chosen.mask,
        asks=asks,
        margin=policy.limits.slice_margin,
        note=note,
    )


def _required_slices(paired: Paired, policy: Promotion) -> Iterator[Question]:
    for column in policy.required_slices:
        for value, rows in each_value(paired.slices[column]):
            yield Question(
                name=f"{column} = {value}",
                where=f"{column} = {value}",
                rows=rows,
                asks="not_worse",
                margin=policy.limits.slice_margin,
                required=None,
            )
