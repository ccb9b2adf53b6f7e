"""The gate: may this candidate take the place of the model in production?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from retouch.documents import digest_of
from retouch.policy.promotion import Promotion
from retouch.validation.checks import answer
from retouch.validation.holdout import HoldoutDays, leak
from retouch.validation.losses import loss_of
from retouch.validation.measured import Measured
from retouch.validation.model import Check, DayLoss, HoldoutUsed, Judgement, Outcome
from retouch.validation.pairing import CANDIDATE, PRODUCTION, Paired, pair
from retouch.validation.questions import AlertedSlice, Must, Question, questions
from retouch.validation.score_table import Incomparable, rows_text
from retouch.validation.sentences import days_text

__all__ = ["AlertedSlice", "Contender", "HoldoutDays", "judge"]


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


@dataclass(frozen=True)
class Look:
    """Which candidate this is that the hold-out judges."""

    number: int = 1
    """From 1."""
    allowed: int = 1


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
    said), `equivalent` (a repair that changes no score), `reject` (a required check fails),
    `not_enough_data` (a required check cannot be answered), `promote`.
    """
    conclude = partial(
        Judgement, tier=tier, production_model=production.model, candidate_model=candidate.model
    )
    if production.model == candidate.model:
        return conclude(
            outcome="equivalent",
            says="The candidate is the model in production, byte for byte: nothing to promote.",
        )
    every_alerted = [slice_ for slice_ in (alerted, *also_alerted) if slice_ is not None]
    paired = _comparable(production, candidate, holdout, policy, every_alerted)
    if isinstance(paired, Incomparable):
        return conclude(outcome="invalid", says=paired.says)
    asked = questions(paired, policy, must, alerted, also_alerted)
    checks = tuple(answer(question, paired, policy.limits) for question in asked)
    focus = 0 if alerted is None else 1
    used = _holdout_used(paired, holdout, production.seen_until, candidate.seen_until)
    if must == "not_get_worse" and paired.same_scores:
        outcome, says = "equivalent", _no_score_changes(used)
    else:
        outcome, says = _decide(checks, checks[focus])
    days = tuple(_by_day(paired, asked[focus]))
    return conclude(outcome=outcome, says=says, checks=checks, holdout=used, days=days)


def _comparable(
    production: Contender,
    candidate: Contender,
    holdout: HoldoutDays,
    policy: Promotion,
    alerted: Sequence[AlertedSlice],
) -> Paired | Incomparable:
    """Pair the scores, if the hold-out is new to both models and both were scored on it."""
    for contender, of in ((production, PRODUCTION), (candidate, CANDIDATE)):
        not_new = leak(of, contender.seen_until, holdout)
        if not_new is not None:
            return Incomparable(not_new)
        if contender.scores is None:
            return Incomparable(f"There are no scores of {of}.")
    assert production.scores is not None and candidate.scores is not None
    return pair(
        production.scores,
        candidate.scores,
        scoring=policy.score,
        holdout=holdout,
        loss=loss_of(policy.limits),
        required=policy.required_slices,
        optional=tuple(p.column for slice_ in alerted for p in slice_.where),
    )


def _decide(checks: tuple[Check, ...], focus: Check) -> tuple[Outcome, str]:
    """Return the outcome and the sentence it stands on: of the first check that stops it, or of
    the one the alert is about.

    All required checks must pass, each at full confidence: an intersection-union test, which
    needs no correction for their number (section 6.6).
    """
    required = [check for check in checks if check.required]
    for check in required:
        if check.result == "fail":
            return "reject", check.says
    for check in required:
        if check.result != "pass":
            return "not_enough_data", check.says
    return "promote", focus.says


def _no_score_changes(used: HoldoutUsed) -> str:
    return (
        f"The candidate scores all {rows_text(used.rows)} on {days_text(used.days)} exactly as the"
        " model in production does: nothing to promote."
    )


def _holdout_used(
    paired: Paired, holdout: HoldoutDays, production_seen: str | None, candidate_seen: str | None
) -> HoldoutUsed:
    assert production_seen is not None and candidate_seen is not None  # leak() refused None.
    labels = paired.rows[["id", "label"]].to_numpy(dtype=object).tolist()
    return HoldoutUsed(
        start=holdout.start,
        end=holdout.end,
        rows=len(paired.rows),
        days=paired.rows["day"].nunique(),
        digest=digest_of(labels),
        production_seen_until=production_seen,
        candidate_seen_until=candidate_seen,
    )


def _by_day(paired: Paired, question: Question) -> Iterator[DayLoss]:
    for day, rows in paired.rows[question.rows].groupby("day", sort=True):
        yield DayLoss(
            day=str(day),
            rows=len(rows),
            production=float(rows["production_loss"].mean()),
            candidate=float(rows["candidate_loss"].mean()),
        )
