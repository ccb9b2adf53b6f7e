"""The gate: may this candidate take the place of the model in production?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from retouch.gate.calibration import reliability_of
from retouch.gate.checks import answer
from retouch.gate.evidence import by_day, calibration, holdout_used
from retouch.gate.guardrails import ask_guardrails
from retouch.gate.holdout import HoldoutDays, leak
from retouch.gate.losses import loss_of
from retouch.gate.measured import Measured
from retouch.gate.messages import days_text
from retouch.gate.model import Check, GuardrailResult, HoldoutUsed, Judgement, Outcome
from retouch.gate.multiplicity import Look
from retouch.gate.overlap import overlap
from retouch.gate.pairing import CANDIDATE, PRODUCTION, Paired, pair
from retouch.gate.questions import AlertedSlice, Must, Question, questions
from retouch.gate.recovery import restored
from retouch.gate.sanity import damage
from retouch.gate.score_table import Incomparable, rows_text
from retouch.gate.slices import select
from retouch.policy.promotion import Promotion

__all__ = ["AlertedSlice", "Contender", "HoldoutDays", "Look", "judge"]


@dataclass(frozen=True)
class Contender:
    """One of the two models."""

    model: str
    """Hash of its artifact."""
    seen_until: str | None
    """The first day it has not looked at (`YYYY-MM-DD`), or None when it does not say."""
    scores: pd.DataFrame | None
    """What the scoring command wrote; None when it was not scored."""
    learned: pd.DataFrame | None = None
    """The rows it has learned from: the columns `id` and `day` (text; None where there is none).
    None when the policy does not say where they are."""


_BY_MEASURING = ("latency", "size", "synthetic")
"""Guardrails that scores alone cannot answer."""


@dataclass(frozen=True)
class _Case:
    """What is to be judged, and by what."""

    production: Contender
    candidate: Contender
    holdout: HoldoutDays
    policy: Promotion
    must: Must
    alerted: AlertedSlice | None
    also_alerted: tuple[AlertedSlice, ...]
    look: Look
    restores: float | None
    reference: pd.DataFrame | None
    measured: Measured | None

    @property
    def contenders(self) -> tuple[tuple[Contender, str], ...]:
        """Both models, and what a sentence calls them."""
        return (self.production, PRODUCTION), (self.candidate, CANDIDATE)


def judge(
    production: Contender,
    candidate: Contender,
    *,
    holdout: HoldoutDays,
    policy: Promotion,
    tier: str,
    must: Must,
    alerted: AlertedSlice | None = None,
    also_alerted: Sequence[AlertedSlice] = (),
    look: Look | None = None,
    restores: float | None = None,
    reference: pd.DataFrame | None = None,
    measured: Measured | None = None,
) -> Judgement:
    """Judge one tier's candidate. Never raises for what is wrong with scores: that is `invalid`.

    The outcome is the first that holds: `equivalent` (the same model), `invalid` (nothing can be
    said), `not_enough_data` (the hold-out has judged all it may), `equivalent` (a repair that
    changes no score), `reject` (a required check or a blocking guardrail fails), `not_enough_data`
    (one of them cannot be answered), `promote`.
    """
    models = {"production_model": production.model, "candidate_model": candidate.model}
    conclude = partial(Judgement, tier=tier, **models)
    if production.model == candidate.model:
        same = "The candidate is the model in production, byte for byte: nothing to promote."
        return conclude(outcome="equivalent", message=same)
    others, now = tuple(also_alerted), look or Look()
    asked_for = (must, alerted, others, now, restores, reference, measured)
    case = _Case(production, candidate, holdout, policy, *asked_for)
    paired = _comparable(case)
    if isinstance(paired, Incomparable):
        return conclude(outcome="invalid", message=paired.message)
    return _judged(case, paired, conclude)


def _judged(case: _Case, paired: Paired, conclude: Callable[..., Judgement]) -> Judgement:
    """Put all questions to a sound comparison."""
    policy, look = case.policy, case.look
    if look.used_up:
        spent = _holdout_used(case, paired, None)
        return conclude(outcome="not_enough_data", message=_used_up(look), holdout=spent)
    confidence = look.confidence(policy.limits.confidence)
    used = _holdout_used(case, paired, confidence)
    asked = questions(paired, policy, case.must, case.alerted, case.also_alerted)
    answers = answer(asked, paired, policy.limits, confidence=confidence)
    focus = 0 if case.alerted is None else 1
    alarm = 1 + focus + len(case.also_alerted)
    checks = (*answers[:alarm], *_restored(case, paired, asked[focus], answers[focus]))
    checks = (*checks, *answers[alarm:])
    guardrails = ask_guardrails(paired, policy, case.measured)
    if case.must == "not_get_worse" and paired.same_scores:
        outcome, message = _same_scores(used, guardrails, case.measured)
    else:
        outcome, message = _decide(checks, guardrails, checks[focus])
    if case.measured is None and not _waits_for_measuring(checks, guardrails):
        guardrails = tuple(g for g in guardrails if g.kind not in _BY_MEASURING)
    return conclude(
        outcome=outcome,
        message=message,
        checks=checks,
        holdout=used,
        days=tuple(by_day(paired, asked[focus].rows)),
        guardrails=guardrails,
        calibration=calibration(paired, asked, policy),
        reliability=reliability_of(paired, policy),
        halted_by=_halted_by(guardrails),
    )


def _comparable(case: _Case) -> Paired | Incomparable:
    """Pair the scores, if the hold-out is new to both models and both were scored on it."""
    policy, holdout = case.policy, case.holdout
    for contender, of in case.contenders:
        not_new = leak(of, contender.seen_until, holdout)
        if not_new is not None:
            return Incomparable(not_new)
        if contender.scores is None:
            return Incomparable(f"There are no scores of {of}.")
    assert case.production.scores is not None and case.candidate.scores is not None
    paired = pair(
        case.production.scores,
        case.candidate.scores,
        scoring=policy.score,
        holdout=holdout,
        loss=loss_of(policy.limits),
        required=(*policy.required_slices, *policy.watched_slices),
        optional=_columns_of_interest(case),
    )
    if isinstance(paired, Incomparable):
        return paired
    fault = next(_faults(case, paired), None)
    return paired if fault is None else Incomparable(fault)


def _columns_of_interest(case: _Case) -> tuple[str, ...]:
    """Return the columns of the alerts' predicates, and those guardrails cut by; none that a model
    fills in itself."""
    alerts = (case.alerted, *case.also_alerted)
    alerted = (p.column for alert in alerts if alert is not None for p in alert.where)
    by = (getattr(guardrail, "by", None) for guardrail in case.policy.guardrails)
    scoring = case.policy.score
    own = (scoring.score, scoring.lower, scoring.upper)  # They choose other rows of each model.
    return tuple(c for c in (*alerted, *by) if c is not None and c not in own)


def _faults(case: _Case, paired: Paired) -> Iterator[str]:
    """Yield why rows that can be paired cannot be judged by."""
    empty = case.holdout.without_rows(paired.days.names)
    if empty and case.policy.holdout.every_day:
        yield (
            f"Neither score table has a row of {days_text(len(empty))} of the hold-out, the first"
            f" {empty[0]}: they were cut off, or holdout.every_day must be false."
        )
    for contender, of in case.contenders:
        if contender.learned is not None:
            learned = overlap(of, contender.learned, paired.rows["id"], case.holdout)
            if learned is not None:
                yield learned
    odd = damage(paired, case.policy.required_slices, case.policy.limits.min_rows)
    if odd is not None:
        yield odd


def _restored(case: _Case, paired: Paired, question: Question, found: Check) -> Iterator[Check]:
    if case.restores is None or case.reference is None or not found.rows:
        return
    where = () if case.alerted is None else case.alerted.where
    yield restored(
        question,
        found,
        where=select(paired.slices, where).applied,
        factor=case.restores,
        reference=case.reference,
        policy=case.policy,
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


def _holdout_used(case: _Case, paired: Paired, confidence: float | None) -> HoldoutUsed:
    production, candidate = case.production, case.candidate
    assert production.seen_until is not None  # leak() refused None.
    assert candidate.seen_until is not None
    both = None
    if production.learned is not None and candidate.learned is not None:
        both = len(production.learned) + len(candidate.learned)
    return holdout_used(
        paired,
        case.holdout,
        seen_until=(production.seen_until, candidate.seen_until),
        learned_rows=both,
        look=case.look,
        confidence=confidence,
    )
