"""A check in plain words. Its numbers are rounded for people; the check holds them in full."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retouch.gate.block_jackknife import MeanGain
from retouch.gate.losses import ShortOf, loss_of
from retouch.gate.questions import Question
from retouch.gate.score_table import rows_text
from retouch.policy.promotion import Limits


@dataclass(frozen=True)
class Alarm:
    """What Holm's test says of one watched slice."""

    p_value: float
    p_adjusted: float
    among: int
    """How many slices were tested together."""
    raised: bool


def sentence(
    question: Question,
    found: MeanGain,
    result: str,
    limits: Limits,
    *,
    confidence: float | None = None,
    short_of: ShortOf | None = None,
) -> str:
    """Return one sentence: how the loss moved, how sure that is, what follows.

    `confidence` is that of the bounds, if it is not the policy's own.
    """
    if short_of or found.rows < limits.min_rows or found.days < limits.min_days:
        return _too_little(question, found, limits, short_of)
    evidence = _evidence(question, found, limits, confidence or limits.confidence)
    consequence = _consequence(question, found, result, limits)
    return _ended(question, f"{_moved(question, found, limits)} ({evidence}){consequence}")


def _too_little(
    question: Question, found: MeanGain, limits: Limits, short_of: ShortOf | None
) -> str:
    have = f"{rows_text(found.rows)} on {days_text(found.days)}"
    needed = f"{rows_text(limits.min_rows)} on {days_text(limits.min_days)}"
    if short_of and found.rows >= limits.min_rows and found.days >= limits.min_days:
        have, needed = (
            f"{rows_text(short_of.rows)} with the label {short_of.label}",
            f"{short_of.needed}",
        )
    message = f"Too little to judge {question.where} by: {have}, where {needed} are needed"
    return _ended(question, message)


def alarm_sentence(question: Question, found: MeanGain, alarm: Alarm, limits: Limits) -> str:
    """Return one sentence: how the loss moved, and whether that is harm beyond chance."""
    message = (
        f"{_moved(question, found, limits)} (gain {rounded(found.gain, limits)}; the limit is"
        f" {rounded(question.limit, limits)})"
    )
    if not alarm.raised:
        return _ended(question, f"{message}: no harm beyond the limit is shown")
    slices = "1 slice" if alarm.among == 1 else f"{alarm.among:,} slices"
    return _ended(
        question,
        f"{message}: harm is shown, {_chance(alarm.p_adjusted)} after correction for {slices}",
    )


def restored_sentence(
    where: str, production: float, candidate: float, reference: float, factor: float, limits: Limits
) -> str:
    """Return one sentence: what the loss comes to, and how that lies to the reference window's."""
    before, after = rounded(production, limits), rounded(candidate, limits)
    moves = "stays at" if before == after else "comes down to"
    if before != after and candidate > production:
        moves = "goes up to"
    was = f"the {rounded(reference, limits)} of the alert's reference window"
    message = f"{loss_of(limits).mean_is_called} on {where} {moves} {after}{unit_text(limits)}, "
    allowed = 100 * (factor - 1)
    if reference == 0:
        message += f"where the alert's reference window has {rounded(0.0, limits)}"
    elif candidate <= reference:
        message += f"no more than {was}"
    else:
        above = 100 * (candidate / reference - 1)
        decimals = 0 if abs(above - allowed) >= 1 else 2
        message += f"{above:.{decimals}f} % above {was}, where {allowed:.4g} % is allowed"
    return f"{message}." if candidate <= factor * reference else f"{message}: not restored."


def percent(confidence: float) -> str:
    """Return `95 %`, `98.3 %`, `99.83 %`: the chance of being wrong to two digits."""
    return f"{100 - float(f'{100 * (1 - confidence):.2g}'):.10g} %"


def _chance(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _ended(question: Question, message: str) -> str:
    return f"{message}; {question.note}." if question.note else f"{message}."


def _moved(question: Question, found: MeanGain, limits: Limits) -> str:
    """`Mean absolute error on region = central falls from 27.31 to 10.92 minutes`."""
    return f"{loss_of(limits).mean_is_called} on {question.where} {_movement(found, limits)}"


def _movement(found: MeanGain, limits: Limits) -> str:
    """`falls from 27.31 to 10.92 minutes`."""
    before, after = rounded(found.production, limits), rounded(found.candidate, limits)
    unit = unit_text(limits)
    if before == after:
        return f"stays at {after}{unit}"
    moves = "falls" if (found.gain or 0.0) > 0 else "rises"
    return f"{moves} from {before} to {after}{unit}"


def _evidence(question: Question, found: MeanGain, limits: Limits, confidence: float) -> str:
    """`gain 16.39, at least 13.20 with 95 % confidence`, and the limit where it is not 0."""
    bound = f"at least {rounded(found.lower, limits)}"
    if _shown_worse(question, found):
        bound = f"at most {rounded(found.upper, limits)}"
    sure = f"{bound} with {percent(confidence)} confidence"
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


def unit_text(limits: Limits) -> str:
    """Return ` minutes` to follow a number; losses of probabilities and ranks have no unit."""
    return f" {limits.unit}" if limits.unit and not loss_of(limits).of_classes else ""


def days_text(count: int) -> str:
    """Return `1 day`, `14 days`."""
    return f"{count:,} day" if count == 1 else f"{count:,} days"
