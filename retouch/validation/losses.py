"""The losses a candidate can be judged by: one number per row, smaller is better.

A new loss is one entry of `LOSSES` and one name in `retouch.policy.promotion.Limits.loss`. A loss
with parameters (the quantile of a pinball loss) reads them from `Limits` in `loss_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retouch.policy.promotion import Limits

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """How far a score is from its label, row by row."""

    mean_is_called: str
    """The name of its mean, to begin a sentence with."""
    per_row: Callable[[Numbers, Numbers], Numbers]
    """(labels, scores) -> losses, all of shape (rows,).

    NaN or infinite where the loss is not defined: pairing then calls the comparison invalid.
    """


def absolute_error(labels: Numbers, scores: Numbers) -> Numbers:
    """Return |label - score| in the label's unit; shapes (rows,)."""
    return np.abs(labels - scores)


def squared_error(labels: Numbers, scores: Numbers) -> Numbers:
    """Return (label - score)^2 in the square of the label's unit; shapes (rows,)."""
    return np.square(labels - scores)


LOSSES: dict[str, Loss] = {
    "absolute_error": Loss("Mean absolute error", absolute_error),
    "squared_error": Loss("Mean squared error", squared_error),
}


def loss_of(limits: Limits) -> Loss:
    """Return the loss the policy names; the policy's schema knows no name that is not here."""
    return LOSSES[limits.loss]
