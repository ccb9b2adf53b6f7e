"""The gate: may this candidate take the place of the model in production?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retouch.gate.checks import answer, restored_check
from retouch.gate.comparison import Comparison, Look, Measured
from retouch.gate.evidence import by_day, calibration, holdout_used
from retouch.gate.guardrails import evaluate_guardrails
from retouch.gate.guardrails.calibration import reliability_of
from retouch.gate.holdout import leak
from retouch.gate.losses import loss_of
from retouch.gate.messages import days_text
from retouch.gate.model import Check, GuardrailResult, HoldoutUsed, Judgement, Outcome
from retouch.gate.pairing import Paired, pair
from retouch.gate.questions import Question, questions
from retouch.gate.score_table import Incomparable, rows_text
from retouch.gate.slices import select
from retouch.gate.validity import damage, overlap

_BY_MEASURING = ("latency", "size", "synthetic")
"""Guardrails that need more than the score tables."""


def judge(comparison: Comparison) -> Judgement:
    """Judge one tier's candidate. Never raises for faulty scores: their outcome is `invalid`.

    The outcome is the first that holds: `equivalent` (the same model), `invalid` (the models cannot
    be compared), `not_enough_data` (the hold-out is used up), `equivalent` (a repair that changes
    no score), `reject` (a required check or a blocking guardrail fails), `not_enough_data` (one of
    them cannot be decided), `promote`.
    """
    if comparison.production.model == comparison.candidate.model:
        same = "The candidate is the model in production, byte for byte: nothing to promote."
        return _judgement(comparison, "equivalent", same)
    paired = _comparable(comparison)
    if isinstance(paired, Incomparable):
        return _judgement(comparison, "invalid", paired.message)
    if comparison.look.used_up:
        used = _holdout_used(comparison, paired, None)
        message = _used_up(comparison.look)
        return _judgement(comparison, "not_enough_data", message, holdout=used)
    return _judged(comparison, paired)


def _judgement(
    comparison: Comparison, outcome: Outcome, message: str, **evidence: Any
) -> Judgement:
    return Judgement(
        tier=comparison.tier,
        outcome=outcome,
        message=message,
        production_model=comparison.production.model,
        candidate_model=comparison.candidate.model,
        **evidence,
    )


def _judged(comparison: Comparison, paired: Paired) -> Judgement:
    """Answer all questions about a valid comparison."""
    policy = comparison.policy
    confidence = comparison.look.confidence(policy.limits.confidence)
    used = _holdout_used(comparison, paired, confidence)
    asked = questions(paired, policy, comparison.must, comparison.alerted, comparison.also_alerted)
    answers = answer(asked, paired, policy.limits, confidence=confidence)
    focus = 0 if comparison.alerted is None else 1
    alarm = 1 + focus + len(comparison.also_alerted)
    checks = (*answers[:alarm], *_restored(comparison, paired, asked[focus], answers[focus]))
    checks = (*checks, *answers[alarm:])
    guardrails = evaluate_guardrails(paired, policy, comparison.measured)
    if comparison.must == "not_get_worse" and paired.same_scores:
        outcome, message = _same_scores(used, guardrails, comparison.measured)
    else:
        outcome, message = _decide(checks, guardrails, checks[focus])
    if comparison.measured is None and not _waits_for_measuring(checks, guardrails):
        guardrails = tuple(g for g in guardrails if g.kind not in _BY_MEASURING)
    return _judgement(
        comparison,
        outcome,
        message,
        checks=checks,
        holdout=used,
        days=tuple(by_day(paired, asked[focus].rows)),
        guardrails=guardrails,
        calibration=calibration(paired, asked, policy),
        reliability=reliability_of(paired, policy),
        halted_by=_halted_by(guardrails),
    )


def _comparable(comparison: Comparison) -> Paired | Incomparable:
    """Pair the scores, if the hold-out is new to both models and both were scored on it."""
    policy, holdout = comparison.policy, comparison.holdout
    for model, of in comparison.models:
        not_new = leak(of, model.seen_until, holdout)
        if not_new is not None:
            return Incomparable(not_new)
        if model.scores is None:
            return Incomparable(f"There are no scores of {of}.")
    assert comparison.production.scores is not None and comparison.candidate.scores is not None
    paired = pair(
        comparison.production.scores,
        comparison.candidate.scores,
        scoring=policy.score,
        holdout=holdout,
        loss=loss_of(policy.limits),
        required=(*policy.required_slices, *policy.watched_slices),
        optional=_columns_of_interest(comparison),
    )
    if isinstance(paired, Incomparable):
        return paired
    fault = next(_faults(comparison, paired), None)
    return paired if fault is None else Incomparable(fault)


def _columns_of_interest(comparison: Comparison) -> tuple[str, ...]:
    """Return the columns of the alerts' predicates, and those guardrails cut by; none that a model
    fills in itself."""
    alerts = (comparison.alerted, *comparison.also_alerted)
    alerted = (p.column for alert in alerts if alert is not None for p in alert.where)
    by = (getattr(guardrail, "by", None) for guardrail in comparison.policy.guardrails)
    scoring = comparison.policy.score
    own = (scoring.score, scoring.lower, scoring.upper)  # They choose other rows of each model.
    return tuple(c for c in (*alerted, *by) if c is not None and c not in own)


def _faults(comparison: Comparison, paired: Paired) -> Iterator[str]:
    """Yield why rows that can be paired cannot be judged by."""
    empty = comparison.holdout.without_rows(paired.days.names)
    if empty and comparison.policy.holdout.every_day:
        yield (
            f"Neither score table has a row of {days_text(len(empty))} of the hold-out, the first"
            f" {empty[0]}: they were cut off, or holdout.every_day must be false."
        )
    for model, of in comparison.models:
        if model.learned is not None:
            learned = overlap(of, model.learned, paired.rows["id"], comparison.holdout)
            if learned is not None:
                yield learned
    odd = damage(paired, comparison.policy.required_slices, comparison.policy.limits.min_rows)
    if odd is not None:
        yield odd


def _restored(
    comparison: Comparison, paired: Paired, question: Question, found: Check
) -> Iterator[Check]:
    if comparison.restores is None or comparison.reference is None or not found.rows:
        return
    where = () if comparison.alerted is None else comparison.alerted.where
    yield restored_check(
        question,
        found,
        where=select(paired.slices, where).applied,
        factor=comparison.restores,
        reference=comparison.reference,
        policy=comparison.policy,
    )


def _decide(
    checks: Sequence[Check], guardrails: Sequence[GuardrailResult], focus: Check
) -> tuple[Outcome, str]:
    """Return the outcome and the sentence it stands on: of the first that stops it, or of the
    check the alert is about.

    All required checks must pass, each at full confidence: an intersection-union test, which
    needs no correction for their number (section 6.6).
    """
    required = [check for check in checks if check.required]
    asked: list[Check | GuardrailResult] = [*required, *(g for g in guardrails if g.stops)]
    return _stopped(asked) or ("promote", focus.message)


def _stopped(asked: Sequence[Check | GuardrailResult]) -> tuple[Outcome, str] | None:
    """Return the outcome of the first that fails, else of the first without an answer."""
    for found in asked:
        if found.result == "fail":
            return "reject", found.message
    for found in asked:
        if found.result != "pass":
            return "not_enough_data", found.message
    return None


def _same_scores(
    used: HoldoutUsed, guardrails: Sequence[GuardrailResult], measured: Measured | None
) -> tuple[Outcome, str]:
    """Return what becomes of a repair that scores as production does: what scores do not show,
    such as its size, may still stop it."""
    beside = [g for g in guardrails if g.kind in _BY_MEASURING and measured is not None]
    return _stopped([g for g in beside if g.stops]) or ("equivalent", _no_score_changes(used))


def _waits_for_measuring(checks: Sequence[Check], guardrails: Sequence[GuardrailResult]) -> bool:
    """Say whether nothing but what was not measured keeps the candidate back.

    Nobody measures for a candidate that is refused anyway, and what was not asked is not shown.
    """
    passed = all(check.result == "pass" for check in checks if check.required)
    return passed and all(g.kind in _BY_MEASURING for g in guardrails if g.stops)


def _halted_by(guardrails: Sequence[GuardrailResult]) -> str | None:
    """Return the name of the first broken guardrail that ends the run."""
    broken = (g for g in guardrails if g.stops and g.result == "fail" and g.then == "halt")
    return next((guardrail.name for guardrail in broken), None)


def _used_up(look: Look) -> str:
    judged = "its one candidate" if look.allowed == 1 else f"its {look.allowed:,} candidates"
    return f"This hold-out has judged {judged} for this slice; wait for new days."


def _no_score_changes(used: HoldoutUsed) -> str:
    return (
        f"The candidate scores all {rows_text(used.rows)} on {days_text(used.days)} exactly as the"
        " model in production does: nothing to promote."
    )


def _holdout_used(comparison: Comparison, paired: Paired, confidence: float | None) -> HoldoutUsed:
    production, candidate = comparison.production, comparison.candidate
    assert production.seen_until is not None  # leak() refused None.
    assert candidate.seen_until is not None
    both = None
    if production.learned is not None and candidate.learned is not None:
        both = len(production.learned) + len(candidate.learned)
    return holdout_used(
        paired,
        comparison.holdout,
        seen_until=(production.seen_until, candidate.seen_until),
        learned_rows=both,
        look=comparison.look,
        confidence=confidence,
    )
