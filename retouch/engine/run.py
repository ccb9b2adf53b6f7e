"""One short function per verb: the only module that knows the whole order of things."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from retouch.alerts.model import Alert
from retouch.dvc import dvc
from retouch.engine import escalation
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings, verify_alerts
from retouch.engine.report_files import (
    alerted_drift,
    file_document,
    file_report,
    promised_coverage,
    read_saved_plan,
)
from retouch.errors import CheckFailed
from retouch.execution import transaction
from retouch.execution.model import Attempt, Receipt, Run
from retouch.execution.runner import PlainRunner, Progress
from retouch.execution.stages import begin_transaction, run_stages
from retouch.gate.model import Verdict
from retouch.git import git
from retouch.git_remote import store
from retouch.planning.model import Plan
from retouch.planning.plan import plan_stages
from retouch.storage import documents
from retouch.system import files

_BUDGET = f"`budget` in {documents.POLICY}"
BUILD = "build"
"""The report folder of a full build: the receipts that forecasts start from."""
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Settings:
    """How to run, as opposed to what."""

    jobs: int
    watch: Progress
    clock: Clock
    trust: TrustSettings = field(default_factory=TrustSettings)
    push: bool = True
    """Send a kept candidate's outputs to the default remote."""


@dataclass(frozen=True)
class RunResult:
    """What `retouch run` came to."""

    plan: Plan | None
    """None when every alert was handled before."""
    report: Path
    """The report's folder."""
    run: Run | None = None
    verdict: Verdict | None = None
    """None when nothing was judged: held, or handled before."""
    recovered: str | None = None
    """What an earlier run was doing when it was cut short; it has been undone."""


def plan_alerts(
    project: Project, alert_files: Sequence[Path], now: datetime, *, jobs: int, trust: TrustSettings
) -> Plan:
    """Plan the answer to one group of alerts. Runs nothing, needs no data. Raises InputError."""
    submitted = project.read_alerts(alert_files)
    verified = verify_alerts(project.root, submitted, trust, now)
    return project.plan(verified, now=now, jobs=jobs, accepted_by=trust.accepted_by)


def run_alerts(
    project: Project,
    alert_files: Sequence[Path],
    settings: Settings,
    *,
    saved_plan: Path | None = None,
) -> RunResult:
    """Answer one group of alerts: plan, run, judge, report. The same alert twice is a no-op.

    Raises InputError, and CheckFailed when a stage fails or an output cannot be pushed; after a
    failure the workspace is as it was, but for the report.
    """
    with transaction.exclusive_lock(project.root):
        recovered = transaction.recover(project.root)
        submitted = project.read_alerts(alert_files)
        done = project.handled([one.alert.alert_id for one in submitted])
        if all(one.alert.alert_id in done for one in submitted):
            return RunResult(None, next(iter(done.values())), recovered=recovered)
        began, trust = settings.clock(), settings.trust
        verified = verify_alerts(project.root, submitted, trust, began)
        new = [one for one in verified if one.alert.alert_id not in done]
        alerts = tuple(one.alert for one in new)
        fresh = project.plan(new, now=began, jobs=settings.jobs, accepted_by=trust.accepted_by)
        plan = read_saved_plan(saved_plan, fresh) if saved_plan else fresh
        if plan.action == "hold":
            folder = file_report(project.root, plan)
            return RunResult(plan, folder, recovered=recovered)
        project.require_clean()
        # One that was overridden since: as long as it is there, the alert counts as handled.
        files.remove(documents.report_folder(project.root, plan.report_id) / "verdict.json")
        try:
            climbed = escalation.climb(plan, _run_context(project, plan, alerts, settings, began))
            return _conclude(project, plan, climbed, began, settings, recovered, alerts[0])
        finally:
            transaction.roll_back(project.root)  # finds nothing once a result is kept


def build_pipeline(project: Project, settings: Settings, *, record: bool) -> tuple[Receipt, ...]:
    """Bring every stage up to date, as `dvc repro` would, independent ones at the same time.

    `record`: keep the receipts in `reports/build/`, for forecasts. Raises InputError; CheckFailed
    when a stage fails, with everything restored.
    """
    with transaction.exclusive_lock(project.root):
        transaction.recover(project.root)
        stages = plan_stages(project.pipeline, complete=True)
        root, began = project.root, settings.clock()
        started = time.monotonic()
        begin_transaction(root, project.dvc, project.pipeline, stages, work="a build")
        try:
            receipts = run_stages(root, project.pipeline, stages, settings, complete=True)
            _require_all_well(root, receipts)
            transaction.keep(root)
        finally:
            transaction.roll_back(root)
        if record:
            attempt = Attempt(
                tier=BUILD,
                edits=(),
                receipts=receipts,
                wall_seconds=round(time.monotonic() - started, 3),
                kept=True,
            )
            document = _run_document(project, BUILD, (), (attempt,), began, settings)
            file_document(documents.report_folder(root, BUILD) / "run.json", document)
        return receipts


def _run_context(
    project: Project, plan: Plan, alerts: tuple[Alert, ...], settings: Settings, now: datetime
) -> escalation.RunContext:
    return escalation.RunContext(
        root=project.root,
        dvc=project.dvc,
        pipeline=project.pipeline,
        production=project.production,
        promotion=project.promotion,
        days=project.holdout,
        judged_before=project.judged_before(alerts),
        alerts=alerts,
        budget=project.policy.budget,
        spent_today_cpu_seconds=project.spent_today(now),
        jobs=settings.jobs,
        watch=settings.watch,
        overrides=project.overrides(plan.report_id),
    )


def _conclude(
    project: Project,
    plan: Plan,
    climbed: escalation.Escalation,
    began: datetime,
    settings: Settings,
    recovered: str | None,
    alert: Alert,
) -> RunResult:
    """Write down the result of the escalation, and send a kept candidate's outputs on."""
    ids = tuple(alert.alert_id for alert in plan.alerts)
    run = _run_document(project, plan.key, ids, climbed.attempts, began, settings)
    run = run.model_copy(update={"stopped": climbed.stopped})
    verdict = None if climbed.failed else _verdict(project, alert, plan, climbed, settings.clock())
    folder = file_report(project.root, plan, run, verdict)
    transaction.keep(project.root)
    if climbed.failed is not None:
        _require_all_well(project.root, climbed.attempts[-1].receipts)
    if climbed.stopped is not None and verdict is None:
        raise CheckFailed(
            f"{climbed.stopped} All changes were rolled back.", hint=f"See {_BUDGET}."
        )
    if climbed.kept and settings.push and dvc.has_remote(project.root):
        store.push_stages(climbed.attempts[-1].named("ran", "restored"), root=project.root)
    return RunResult(plan, folder, run, verdict, recovered)


def _verdict(
    project: Project, alert: Alert, plan: Plan, climbed: escalation.Escalation, now: datetime
) -> Verdict | None:
    """Return what the gate said in the end; None when no candidate came to it."""
    if not climbed.judgements:
        return None
    deciding, promotion = climbed.judgements[-1], project.promotion
    return Verdict(
        plan_key=plan.key,
        alert_ids=tuple(alert.alert_id for alert in plan.alerts),
        outcome=deciding.outcome,
        message=deciding.message,
        loss=promotion.limits.loss,
        unit=promotion.limits.unit,
        judgements=climbed.judgements,
        judged_at=now,
        on_merge=promotion.release.on_merge,
        promised_coverage=promised_coverage(promotion),
        drift=alerted_drift(project.root, project.pipeline, alert, promotion.score.day),
    )


def _run_document(
    project: Project,
    key: str,
    alert_ids: tuple[str, ...],
    attempts: tuple[Attempt, ...],
    began: datetime,
    settings: Settings,
) -> Run:
    return Run(
        plan_key=key,
        alert_ids=alert_ids,
        runner=PlainRunner.name,
        jobs=settings.jobs,
        base_commit=git.head_commit(project.root),
        started_at=began,
        finished_at=settings.clock(),
        attempts=attempts,
    )


def _require_all_well(root: Path, receipts: Sequence[Receipt]) -> None:
    """Raise CheckFailed with the end of the log of the first stage that failed."""
    for receipt in receipts:
        if receipt.outcome == "failed":
            log = receipt.log or ""
            tail = files.read_text(root / log).strip().splitlines()[-6:] if log else []
            tail = tail or [f"{receipt.because}; it wrote nothing"]
            raise CheckFailed(
                f"Stage {receipt.stage} failed; all changes were rolled back.\n  "
                + "\n  ".join(tail),
                hint=f"\nThe whole output: {log}",
            )
