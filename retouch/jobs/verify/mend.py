"""Run again what is in doubt, and nothing else, so that `dvc.lock` says what was made of what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from retouch.engine.project import Project
from retouch.engine.run import Settings
from retouch.errors import CheckFailed, InputError
from retouch.execution import transaction
from retouch.execution.model import Attempt, Receipt, Run
from retouch.execution.runner import PlainRunner
from retouch.execution.stages import begin_transaction, run_stages
from retouch.git import git
from retouch.jobs.verify.verify import MENDED, verify
from retouch.lockfile.entries import in_order_of, lock_file_of, without_entries
from retouch.lockfile.integrity import Integrity
from retouch.pipeline.model import Pipeline
from retouch.planning.model import StagePlan
from retouch.planning.plan import plan_stages
from retouch.system import files

_MEND = "mend"
_OURS = ("alerts/", "reports/")


@dataclass(frozen=True)
class Mended:
    """What mending came to."""

    before: Integrity
    """What was found."""
    receipts: tuple[Receipt, ...] = ()
    changed: tuple[str, ...] = ()
    """Outputs that came out other than `dvc.lock` had them."""
    recovered: str | None = None
    """What an earlier run was doing when it was cut short; it has been undone."""


def mend(project: Project, settings: Settings, *, base: str | None = None) -> Mended:
    """Drop what is doubtful from the lock files; run that, what is stale, and what they change.

    The workspace must be as HEAD has it. Missing inputs are pulled. The receipts go to
    `reports/mend/`, to be committed with the lock files. Raises InputError; CheckFailed when a
    stage fails. After that, or when it is cut short and anything of ours is run again, all is as it
    was.
    """
    root = project.root
    with transaction.exclusive_lock(root):
        recovered = transaction.recover(root)
        _require_committed(root)
        found = verify(project, base=base)
        if not (found.doubtful or found.stale):
            return Mended(found, recovered=recovered)
        before = project.pipeline
        pipeline = _without(before, found.doubtful)
        stages = plan_stages(pipeline)
        _require_as_recorded(before, stages)
        begin_transaction(root, project.dvc, before, stages, work="mending dvc.lock")
        try:
            receipts = _run_again(root, pipeline, stages, found, settings)
            transaction.keep(root)
        finally:
            transaction.roll_back(root)  # finds nothing once the result is kept
        return Mended(found, receipts, _changed(before, receipts), recovered)


def _run_again(
    root: Path,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    found: Integrity,
    settings: Settings,
) -> tuple[Receipt, ...]:
    """Drop the doubtful entries, run, and write the receipts down. Raises CheckFailed."""
    began = settings.clock()
    texts = _drop(root, found.doubtful)
    receipts = run_stages(root, pipeline, stages, settings)
    _require_all_well(receipts)
    for lock, text in texts.items():
        files.write_text(root / lock, in_order_of(text, files.read_text(root / lock)))
    attempt = Attempt(
        tier=_MEND,
        edits=(),
        receipts=receipts,
        wall_seconds=round(max(r.started_after + r.wall_seconds for r in receipts), 3),
        kept=True,
    )
    run = Run(
        plan_key=_MEND,
        alert_ids=(),
        runner=PlainRunner.name,
        jobs=settings.jobs,
        base_commit=found.commit,
        started_at=began,
        finished_at=settings.clock(),
        attempts=(attempt,),
    )
    files.write_text(root / MENDED, run.to_json())
    return receipts


def _require_committed(root: Path) -> None:
    changed = [path for path in git.modified_files(root) if not path.startswith(_OURS)]
    if changed:
        raise InputError(
            f"The workspace differs from the commit: {', '.join(changed[:3])}. What is mended is"
            " the commit.",
            hint="Commit first (a merge as well: `git commit --no-edit`), or `git stash`.",
        )


def _without(pipeline: Pipeline, doubtful: Collection[str]) -> Pipeline:
    """Return the pipeline as it is once these stages have no entry.

    What the workspace holds of outputs that DVC keeps is left out: a merge moves no data, so it is
    no sign of an edit, and no reason to run anything.
    """
    return pipeline.model_copy(
        update={
            "stages": tuple(
                stage.model_copy(
                    update={
                        "recorded": stage.recorded and stage.name not in doubtful,
                        "outputs": tuple(
                            o.model_copy(update={"workspace": None}) if o.cached else o
                            for o in stage.outputs
                        ),
                    }
                )
                for stage in pipeline.stages
            )
        }
    )


def _require_as_recorded(pipeline: Pipeline, stages: tuple[StagePlan, ...]) -> None:
    """Raise InputError where a stage that does not run has other outputs here than it recorded."""
    certain = {stage.stage for stage in stages if stage.decision == "run"}
    edited = [
        output.path
        for stage in pipeline.stages
        if stage.name not in certain
        for output in stage.outputs
        if output.workspace not in (None, output.recorded)
    ]
    if edited:
        raise InputError(
            f"The workspace differs from dvc.lock: {', '.join(edited[:3])}. The stages would read"
            " other data than the lock says.",
            hint="Put it back: `dvc checkout --force`, or `dvc pull --force`.",
        )


def _drop(root: Path, doubtful: Collection[str]) -> dict[str, str]:
    """Take the entries out of the lock files; return the files' texts as they were."""
    texts: dict[str, str] = {}
    for lock in dict.fromkeys(map(lock_file_of, doubtful)):
        texts[lock] = files.read_text(root / lock)
        names = {s.rpartition("dvc.yaml:")[2] for s in doubtful if lock_file_of(s) == lock}
        kept = without_entries(texts[lock], names)
        if kept:
            files.write_text(root / lock, kept)
        else:
            files.remove(root / lock)
    return texts


def _require_all_well(receipts: tuple[Receipt, ...]) -> None:
    for receipt in receipts:
        if receipt.outcome == "failed":
            raise CheckFailed(
                f"Stage {receipt.stage} failed; everything was put back.",
                hint=f"The whole output: {receipt.log}",
            )


def _changed(before: Pipeline, receipts: tuple[Receipt, ...]) -> tuple[str, ...]:
    was = {output.path: output.recorded for stage in before.stages for output in stage.outputs}
    made = {path: value for receipt in receipts for path, value in receipt.outputs.items()}
    return tuple(path for path, value in made.items() if was.get(path) != value)
