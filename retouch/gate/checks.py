"""The questions put to the hold-out: each estimate held against its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from retouch.gate.block_jackknife import MeanGain, mean_gain
from retouch.gate.losses import ShortOf
from retouch.gate.messages import Alarm, alarm_sentence, sentence
from retouch.gate.model import Check
from retouch.gate.multiplicity import false_discovery, holm
from retouch.gate.pairing import Paired
from retouch.gate.questions import Question
from retouch.policy.promotion import Limits

Result = Literal["pass", "fail", "not_enough_data"]


@dataclass(frozen=True)
class _Asked:
    """A question with the estimate that answers it."""

    question: Question
    found: MeanGain
    short_of: ShortOf | None

    def enough(self, limits: Limits) -> bool:
        found = self.found
        many = found.rows >= limits.min_rows and found.days >= limits.min_days
        return many and self.short_of is None

    @cached_property
    def chance_of_no_change(self) -> float:
        """Two-sided, against a gain of zero."""
        tails = self.found.chance_above(0.0), self.found.chance_below(0.0)
        return min(1.0, 2 * min(1.0 if tail is None else tail for tail in tails))


def answer(
    questions: Sequence[Question], paired: Paired, limits: Limits, *, confidence: float
) -> tuple[Check, ...]:
    """Put the questions to the rows both models were scored on.

    `confidence` is that of each bound. Alarms keep the policy's own, shared out among them by Holm:
    a later candidate is not less likely to do harm.
    """
    asked = [_ask(question, paired, confidence) for question in questions]
    slices = [each for each in asked if each.question.is_slice and each.enough(limits)]
    q_values = false_discovery([each.chance_of_no_change for each in slices])
    q_value = {each.question.name: float(q) for each, q in zip(slices, q_values, strict=True)}
    alarms = _alarms(asked, limits)
    checks = []
    for each in asked:
        name = each.question.name
        if each.question.family == "harm_alarm":
            check = _watched(each, limits, alarms.get(name))
        else:
            check = _required(each, limits, confidence)
        checks.append(check.model_copy(update={"q_value": q_value.get(name)}))
    return tuple(checks)


def _ask(question: Question, paired: Paired, confidence: float) -> _Asked:
    losses = paired.losses(question.rows)
    found = mean_gain(losses.production, losses.candidate, losses.day, confidence=confidence)
    short_of = paired.short_of(question.rows)
    if short_of is not None:
        found = MeanGain(found.rows, found.days)
    return _Asked(question, found, short_of)


def _alarms(asked: Sequence[_Asked], limits: Limits) -> dict[str, Alarm]:
    """Return what Holm's test says of each watched slice that is large enough."""
    watched = [
        (each.question.name, p)
        for each in asked
        if each.question.family == "harm_alarm" and each.enough(limits)
        if (p := each.found.chance_below(each.question.limit)) is not None
    ]
    adjusted = holm([p for _, p in watched])
    return {
        name: Alarm(p, float(after), len(watched), raised=bool(after <= 1 - limits.confidence))
        for (name, p), after in zip(watched, adjusted, strict=True)
    }


def _watched(asked: _Asked, limits: Limits, alarm: Alarm | None) -> Check:
    if alarm is None:
        message = sentence(asked.question, asked.found, "", limits, short_of=asked.short_of)
        return _check(asked, "not_enough_data", message, required=False)
    message = alarm_sentence(asked.question, asked.found, alarm, limits)
    result: Result = "fail" if alarm.raised else "pass"
    check = _check(asked, result, message, required=True)
    return check.model_copy(update={"p_value": alarm.p_value, "p_adjusted": alarm.p_adjusted})


def _required(asked: _Asked, limits: Limits, confidence: float) -> Check:
    question, found, enough = asked.question, asked.found, asked.enough(limits)
    result = result_of(found, question.limit, question.margin) if enough else "not_enough_data"
    message = sentence(
        question, found, result, limits, confidence=confidence, short_of=asked.short_of
    )
    required = enough if question.required is None else question.required
    check = _check(asked, result, message, required=required)
    return check.model_copy(update={"p_value": found.chance_above(question.limit)})


def _check(asked: _Asked, result: Result, message: str, *, required: bool) -> Check:
    question, found = asked.question, asked.found
    return Check(
        name=question.name,
        family=question.family,
        asks=question.asks,
        required=required,
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
        message=message,
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
