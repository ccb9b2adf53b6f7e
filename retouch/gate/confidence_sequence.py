"""Bounds of a mean that hold at every look: the empirical-Bernstein confidence sequence.

A canary is looked at after every day that arrives. A test made for one look would say "worse" far
too often when it is asked daily; these bounds hold for all days together.

Predictable plug-in empirical-Bernstein confidence sequence (Waudby-Smith & Ramdas 2024, "Estimating
means of bounded random variables by betting", J. R. Stat. Soc. B 86, theorem 2), on X in [0, 1]:

    mu_t   = (1/2 + sum X_i) / (t + 1)                   mu_0 = 1/2
    s2_t   = (1/4 + sum (X_i - mu_i)^2) / (t + 1)        s2_0 = 1/4
    lam_t  = min(sqrt(2 ln(2/a) / (s2_{t-1} t ln(1 + t))), 1/2)
    v_i    = 4 (X_i - mu_{i-1})^2        psi(l) = (-ln(1 - l) - l) / 4
    centre = sum(lam_i X_i) / sum(lam_i)
    radius = (ln(2/a) + sum(v_i psi(lam_i))) / sum(lam_i)

It holds for days whose gains, given the days before, all have the same mean. Bounds of different
days are not intersected: after a change, what early days have shown would stand for ever.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LARGEST_BET = 0.5
_MEAN, _VARIANCE = 0.5, 0.25
"""What mean and variance are taken to be before the first day; they count as one day."""


@dataclass(frozen=True)
class Bounds:
    """What is known of the mean gain after some days, in the gain's unit."""

    days: int
    gain: float
    """The plain mean of the days, each clipped to plus or minus the scale."""
    lower: float
    upper: float
    """The true mean lies between the two, for all days together, with the confidence asked for."""


def confidence_sequence(
    gains: Iterable[float], *, scale: float, confidence: float
) -> tuple[Bounds, ...]:
    """Return the bounds of the mean gain after each day, in order.

    `gains`: production's mean loss minus the candidate's, one per day; above 0 the candidate is
    better. A gain beyond plus or minus `scale` counts as that. `confidence`: two-sided. Raises
    ValueError for a gain that is not finite: a missing number is never a pass.
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
