"""The decision on a canary: from the losses of its days and the policy alone. Pure.

The judging job runs the repository's code, so its decision is not trusted: the applying job decides
anew from the days it recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retouch.gate.canary import Bounds, confidence_sequence
from retouch.gate.canary_model import CanaryOutcome, CanaryVerdict
from retouch.policy.promotion import Canary

Action = Literal["promote", "roll_back", "ask", "nothing"]


@dataclass(frozen=True)
class CanaryDecision:
    """What the days show."""

    outcome: CanaryOutcome
    message: str
    """One sentence with the numbers, safe to show."""
    bounds: tuple[Bounds, ...] = ()
    """After each day that counts."""

    @property
    def newest(self) -> Bounds | None:
        """The bounds after the newest day that counts; None without one."""
        return self.bounds[-1] if self.bounds else None


def decide_canary(verdict: CanaryVerdict) -> CanaryDecision:
    """Decide on a canary from the losses of its days, in order, and its limits.

    The document's own bounds and decision are not read. Only the first `at_most_days` days count,
    so a final decision does not change. The bounds after the newest day decide, however often it is
    judged.
    """
    limits = verdict.limits
    bounds = confidence_sequence(
        [day.production - day.candidate for day in verdict.days[: limits.at_most_days]],
        scale=limits.scale,
        confidence=limits.confidence,
    )
    if verdict.invalid is not None:
        message = f"The canary fails: its scores are invalid. {verdict.invalid}"
        return CanaryDecision("fail", message, bounds)
    if not bounds:
        return CanaryDecision("wait", _join("No day that counts has arrived.", verdict.note))
    outcome = _outcome(bounds[-1], limits)
    words = _Words(verdict.unit, verdict.decimals)
    message = words.sentence(outcome, bounds[-1], limits)
    return CanaryDecision(outcome, _join(message, verdict.note), bounds)


def _outcome(newest: Bounds, canary: Canary) -> CanaryOutcome:
    if newest.upper < -canary.margin:
        return "fail"
    if newest.lower > -canary.margin and newest.days >= canary.at_least_days:
        return "pass"
    return "undecided" if newest.days >= canary.at_most_days else "wait"


def next_action(outcome: CanaryOutcome, canary: Canary) -> Action:
    """Return what follows from an outcome."""
    match outcome:
        case "pass":
            return "promote"
        case "fail":
            return "roll_back"
        case "undecided":
            return canary.undecided
        case "wait":
            return "nothing"


def _join(message: str, note: str) -> str:
    return f"{message} {note}" if note else message


@dataclass(frozen=True)
class _Words:
    unit: str
    decimals: int

    def number(self, value: float) -> str:
        text = f"{value:+.{self.decimals}f}"
        return text.replace("-", "−") if float(text) else text[1:]

    def sentence(self, outcome: CanaryOutcome, newest: Bounds, canary: Canary) -> str:
        """Return the sentence with days, mean gain, bounds and margin."""
        unit = f" {self.unit}" if self.unit else ""
        days = "1 day" if newest.days == 1 else f"{newest.days} days"
        gain, lower, upper, margin = map(
            self.number, (newest.gain, newest.lower, newest.upper, -canary.margin)
        )
        numbers = f"after {days} the mean gain is {gain}{unit}, its bounds {lower} to {upper}"
        match outcome:
            case "pass":
                return f"The canary passes: {numbers}, above {margin}{unit}."
            case "fail":
                return f"The canary fails: {numbers}, below {margin}{unit}."
            case "undecided":
                return (
                    f"The canary is undecided: {numbers}, neither above nor below {margin}{unit}"
                    f" in the {canary.at_most_days} days it has."
                )
            case "wait":
                wanting = newest.lower > -canary.margin
                least = f" before {canary.at_least_days} days have arrived" if wanting else ""
                shown = "is not promoted" if wanting else "has shown neither"
                return f"The canary {shown}{least}: {numbers}, the margin {margin}{unit}."
