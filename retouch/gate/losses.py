"""The losses a candidate is judged by: one number per row, smaller is better.

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

MIN_CLASS_ROWS = 10
"""With fewer rows of a class, the standard error of an AUC is not reliable."""
LARGEST_LOSS = 1e100
"""Beyond it squares and sums overflow; no loss of a valid model comes near."""
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Loss:
    """How far a score is from its label, row by row."""

    mean_name: str
    """The name of its mean, as a sentence begins with it."""
    per_row: Callable[[Numbers, Numbers], Numbers]
    """(labels, scores) -> losses, all of shape (rows,).

    NaN or infinite where the loss is undefined, which makes the comparison invalid.
    """
    binary_labels: bool = False
    """Labels must be 0 or 1."""
    probability_scores: bool = False
    """Scores must lie between 0 and 1."""
    rank_based: bool = False
    """A row's loss depends on the other rows, so it is computed anew for each slice."""


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
    """Return -log of the probability given to the observed label, in nats; shapes (rows,).

    Probabilities are clipped to [eps, 1 - eps] of a float64, as scikit-learn does: a wrong
    score of 0 or 1 costs 36 nats, not infinity.
    """
    sure = np.clip(scores, _EPS, 1 - _EPS)
    return -np.where(labels == 1, np.log(sure), np.log1p(-sure))


def auc_losses(labels: Numbers, scores: Numbers) -> Numbers:
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
class RareClass:
    """A class with too few rows for an AUC."""

    label: int
    rows: int
    needed: int = MIN_CLASS_ROWS


def rare_class(labels: Numbers) -> RareClass | None:
    """Return the class with too few rows; None when both have enough."""
    ones = int(np.count_nonzero(labels == 1))
    counts = {1: ones, 0: len(labels) - ones}
    few = (RareClass(label, count) for label, count in counts.items() if count < MIN_CLASS_ROWS)
    return next(few, None)


LOSSES: dict[str, Loss] = {
    "absolute_error": Loss("Mean absolute error", absolute_error),
    "squared_error": Loss("Mean squared error", squared_error),
    "pinball": Loss("Mean pinball loss", pinball),
    "log_loss": Loss("Mean log loss", log_loss, binary_labels=True, probability_scores=True),
    "brier": Loss("Brier score", squared_error, binary_labels=True, probability_scores=True),
    "auc": Loss("One minus the AUC", auc_losses, binary_labels=True, rank_based=True),
}


def loss_of(limits: Limits) -> Loss:
    """Return the loss that the policy names; its schema allows only names in `LOSSES`."""
    loss = LOSSES[limits.loss]
    if limits.quantile is None:
        return loss
    return replace(loss, per_row=partial(pinball, quantile=limits.quantile))
