"""Shadow comparison: how far apart two models' scores are on rows without labels, and where.

The score tables are paired as strictly as the gate pairs them. Without labels nothing here can say
which model is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from retouch.gate.block_jackknife import mean_gain
from retouch.gate.comparison import CANDIDATE, PRODUCTION, ScoredModel
from retouch.gate.holdout import HoldoutDays
from retouch.gate.losses import LOSSES, Numbers, loss_of
from retouch.gate.messages import days_text
from retouch.gate.pairing import Paired, pair
from retouch.gate.score_table import Incomparable
from retouch.gate.shadow_model import Scores, Shadow, ShadowDay, Shift, shadow_message
from retouch.gate.slices import Rows, group_by_value
from retouch.policy.promotion import Limits, Promotion

ALL_ROWS = "all rows"
PROBABILITIES = frozenset({"log_loss", "brier", "auc"})
"""Losses whose scores have no unit."""
OF_PROBABILITIES = 0.05
"""Their default tolerance."""


def compare_shadow(
    production: ScoredModel,
    candidate: ScoredModel,
    *,
    days: HoldoutDays,
    policy: Promotion,
    at: datetime,
    tolerance: float | None = None,
) -> Shadow:
    """Compare both models' scores of the same rows. Never raises for faulty scores.

    `days`: the days the rows must be from. `tolerance`: scores no further apart are equal; None is
    the policy's slice margin in the unit of the scores, or 0.05 where they have none.
    """
    limits = policy.limits
    shadow = Shadow(
        outcome="invalid",
        message="",
        production_model=production.model,
        candidate_model=candidate.model,
        start=days.start,
        end=days.end,
        production_seen_until=production.seen_until,
        candidate_seen_until=candidate.seen_until,
        unit="" if limits.loss in PROBABILITIES else limits.unit,
        tolerance=default_tolerance(limits) if tolerance is None else tolerance,
        confidence=limits.confidence,
        min_rows=limits.min_rows,
        compared_at=at,
    )
    paired = _paired(production, candidate, days, policy)
    if isinstance(paired, Incomparable):
        return shadow.model_copy(update={"message": paired.message})
    return _compared(paired, shadow, policy)


def default_tolerance(limits: Limits) -> float:
    """Return how far apart two scores may be and still count as equal, in their unit.

    The margin of a squared loss is in the square of the unit, so its root is taken.
    """
    if limits.loss in PROBABILITIES:
        return OF_PROBABILITIES
    squared = limits.loss == "squared_error"
    return math.sqrt(limits.slice_margin) if squared else limits.slice_margin


def _paired(
    production: ScoredModel, candidate: ScoredModel, days: HoldoutDays, policy: Promotion
) -> Paired | Incomparable:
    """Pair the scores by the gate's own rules, with 0 as placeholder for the labels."""
    tables = []
    for model, of in ((production, PRODUCTION), (candidate, CANDIDATE)):
        if model.scores is None:
            return Incomparable(f"{of[0].upper()}{of[1:]} was not scored.")
        tables.append(model.scores.assign(**{policy.score.label: 0.0}))
    probabilities = loss_of(policy.limits).probability_scores
    paired = pair(
        *tables,
        scoring=policy.score,
        holdout=days,
        loss=replace(LOSSES["absolute_error"], probability_scores=probabilities),
        optional=_columns(policy),
        days="the requested days",
    )
    if isinstance(paired, Incomparable) or not policy.holdout.every_day:
        return paired
    empty = days.missing_days(paired.rows["day"])
    if not empty:
        return paired
    return Incomparable(
        f"Both score tables lack {days_text(len(empty))} from {days.start} to {days.end}"
        f" (exclusive); the first is {empty[0]}."
    )


def _columns(policy: Promotion) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*policy.required_slices, *policy.watched_slices)))


@dataclass(frozen=True)
class _Scored:
    """The paired scores as arrays of shape (rows,)."""

    production: Numbers
    candidate: Numbers
    apart: Numbers
    """|candidate - production|."""
    day: Rows
    """The index of the row's day."""


def _compared(paired: Paired, shadow: Shadow, policy: Promotion) -> Shadow:
    frame = paired.rows
    production, candidate = (
        frame[f"{whose}_score"].to_numpy(dtype=float) for whose in ("production", "candidate")
    )
    rows = _Scored(production, candidate, np.abs(candidate - production), paired.days.of_row)
    cut = [
        (f"{column} = {value}", chosen)
        for column in _columns(policy)
        if column in paired.slices
        for value, chosen in group_by_value(paired.slices[column])
    ]
    large = [(where, chosen) for where, chosen in cut if len(chosen) >= shadow.min_rows]
    slices = [_shift(where, rows, chosen, shadow) for where, chosen in large]
    found = shadow.model_copy(
        update={
            "outcome": "compared",
            "overall": _shift(ALL_ROWS, rows, np.arange(len(frame)), shadow),
            "largest": float(rows.apart.max()),
            "days": tuple(_by_day(paired.days.names, rows, shadow.tolerance)),
            "slices": tuple(sorted(slices, key=lambda shift: -abs(shift.mean))),
            "too_small": len(cut) - len(large),
            "not_in_table": tuple(c for c in _columns(policy) if c not in paired.slices),
        }
    )
    return found.model_copy(update={"message": shadow_message(found)})


def _shift(where: str, rows: _Scored, chosen: Rows, shadow: Shadow) -> Shift:
    old, new, apart = rows.production[chosen], rows.candidate[chosen], rows.apart[chosen]
    # mean_gain takes losses, where falling is a gain: the shift of scores is minus the gain.
    found = mean_gain(old, new, rows.day[chosen], confidence=shadow.confidence)
    assert found.gain is not None  # there are rows
    return Shift(
        where=where,
        rows=found.rows,
        days=found.days,
        production=_scores(old),
        candidate=_scores(new),
        mean=0.0 - found.gain,
        lower=None if found.upper is None else 0.0 - found.upper,
        upper=None if found.lower is None else 0.0 - found.lower,
        difference=float(apart.mean()),
        differing=float((apart > shadow.tolerance).mean()),
    )


def _scores(scores: Numbers) -> Scores:
    low, median, high = (float(x) for x in np.quantile(scores, (0.1, 0.5, 0.9)))
    return Scores(mean=float(scores.mean()), low=low, median=median, high=high)


def _by_day(names: Sequence[str], rows: _Scored, tolerance: float) -> Iterator[ShadowDay]:
    count = np.bincount(rows.day)

    def mean(values: Numbers) -> Numbers:
        return np.bincount(rows.day, weights=values) / count

    beyond = (rows.apart > tolerance).astype(float)
    columns = (rows.production, rows.candidate, rows.apart, beyond)
    for number, values in enumerate(zip(*map(mean, columns), strict=True)):
        production, candidate, difference, differing = map(float, values)
        yield ShadowDay(
            day=names[number],
            rows=int(count[number]),
            production=production,
            candidate=candidate,
            difference=difference,
            differing=differing,
        )
