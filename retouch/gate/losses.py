"""The losses a candidate can be judged by: one number per row, smaller is better.

A new loss is one entry of `LOSSES` and one name in `retouch.policy.promotion.LossName`. A loss
with parameters (the quantile of a pinball loss) reads them from `Limits` in `loss_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from retouch.policy.promotion import Limits

Numbers = NDArray[np.float64]

FEWEST_OF_A_CLASS = 10
"""An area under the curve from fewer rows of a class says nothing about its own error."""
LARGEST_LOSS = 1e100
"""Beyond it squares and sums overflow; no loss of a sound model comes near."""
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Loss:
    """How far a score is from its label, row by row."""

    mean_is_called: str
    """The name of its mean, to begin a sentence with."""
    per_row: Callable[[Numbers, Numbers], Numbers]
    """(labels, scores) -> losses, all of shape (rows,).

    NaN or infinite where the loss is not defined: pairing then calls the comparison invalid.
    """
    of_classes: bool = False
    """Labels must be 0 or 1."""
    of_probabilities: bool = False
    """Scores must lie between 0 and 1."""
    of_ranks: bool = False
    """A row's loss depends on the other rows: it is worked out anew for each slice."""


def absolute_error(labels: Numbers, scores: Numbers) -> Numbers:
    """Return |label - score| in the label's unit; shapes (rows,)."""
    return np.abs(labels - scores)


def squared_error(labels: Numbers, scores: Numbers) -> Numbers:
    """Return (label - score)^2 in the square of the label's unit; shapes (rows,)."""
    return np.square(labels - scores)


def pinball(labels: Numbers, scores: Numbers, quantile: float = 0.5) -> Numbers:
    """Return the loss a quantile minimises (Koenker and Bassett 1978); shapes (rows,).

    A label above its score costs `quantile` per unit, one below it 1 - `quantile`.
    """
    above = labels - scores
    return np.maximum(quantile * above, (quantile - 1) * above)


def log_loss(labels: Numbers, scores: Numbers) -> Numbers:
    """Return -log of the probability given to what happened; shapes (rows,).

    Probabilities are clipped to [eps, 1 - eps] of a float64, as scikit-learn does: a certain score
    that is wrong costs 36, not infinity.
    """
    sure = np.clip(scores, _EPS, 1 - _EPS)
    return -np.where(labels == 1, np.log(sure), np.log1p(-sure))


def area_losses(labels: Numbers, scores: Numbers) -> Numbers:
    """Return pseudo-losses whose mean is 1 - AUC, NaN without both classes; shapes (rows,).

    DeLong's structural components (Biometrics 44, 1988): of a row with label 1 the share of rows
    with label 0 that it outranks, a tie being half; of a row with label 0 the share that outranks
    it. Weighted by class, their deviations from the AUC are its influence function, so that their
    sums by day give its error in clustered data (Obuchowski, Biometrics 53, 1997).
    """
    from scipy.stats import rankdata  # takes a second to load

    positive = labels == 1
    count, positives = len(labels), int(positive.sum())
    if positives in (0, count):
        return np.full(count, np.nan)
    ranks, among = rankdata(scores), np.empty(count)
    among[positive] = rankdata(scores[positive])
    among[~positive] = rankdata(scores[~positive])
    outranked = (ranks - among) / np.where(positive, count - positives, positives)
    right = np.where(positive, outranked, 1 - outranked)
    area = right[positive].mean()
    weight = count / np.where(positive, positives, count - positives)
    losses: Numbers = (1 - area) - weight * (right - area)
    return losses


@dataclass(frozen=True)
class ShortOf:
    """A class with too few rows for an area under the curve."""

    label: int
    rows: int
    needed: int = FEWEST_OF_A_CLASS


def short_of(labels: Numbers) -> ShortOf | None:
    """Return the class of which there are too few rows; None when there are enough of both."""
    ones = int(np.count_nonzero(labels == 1))
    counts = {1: ones, 0: len(labels) - ones}
    few = (ShortOf(label, count) for label, count in counts.items() if count < FEWEST_OF_A_CLASS)
    return next(few, None)


LOSSES: dict[str, Loss] = {
    "absolute_error": Loss("Mean absolute error", absolute_error),
    "squared_error": Loss("Mean squared error", squared_error),
    "pinball": Loss("Mean pinball loss", pinball),
    "log_loss": Loss("Mean log loss", log_loss, of_classes=True, of_probabilities=True),
    "brier": Loss("Brier score", squared_error, of_classes=True, of_probabilities=True),
    "auc": Loss("One minus the AUC", area_losses, of_classes=True, of_ranks=True),
}


def loss_of(limits: Limits) -> Loss:
    """Return the loss the policy names; the policy's schema knows no name that is not here."""
    loss = LOSSES[limits.loss]
    if limits.quantile is None:
        return loss
    return replace(loss, per_row=partial(pinball, quantile=limits.quantile))
