"""Whether a candidate brings the alerted slice back to what it was before the alert."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from retouch.alerts.model import Predicate
from retouch.gate.checks import Result
from retouch.gate.comparison import PRODUCTION
from retouch.gate.losses import LARGEST_LOSS, loss_of, short_of
from retouch.gate.messages import restored_sentence
from retouch.gate.model import Check
from retouch.gate.questions import Question
from retouch.gate.score_table import Incomparable, read_scores, rows_text
from retouch.gate.slices import in_words, select
from retouch.policy.promotion import Limits, Promotion

_ROUND_OFF = 1e-12
_WINDOW = f"{PRODUCTION} over the alert's reference window"


def restored(
    question: Question,
    found: Check,
    *,
    where: Sequence[Predicate],
    factor: float,
    reference: pd.DataFrame,
    policy: Promotion,
) -> Check:
    """Ask whether the candidate's mean loss is within `factor` of production's before the alert.

    `question` and `found` are those of the alerted slice on the hold-out, `where` its predicates
    that could be applied; `reference` is production's score table of the alert's reference window.
    Point estimates both: the question is whether the work is done. That chance did it is ruled out
    by the slice's own check.
    """
    limits = policy.limits
    if found.production is None or found.candidate is None or _few(found, limits):
        return _check(found, "not_enough_data", found.message)
    was = _mean_loss(reference, tuple(where), policy)
    if isinstance(was, Incomparable):
        return _check(found, "not_enough_data", was.message)
    result: Result = "pass" if found.candidate <= factor * was * (1 + _ROUND_OFF) else "fail"
    message = restored_sentence(
        question.where, found.production, found.candidate, was, factor, limits
    )
    return _check(found, result, message, limit=found.production - factor * was, reference=was)


def _few(found: Check, limits: Limits) -> bool:
    return found.rows < limits.min_rows or found.days < limits.min_days


def _mean_loss(
    reference: pd.DataFrame, where: tuple[Predicate, ...], policy: Promotion
) -> float | Incomparable:
    """Return production's mean loss on the alerted slice of the reference window."""
    limits, loss = policy.limits, loss_of(policy.limits)
    columns = tuple(dict.fromkeys(p.column for p in where if p.column in reference))
    table = read_scores(
        reference,
        _WINDOW,
        scoring=policy.score,
        holdout=None,
        loss=loss,
        required=(),
        carried=columns,
    )
    if isinstance(table, Incomparable):
        return table
    chosen = select(table.slices, where)
    if chosen.skipped:
        unknown = " and ".join(in_words(p) for p in chosen.skipped)
        return Incomparable(f"The score table of {_WINDOW} cannot tell {unknown}.")
    rows = table.rows[chosen.mask]
    if len(rows) < limits.min_rows:
        return Incomparable(
            f"Too little to tell what was before the alert: {rows_text(len(rows))} of the alerted"
            f" slice in its reference window, where {limits.min_rows:,} are needed."
        )
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    if loss.of_ranks and (few := short_of(labels)):
        return Incomparable(
            f"Too little to tell what was before the alert: {rows_text(few.rows)} with the label"
            f" {few.label} in its reference window, where {few.needed} are needed."
        )
    with np.errstate(all="ignore"):  # What is not finite is refused just below.
        mean = float(np.mean(loss.per_row(labels, scores)))
    if not abs(mean) <= LARGEST_LOSS:
        return Incomparable(f"The {loss.mean_is_called.lower()} of {_WINDOW} cannot be worked out.")
    return mean


def _check(
    found: Check,
    result: Result,
    message: str,
    *,
    limit: float = 0.0,
    reference: float | None = None,
) -> Check:
    return Check(
        name="restored",
        asks="restored",
        rows=found.rows,
        days=found.days,
        production=found.production,
        candidate=found.candidate,
        gain=found.gain,
        gain_lower=found.gain_lower,
        gain_upper=found.gain_upper,
        limit=limit,
        reference=reference,
        detectable=found.detectable,
        result=result,
        message=message,
    )
