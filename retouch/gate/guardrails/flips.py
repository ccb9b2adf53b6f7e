"""Rows production had right and the candidate has wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retouch.gate.block_jackknife import jackknife_bounds, means_without_one_day
from retouch.gate.guardrails.bounds import MOST_EVIDENCE, Held, found, number, unknown
from retouch.gate.guardrails.groups import too_few_rows
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.gate.slices import Mask
from retouch.policy.guardrails import NegativeFlips
from retouch.policy.promotion import Limits

MEASURE = "share of rows production had right and the candidate has wrong"


def evaluate(guardrail: NegativeFlips, paired: Paired, limits: Limits) -> GuardrailResult:
    """Hold the share of negative flips against its limit."""
    rows = paired.rows
    few = too_few_rows(paired, "all rows", limits)
    if few:
        return unknown(guardrail, MEASURE, few)
    labels = rows["label"].to_numpy(dtype=float)
    if guardrail.threshold is not None and not np.isin(labels, (0, 1)).all():
        message = "Some labels are neither 0 nor 1, so no decision can be right or wrong."
        return unknown(guardrail, MEASURE, message)
    old = _right(guardrail, labels, rows["production_score"].to_numpy(dtype=float))
    new = _right(guardrail, labels, rows["candidate_score"].to_numpy(dtype=float))
    flips, mended = old & ~new, new & ~old
    share = float(flips.mean())
    without_one = means_without_one_day(flips.astype(float), rows["day"].to_numpy(dtype=np.str_))
    lower, upper = jackknife_bounds(share, without_one, limits.confidence)
    if share and not guardrail.share_at_most:
        lower, upper = None, None  # One row that flips is proof enough that some do.
    elif lower is not None and upper is not None:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    held = Held("their share of all rows", share, guardrail.share_at_most, lower, upper)
    return found(
        guardrail,
        held,
        MEASURE,
        f"The candidate has {rows_text(int(flips.sum()))} wrong that production had right, and"
        f" {rows_text(int(mended.sum()))} right that it had wrong;"
        f" {held.message(limits.confidence)}; of the rows production had right,"
        f" {number(100 * _share_of(flips, old))} % flip.",
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
    """Return the flipped rows whose scores are farthest off."""
    flipped = rows.loc[flips, ["id", "day", "label", "production_score", "candidate_score"]]
    off = (flipped["candidate_score"] - flipped["label"]).abs()
    worst = off.sort_values(ascending=False, kind="stable").index[:MOST_EVIDENCE]
    return [
        {"id": str(i), "day": str(d), "label": y, "production": old, "candidate": new}
        for i, d, y, old, new in flipped.loc[worst].itertuples(index=False)
    ]
