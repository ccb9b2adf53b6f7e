"""Make the plan: alerts + policy + pipeline -> which stages run, why, and in what order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from retouch.alerts.model import Alert
from retouch.alerts.words import summarise
from retouch.documents import Value, digest_of
from retouch.pipeline.costs import Cost
from retouch.pipeline.graph import waves
from retouch.pipeline.lineage import touched_by
from retouch.pipeline.model import Pipeline, Stage
from retouch.planning.anchors import Clock, anchors_of
from retouch.planning.changes import changes_of
from retouch.planning.forecast import forecast
from retouch.planning.model import (
    Because,
    Plan,
    ProvenAlert,
    Reads,
    SkippedTier,
    StagePlan,
    TierPlan,
    Touched,
    reasons_to_vouch,
)
from retouch.policy.decide import decide
from retouch.policy.edits import ParamEdit, anchors_needed, expand_edits
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


class Vouched(Value):
    """Whose alerts they are, and who vouches for those nobody signed."""

    proven: tuple[ProvenAlert, ...] = ()
    accepted_by: str | None = None

    @property
    def lacks(self) -> bool:
        """Whether a person has to vouch for some of them first."""
        return self.accepted_by is None and bool(reasons_to_vouch(self.proven))

    def about(self, alerts: Sequence[Alert]) -> Vouched:
        """Return what it says of these alerts, in the order of their ids."""
        ids = {alert.alert_id for alert in alerts}
        proven = [one for one in self.proven if one.alert_id in ids]
        proven.sort(key=lambda one: one.alert_id)
        return self.model_copy(update={"proven": tuple(proven)})


def make_plan(
    alerts: Sequence[Alert],
    policy: Policy,
    pipeline: Pipeline,
    base: Base,
    now: datetime,
    resolve: Resolve,
    vouched: Vouched | None = None,
) -> Plan:
    """Return the plan for one group of alerts. Same inputs, same bytes; their order is no input.

    What a person has to vouch for first is planned all the same, and held. Raises BadInput for a
    policy that cannot be carried out: no such params key, a placeholder nobody fills.
    """
    alerts = sorted(alerts, key=lambda alert: alert.alert_id)
    decision = decide(alerts, policy)
    firing = [alert for alert in alerts if alert.status == "firing"] or alerts
    touched = touched_by(firing, pipeline)
    plan_tier = partial(_plan_tier, firing, policy, pipeline, base, touched, resolve)
    rungs = tuple(map(plan_tier, decision.ladder))
    tiers = tuple(rung for rung in rungs if isinstance(rung, TierPlan))
    skipped = tuple(rung for rung in rungs if isinstance(rung, SkippedTier))
    reads = _reads(alerts, policy, pipeline)
    vouched = (vouched or Vouched()).about(alerts)
    return Plan(
        key=digest_of([reads.model_dump(), base.commit]),
        model=policy.model,
        alerts=tuple(summarise(alert) for alert in alerts),
        action=decision.action if tiers and not vouched.lacks else "hold",
        rule=decision.rule,
        why=_why(decision) if tiers or decision.hold else _nothing_to_do(skipped),
        touched=touched,
        tiers=tiers,
        base_commit=base.commit,
        reads=reads,
        planned_at=now,
        skipped=skipped,
        provenance=vouched.proven,
        accepted_by=vouched.accepted_by,
    )


def _reads(alerts: Sequence[Alert], policy: Policy, pipeline: Pipeline) -> Reads:
    return Reads(
        alerts=digest_of([alert.model_dump(mode="json") for alert in alerts]),
        policy=digest_of(policy.model_dump(mode="json")),
        pipeline=digest_of(_without_presence(pipeline).model_dump(mode="json")),
    )


def _why(decision: Decision) -> str:
    """Return the reason; of a hold, what a person is asked to do comes first."""
    if decision.hold is None:
        return decision.why
    ask = decision.hold[:1].upper() + decision.hold[1:].rstrip(".")
    return f"{ask}. {decision.why}"


def _nothing_to_do(skipped: Sequence[SkippedTier]) -> str:
    reasons = {tier.reason: tier.tier for tier in skipped}
    return " ".join(
        reason if reason == IN_PLACE or len(skipped) == 1 else f"Tier {tier}: {reason}"
        for reason, tier in reasons.items()
    )


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
    if not any(stage.meta and stage.meta.module == tier.module for stage in addressed):
        return SkippedTier(tier=name, reason=f"No touched stage is of the module {tier.module!r}.")
    if {"window.start", "window.end"} & anchors_needed(tier) and anchors["window.start"] is None:
        return SkippedTier(tier=name, reason="It needs a window, and the alert gives none.")
    edits = expand_edits(name, tier, addressed, anchors, pipeline.params)
    if not edits:
        return SkippedTier(tier=name, reason=IN_PLACE)
    edited = resolve(edits)
    stages = plan_stages(edited, pipeline)
    return TierPlan(
        tier=name,
        says=tier.says,
        must=tier.must,
        edits=edits,
        stages=stages,
        forecast=forecast(edited, stages, base.costs, base.jobs),
    )
