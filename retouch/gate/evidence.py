"""What a judgement shows of the rows it stands on: the hold-out and its days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from retouch.documents import digest_of
from retouch.gate.calibration import calibration_of
from retouch.gate.comparison import Look
from retouch.gate.holdout import HoldoutDays
from retouch.gate.model import Calibration, DayLoss, HoldoutUsed
from retouch.gate.pairing import Paired
from retouch.gate.questions import Question
from retouch.gate.slices import Rows, mask_of
from retouch.policy.promotion import Promotion


def holdout_used(
    paired: Paired,
    holdout: HoldoutDays,
    *,
    seen_until: tuple[str, str],
    learned_rows: int | None,
    look: Look,
    confidence: float | None,
) -> HoldoutUsed:
    """Return what the hold-out was. `seen_until`: of production, of the candidate."""
    labels = paired.rows[["id", "label"]].to_numpy(dtype=object).tolist()
    return HoldoutUsed(
        start=holdout.start,
        end=holdout.end,
        rows=len(paired.rows),
        days=len(paired.days.names),
        digest=digest_of(labels),
        production_seen_until=seen_until[0],
        candidate_seen_until=seen_until[1],
        learned_rows_compared=learned_rows,
        candidate_number=look.number,
        candidates_allowed=look.allowed,
        confidence=confidence,
    )


def by_day(paired: Paired, rows: Rows) -> Iterator[DayLoss]:
    """Yield both models' mean loss on each day of these rows.

    Of a loss of ranks it is the day's own; a day that has it not, for want of a class, is left out.
    """
    number = paired.days.of_row[rows]
    for day in np.unique(number):
        of_day = rows[number == day]
        losses = paired.losses(of_day)
        production, candidate = float(losses.production.mean()), float(losses.candidate.mean())
        if np.isfinite(production) and np.isfinite(candidate):
            yield DayLoss(
                day=paired.days.names[day],
                rows=len(of_day),
                production=production,
                candidate=candidate,
            )


def calibration(
    paired: Paired, questions: Sequence[Question], policy: Promotion
) -> tuple[Calibration, ...]:
    """Return both models' calibration: over all rows, the alerted slices, the required ones."""
    rows = {q.where: q.rows for q in questions if q.family == "gate" and len(q.rows)}
    slices = [(where, mask_of(each, len(paired.rows))) for where, each in rows.items()]
    return calibration_of(paired, slices, policy)
