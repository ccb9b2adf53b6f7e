"""Make the plan: alerts + policy + pipeline -> which stages run, why, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from retouch.alerts.model import Alert
from retouch.alerts.words import summarise
from retouch.documents import digest_of
from retouch.pipeline.costs import Cost
from retouch.pipeline.graph import waves
from retouch.pipeline.lineage import touched_by
from retouch.pipeline.model import Pipeline, Stage
from retouch.planning.anchors import Clock, anchors_of
from retouch.planning.changes import changes_of
from retouch.planning.forecast import forecast
from retouch.planning.model import Because, Plan, Reads, StagePlan, TierPlan, Touched
from retouch.policy.decide import decide
from retouch.policy.edits import ParamEdit, expand_edits
from retouch.policy.model import Decision, Policy

IN_PLACE = "What the policy would change is in place already."
Resolve = Callable[[Sequence[ParamEdit]], Pipeline]
"""Gives the pipeline as it would be with these edits; a params key may shape the graph itself."""


class Base(Clock):
    """What a plan stands on besides alerts, policy and pipeline."""

    commit: str
    costs: Mapping[str, Cost]
    """What each stage cost when it last ran."""
    jobs: int


def make_plan(
    alerts: Sequence[Alert],
    policy: Policy,
    pipeline: Pipeline,
    base: Base,
    now: datetime,
    resolve: Resolve,
) -> Plan:
    """Return the plan for one group of alerts. Same inputs, same bytes; their order is no input.

    Raises BadInput when the policy cannot be carried out: a params key that does not exist, a
    placeholder nobody fills, an anchor the alert does not give.
    """
    alerts = sorted(alerts, key=lambda alert: alert.alert_id)
    decision = decide(alerts, policy)
    firing = [alert for alert in alerts if alert.status == "firing"] or alerts
    touched = touched_by(firing, pipeline)
    tiers = tuple(
        tier
        for name in decision.ladder
        if (tier := _plan_tier(name, firing, policy, pipeline, base, touched, resolve)).edits
    )
    reads = Reads(
        alerts=digest_of([alert.model_dump(mode="json") for alert in alerts]),
        policy=digest_of(policy.model_dump(mode="json")),
        pipeline=digest_of(_without_presence(pipeline).model_dump(mode="json")),
    )
    return Plan(
        key=digest_of([reads.model_dump(), base.commit]),
        model=policy.model,
        alerts=tuple(summarise(alert) for alert in alerts),
        action=decision.action if tiers else "hold",
        rule=decision.rule,
        why=_why(decision) if tiers or decision.hold else IN_PLACE,
        touched=touched,
        tiers=tiers,
        base_commit=base.commit,
        reads=reads,
        planned_at=now,
    )


def _why(decision: Decision) -> str:
    """Return the reason; of a hold, what a person is asked to do comes first."""
    if decision.hold is None:
        return decision.why
    ask = decision.hold[:1].upper() + decision.hold[1:].rstrip(".")
    return f"{ask}. {decision.why}"


def _without_presence(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline without the trace of which data happens to be in the workspace.

    The plan is the same with the data and without, and so is its key; an edited output is another
    matter, and stays.
    """
    return pipeline.model_copy(
        update={
            "stages": tuple(
                stage.model_copy(
                    update={
                        "inputs": tuple(
                            item
                            if item.changed
                            else item.model_copy(update={"current": item.recorded})
                            for item in stage.inputs
                        ),
                        "outputs": tuple(
                            out.model_copy(update={"workspace": None})
                            if out.workspace == out.recorded
                            else out
                            for out in stage.outputs
                        ),
                    }
                )
                for stage in pipeline.stages
            )
        }
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
    name: str,
    alerts: Sequence[Alert],
    policy: Policy,
    pipeline: Pipeline,
    base: Base,
    touched: Touched,
    resolve: Resolve,
) -> TierPlan:
    tier = policy.tiers[name]
    addressed = [s for s in pipeline.stages if tier.whole_model or s.name in touched.stages]
    edits = expand_edits(name, tier, addressed, anchors_of(alerts, base), pipeline.params)
    edited = resolve(edits) if edits else pipeline
    stages = plan_stages(edited, pipeline)
    return TierPlan(
        tier=name,
        says=tier.says,
        must=tier.must,
        edits=edits,
        stages=stages,
        forecast=forecast(edited, stages, base.costs, base.jobs),
    )
