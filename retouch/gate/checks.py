"""The questions put to the hold-out: each estimate held against its limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from retouch.alerts.model import Predicate
from retouch.gate.block_jackknife import MeanGain, mean_gain
from retouch.gate.comparison import PRODUCTION
from retouch.gate.losses import LARGEST_LOSS, Numbers, ShortOf, loss_of, short_of
from retouch.gate.messages import Alarm, alarm_sentence, restored_sentence, sentence
from retouch.gate.model import Check
from retouch.gate.pairing import Paired
from retouch.gate.questions import Question
from retouch.gate.score_table import Incomparable, read_scores, rows_text
from retouch.gate.slices import in_words, select
from retouch.policy.promotion import Limits, Promotion

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
    q_value = _q_values(slices)
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


def holm(p_values: Sequence[float]) -> Numbers:
    """Return Holm's adjusted p-values (Scand. J. Statist. 6, 1979), of shape (p-values,).

    Rejecting what is at most a keeps the probability of any false rejection at most a. Kept here:
    statsmodels, which has it, is too heavy a dependency for three lines.
    """
    p, count = np.asarray(p_values, dtype=float), len(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(count)
    adjusted[order] = np.maximum.accumulate(p[order] * np.arange(count, 0, -1))
    return np.minimum(adjusted, 1.0)


def _q_values(slices: Sequence[_Asked]) -> dict[str, float]:
    """Return the slices' q-values (Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995) by name."""
    from scipy.stats import false_discovery_control  # takes a second to load

    q_values = false_discovery_control([each.chance_of_no_change for each in slices])
    return {each.question.name: float(q) for each, q in zip(slices, q_values, strict=True)}


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


_ROUND_OFF = 1e-12
_WINDOW = f"{PRODUCTION} over the alert's reference window"


def restored_check(
    question: Question,
    found: Check,
    *,
    where: Sequence[Predicate],
    factor: float,
    reference: pd.DataFrame,
    policy: Promotion,
) -> Check:
    """Ask whether the candidate's mean loss is within `factor` of production's before the alert.

    `question` and `found` are those of the alerted slice on the hold-out, `where` its predicates
    that could be applied; `reference` is production's score table of the alert's reference window.
    Point estimates both: the question is whether the work is done. That chance did it is ruled out
    by the slice's own check.
    """
    limits = policy.limits
    if found.production is None or found.candidate is None or _too_few(found, limits):
        return _restored_check(found, "not_enough_data", found.message)
    was = _reference_loss(reference, tuple(where), policy)
    if isinstance(was, Incomparable):
        return _restored_check(found, "not_enough_data", was.message)
    result: Result = "pass" if found.candidate <= factor * was * (1 + _ROUND_OFF) else "fail"
    message = restored_sentence(
        question.where, found.production, found.candidate, was, factor, limits
    )
    return _restored_check(
        found, result, message, limit=found.production - factor * was, reference=was
    )


def _too_few(found: Check, limits: Limits) -> bool:
    return found.rows < limits.min_rows or found.days < limits.min_days


def _reference_loss(
    reference: pd.DataFrame, where: tuple[Predicate, ...], policy: Promotion
) -> float | Incomparable:
    """Return production's mean loss on the alerted slice of the reference window."""
    limits, loss = policy.limits, loss_of(policy.limits)
    columns = tuple(dict.fromkeys(p.column for p in where if p.column in reference))
    table = read_scores(
        reference,
        _WINDOW,
        scoring=policy.score,
        holdout=None,
        loss=loss,
        required=(),
        carried=columns,
    )
    if isinstance(table, Incomparable):
        return table
    chosen = select(table.slices, where)
    if chosen.skipped:
        unknown = " and ".join(in_words(p) for p in chosen.skipped)
        return Incomparable(f"The score table of {_WINDOW} cannot tell {unknown}.")
    rows = table.rows[chosen.mask]
    if len(rows) < limits.min_rows:
        return Incomparable(
            f"Too little to tell what was before the alert: {rows_text(len(rows))} of the alerted"
            f" slice in its reference window, where {limits.min_rows:,} are needed."
        )
    labels, scores = rows["label"].to_numpy(), rows["score"].to_numpy()
    if loss.of_ranks and (few := short_of(labels)):
        return Incomparable(
            f"Too little to tell what was before the alert: {rows_text(few.rows)} with the label"
            f" {few.label} in its reference window, where {few.needed} are needed."
        )
    with np.errstate(all="ignore"):  # What is not finite is refused just below.
        mean = float(np.mean(loss.per_row(labels, scores)))
    if not abs(mean) <= LARGEST_LOSS:
        return Incomparable(f"The {loss.mean_is_called.lower()} of {_WINDOW} cannot be worked out.")
    return mean


def _restored_check(
    found: Check,
    result: Result,
    message: str,
    *,
    limit: float = 0.0,
    reference: float | None = None,
) -> Check:
    return Check(
        name="restored",
        asks="restored",
        rows=found.rows,
        days=found.days,
        production=found.production,
        candidate=found.candidate,
        gain=found.gain,
        gain_lower=found.gain_lower,
        gain_upper=found.gain_upper,
        limit=limit,
        reference=reference,
        detectable=found.detectable,
        result=result,
        message=message,
    )
