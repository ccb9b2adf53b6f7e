"""The gate: may this candidate replace the model in production?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retouch.gate.checks import restored_check, run_checks
from retouch.gate.comparison import Comparison, HoldoutUse, Measured
from retouch.gate.evidence import calibration, holdout_used, losses_by_day
from retouch.gate.guardrails import evaluate_guardrails
from retouch.gate.guardrails.calibration import reliability_of
from retouch.gate.holdout import leakage
from retouch.gate.hypotheses import Hypothesis, hypotheses
from retouch.gate.losses import loss_of
from retouch.gate.messages import days_text
from retouch.gate.model import Check, GuardrailResult, HoldoutUsed, Judgement, Outcome
from retouch.gate.pairing import Paired, pair
from retouch.gate.score_table import Incomparable, rows_text
from retouch.gate.slices import select
from retouch.gate.validity import implausible_scores, training_overlap

_BY_MEASURING = ("latency", "size", "synthetic")
"""Guardrails that need more than the score tables."""


def judge(comparison: Comparison) -> Judgement:
    """Judge one tier's candidate. Never raises for faulty scores: their outcome is `invalid`.

    Gains are production's mean loss minus the candidate's, in the loss's unit, with jackknife
    bounds over days (`block_jackknife`). Every required check must pass at the full one-sided
    confidence of `policy.limits`, after alpha spending over the candidates of a hold-out
    (`HoldoutUse.confidence`): an intersection-union test (Berger 1982). Harm alarms are corrected
    by Holm (1979).

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
    if comparison.holdout_use.used_up:
        used = _holdout_used(comparison, paired, None)
        message = _used_up(comparison.holdout_use)
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
    """Run all checks and guardrails of a valid comparison."""
    policy = comparison.policy
    confidence = comparison.holdout_use.confidence(policy.limits.confidence)
    used = _holdout_used(comparison, paired, confidence)
    tested = hypotheses(
        paired, policy, comparison.must, comparison.alerted, comparison.also_alerted
    )
    checks_run = run_checks(tested, paired, policy.limits, confidence=confidence)
    focus = 0 if comparison.alerted is None else 1
    alarm = 1 + focus + len(comparison.also_alerted)
    checks = (*checks_run[:alarm], *_restored(comparison, paired, tested[focus], checks_run[focus]))
    checks = (*checks, *checks_run[alarm:])
    guardrails = evaluate_guardrails(paired, policy, comparison.measured)
    if comparison.must == "not_get_worse" and paired.same_scores:
        outcome, message = _same_scores(used, guardrails, comparison.measured)
    else:
        outcome, message = _decide(checks, guardrails, checks[focus])
    if comparison.measured is None and not _only_needs_measuring(checks, guardrails):
        guardrails = tuple(g for g in guardrails if g.kind not in _BY_MEASURING)
    return _judgement(
        comparison,
        outcome,
        message,
        checks=checks,
        holdout=used,
        days=tuple(losses_by_day(paired, tested[focus].rows)),
        guardrails=guardrails,
        calibration=calibration(paired, tested, policy),
        reliability=reliability_of(paired, policy),
        halted_by=_halted_by(guardrails),
    )


def _comparable(comparison: Comparison) -> Paired | Incomparable:
    """Pair the scores, provided that neither model has seen the hold-out and both are scored."""
    policy, holdout = comparison.policy, comparison.holdout
    for model, of in comparison.models:
        leak = leakage(of, model.seen_until, holdout)
        if leak is not None:
            return Incomparable(leak)
        if model.scores is None:
            return Incomparable(f"{of[0].upper()}{of[1:]} was not scored.")
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
    """Return the columns of the alerts' predicates and of the guardrails' groups, except those a
    model writes itself."""
    alerts = (comparison.alerted, *comparison.also_alerted)
    alerted = (p.column for alert in alerts if alert is not None for p in alert.where)
    by = (getattr(guardrail, "by", None) for guardrail in comparison.policy.guardrails)
    scoring = comparison.policy.score
    own = (
        scoring.score,
        scoring.lower,
        scoring.upper,
    )  # They would select different rows for each model.
    return tuple(c for c in (*alerted, *by) if c is not None and c not in own)


def _faults(comparison: Comparison, paired: Paired) -> Iterator[str]:
    """Yield why paired rows are no valid basis for a judgement."""
    empty = comparison.holdout.missing_days(paired.days.names)
    if empty and comparison.policy.holdout.every_day:
        yield (
            f"Neither score table has rows of {days_text(len(empty))} of the hold-out, the first"
            f" {empty[0]}: the tables are incomplete, or holdout.every_day must be false."
        )
    for model, of in comparison.models:
        if model.learned is not None:
            learned = training_overlap(of, model.learned, paired.rows["id"], comparison.holdout)
            if learned is not None:
                yield learned
    implausible = implausible_scores(
        paired, comparison.policy.required_slices, comparison.policy.limits.min_rows
    )
    if implausible is not None:
        yield implausible


def _restored(
    comparison: Comparison, paired: Paired, hypothesis: Hypothesis, found: Check
) -> Iterator[Check]:
    if comparison.restores is None or comparison.reference is None or not found.rows:
        return
    where = () if comparison.alerted is None else comparison.alerted.where
    yield restored_check(
        hypothesis,
        found,
        where=select(paired.slices, where).applied,
        factor=comparison.restores,
        reference=comparison.reference,
        policy=comparison.policy,
    )


def _decide(
    checks: Sequence[Check], guardrails: Sequence[GuardrailResult], focus: Check
) -> tuple[Outcome, str]:
    """Return the outcome and its message: that of the first check or guardrail that blocks, or of
    the check the alert is about.

    All required checks must pass, each at full confidence: an intersection-union test (Berger
    1982), which needs no correction for the number of checks.
    """
    required = [check for check in checks if check.required]
    found: list[Check | GuardrailResult] = [*required, *(g for g in guardrails if g.blocks)]
    return _blocked(found) or ("promote", focus.message)


def _blocked(results: Sequence[Check | GuardrailResult]) -> tuple[Outcome, str] | None:
    """Return the outcome of the first that fails, else of the first that is undecided."""
    for found in results:
        if found.result == "fail":
            return "reject", found.message
    for found in results:
        if found.result != "pass":
            return "not_enough_data", found.message
    return None


def _same_scores(
    used: HoldoutUsed, guardrails: Sequence[GuardrailResult], measured: Measured | None
) -> tuple[Outcome, str]:
    """Return the outcome of a repair that scores as production does: what scores do not show,
    such as its size, may still block it."""
    measured_ones = [g for g in guardrails if g.kind in _BY_MEASURING and measured is not None]
    return _blocked([g for g in measured_ones if g.blocks]) or (
        "equivalent",
        _no_score_changes(used),
    )


def _only_needs_measuring(checks: Sequence[Check], guardrails: Sequence[GuardrailResult]) -> bool:
    """Tell whether only unmeasured guardrails still block the candidate.

    Nothing is measured for a candidate that is rejected anyway, and its report leaves them out.
    """
    passed = all(check.result == "pass" for check in checks if check.required)
    return passed and all(g.kind in _BY_MEASURING for g in guardrails if g.blocks)


def _halted_by(guardrails: Sequence[GuardrailResult]) -> str | None:
    """Return the name of the first failed guardrail that halts the run."""
    broken = (g for g in guardrails if g.blocks and g.result == "fail" and g.then == "halt")
    return next((guardrail.name for guardrail in broken), None)


def _used_up(holdout_use: HoldoutUse) -> str:
    judged = (
        "its one candidate"
        if holdout_use.allowed == 1
        else f"its {holdout_use.allowed:,} candidates"
    )
    return f"This hold-out is used up: it has judged {judged} for this slice. Wait for new days."


def _no_score_changes(used: HoldoutUsed) -> str:
    return (
        f"The candidate scores all {rows_text(used.rows)} on {days_text(used.days)} exactly as the"
        " model in production does: nothing to promote."
    )


def _holdout_used(comparison: Comparison, paired: Paired, confidence: float | None) -> HoldoutUsed:
    production, candidate = comparison.production, comparison.candidate
    assert production.seen_until is not None  # leakage() refused None.
    assert candidate.seen_until is not None
    both = None
    if production.learned is not None and candidate.learned is not None:
        both = len(production.learned) + len(candidate.learned)
    return holdout_used(
        paired,
        comparison.holdout,
        seen_until=(production.seen_until, candidate.seen_until),
        learned_rows=both,
        holdout_use=comparison.holdout_use,
        confidence=confidence,
    )
