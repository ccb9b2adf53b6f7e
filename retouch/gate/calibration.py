"""How scores lie about their labels: bias and interval coverage, or the reliability of odds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.jackknife import bounds, means_without_one_day
from retouch.gate.losses import Numbers
from retouch.gate.model import Calibration, CalibrationOf, ReliabilityBin
from retouch.gate.pairing import Paired
from retouch.gate.slices import Mask
from retouch.policy.promotion import Promotion

Side = Literal["production", "candidate"]
SIDES: tuple[Side, Side] = ("production", "candidate")
BINS = 10


def calibration_of(
    paired: Paired, slices: Sequence[tuple[str, Mask]], policy: Promotion
) -> tuple[Calibration, ...]:
    """Return both models' calibration on each of the slices, given by name and rows.

    Nothing without an interval; a slice without rows is left out.
    """
    if not has_interval(paired.rows):
        return ()
    confidence = policy.limits.confidence
    return tuple(
        Calibration(
            where=where,
            rows=int(mask.sum()),
            days=int(rows["day"].nunique()),
            production=_of("production", rows, confidence),
            candidate=_of("candidate", rows, confidence),
        )
        for where, mask in slices
        if not (rows := paired.rows[mask]).empty
    )


def reliability_of(paired: Paired, policy: Promotion) -> tuple[ReliabilityBin, ...]:
    """Return both models' reliability in bins of equal size; nothing unless labels are 0 and 1.

    Nothing either when a score is no probability.
    """
    rows = paired.rows
    if rows.empty or not are_probabilities(rows):
        return ()
    return tuple(each for side in SIDES for each in _bins(side, rows))


def has_interval(rows: pd.DataFrame) -> bool:
    """Say whether the paired rows hold both models' intervals."""
    return all(f"{side}_{end}" in rows for side in SIDES for end in ("lower", "upper"))


def are_probabilities(rows: pd.DataFrame) -> bool:
    """Say whether all labels are 0 or 1 and all scores of both models from 0 to 1."""
    scores = rows[["production_score", "candidate_score"]].to_numpy(dtype=float)
    return bool(np.isin(rows["label"], (0, 1)).all() and ((scores >= 0) & (scores <= 1)).all())


def within_interval(rows: pd.DataFrame, side: Side) -> Numbers:
    """Return 1 where the label is within the model's interval, ends included; else 0."""
    label = rows["label"]
    within = (rows[f"{side}_lower"] <= label) & (label <= rows[f"{side}_upper"])
    return within.to_numpy().astype(np.float64)


def bins_of(scores: Numbers, count: int) -> NDArray[np.intp]:
    """Return the bin of each score: equally filled, but rows of one score share their bin."""
    edges = np.unique(np.quantile(scores, np.arange(1, count) / count, method="higher"))
    _, bins = np.unique(np.searchsorted(edges, scores, side="left"), return_inverse=True)
    return bins


def _of(side: Side, rows: pd.DataFrame, confidence: float) -> CalibrationOf:
    within = within_interval(rows, side)
    without_one = means_without_one_day(within, rows["day"].to_numpy(dtype=np.str_))
    coverage = float(within.mean())
    lower, upper = bounds(coverage, without_one, confidence)
    return CalibrationOf(
        bias=float((rows[f"{side}_score"] - rows["label"]).mean()),
        coverage=coverage,
        coverage_lower=None if lower is None else max(0.0, lower),
        coverage_upper=None if upper is None else min(1.0, upper),
    )


def _bins(side: Side, rows: pd.DataFrame) -> Iterator[ReliabilityBin]:
    scores = rows[f"{side}_score"].to_numpy(dtype=float)
    bins = bins_of(scores, BINS)
    sizes = np.bincount(bins)
    means = np.bincount(bins, weights=scores) / sizes
    shares = np.bincount(bins, weights=rows["label"].to_numpy(dtype=float)) / sizes
    for size, score, label in zip(sizes, means, shares, strict=True):
        yield ReliabilityBin(
            model=side, rows=int(size), mean_score=float(score), mean_label=float(label)
        )
