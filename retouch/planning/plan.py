"""Make the plan: alerts + policy + pipeline -> which stages run, why, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from retouch.alerts.model import Alert
from retouch.alerts.verified import VerifiedAlert
from retouch.alerts.words import summarise
from retouch.documents import Value, digest_of
from retouch.pipeline.costs import Cost, makespan
from retouch.pipeline.graph import waits_for, waves
from retouch.pipeline.lineage import touched_by
from retouch.pipeline.model import Pipeline, Stage
from retouch.planning.budget import Spent, over_budget
from retouch.planning.changes import changes_of, input_digests
from retouch.planning.model import (
    AlertProvenance,
    Because,
    Forecast,
    Plan,
    SkippedTier,
    StagePlan,
    TierPlan,
    Touched,
    ValueEstimate,
    reasons_for_approval,
)
from retouch.planning.value import Episode, ValueRequest, not_worth_it, weigh
from retouch.policy.decide import decide
from retouch.policy.edits import ParamEdit, anchors_needed, expand_edits
from retouch.policy.model import Anchor, Decision, Policy

IN_PLACE = "What the policy would change is in place already."
NO_TIER_IS_WORTH_IT = (
    "No tier is worth its cost. To try all the same, raise an alert of the kind manual."
)
Resolve = Callable[[Sequence[ParamEdit]], Pipeline]
"""Gives the pipeline as it would be with these edits; a params key may shape the graph itself."""


class Clock(Value):
    """Where the data ends, and how much of its end the gate keeps for itself."""

    data_until: date | None
    """First day that has not arrived; None when the pipeline declares no clock."""
    holdout_days: int
    """Whole days before `data_until` that no candidate may learn from."""


class Base(Clock):
    """What a plan is based on besides alerts, policy and pipeline."""

    commit: str
    costs: Mapping[str, Cost]
    """What each stage cost when it last ran."""
    jobs: int
    spent_today_cpu_seconds: float = 0.0
    """CPU of the runs of the last 24 hours."""
    past: tuple[Episode, ...] = ()
    """The tiers tried for earlier alerts, oldest first."""
    accepted_by: str | None = None
    """The person who approved the alerts that may not cause a retraining by themselves."""


def make_plan(
    verified: Sequence[VerifiedAlert],
    policy: Policy,
    pipeline: Pipeline,
    base: Base,
    now: datetime,
    resolve: Resolve,
) -> Plan:
    """Return the plan for one group of alerts. Same inputs, same bytes; their order is no input.

    What a person has to approve first, or the budget has no room for, is planned and held. Raises
    InputError for a policy that cannot be carried out: no such params key, an unknown placeholder.
    """
    verified = sorted(verified, key=lambda one: one.alert.alert_id)
    alerts, provenance = [one.alert for one in verified], tuple(map(_provenance, verified))
    decision = decide(alerts, policy)
    firing = [alert for alert in alerts if alert.status == "firing"] or alerts
    touched = touched_by(firing, pipeline)
    plan_tier = partial(_plan_tier, firing, policy, pipeline, base, touched, resolve)
    (tiers, skipped), worth = _weighed(decision.ladder, firing, policy, base, plan_tier)
    reads = input_digests(alerts, policy, pipeline, worth)
    unapproved = base.accepted_by is None and bool(reasons_for_approval(provenance))
    too_dear = _too_dear(tiers, policy, base)
    return Plan(
        key=digest_of([reads.model_dump(exclude_none=True), base.commit]),
        model=policy.model,
        alerts=tuple(summarise(alert) for alert in alerts),
        action=decision.action if tiers and not (unapproved or too_dear) else "hold",
        rule=decision.rule,
        why=too_dear or _why(decision, tiers, skipped, worth),
        touched=touched,
        tiers=tiers,
        base_commit=base.commit,
        reads=reads,
        planned_at=now,
        skipped=skipped,
        provenance=provenance,
        accepted_by=base.accepted_by,
        worth=worth,
    )


def _provenance(one: VerifiedAlert) -> AlertProvenance:
    alert_id = one.alert.alert_id
    return AlertProvenance(alert_id=alert_id, sha256=one.sha256, provenance=one.provenance)


Rung = TierPlan | SkippedTier
Parted = tuple[tuple[TierPlan, ...], tuple[SkippedTier, ...]]


def _parted(rungs: Sequence[Rung]) -> Parted:
    return (
        tuple(rung for rung in rungs if isinstance(rung, TierPlan)),
        tuple(rung for rung in rungs if isinstance(rung, SkippedTier)),
    )


def _too_dear(tiers: Sequence[TierPlan], policy: Policy, base: Base) -> str | None:
    """Return why the budget has no room for the first tier, None where it has."""
    spent = Spent(today_cpu_seconds=base.spent_today_cpu_seconds)
    return over_budget(tiers[0], policy.budget, spent) if tiers else None


def _weighed(
    ladder: Sequence[str],
    firing: Sequence[Alert],
    policy: Policy,
    base: Base,
    plan_tier: Callable[[str], Rung],
) -> tuple[Parted, ValueEstimate | None]:
    """Return the ladder without what cannot answer or is not worth it, and what it is worth."""
    rungs = [plan_tier(name) for name in ladder]
    tiers = [rung for rung in rungs if isinstance(rung, TierPlan)]
    if policy.value is None or not tiers:
        return _parted(rungs), None
    whole = [name for name, tier in policy.tiers.items() if tier.whole_model]
    summaries = [summarise(alert) for alert in firing]
    request = ValueRequest(
        families=tuple(sorted({alert.family for alert in firing})),
        where=next((summary.where for summary in summaries if summary.where), ()),
        by_person=any(alert.family == "governance" for alert in firing),
        whole=frozenset(whole),
    )
    full_cpu_seconds = tiers[0].forecast.full_cpu_seconds
    if whole and not request.whole.intersection(tier.tier for tier in tiers):
        planned = plan_tier(whole[0])
        if isinstance(planned, TierPlan):
            full_cpu_seconds = planned.forecast.cpu_seconds
    worth = weigh(tiers, full_cpu_seconds, policy.value, request, base.past)
    too_dear = frozenset(tier.tier for tier in tiers if _too_dear([tier], policy, base))
    skipped = {s.tier: s for s in not_worth_it(worth, tiers, policy.value, request, too_dear)}
    return _parted([skipped.get(rung.tier, rung) for rung in rungs]), worth


def _why(
    decision: Decision,
    tiers: Sequence[TierPlan],
    skipped: Sequence[SkippedTier],
    worth: ValueEstimate | None,
) -> str:
    """Return the reason; of a hold, what a person is asked to do comes first."""
    if decision.hold is not None:
        ask = decision.hold[:1].upper() + decision.hold[1:].rstrip(".")
        return f"{ask}. {decision.why}"
    if tiers:
        return decision.why
    reasons = {tier.reason: tier.tier for tier in skipped}
    none_left = [NO_TIER_IS_WORTH_IT] if worth is not None else []  # there were tiers to weigh
    return " ".join(
        none_left
        + [
            reason if reason == IN_PLACE or len(skipped) == 1 else f"Tier {tier}: {reason}"
            for reason, tier in reasons.items()
        ]
    )


def plan_stages(
    pipeline: Pipeline, base: Pipeline | None = None, *, complete: bool = False
) -> tuple[StagePlan, ...]:
    """Return one decision for every stage, in order of evaluation.

    `base`: the pipeline without the alert's edits. Reasons that hold there already are not the
    alert's doing, and the plan says so. `complete`: every output has to be in the workspace in
    the end, so a stage whose output is not there runs.
    """
    before = {stage.name: changes_of(stage) for stage in base.stages} if base else {}
    because: dict[str, tuple[Because, ...]] = {}
    planned: set[str] = set()
    for stage in pipeline.stages:
        feeding = [name for name in stage.upstream if name in planned]
        certain = changes_of(stage, unsettled=planned, complete=complete)
        if certain:
            because[stage.name] = tuple(
                reason.model_copy(update={"by_alert": reason not in before.get(stage.name, ())})
                for reason in certain
            )
        elif feeding and not stage.frozen and stage.cmd is not None:
            because[stage.name] = tuple(
                Because(
                    reason="upstream",
                    subject=name,
                    by_alert=any(reason.by_alert for reason in because[name]),
                )
                for name in feeding
            )
        if stage.name in because:
            planned.add(stage.name)
    wave_of = waves(pipeline, planned)
    return tuple(_stage_plan(stage, because, wave_of) for stage in pipeline.stages)


def _stage_plan(
    stage: Stage, because: Mapping[str, tuple[Because, ...]], wave_of: Mapping[str, int]
) -> StagePlan:
    reasons = because.get(stage.name)
    if reasons is None:
        reason = Because(reason="frozen" if stage.frozen else "unchanged")
        return StagePlan(stage=stage.name, decision="reuse", because=(reason,))
    only_upstream = all(reason.reason == "upstream" for reason in reasons)
    return StagePlan(
        stage=stage.name,
        decision="may_run" if only_upstream else "run",
        because=reasons,
        wave=wave_of[stage.name],
    )


def _plan_tier(
    alerts: Sequence[Alert],
    policy: Policy,
    pipeline: Pipeline,
    base: Base,
    touched: Touched,
    resolve: Resolve,
    name: str,
) -> TierPlan | SkippedTier:
    tier = policy.tiers[name]
    anchors = anchors_of(alerts, base)
    addressed = [s for s in pipeline.stages if tier.whole_model or s.name in touched.stages]
    meant = [s for s in addressed if s.meta and s.meta.module == tier.module]
    if not meant:
        return SkippedTier(tier=name, reason=f"No touched stage is of the module {tier.module!r}.")
    if all(stage.frozen for stage in meant):
        frozen = ", ".join(stage.name for stage in meant[:3])
        return SkippedTier(tier=name, reason=f"No edit makes a frozen stage run: {frozen}.")
    addressed = [stage for stage in addressed if not stage.frozen]
    if {"window.start", "window.end"} & anchors_needed(tier) and anchors["window.start"] is None:
        return SkippedTier(tier=name, reason="It needs a window, and the alert gives none.")
    edits = expand_edits(name, tier, addressed, anchors, pipeline.params)
    if not edits:
        return SkippedTier(tier=name, reason=IN_PLACE)
    edited = resolve(edits)
    stages = plan_stages(edited, pipeline)
    return TierPlan(
        tier=name,
        message=tier.description,
        must=tier.must,
        restores=tier.restores,
        edits=edits,
        stages=stages,
        forecast=forecast(edited, stages, base.costs, base.jobs),
    )


def anchors_of(alerts: Sequence[Alert], clock: Clock) -> Mapping[Anchor, date | None]:
    """Return each anchor's day, None where it is not given.

    The window is the smallest that holds all the alerts' windows. Its days are those of the UTC
    offset each alert was written in, since a monitor reports its own calendar.
    """
    windows = [a.slice.current.window.days for a in alerts if a.slice.current.window is not None]
    until = clock.data_until
    return {
        "window.start": min((first for first, _ in windows), default=None),
        "window.end": max((after for _, after in windows), default=None),
        "data.until": until,
        "holdout.from": until - timedelta(days=clock.holdout_days) if until else None,
        "holdout.until": until,
    }


def forecast(
    pipeline: Pipeline, stages: Sequence[StagePlan], costs: Mapping[str, Cost], jobs: int
) -> Forecast:
    """Return CPU and wall seconds of the planned stages, and of the whole pipeline beside them."""
    planned = [s.stage for s in stages if s.decision != "reuse"]
    certain = [s.stage for s in stages if s.decision == "run"]
    everything = [s.name for s in pipeline.stages if s.cmd is not None]
    return Forecast(
        cpu_seconds=_cpu(planned, costs),
        wall_seconds=_wall(pipeline, planned, costs, jobs),
        certain_cpu_seconds=_cpu(certain, costs),
        full_cpu_seconds=_cpu(everything, costs),
        full_wall_seconds=_wall(pipeline, everything, costs, jobs),
        jobs=jobs,
        unknown=sum(name not in costs for name in planned),
        full_unknown=sum(name not in costs for name in everything),
    )


def _cpu(names: Collection[str], costs: Mapping[str, Cost]) -> float:
    return round(sum(costs[name].cpu_seconds for name in names if name in costs), 2)


def _wall(
    pipeline: Pipeline, names: Collection[str], costs: Mapping[str, Cost], jobs: int
) -> float:
    wall = {name: costs[name].wall_seconds for name in names if name in costs}
    return round(makespan(waits_for(pipeline, names), wall, jobs), 2)
