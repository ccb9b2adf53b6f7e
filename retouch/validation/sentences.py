"""A check in plain words. Its numbers are rounded for people; the check holds them in full."""

from __future__ import annotations

import math

from retouch.policy.promotion import Limits
from retouch.validation.blocks import MeanGain
from retouch.validation.losses import loss_of
from retouch.validation.questions import Question
from retouch.validation.score_table import rows_text


def sentence(question: Question, found: MeanGain, result: str, limits: Limits) -> str:
    """Return one sentence: how the loss moved, how sure that is, what follows."""
    if found.rows < limits.min_rows or found.days < limits.min_days:
        says = (
            f"Too little to judge {question.where} by: {rows_text(found.rows)} on"
            f" {days_text(found.days)}, where {rows_text(limits.min_rows)} on"
            f" {days_text(limits.min_days)} are needed"
        )
    else:
        mean_loss = loss_of(limits).mean_is_called
        says = (
            f"{mean_loss} on {question.where} {_movement(found, limits)}"
            f" ({_evidence(question, found, limits)})"
            f"{_consequence(question, found, result, limits)}"
        )
    return f"{says}; {question.note}." if question.note else f"{says}."


def _movement(found: MeanGain, limits: Limits) -> str:
    """`falls from 27.31 to 10.92 minutes`."""
    before, after = rounded(found.production, limits), rounded(found.candidate, limits)
    unit = f" {limits.unit}" if limits.unit else ""
    if before == after:
        return f"stays at {after}{unit}"
    moves = "falls" if (found.gain or 0.0) > 0 else "rises"
    return f"{moves} from {before} to {after}{unit}"


def _evidence(question: Question, found: MeanGain, limits: Limits) -> str:
    """`gain 16.39, at least 13.20 with 95 % confidence`, and the limit where it is not 0."""
    bound = f"at least {rounded(found.lower, limits)}"
    if _shown_worse(question, found):
        bound = f"at most {rounded(found.upper, limits)}"
    sure = f"{bound} with {100 * limits.confidence:g} % confidence"
    limit = "" if question.limit == 0 else f"; the limit is {rounded(question.limit, limits)}"
    return f"gain {rounded(found.gain, limits)}, {sure}{limit}"


def _consequence(question: Question, found: MeanGain, result: str, limits: Limits) -> str:
    if result == "pass":
        return ""
    if result == "not_enough_data":
        return (
            f": not enough data, as {days_text(found.days)} would not reliably show a difference"
            f" below {rounded(found.detectable, limits)}"
        )
    if question.asks == "improve":
        return ": it got worse" if _shown_worse(question, found) else ": no improvement is shown"
    if _shown_worse(question, found):
        return ": worse than allowed"
    return ": it may be worse than allowed"


def _shown_worse(question: Question, found: MeanGain) -> bool:
    return found.upper is not None and found.upper < question.limit


def rounded(number: float | None, limits: Limits) -> str:
    """Return a number with the decimals that show the smaller margin to two digits."""
    if number is None:
        return "unknown"
    margin = min(limits.overall_margin, limits.slice_margin)
    decimals = max(0, 1 - math.floor(math.log10(margin)))
    return f"{round(number, decimals) + 0.0:.{decimals}f}"  # + 0.0 takes the sign off a zero.


def days_text(count: int) -> str:
    """Return `1 day`, `14 days`."""
    return f"{count:,} day" if count == 1 else f"{count:,} days"
