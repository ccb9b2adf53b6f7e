"""Compare the lock files of a commit with its parents and the receipts; rerun what is doubtful.

A commit is looked at in a copy, so the state of the workspace does not matter. A repair reruns the
doubtful stages and nothing else, so that each entry of `dvc.lock` is one that a run made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from retouch.alerts.identifiers import ULID
from retouch.documents import Document
from retouch.dvc.checked import Damaged
from retouch.dvc.every_byte import damaged_outputs
from retouch.dvc.remote import missing_outputs
from retouch.engine.project import Project
from retouch.engine.run import Settings
from retouch.errors import CheckFailed, InputError
from retouch.execution import transaction
from retouch.execution.model import Attempt, Receipt, Run
from retouch.execution.runner import PlainRunner
from retouch.execution.stages import begin_transaction, run_stages
from retouch.git import git, history
from retouch.jobs.packages.paths import REFUSED_HINT, WritablePaths, allowed
from retouch.lockfile.entries import entry_digests, in_order_of, lock_file_of, without_entries
from retouch.lockfile.integrity import (
    Digests,
    Integrity,
    StaleStage,
    classify,
    only,
    unattributed_entries,
)
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Because, StagePlan
from retouch.planning.plan import plan_stages
from retouch.reporting.plan import reason_text
from retouch.storage import documents
from retouch.system import files

EntryPairs = frozenset[tuple[str, str]]
"""Stage and digest of its entry."""
_REPORT = re.compile(rf"reports/({ULID})/(.+)")
REPAIRED = "reports/mend/run.json"
"""The receipts of the latest repair: they count for its entries on any branch."""
_ALERT = re.compile(r"alerts/[^/]+(?<!\.receipt)\.(json|sig)")


@dataclass(frozen=True)
class Bytes:
    """How to read every byte of the data."""

    jobs: int
    watch: Callable[[str], None] = lambda _path: None
    """Called with the path of each output before it is read."""


def verify(
    project: Project,
    *,
    commit: str = "HEAD",
    base: str | None = None,
    data: bool = False,
    every_byte: Bytes | None = None,
) -> Integrity:
    """Check that every entry of a commit's lock files is one that a run made.

    `base`: the commit is the head of a branch to be merged there; all changes of the branch are
    compared with it, those of its merges included. `data`: check that the outputs are available.
    `every_byte`: read them, in the cache and on the remotes.
    Nothing is run and nothing changes. Raises InputError.
    """
    root = project.root
    head = history.resolve_commit(root, commit, "--commit")
    parents = _parents(root, head, base)
    with _checked_out(root, head) as there:
        pipeline, recorded = there.pipeline, _recorded(there.root)
        stages = [stage.name for stage in pipeline.stages if stage.cmd is not None]
        entries = only(_entries_here(there.root, pipeline), stages)
        before = [_entries_at(root, parent, pipeline) for parent in parents]
        news = _Changes(root, parents, head, base is not None)
        doubted = _invented_by_merges(root, parents, head, pipeline) if base else frozenset()
        must_be_known = news.retrained or (base is None and len(parents) > 1)
        return Integrity(
            commit=head,
            parents=parents,
            entries=classify(
                entries, before, recorded, must_be_known=must_be_known, doubted=doubted
            ),
            stale=_stale(pipeline, root),
            faults=news.faults(pipeline) if base else (),
            missing=_missing(root, pipeline) if data else (),
            damaged=_damaged(root, pipeline, every_byte) if every_byte else (),
        )


def _parents(root: Path, head: str, base: str | None) -> tuple[str, ...]:
    """Return the commits to compare with.

    For a branch to be merged into `base`, the commit where it forked and the newest one: what the
    branch has not touched equals one of them.
    """
    if base is None:
        return history.parents_of(root, head)
    target = history.resolve_commit(root, base, "--base")
    forked = history.merge_base(root, target, head)
    if forked is None:
        raise InputError(
            f"Commits {target[:10]} and {head[:10]} have no commit in common in this clone.",
            hint="Fetch the whole history: `git fetch --unshallow`.",
        )
    return tuple(dict.fromkeys((forked, target)))


@contextmanager
def _checked_out(root: Path, commit: str) -> Iterator[Project]:
    """Yield a checkout of the commit beside this one. Errors name files as they are here."""
    with history.exported_commit(root, commit) as place:
        project = Project(place)
        try:
            yield project
        except InputError as error:
            message = history.without_temporary_path(error.message)
            raise InputError(message, hint=error.hint) from None
        finally:
            if "dvc" in vars(project):
                project.dvc.close()


def _locks(pipeline: Pipeline) -> tuple[str, ...]:
    names = (stage.name for stage in pipeline.stages if stage.cmd is not None)
    return tuple(dict.fromkeys(map(lock_file_of, names)))


def _entries_here(root: Path, pipeline: Pipeline) -> dict[str, str]:
    texts = {lock: root / lock for lock in _locks(pipeline)}
    return _digests({lock: files.read_text_if_any(p) for lock, p in texts.items()})


def _entries_at(root: Path, commit: str, pipeline: Pipeline) -> dict[str, str]:
    return _digests({lock: git.committed_text(root, lock, commit) for lock in _locks(pipeline)})


def _digests(texts: dict[str, str]) -> dict[str, str]:
    """Return the digest of every entry by the address of its stage. Raises InputError."""
    return {
        name if lock == "dvc.lock" else f"{lock.removesuffix('dvc.lock')}dvc.yaml:{name}": digest
        for lock, text in texts.items()
        for name, digest in entry_digests(text, lock).items()
    }


class _ReceiptHead(Document):
    model_config = ConfigDict(extra="ignore")

    stage: str
    entry: str | None = None


class _AttemptHead(Document):
    model_config = ConfigDict(extra="ignore")

    receipts: tuple[_ReceiptHead, ...]


class _RunHead(Document):
    model_config = ConfigDict(extra="ignore")

    attempts: tuple[_AttemptHead, ...]


def _recorded(root: Path) -> EntryPairs:
    """Return every entry that a receipt in `reports/` records. Raises InputError."""
    runs = [documents.read_document(p, _RunHead) for p in _run_documents(root)]
    receipts = (r for run in runs for attempt in run.attempts for r in attempt.receipts)
    return frozenset((r.stage, r.entry) for r in receipts if r.entry is not None)


def _run_documents(root: Path) -> list[Path]:
    return documents.report_documents(root, "run.json")


def _invented_by_merges(
    root: Path, parents: Sequence[str], head: str, pipeline: Pipeline
) -> EntryPairs:
    """Return the entries that only merges on the branch have, and none of `parents`."""
    found: set[tuple[str, str]] = set()
    for merge in history.merges_between(root, parents[-1], head):
        sides = [_entries_at(root, side, pipeline) for side in history.parents_of(root, merge)]
        found |= unattributed_entries(_entries_at(root, merge, pipeline), sides, ())
    known: list[Digests] = [_entries_at(root, parent, pipeline) for parent in parents]
    return frozenset(found.difference(*(entries.items() for entries in known)))


class _Changes:
    """The changes of a commit, or of a branch."""

    def __init__(self, root: Path, parents: Sequence[str], head: str, is_branch: bool) -> None:
        """For a merge no single parent tells its changes; its entries must be known anyway."""
        alone = is_branch or len(parents) == 1
        self._changed = history.changed_between(root, parents[0], head) if alone else ()
        added = [found for c in self._changed if c.added and (found := _REPORT.match(c.path))]
        self._reports = frozenset(found[1] for found in added)
        self.retrained = any(found[2] == "run.json" for found in added)
        """Stages were run for it, so that their receipts must be there."""

    def faults(self, pipeline: Pipeline) -> tuple[str, ...]:
        """Return what a branch with a report changes and may not, a sentence each."""
        if not self._reports:
            return ()
        writable = WritablePaths.of(pipeline)
        faults = []
        for changed in self._changed:
            may = allowed(changed.path, writable, report_ids=self._reports)
            was = not changed.added
            if changed.path == REPAIRED and changed.plain:
                continue
            if not may:
                faults.append(f"{changed.path}: a retraining must not touch it. {REFUSED_HINT}")
            elif changed.deleted and changed.path not in writable.tracked_outputs:
                faults.append(f"{changed.path}: a retraining must not delete it. {REFUSED_HINT}")
            elif not (changed.plain or changed.deleted):
                faults.append(f"{changed.path}: is not a plain file after a retraining.")
            elif was and _ALERT.fullmatch(changed.path):
                faults.append(f"{changed.path}: a retraining must not change an earlier alert.")
        return tuple(faults)


def _stale(pipeline: Pipeline, root: Path) -> tuple[StaleStage, ...]:
    """Return the stages DVC would run, but for those that always run.

    An input that is only in the workspace, in neither git nor DVC, cannot be compared.
    """
    found = []
    for stage in plan_stages(pipeline):
        if stage.decision != "run":
            continue
        reasons = [
            because
            for because in stage.because
            if because.reason != "always_changed"
            and not (
                because.reason == "file"
                and because.after is None
                and files.exists(root / because.subject)
            )
        ]
        if reasons:
            words = "; ".join(map(_reason_text, reasons[:3]))
            more = f"; {len(reasons) - 3} more" if len(reasons) > 3 else ""
            found.append(StaleStage(stage=stage.stage, because=words + more))
    return tuple(found)


def _reason_text(because: Because) -> str:
    if because.reason == "never_run":
        return "dvc.lock has no entry for it"
    return reason_text(because)


def _cached(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [
        (output.path, output.recorded)
        for stage in pipeline.stages
        for output in stage.outputs
        if output.cached and output.recorded is not None
    ]


def _damaged(root: Path, pipeline: Pipeline, how: Bytes) -> tuple[str, ...]:
    """Return a sentence for each file whose bytes are others, and for each that git keeps."""
    found = damaged_outputs(root, _cached(pipeline), jobs=how.jobs, watch=how.watch)
    in_git = [
        Damaged(output.path, str(output.recorded), str(output.workspace), "the commit")
        for stage in pipeline.stages
        for output in stage.outputs
        if not output.cached and output.workspace not in (None, output.recorded)
    ]
    return tuple(f"{one.message}." for one in (*found, *in_git))


def _missing(root: Path, pipeline: Pipeline) -> tuple[str, ...]:
    outputs = _cached(pipeline)
    return tuple(
        f"{path}: dvc.lock records it, but neither the cache nor the remote has it."
        " It may not have been pushed: `dvc push`."
        for path in missing_outputs(root, outputs)
    )


_REPAIR = "mend"  # in documents, and the name of its folder
_OURS = ("alerts/", "reports/")


@dataclass(frozen=True)
class RepairResult:
    """The result of a repair."""

    before: Integrity
    """What was found."""
    receipts: tuple[Receipt, ...] = ()
    changed: tuple[str, ...] = ()
    """Outputs that differ from what `dvc.lock` recorded."""
    recovered: str | None = None
    """What an earlier run was doing when it was interrupted; it was rolled back."""


def repair(project: Project, settings: Settings, *, base: str | None = None) -> RepairResult:
    """Drop doubtful entries from the lock files; rerun these stages, stale ones, and dependents.

    The workspace must match HEAD. Missing inputs are pulled. The receipts go to `reports/mend/`,
    to be committed with the lock files. Raises InputError; CheckFailed when a stage fails. After
    that, or at the next command after an interruption, all changes are rolled back.
    """
    root = project.root
    with transaction.exclusive_lock(root):
        recovered = transaction.recover(root)
        _require_committed(root)
        found = verify(project, base=base)
        if not (found.doubtful or found.stale):
            return RepairResult(found, recovered=recovered)
        before = project.pipeline
        pipeline = _without(before, found.doubtful)
        stages = plan_stages(pipeline)
        _require_as_recorded(before, stages)
        begin_transaction(root, project.dvc, before, stages, work="repairing dvc.lock")
        try:
            receipts = _run_again(root, pipeline, stages, found, settings)
            transaction.keep(root)
        finally:
            transaction.roll_back(root)  # does nothing once the result is kept
        return RepairResult(found, receipts, _changed(before, receipts), recovered)


def _run_again(
    root: Path,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    found: Integrity,
    settings: Settings,
) -> tuple[Receipt, ...]:
    """Drop the doubtful entries, run, and record the receipts. Raises CheckFailed."""
    began = settings.clock()
    texts = _drop(root, found.doubtful)
    receipts = run_stages(root, pipeline, stages, settings)
    _require_all_well(receipts)
    for lock, text in texts.items():
        files.write_text(root / lock, in_order_of(text, files.read_text(root / lock)))
    attempt = Attempt(
        tier=_REPAIR,
        edits=(),
        receipts=receipts,
        wall_seconds=round(max(r.started_after + r.wall_seconds for r in receipts), 3),
        kept=True,
    )
    run = Run(
        plan_key=_REPAIR,
        alert_ids=(),
        runner=PlainRunner.name,
        jobs=settings.jobs,
        base_commit=found.commit,
        started_at=began,
        finished_at=settings.clock(),
        attempts=(attempt,),
    )
    files.write_text(root / REPAIRED, run.to_json())
    return receipts


def _require_committed(root: Path) -> None:
    changed = [path for path in git.modified_files(root) if not path.startswith(_OURS)]
    if changed:
        raise InputError(
            f"The workspace differs from the commit: {', '.join(changed[:3])}. Only a commit can be"
            " repaired.",
            hint="Commit first (a merge as well: `git commit --no-edit`), or `git stash`.",
        )


def _without(pipeline: Pipeline, doubtful: Collection[str]) -> Pipeline:
    """Return the pipeline without the entries of these stages.

    Workspace copies of cached outputs are ignored: a merge moves no data, so a difference is not an
    edit, and no reason to run anything.
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
    """Raise InputError where outputs of a stage that does not run differ from its entry."""
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
            " other data than the lock records.",
            hint="Restore it: `dvc checkout --force`, or `dvc pull --force`.",
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
                f"Stage {receipt.stage} failed; changes were rolled back.",
                hint=f"Its output: {receipt.log}",
            )


def _changed(before: Pipeline, receipts: tuple[Receipt, ...]) -> tuple[str, ...]:
    was = {output.path: output.recorded for stage in before.stages for output in stage.outputs}
    made = {path: value for receipt in receipts for path, value in receipt.outputs.items()}
    return tuple(path for path, value in made.items() if was.get(path) != value)
