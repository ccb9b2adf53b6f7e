"""The days of a canary: both models' daily losses, and bounds of the gain valid at every look.

A canary is looked at after every day that arrives. A test designed for a single look would reject
far too often when repeated daily; the bounds of a confidence sequence hold for all days at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retouch.gate.holdout import HoldoutDays
from retouch.gate.model import DayLoss
from retouch.policy.promotion import Promotion

if TYPE_CHECKING:
    import pandas as pd

    from retouch.gate.pairing import Paired

_LARGEST_BET = 0.5
_MEAN, _VARIANCE = 0.5, 0.25
"""Prior mean and variance, with the weight of one day."""


@dataclass(frozen=True)
class Bounds:
    """Bounds of the mean gain after some days, in the gain's unit."""

    days: int
    gain: float
    """The plain mean of the days, each clipped to plus or minus the scale."""
    lower: float
    upper: float
    """The true mean lies between `lower` and `upper` on all days simultaneously, with the given
    confidence."""


def confidence_sequence(
    gains: Iterable[float], *, scale: float, confidence: float
) -> tuple[Bounds, ...]:
    """Return the bounds of the mean gain after each day, in order.

    `gains`: production's mean loss minus the candidate's, one per day, in the loss's unit; above 0
    the candidate is better. Gains are clipped to plus or minus `scale`. `confidence`: the
    probability that *all* intervals cover the true mean (two-sided). Raises ValueError for a gain
    that is not finite, since a missing number is never a pass.

    Predictable plug-in empirical-Bernstein confidence sequence (Waudby-Smith & Ramdas 2024,
    "Estimating means of bounded random variables by betting", J. R. Stat. Soc. B 86, theorem 2), on
    X in [0, 1]:

        mu_t   = (1/2 + sum X_i) / (t + 1)                   mu_0 = 1/2
        s2_t   = (1/4 + sum (X_i - mu_i)^2) / (t + 1)        s2_0 = 1/4
        lam_t  = min(sqrt(2 ln(2/a) / (s2_{t-1} t ln(1 + t))), 1/2)
        v_i    = 4 (X_i - mu_{i-1})^2        psi(l) = (-ln(1 - l) - l) / 4
        centre = sum(lam_i X_i) / sum(lam_i)
        radius = (ln(2/a) + sum(v_i psi(lam_i))) / sum(lam_i)

    It assumes that, given the days before, every day's gain has the same mean. Bounds of different
    days are not intersected: after a change, the early days' intersection would hold for ever.
    """
    if not (0 < scale < math.inf and 0 < confidence < 1):
        raise ValueError("the scale must be above 0, and the confidence between 0 and 1")
    clipped = [_clipped(gain, scale) for gain in gains]
    found, total = [], 0.0
    for day, (centre, radius) in enumerate(_intervals(clipped, 1 - confidence), start=1):
        total += clipped[day - 1]
        low, high = max(0.0, centre - radius), min(1.0, centre + radius)
        found.append(
            Bounds(day, scale * total / day, scale * (2 * low - 1), scale * (2 * high - 1))
        )
    return tuple(found)


def _clipped(gain: float, scale: float) -> float:
    """Return a gain as a share of the scale, from -1 to 1."""
    if not math.isfinite(gain):
        raise ValueError(f"a day's gain is {gain}")
    return min(1.0, max(-1.0, gain / scale))


def _intervals(shares: Iterable[float], error: float) -> Iterator[tuple[float, float]]:
    """Yield centre and radius after each day, of X = (share + 1) / 2."""
    log = math.log(2 / error)
    mean, variance, sum_x, sum_squares = _MEAN, _VARIANCE, 0.0, 0.0
    bets = weighted = spread = 0.0
    for day, share in enumerate(shares, start=1):
        x = (share + 1) / 2
        bet = min(math.sqrt(2 * log / (variance * day * math.log1p(day))), _LARGEST_BET)
        bets += bet
        weighted += bet * x
        spread += 4 * (x - mean) ** 2 * (-math.log1p(-bet) - bet) / 4
        sum_x += x
        mean = (_MEAN + sum_x) / (day + 1)
        sum_squares += (x - mean) ** 2
        variance = (_VARIANCE + sum_squares) / (day + 1)
        yield weighted / bets, (log + spread) / bets


@dataclass(frozen=True)
class CanaryDays:
    """Both models' losses by day, or why there are none."""

    days: tuple[DayLoss, ...] = ()
    """In order, each once."""
    invalid: str | None = None
    """Why the candidate's scores cannot be used, where production's can."""
    note: str = ""
    """Why there are no days, or no more of them."""


def canary_days(
    production: pd.DataFrame, candidate: pd.DataFrame, *, span: HoldoutDays, policy: Promotion
) -> CanaryDays:
    """Return the mean losses of the days within `span`, by the gate's own rules for rows.

    Never raises for faulty scores. Where production's own are unusable, no day can be compared, and
    there are no days. With `holdout.every_day`, days after a day without rows wait
    until it has some.
    """
    from retouch.gate.losses import loss_of  # pandas and scipy take a second to load
    from retouch.gate.pairing import pair
    from retouch.gate.score_table import Incomparable

    loss = loss_of(policy.limits)

    def paired_with(old: pd.DataFrame, new: pd.DataFrame) -> Paired | Incomparable:
        days = "the requested days"
        return pair(old, new, scoring=policy.score, holdout=span, loss=loss, days=days)

    alone = paired_with(production, production)
    if isinstance(alone, Incomparable):
        return CanaryDays(note=alone.message)
    found = paired_with(production, candidate)
    if isinstance(found, Incomparable):
        faulty = isinstance(paired_with(candidate, candidate), Incomparable)
        if faulty or _lacks_rows(candidate, production, policy.score.id):
            return CanaryDays(invalid=found.message)
        return CanaryDays(note=found.message)
    return _by_day(found, span, policy)


def _lacks_rows(candidate: pd.DataFrame, production: pd.DataFrame, id_: str) -> bool:
    from retouch.gate.score_table import as_text

    return bool((~as_text(production[id_]).isin(as_text(candidate[id_]))).any())


def _by_day(paired: Paired, span: HoldoutDays, policy: Promotion) -> CanaryDays:
    empty = span.missing_days(paired.days.names) if policy.holdout.every_day else ()
    days, short = [], 0
    for day, rows in paired.days:
        if empty and day > empty[0]:
            break
        if paired.rare_class(rows) is not None:
            short += 1
            continue
        losses = paired.losses(rows)
        days.append(
            DayLoss(
                day=day,
                rows=len(rows),
                production=float(losses.production.mean()),
                candidate=float(losses.candidate.mean()),
            )
        )
    notes = []
    if empty:
        notes.append(f"{empty[0]} has no rows; later days wait for it.")
    if short:
        skipped = "1 day was skipped" if short == 1 else f"{short} days were skipped"
        notes.append(f"{skipped}: too few rows of one class.")
    return CanaryDays(days=tuple(days), note=" ".join(notes))
