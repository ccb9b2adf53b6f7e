"""One question put to the hold-out: the estimate held against its limit."""

from __future__ import annotations

from typing import Literal

import numpy as np

from retouch.policy.promotion import Limits
from retouch.validation.blocks import MeanGain, mean_gain
from retouch.validation.model import Check
from retouch.validation.pairing import Paired
from retouch.validation.questions import Question
from retouch.validation.sentences import sentence

Result = Literal["pass", "fail", "not_enough_data"]


def answer(question: Question, paired: Paired, limits: Limits) -> Check:
    """Put a question to the rows both models were scored on."""
    rows = paired.rows[question.rows]
    found = mean_gain(
        rows["production_loss"].to_numpy(),
        rows["candidate_loss"].to_numpy(),
        rows["day"].to_numpy(dtype=np.str_),
        confidence=limits.confidence,
    )
    enough = found.rows >= limits.min_rows and found.days >= limits.min_days
    result = result_of(found, question.limit, question.margin) if enough else "not_enough_data"
    return Check(
        name=question.name,
        asks=question.asks,
        required=enough if question.required is None else question.required,
        rows=found.rows,
        days=found.days,
        production=found.production,
        candidate=found.candidate,
        gain=found.gain,
        gain_lower=found.lower,
        gain_upper=found.upper,
        limit=question.limit,
        detectable=found.detectable,
        result=result,
        says=sentence(question, found, result, limits),
    )


def result_of(found: MeanGain, limit: float, margin: float) -> Result:
    """Hold an estimate against its limit (facts/retraining_and_statistics.md, section 6.4).

    Shown to be above the limit: pass. Shown to be below it: fail. Neither: if a true gain `margin`
    above the limit could well have gone unseen, the hold-out is too small to tell; if not, such a
    candidate would very likely have passed, and this one fails as not shown.
    """
    if found.lower is None or found.upper is None or found.detectable is None:
        return "not_enough_data"
    if found.lower > limit:
        return "pass"
    if found.upper < limit:
        return "fail"
    return "not_enough_data" if found.detectable > margin else "fail"
