"""Walk the ladder of a plan: try a tier, judge its candidate, keep it or put everything back.

        edits -> stages -> score both models -> judge
promote, or a repair that changes no model: kept, the walk ends
reject, or nothing gained:                  put back, the next tier is tried
not enough data, invalid:                   put back, the walk ends: a person decides
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from retouch.alerts.model import Alert
from retouch.execution.model import Attempt, Receipt
from retouch.execution.runner import PlainRunner, Progress
from retouch.pipeline.model import Output, Pipeline
from retouch.planning.model import Plan, StagePlan, TierPlan
from retouch.policy.promotion import Promotion
from retouch.release.production import Production
from retouch.tools import dvc, files, journal, repository
from retouch.tools.dvc_project import Project
from retouch.tools.lock_text import in_evaluation_order
from retouch.tools.params import apply_edits
from retouch.tools.process import Processes
from retouch.validation.holdout import HoldoutDays
from retouch.validation.model import Judgement

_PRODUCTION = Path(".retouch/production")


@dataclass(frozen=True)
class Bench:
    """Where the walk happens and what it holds a candidate against."""

    root: Path
    project: Project
    pipeline: Pipeline
    """As checked out."""
    production: Production
    promotion: Promotion
    days: HoldoutDays
    alerts: tuple[Alert, ...]
    jobs: int
    watch: Progress


@dataclass(frozen=True)
class Walk:
    """What came of it."""

    attempts: tuple[Attempt, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    failed: Receipt | None = None
    """The first stage that failed, when the walk ended there."""

    @property
    def kept(self) -> bool:
        """The last candidate stays in the workspace."""
        return bool(self.attempts) and self.attempts[-1].kept


def climb(plan: Plan, bench: Bench) -> Walk:
    """Try the plan's tiers, cheapest first, until one settles it.

    What is not kept is put back. When a candidate is kept, or anything is raised, the journal stays
    open: the caller keeps it once the report is written, or puts it back. Raises SaidNo when
    scoring fails and BadInput when data is nowhere to be had.
    """
    _export_production(bench)
    walk = Walk()
    for tier in plan.tiers:
        _note_tier(bench, tier, plan.report_id)
        attempt = _attempt(tier, bench)
        failed = next((r for r in attempt.receipts if r.outcome == "failed"), None)
        judgement = None if failed else _judge(tier, attempt, bench)
        if judgement is not None and _settles(tier, judgement):
            attempt = attempt.model_copy(update={"kept": True})
        else:
            journal.put_back(bench.root)
        walk = replace(
            walk,
            attempts=(*walk.attempts, attempt),
            judgements=(*walk.judgements, *([judgement] if judgement else [])),
            failed=failed,
        )
        if judgement is None or attempt.kept or judgement.outcome in ("not_enough_data", "invalid"):
            break
    return walk


class HowToRun(Protocol):
    """What running stages asks of its settings."""

    @property
    def jobs(self) -> int:
        """How many stages may run at the same time."""

    @property
    def watch(self) -> Progress:
        """Who is told what happens."""


def run_stages(
    root: Path,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    how: HowToRun,
    *,
    complete: bool = False,
) -> tuple[Receipt, ...]:
    """Run planned stages in the workspace as it is; `dvc.lock` keeps DVC's own order.

    `complete`: every output is wanted in the workspace. Something must be noted down first
    (`note_before`), and kept or put back afterwards.
    """
    locks = {path: _text(root / path) for path in lock_files(stages)}
    processes = Processes(on_start=lambda pid: journal.note_child(root, pid))
    runner = PlainRunner(
        root,
        pipeline,
        stages,
        processes=processes,
        jobs=how.jobs,
        watch=how.watch,
        complete=complete,
    )
    receipts = runner.run()
    for path, before in locks.items():
        mine = [s.name for s in pipeline.stages if s.cmd and dvc.lock_file_of(s.name) == path]
        order = [name.rpartition("dvc.yaml:")[2] for name in mine]
        after = _text(root / path)
        ordered = in_evaluation_order(before, after, order)
        if ordered != after:
            files.write_text(root / path, ordered)
    return receipts


def lock_files(stages: tuple[StagePlan, ...]) -> tuple[str, ...]:
    """Return the lock files that record the planned stages."""
    planned = (s.stage for s in stages if s.decision != "reuse")
    return tuple(dict.fromkeys(dvc.lock_file_of(stage) for stage in planned))


def note_before(
    root: Path,
    project: Project,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    *,
    work: str,
    edited: tuple[str, ...] = (),
    done_when: str | None = None,
) -> None:
    """Write down everything that running these stages may change."""
    planned = {s.stage for s in stages if s.decision != "reuse"}
    outputs: list[Output] = [
        output for stage in pipeline.stages if stage.name in planned for output in stage.outputs
    ]
    ignores = {str(Path(output.path).parent / ".gitignore") for output in outputs}
    journal.begin(
        root,
        work=work,
        small=[*edited, *lock_files(stages), *sorted(ignores)],
        outputs=outputs,
        cache_holds=project.cache_holds,
        done_when=done_when,
    )


def _note_tier(bench: Bench, tier: TierPlan, report_id: str) -> None:
    note_before(
        bench.root,
        bench.project,
        bench.pipeline,
        tier.stages,
        work=f"tier {tier.tier} for alert {report_id}",
        edited=tuple(dict.fromkeys(edit.file for edit in tier.edits)),
        done_when=f"{repository.REPORTS}/{report_id}/verdict.json",
    )


def _attempt(tier: TierPlan, bench: Bench) -> Attempt:
    pipeline = bench.project.with_edits(tier.edits)
    for path, text in apply_edits(bench.root, tier.edits).items():
        files.write_text(bench.root / path, text)
    began = time.monotonic()
    receipts = run_stages(bench.root, pipeline, tier.stages, bench)
    return Attempt(
        tier=tier.tier,
        edits=tier.edits,
        receipts=receipts,
        wall_seconds=round(time.monotonic() - began, 3),
        kept=False,
    )


def _settles(tier: TierPlan, judgement: Judgement) -> bool:
    """Say whether the candidate stays: it passed, or it is a repair that changes no model."""
    unchanged_repair = judgement.outcome == "equivalent" and tier.must == "not_get_worse"
    return judgement.outcome == "promote" or unchanged_repair


def _judge(tier: TierPlan, attempt: Attempt, bench: Bench) -> Judgement:
    from retouch.trial import Trial  # pandas takes a second, which planning need not wait for

    made = {path: value for r in attempt.receipts for path, value in r.outputs.items()}
    trial = Trial(
        root=bench.root,
        promotion=bench.promotion,
        days=bench.days,
        production=bench.production,
        production_copy=str(_PRODUCTION / bench.production.path),
        alerts=bench.alerts,
        needs=_outputs_under(bench.promotion.score.needs, bench.pipeline),
        jobs=bench.jobs,
    )
    candidate = made.get(bench.production.path, bench.production.hash)
    return trial.judge(candidate, tier=tier.tier, must=tier.must)


def _outputs_under(paths: Sequence[str], pipeline: Pipeline) -> tuple[str, ...]:
    """Return the outputs that are one of these paths, hold one, or lie below one."""
    outputs = [output.path for stage in pipeline.stages for output in stage.outputs]
    return tuple(
        out
        for out in outputs
        if any(out == p or out.startswith(f"{p}/") or p.startswith(f"{out}/") for p in paths)
    )


def _export_production(bench: Bench) -> None:
    """Keep the model in production beside the workspace: stages will overwrite its place."""
    path = bench.production.path
    if not (bench.root / path).exists():
        dvc.pull([path], root=bench.root)
    files.copy(bench.root / path, bench.root / _PRODUCTION / path)


def _text(path: Path) -> str:
    return files.read_text(path) if path.exists() else ""
