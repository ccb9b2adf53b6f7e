"""How sure an estimate is, from its values with each day left out in turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from retouch.gate.losses import Numbers


def bounds(
    estimate: float, without_one: Numbers, confidence: float
) -> tuple[float, float] | tuple[None, None]:
    """Return one-sided bounds of an estimate from its values with each block left out in turn.

    Delete-one jackknife with t quantiles, as of the gate's gains. None with fewer than two blocks,
    or where the estimate cannot be worked out without one of them.
    """
    count = len(without_one)
    if count < 2 or not np.isfinite(without_one).all():
        return None, None
    spread = float(np.square(without_one - without_one.mean()).sum())
    error = math.sqrt((count - 1) / count * spread)
    t = float(stdtrit(count - 1, confidence))
    return estimate - t * error, estimate + t * error


def by_day(day: NDArray[Any]) -> tuple[int, NDArray[np.intp]]:
    """Return how many days there are, and of each row the place of its day among them."""
    days, block = np.unique(day, return_inverse=True)
    return len(days), block


def means_without_one_day(values: Numbers, day: NDArray[Any]) -> Numbers:
    """Return the mean of values of shape (rows,) with each day left out; shape (days,)."""
    count, block = by_day(day)
    sums = np.bincount(block, weights=values, minlength=count)
    sizes = np.bincount(block, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Numbers = (sums.sum() - sums) / (sizes.sum() - sizes)
    return means
