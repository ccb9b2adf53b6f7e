"""Where things stand, read from what is committed; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from retouch.alerts.model import Alert
from retouch.alerts.receipt import Provenance
from retouch.alerts.verified import VerifiedAlert
from retouch.documents import Document, Value
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.execution import transaction
from retouch.gate.model import Verdict
from retouch.git import gto_tags
from retouch.git.commit_files import Snapshot
from retouch.pipeline.costs import Cost
from retouch.pipeline.graph import downstream
from retouch.pipeline.model import StageMeta
from retouch.planning.model import Plan, StagePlan
from retouch.planning.plan import plan_stages
from retouch.registry.recorded_model import recorded_model
from retouch.registry.registry import (
    ModelRegistry,
    ReleaseStatus,
    registry_from_tags,
    release_status,
)
from retouch.storage import documents
from retouch.storage.alert_files import read_alert
from retouch.system import files

_NOT_CHECKED = Provenance(verdict="not_checked")
"""A stage is explained as for an alert that is trusted; nothing is run."""


class StageExplanation(Document):
    """What there is to say of one stage."""

    stage: str
    desc: str | None
    meta: StageMeta | None
    upstream: tuple[str, ...]
    downstream: tuple[str, ...]
    """Everything that depends on it, directly or not."""
    cost: Cost | None
    """The median of its recorded executions."""
    decisions: tuple[tuple[str, StagePlan], ...]
    """Per tier of the plan, or `without an alert`: what happens to it, and why."""


def explain_stage(
    project: Project, name: str, alert_files: Sequence[Path], now: datetime
) -> StageExplanation:
    """Say what a stage is and why it would run or not. Raises InputError for an unknown stage."""
    stages = {stage.name: stage for stage in project.pipeline.stages}
    if name not in stages:
        close = get_close_matches(name, stages, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else "See `dvc stage list`."
        raise InputError(f"{name}: there is no such stage.", hint=hint)
    plans = {"without an alert": plan_stages(project.pipeline)}
    if alert_files:
        submitted = project.read_alerts(alert_files)
        unchecked = [VerifiedAlert.of(one, _NOT_CHECKED) for one in submitted]
        tiers = project.plan(unchecked, now=now, jobs=1).tiers
        plans = {f"tier {tier.tier}": tier.stages for tier in tiers}
    return StageExplanation(
        stage=name,
        desc=stages[name].desc,
        meta=stages[name].meta,
        upstream=stages[name].upstream,
        downstream=tuple(sorted(downstream(project.pipeline, [name]))),
        cost=project.costs.get(name),
        decisions=tuple(
            (label, decided)
            for label, found in plans.items()
            for decided in found
            if decided.stage == name
        ),
    )


class AlertStatus(Value):
    """How far one alert is."""

    alert_id: str
    kind: str
    state: str
    """`open`, `held`, `failed`, or the verdict."""
    message: str


class HoldoutStatus(Value):
    """The days that judge candidates now, and how often they have been put to use."""

    start: str
    end: str
    judged: int
    allowed: int


class Status(Document):
    """What is in production, what is open, and whether a run was cut short."""

    model: str
    production_hash: str
    production_commit: str
    versions: ReleaseStatus
    out_of_date: tuple[str, ...]
    """Stages that would run without any alert."""
    holdout: HoldoutStatus | None
    """None where there is no promotion policy to say which days they are."""
    alerts: tuple[AlertStatus, ...]
    interrupted: str | None


def project_status(project: Project) -> Status:
    """Return where things stand. Changes nothing. Raises InputError."""
    stages = plan_stages(project.pipeline)
    return Status(
        model=project.production.model,
        production_hash=project.production.hash,
        production_commit=project.production.commit,
        versions=_versions(project),
        out_of_date=tuple(s.stage for s in stages if s.decision == "run"),
        holdout=_holdout_status(project),
        alerts=tuple(
            _alert_status(project.root, read_alert(path, project.root).alert)
            for path in documents.alert_files(project.root)
        ),
        interrupted=transaction.interrupted_work(project.root),
    )


def read_registry(project: Project, *, shared: bool = False) -> ModelRegistry:
    """Return the versions of the policy's model; none where nothing was ever tagged.

    `shared`: by the tags that `origin` has too. A version whose tag does not say which model it is
    of is the one that its commit's lock records. Raises InputError.
    """
    model, tags = project.policy.model, gto_tags.read_tags(project.root, shared=shared)
    ours = (tag for tag in tags if tag.model == model and tag.kind in ("version", "assign"))
    hashes = {}
    for commit in {tag.commit for tag in ours if "model" not in tag.details}:
        snapshot = Snapshot(project.root, commit)
        try:
            texts = snapshot.read(snapshot.named("dvc.yaml", "dvc.lock"))
            hashes[commit] = recorded_model(texts, model).hash
        except InputError:
            continue  # unknown, so it equals nothing
    return registry_from_tags(model, tags, hashes)


def _versions(project: Project) -> ReleaseStatus:
    try:
        return release_status(read_registry(project), project.production.hash)
    except InputError as error:
        return ReleaseStatus(fault=str(error))


def _holdout_status(project: Project) -> HoldoutStatus | None:
    if not files.exists(project.root / documents.PROMOTION):
        return None
    days = project.holdout
    return HoldoutStatus(
        start=days.start,
        end=days.end,
        judged=project.judged_before(whole=False),
        allowed=project.promotion.holdout.candidates,
    )


def _alert_status(root: Path, alert: Alert) -> AlertStatus:
    folder = documents.report_folder(root, alert.alert_id)
    state, message = "open", f"`retouch run alerts/{alert.alert_id}.json`"
    done = documents.handled(root, [alert.alert_id])
    if done:
        verdict = documents.read_document(done[alert.alert_id] / "verdict.json", Verdict)
        state, message = verdict.outcome, verdict.message
    elif files.exists(folder / "run.json"):
        state, message = "failed", f"see reports/{alert.alert_id}/report.md"
    elif files.exists(folder / "plan.json"):
        held = documents.read_document(folder / "plan.json", Plan)
        state, message = ("held", held.why) if held.action == "hold" else (state, message)
    return AlertStatus(alert_id=alert.alert_id, kind=alert.kind, state=state, message=message)
