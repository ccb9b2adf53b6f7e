"""Negative flips: rows that production predicts correctly and the candidate does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retouch.gate.block_jackknife import jackknife_bounds, means_without_one_day
from retouch.gate.guardrails.groups import too_few_rows
from retouch.gate.guardrails.results import MOST_EVIDENCE, LimitCheck, decided, number, undecided
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.gate.slices import Mask
from retouch.policy.guardrails import NegativeFlips
from retouch.policy.promotion import Limits

MEASURE = "share of rows that only production predicts correctly"


def evaluate(guardrail: NegativeFlips, paired: Paired, limits: Limits) -> GuardrailResult:
    """Compare the share of negative flips with its limit.

    Negative flips: Yan et al., "Positive-congruent training", CVPR 2021. Bounds by jackknife over
    days.
    """
    rows = paired.rows
    few = too_few_rows(paired, "all rows", limits)
    if few:
        return undecided(guardrail, MEASURE, few)
    labels = rows["label"].to_numpy(dtype=float)
    if guardrail.threshold is not None and not np.isin(labels, (0, 1)).all():
        message = "Some labels are neither 0 nor 1, so no decision can be right or wrong."
        return undecided(guardrail, MEASURE, message)
    old = _right(guardrail, labels, rows["production_score"].to_numpy(dtype=float))
    new = _right(guardrail, labels, rows["candidate_score"].to_numpy(dtype=float))
    flips, fixed = old & ~new, new & ~old
    share = float(flips.mean())
    without_one = means_without_one_day(flips.astype(float), rows["day"].to_numpy(dtype=np.str_))
    lower, upper = jackknife_bounds(share, without_one, limits.confidence)
    if share and not guardrail.share_at_most:
        lower, upper = None, None  # One flipped row proves that the share is above 0.
    elif lower is not None and upper is not None:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    check = LimitCheck("the share of all rows", share, guardrail.share_at_most, lower, upper)
    return decided(
        guardrail,
        check,
        MEASURE,
        f"The candidate newly gets {rows_text(int(flips.sum()))} wrong and"
        f" {rows_text(int(fixed.sum()))} right; {check.message(limits.confidence)}; of the rows"
        f" production gets right, {number(100 * _share_of(flips, old))} % flip.",
        production=None,
        candidate=share,
        evidence=_worst(rows, flips),
    )


def _right(guardrail: NegativeFlips, labels: Numbers, scores: Numbers) -> Mask:
    if guardrail.threshold is not None:
        return np.asarray((scores >= guardrail.threshold) == (labels == 1), dtype=bool)
    return np.asarray(np.abs(labels - scores) <= (guardrail.tolerance or 0.0), dtype=bool)


def _share_of(part: Mask, whole: Mask) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else 0.0


def _worst(rows: pd.DataFrame, flips: Mask) -> list[dict[str, object]]:
    """Return the flipped rows with the largest errors."""
    flipped = rows.loc[flips, ["id", "day", "label", "production_score", "candidate_score"]]
    off = (flipped["candidate_score"] - flipped["label"]).abs()
    worst = off.sort_values(ascending=False, kind="stable").index[:MOST_EVIDENCE]
    return [
        {"id": str(i), "day": str(d), "label": y, "production": old, "candidate": new}
        for i, d, y, old, new in flipped.loc[worst].itertuples(index=False)
    ]
