"""Compare the version in the canary stage with the one in prod, on the days that arrived since.

the two versions -> both checked out by hash -> the days -> both scored -> canary.json

It runs the repository's scoring command and writes nothing but that document; `apply_canary`
decides anew from its days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from retouch.engine.compare import (
    LaidOut,
    data_for,
    lay_out,
    recorded_model,
    require_settled,
    score_both,
    scratch,
)
from retouch.engine.past_reports import judged_until
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.execution import transaction
from retouch.gate.canary_model import CanaryDay, CanaryModel, CanaryVerdict
from retouch.gate.holdout import HoldoutDays, is_day
from retouch.jobs.release.assignments import load_registry
from retouch.pipeline.outputs import outputs_around
from retouch.planning.plan import plan_stages
from retouch.policy.promotion import Canary
from retouch.registry.canary_decision import decide_canary
from retouch.registry.production import Production
from retouch.registry.registry import CANARY, PROD, ModelRegistry, Version
from retouch.storage import documents

if TYPE_CHECKING:
    from retouch.gate.comparison import ScoredModel


@dataclass(frozen=True)
class CanaryJudgement:
    """The result of judging."""

    message: str
    """One sentence."""
    verdict: CanaryVerdict | None = None
    """None: there is no canary, or nothing has arrived."""


def judge_canary(project: Project, *, at: datetime, jobs: int) -> CanaryJudgement:
    """Judge the canary on the days that arrived since the gate judged it.

    The tags are those of the clone. Raises InputError; CheckFailed when scoring fails:
    missing scores are no evidence against the canary.
    """
    registry = load_registry(project, push=False)
    both = versions_to_compare(registry)
    if isinstance(both, str):
        return CanaryJudgement(both)
    canary = policy_of(project)
    prod, new = both
    with transaction.exclusive_lock(project.root):
        require_settled(project.root)
        models = [_model(project, version) for version in (prod, new)]
        if models[0].hash == models[1].hash:
            return CanaryJudgement(
                f"{new.name} is the model of {prod.name}: there is nothing to compare."
            )
        scored = _scored(project, models, jobs)
    if scored is None:
        return CanaryJudgement(_nothing_arrived(project, new))
    verdict = _verdict(project, canary, registry.model, both, scored, at)
    return CanaryJudgement(verdict.message, verdict)


def versions_to_compare(registry: ModelRegistry) -> tuple[Version, Version] | str:
    """Return the versions in production and in the canary stage, or why there is nothing to do."""
    prod, new = registry.in_stage(PROD), registry.in_stage(CANARY)
    if new is None:
        return "No version is in the canary stage: there is nothing to judge."
    if prod is None:
        return f"{new.name} is a canary and nothing is in production: there is nothing to compare."
    if prod == new:
        return f"{new.name} is in production already: there is nothing to judge."
    return prod, new


def policy_of(project: Project) -> Canary:
    """Return how canaries are judged. Raises InputError without `release.canary`."""
    canary = project.promotion.release.canary
    if canary is None:
        raise InputError(
            f"{documents.PROMOTION}: release.canary: is missing; a canary is judged by it.",
            hint="docs/canary.md shows one.",
        )
    return canary


@dataclass(frozen=True)
class _Scored:
    """Both models' scores, the one in production first."""

    models: tuple[LaidOut, LaidOut]
    contenders: tuple[ScoredModel, ...]
    span: HoldoutDays


def _model(project: Project, version: Version) -> Production:
    """Return the model a version's commit records. Raises InputError when its tag says another."""
    found = recorded_model(project, version.commit, version.name)
    if version.hash not in (None, found.hash):
        raise InputError(
            f"{version.name}: its tag names the model {str(version.hash)[:10]}, and its commit"
            f" records {found.hash[:10]}.",
            hint="Register it again: `retouch promote`.",
        )
    return found


def _scored(project: Project, models: Sequence[Production], jobs: int) -> _Scored | None:
    """Score both models on what has arrived since; None when nothing has."""
    scoring = project.promotion.score
    _require_made(project, scoring.needs)
    with scratch(project.root):
        production = lay_out(project, "production", models[0])
        candidate = lay_out(project, "candidate", models[1])
        span = _span(project, production, candidate)
        if span is None:
            return None
        with data_for(project, scoring):
            contenders = score_both(project, scoring, span, (production, candidate), jobs)
    return _Scored((production, candidate), contenders, span)


def _require_made(project: Project, needs: Sequence[str]) -> None:
    """Raise InputError when scoring would read outputs that are out of date."""
    read = {output.path for output in outputs_around(needs, project.pipeline)}
    makers = {
        stage.name
        for stage in project.pipeline.stages
        if not read.isdisjoint(output.path for output in stage.outputs)
    }
    planned = [s.stage for s in plan_stages(project.pipeline) if s.decision != "reuse"]
    old = [name for name in planned if name in makers]
    if old:
        raise InputError(
            f"{', '.join(old[:3])}: out of date, so scoring would read old data.",
            hint=f"Rebuild, and commit dvc.lock: `dvc repro {' '.join(old[:3])}`.",
        )


def _span(project: Project, production: LaidOut, candidate: LaidOut) -> HoldoutDays | None:
    """Return the whole days that are new to both models and to the gate; None: there are none."""
    starts = [judged_until(project.root, candidate.hash)]
    for model in (production, candidate):
        if model.seen_until is None or not is_day(model.seen_until):
            raise InputError(
                f"Unknown up to which day the {model.name} model has seen data: its"
                f" {project.promotion.holdout.seen_until_file} has no such day.",
                hint="Have the stage that writes it record the day.",
            )
        starts.append(model.seen_until)
    start, until = max(filter(None, starts)), project.data_until.isoformat()
    return HoldoutDays(start, until) if start < until else None


def _verdict(
    project: Project,
    canary: Canary,
    name: str,
    versions: tuple[Version, Version],
    scored: _Scored,
    at: datetime,
) -> CanaryVerdict:
    from retouch.gate.canary import canary_days  # pandas takes a second

    policy, (production, candidate) = project.promotion, scored.contenders
    assert production.scores is not None and candidate.scores is not None
    found = canary_days(production.scores, candidate.scores, span=scored.span, policy=policy)
    named = [_named(*both) for both in zip(versions, scored.models, strict=True)]
    draft = CanaryVerdict(
        name=name,
        production=named[0],
        candidate=named[1],
        start=scored.span.start,
        end=scored.span.end,
        loss=policy.limits.loss,
        unit=policy.limits.unit,
        limits=canary,
        invalid=None if found.invalid is None else found.invalid[:1000],
        note=found.note[:1000],
        decision="wait",
        message="",
        judged_at=at,
    )
    decided = decide_canary(draft.model_copy(update={"days": found.days}))
    days = tuple(
        CanaryDay(**day.model_dump(), lower=bounds.lower, upper=bounds.upper)
        for day, bounds in zip(found.days, decided.bounds, strict=False)
    )
    return draft.model_copy(
        update={"days": days, "decision": decided.outcome, "message": decided.message}
    )


def _named(version: Version, model: LaidOut) -> CanaryModel:
    return CanaryModel(
        version=version.name, commit=version.commit, model=model.hash, seen_until=model.seen_until
    )


def _nothing_arrived(project: Project, new: Version) -> str:
    clock = project.promotion.holdout.clock
    return (
        f"Nothing has arrived since {new.name} was judged: data reaches up to"
        f" {project.data_until} (exclusive), by {clock.key} in {clock.file}."
    )
