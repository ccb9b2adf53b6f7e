"""Go up the tiers of a plan: try one, judge its candidate, keep it or roll everything back.

        edits -> stages -> score both models -> judge
promote, or a repair that changes no model: kept, the escalation ends
reject, or no gain shown:                   rolled back, the next tier is tried within the budget
not enough data: as a rejection where a larger gain could be shown, else as invalid
invalid:                                    rolled back, the escalation ends: a person decides
a broken guardrail that halts:              rolled back, the escalation ends: a person decides
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.alerts.model import Alert
from retouch.dvc import dvc
from retouch.dvc.checked import recorded_now, require_recorded
from retouch.dvc.params import apply_edits
from retouch.dvc.project import DvcProject
from retouch.errors import InputError
from retouch.execution import transaction
from retouch.execution.model import Attempt, Receipt
from retouch.execution.runner import Progress
from retouch.execution.stages import begin_transaction, run_stages
from retouch.gate.holdout import HoldoutDays
from retouch.gate.model import Judgement, Override
from retouch.pipeline.model import Pipeline
from retouch.pipeline.outputs import outputs_around
from retouch.planning.budget import Spent, over_budget
from retouch.planning.model import Plan, TierPlan
from retouch.policy.model import Budget
from retouch.policy.promotion import Limits, Promotion
from retouch.policy.suppression import duration_text
from retouch.registry.production import Production
from retouch.storage import documents
from retouch.system import files
from retouch.system.processes import cpu_seconds_used

if TYPE_CHECKING:
    from retouch.engine.evaluate import Trial

_PRODUCTION = Path(".retouch/production")


@dataclass(frozen=True)
class RunContext:
    """Where the escalation happens and what it holds a candidate against."""

    root: Path
    dvc: DvcProject
    pipeline: Pipeline
    """As checked out."""
    production: Production
    promotion: Promotion
    days: HoldoutDays
    judged_before: int
    """How many candidates these days have judged for earlier alerts."""
    alerts: tuple[Alert, ...]
    budget: Budget
    spent_today_cpu_seconds: float
    """By the other runs of the last 24 hours."""
    jobs: int
    watch: Progress
    overrides: tuple[Override, ...] = ()
    """Checks that people have said need not hold for these alerts."""


@dataclass(frozen=True)
class Escalation:
    """Its result."""

    attempts: tuple[Attempt, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    failed: Receipt | None = None
    """The first stage that failed, when the escalation ended there."""
    stopped: str | None = None
    """Why it ended with nothing settled and tiers left, or in the middle of one."""

    @property
    def kept(self) -> bool:
        """The last candidate stays in the workspace."""
        return bool(self.attempts) and self.attempts[-1].kept

    def over(self, limits: Limits) -> bool:
        """Say whether no other tier is to be tried, whatever the budget."""
        settled = bool(self.judgements) and _for_a_person(self.judgements[-1], limits)
        return self.kept or settled or self.failed is not None or self.stopped is not None


def _for_a_person(judgement: Judgement, limits: Limits) -> bool:
    """Say whether no other candidate could do better before there is more or other data.

    Where rows and days are enough and a difference was too small to be shown, a stronger tier may
    show a larger one.
    """
    if judgement.outcome != "not_enough_data":
        return judgement.outcome == "invalid"
    checks = [c for c in judgement.checks if c.required and c.result == "not_enough_data"]
    unknown = any(
        c.detectable is None or c.rows < limits.min_rows or c.days < limits.min_days for c in checks
    )
    guardrails = [g for g in judgement.guardrails if g.blocks and g.result == "not_enough_data"]
    ends = any(g.then == "halt" or g.compared is None for g in guardrails)
    return unknown or ends or not (checks or guardrails)


def climb(plan: Plan, context: RunContext) -> Escalation:
    """Try the plan's tiers, cheapest first, until one settles it or the budget is used up.

    What is not kept is rolled back. When one is kept, or anything is raised, the journal stays
    open: the caller keeps it once the report is written, or puts it back. The plan has seen to it
    that the budget allows the first tier. Raises CheckFailed when scoring fails and InputError when
    data is nowhere to be had.
    """
    began = time.monotonic()
    _export_production(context)
    climbed, trial = Escalation(), _trial(context)
    for tier in plan.tiers:
        spent = _spent(climbed, context, began)
        too_dear = over_budget(tier, context.budget, spent) if climbed.attempts else None
        if too_dear:
            return replace(climbed, stopped=too_dear)
        _note_tier(context, tier, plan.report_id)
        climbed = _step(climbed, tier, context, trial, spent.wall_seconds)
        if not climbed.kept:
            transaction.roll_back(context.root)
        if climbed.over(context.promotion.limits):
            break
    return climbed


def _spent(climbed: Escalation, context: RunContext, began: float) -> Spent:
    return Spent(
        tiers=len(climbed.attempts),
        cpu_seconds=sum(a.cpu_seconds + a.judging_cpu_seconds for a in climbed.attempts),
        wall_seconds=time.monotonic() - began,
        today_cpu_seconds=context.spent_today_cpu_seconds,
    )


def _step(
    climbed: Escalation, tier: TierPlan, context: RunContext, trial: Trial, elapsed: float
) -> Escalation:
    """Try one tier and return the escalation with its result; nothing is rolled back yet."""
    limit = context.budget.wall_per_alert
    left = None if limit is None else max(0.0, limit / timedelta(seconds=1) - elapsed)
    attempt = _attempt(tier, context, left)
    failed = next((r for r in attempt.receipts if r.outcome == "failed"), None)
    if failed is not None:
        climbed = replace(climbed, attempts=(*climbed.attempts, attempt))
        if limit is not None and left is not None and attempt.wall_seconds >= round(left, 3):
            return replace(climbed, stopped=_overran(tier, duration_text(limit)))
        return replace(climbed, failed=failed)
    before = cpu_seconds_used()
    judgement = _judge(tier, attempt, context, trial, climbed.judgements)
    judging = round(cpu_seconds_used() - before, 3)
    kept = _settles(tier, judgement)
    attempt = attempt.model_copy(update={"kept": kept, "judging_cpu_seconds": judging})
    return replace(
        climbed,
        attempts=(*climbed.attempts, attempt),
        judgements=(*climbed.judgements, judgement),
        stopped=_halted(judgement),
    )


def _overran(tier: TierPlan, limit: str) -> str:
    return f"Stopped: {tier.tier}. It had not ended when budget.wall_per_alert, {limit}, was over."


def _halted(judgement: Judgement) -> str | None:
    if judgement.halted_by is None:
        return None
    message = next((g.message for g in judgement.guardrails if g.name == judgement.halted_by), "")
    return f"The guardrail {judgement.halted_by!r} ended the run. {message}".rstrip()


def _note_tier(context: RunContext, tier: TierPlan, report_id: str) -> None:
    begin_transaction(
        context.root,
        context.dvc,
        context.pipeline,
        tier.stages,
        work=f"tier {tier.tier} for alert {report_id}",
        edited=tuple(dict.fromkeys(edit.file for edit in tier.edits)),
        done_when=f"{documents.REPORTS}/{report_id}/verdict.json",
    )


def _attempt(tier: TierPlan, context: RunContext, stop_after: float | None) -> Attempt:
    pipeline = context.dvc.with_edits(tier.edits)
    for path, text in apply_edits(context.root, tier.edits).items():
        files.write_text(context.root / path, text)
    began = time.monotonic()
    receipts = run_stages(context.root, pipeline, tier.stages, context, stop_after=stop_after)
    return Attempt(
        tier=tier.tier,
        edits=tier.edits,
        receipts=receipts,
        wall_seconds=round(time.monotonic() - began, 3),
        kept=False,
    )


def _settles(tier: TierPlan, judgement: Judgement) -> bool:
    """Say whether the candidate stays: it passed, or it is a repair that changes no model."""
    if judgement.halted_by is not None:
        return False
    unchanged_repair = judgement.outcome == "equivalent" and tier.must == "not_get_worse"
    return judgement.outcome == "promote" or unchanged_repair


def _trial(context: RunContext) -> Trial:
    from retouch.engine.evaluate import (
        Trial,  # pandas takes a second, which planning need not wait for
    )

    return Trial(
        root=context.root,
        promotion=context.promotion,
        days=context.days,
        production=context.production,
        production_copy=str(_PRODUCTION / context.production.path),
        alerts=context.alerts,
        jobs=context.jobs,
        overrides=context.overrides,
    )


def _judge(
    tier: TierPlan,
    attempt: Attempt,
    context: RunContext,
    trial: Trial,
    earlier: Sequence[Judgement],
) -> Judgement:
    from retouch.gate.comparison import HoldoutUse

    made = {path: value for r in attempt.receipts for path, value in r.outputs.items()}
    candidate = made.get(context.production.path, context.production.hash)
    if candidate != context.production.hash:
        _bring_what_decides(context, made)
    judged = context.judged_before + sum(map(_looked, earlier))
    return trial.judge(
        candidate,
        tier=tier.tier,
        must=tier.must,
        restores=tier.restores,
        holdout_use=HoldoutUse(number=judged + 1, allowed=context.promotion.holdout.candidates),
    )


def _bring_what_decides(context: RunContext, made: Mapping[str, str]) -> None:
    """Have both models and all that judging reads, each with the bytes recorded for it.

    `made`: what the attempt recorded. Raises CheckFailed for other bytes, and InputError.
    """
    learned = context.promotion.holdout.learned_from
    read = (*context.promotion.score.needs, *(learned.paths if learned else ()))
    model = context.production.path
    outputs = outputs_around((*read, model), context.pipeline)
    dvc.bring((recorded_now(output, made) for output in outputs), root=context.root)
    copied = outputs_around((*(learned.paths if learned else ()), model), context.pipeline)
    require_recorded(copied, root=context.root, below=str(_PRODUCTION))


def _looked(judgement: Judgement) -> bool:
    """Say whether the hold-out was put to use: by the same model, or a broken one, it is not."""
    return judgement.holdout is not None and judgement.outcome != "invalid"


def _outputs_under(paths: Sequence[str], pipeline: Pipeline) -> tuple[str, ...]:
    return tuple(output.path for output in outputs_around(paths, pipeline))


def _export_production(context: RunContext) -> None:
    """Keep the model in production, and what it learned from, beside the workspace.

    Stages will overwrite their places. Raises InputError for a path that holds no data.
    """
    learned = context.promotion.holdout.learned_from
    tables = [
        path for named in (learned.paths if learned else ()) for path in _data(named, context)
    ]
    wanted = dict.fromkeys([context.production.path, *tables])
    dvc.bring(outputs_around(tuple(wanted), context.pipeline), root=context.root)
    files.remove(context.root / _PRODUCTION)
    for path in wanted:
        if not files.exists(context.root / path):
            raise _no_data(path)
        files.copy(context.root / path, context.root / _PRODUCTION / path)


def _data(named: str, context: RunContext) -> tuple[str, ...]:
    """Return the outputs below a path of `learned_from`, or the path itself. Raises InputError."""
    path = posixpath.normpath(named)
    if path == "." or path.split("/")[0] in ("..", ""):
        raise _no_data(named)
    outputs = _outputs_under([path], context.pipeline)
    return tuple(out for out in outputs if not path.startswith(f"{out}/")) or (path,)


def _no_data(path: str) -> InputError:
    return InputError(
        f"{documents.PROMOTION}: holdout.learned_from.paths: {path!r} is no output of the"
        " pipeline, and no file in the project.",
        hint="Name outputs of dvc.yaml: `dvc stage list` shows the stages.",
    )
