"""The messages of checks. Their numbers are rounded for readers; the check has them in full."""

from __future__ import annotations

import math
from dataclasses import dataclass

from retouch.gate.block_jackknife import MeanGain
from retouch.gate.hypotheses import Hypothesis
from retouch.gate.losses import RareClass, loss_of
from retouch.gate.score_table import rows_text
from retouch.policy.promotion import Limits


@dataclass(frozen=True)
class Alarm:
    """Holm's test of one watched slice."""

    p_value: float
    p_adjusted: float
    among: int
    """How many slices were tested together."""
    raised: bool


def check_message(
    hypothesis: Hypothesis,
    found: MeanGain,
    result: str,
    limits: Limits,
    *,
    confidence: float | None = None,
    rare_class: RareClass | None = None,
) -> str:
    """Return one sentence: how the loss changed, its confidence bound, and the conclusion.

    `confidence`: one-sided, of the bounds; None is the policy's own.
    """
    if rare_class or found.rows < limits.min_rows or found.days < limits.min_days:
        return _not_enough(hypothesis, found, limits, rare_class)
    evidence = _evidence(hypothesis, found, limits, confidence or limits.confidence)
    consequence = _consequence(hypothesis, found, result, limits)
    return _ended(hypothesis, f"{_moved(hypothesis, found, limits)} ({evidence}){consequence}")


def _not_enough(
    hypothesis: Hypothesis, found: MeanGain, limits: Limits, rare_class: RareClass | None
) -> str:
    have = f"{rows_text(found.rows)} on {days_text(found.days)}"
    needed = f"{rows_text(limits.min_rows)} on {days_text(limits.min_days)}"
    if rare_class and found.rows >= limits.min_rows and found.days >= limits.min_days:
        have, needed = (
            f"{rows_text(rare_class.rows)} with the label {rare_class.label}",
            f"{rare_class.needed}",
        )
    message = f"Not enough data on {hypothesis.where}: {have}, where {needed} are needed"
    return _ended(hypothesis, message)


def alarm_message(hypothesis: Hypothesis, found: MeanGain, alarm: Alarm, limits: Limits) -> str:
    """Return one sentence: how the loss changed, and whether harm is significant."""
    message = (
        f"{_moved(hypothesis, found, limits)} (gain {rounded(found.gain, limits)}; the limit is"
        f" {rounded(hypothesis.limit, limits)})"
    )
    if not alarm.raised:
        return _ended(hypothesis, f"{message}: no significant harm beyond the limit")
    slices = "1 slice" if alarm.among == 1 else f"{alarm.among:,} slices"
    return _ended(
        hypothesis,
        f"{message}: significant harm, {_p_text(alarm.p_adjusted)} after Holm correction for"
        f" {slices}",
    )


def restored_message(
    where: str, production: float, candidate: float, reference: float, factor: float, limits: Limits
) -> str:
    """Return one sentence: the loss, compared with that of the reference window."""
    before, after = rounded(production, limits), rounded(candidate, limits)
    moves = "stays at" if before == after else "falls to"
    if before != after and candidate > production:
        moves = "rises to"
    was = f"the {rounded(reference, limits)} of the alert's reference window"
    message = f"{loss_of(limits).mean_name} on {where} {moves} {after}{unit_text(limits)}, "
    allowed = 100 * (factor - 1)
    if reference == 0:
        message += f"and is {rounded(0.0, limits)} in the alert's reference window"
    elif candidate <= reference:
        message += f"not above {was}"
    else:
        above = 100 * (candidate / reference - 1)
        decimals = 0 if abs(above - allowed) >= 1 else 2
        message += f"{above:.{decimals}f} % above {was}, where {allowed:.4g} % is allowed"
    return f"{message}." if candidate <= factor * reference else f"{message}: not restored."


def percent(confidence: float) -> str:
    """Return `95 %`, `98.3 %`, `99.83 %`: the error probability to two digits."""
    return f"{100 - float(f'{100 * (1 - confidence):.2g}'):.10g} %"


def _p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def _ended(hypothesis: Hypothesis, message: str) -> str:
    return f"{message}; {hypothesis.note}." if hypothesis.note else f"{message}."


def _moved(hypothesis: Hypothesis, found: MeanGain, limits: Limits) -> str:
    """`Mean absolute error on region = central falls from 27.31 to 10.92 minutes`."""
    return f"{loss_of(limits).mean_name} on {hypothesis.where} {_movement(found, limits)}"


def _movement(found: MeanGain, limits: Limits) -> str:
    """`falls from 27.31 to 10.92 minutes`."""
    before, after = rounded(found.production, limits), rounded(found.candidate, limits)
    unit = unit_text(limits)
    if before == after:
        return f"stays at {after}{unit}"
    moves = "falls" if (found.gain or 0.0) > 0 else "rises"
    return f"{moves} from {before} to {after}{unit}"


def _evidence(hypothesis: Hypothesis, found: MeanGain, limits: Limits, confidence: float) -> str:
    """`gain 16.39, at least 13.20 with 95 % confidence`, and the limit where it is not 0."""
    bound = f"at least {rounded(found.lower, limits)}"
    if _shown_worse(hypothesis, found):
        bound = f"at most {rounded(found.upper, limits)}"
    interval = f"{bound} with {percent(confidence)} confidence"
    limit = "" if hypothesis.limit == 0 else f"; the limit is {rounded(hypothesis.limit, limits)}"
    return f"gain {rounded(found.gain, limits)}, {interval}{limit}"


def _consequence(hypothesis: Hypothesis, found: MeanGain, result: str, limits: Limits) -> str:
    if result == "pass":
        return ""
    if result == "not_enough_data":
        return (
            f": not enough data, since {days_text(found.days)} cannot reliably detect a difference"
            f" below {rounded(found.detectable, limits)}"
        )
    if hypothesis.criterion == "improve":
        return ": it is worse" if _shown_worse(hypothesis, found) else ": superiority is not shown"
    if _shown_worse(hypothesis, found):
        return ": worse than the margin allows"
    return ": non-inferiority is not shown"


def _shown_worse(hypothesis: Hypothesis, found: MeanGain) -> bool:
    return found.upper is not None and found.upper < hypothesis.limit


def rounded(number: float | None, limits: Limits) -> str:
    """Return a number with the decimals that show the smaller margin to two digits."""
    if number is None:
        return "unknown"
    margin = min(limits.overall_margin, limits.slice_margin)
    decimals = max(0, 1 - math.floor(math.log10(margin)))
    return f"{round(number, decimals) + 0.0:.{decimals}f}"  # + 0.0 turns -0.0 into 0.0.


def unit_text(limits: Limits) -> str:
    """Return ` minutes` to follow a number; losses of probabilities and ranks have no unit."""
    return f" {limits.unit}" if limits.unit and not loss_of(limits).binary_labels else ""


def days_text(count: int) -> str:
    """Return `1 day`, `14 days`."""
    return f"{count:,} day" if count == 1 else f"{count:,} days"
