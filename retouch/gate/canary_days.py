"""The days a canary is judged by: both models' mean loss over the same rows of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from retouch.gate.holdout import HoldoutDays
from retouch.gate.losses import loss_of
from retouch.gate.model import DayLoss
from retouch.gate.pairing import Paired, pair
from retouch.gate.score_table import Incomparable, as_text
from retouch.policy.promotion import Promotion


@dataclass(frozen=True)
class CanaryDays:
    """What the scores of both models say."""

    days: tuple[DayLoss, ...] = ()
    """In order, each once."""
    invalid: str | None = None
    """Why the candidate's scores cannot be used, where production's can."""
    note: str = ""
    """Why there are no days, or no more of them."""


def days_of(
    production: pd.DataFrame, candidate: pd.DataFrame, *, span: HoldoutDays, policy: Promotion
) -> CanaryDays:
    """Return the mean losses of the days within `span`, by the gate's own rules for rows.

    Never raises for what is wrong with scores. Scores of production that cannot be used say nothing
    against the candidate: then there are no days. With `holdout.every_day`, days after one without
    rows wait for it.
    """
    loss = loss_of(policy.limits)

    def paired_with(old: pd.DataFrame, new: pd.DataFrame) -> Paired | Incomparable:
        return pair(old, new, scoring=policy.score, holdout=span, loss=loss)

    alone = paired_with(production, production)
    if isinstance(alone, Incomparable):
        return CanaryDays(note=_of_these_days(alone.message))
    found = paired_with(production, candidate)
    if isinstance(found, Incomparable):
        message = _of_these_days(found.message)
        faulty = isinstance(paired_with(candidate, candidate), Incomparable)
        if faulty or _lacks_rows(candidate, production, policy.score.id):
            return CanaryDays(invalid=message)
        return CanaryDays(note=message)
    return _by_day(found, span, policy)


def _lacks_rows(candidate: pd.DataFrame, production: pd.DataFrame, id_: str) -> bool:
    return bool((~as_text(production[id_]).isin(as_text(candidate[id_]))).any())


def _by_day(paired: Paired, span: HoldoutDays, policy: Promotion) -> CanaryDays:
    empty = span.without_rows(paired.days.names) if policy.holdout.every_day else ()
    days, short = [], 0
    for day, rows in paired.days:
        if empty and day > empty[0]:
            break
        if paired.short_of(rows) is not None:
            short += 1
            continue
        losses = paired.losses(rows)
        days.append(
            DayLoss(
                day=day,
                rows=len(rows),
                production=float(np.mean(losses.production)),
                candidate=float(np.mean(losses.candidate)),
            )
        )
    notes = []
    if empty:
        notes.append(f"{empty[0]} has no rows, and later days wait for it.")
    if short:
        of = "1 day has" if short == 1 else f"{short} days have"
        notes.append(f"{of} too few rows of one class, and count for nothing.")
    return CanaryDays(days=tuple(days), note=" ".join(notes))


def _of_these_days(message: str) -> str:
    """Return one of the pairing's sentences without its word for days, which is the gate's."""
    return message.replace("the hold-out", "the days asked for")
