"""Hold the lock files of a commit against its parents and the receipts, and mend what is in doubt.

What a commit holds is looked at in a copy, so that the state of the workspace has no say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import ConfigDict

from retouch.documents import Document
from retouch.dvc.missing import missing_outputs
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.git import git, history
from retouch.jobs.packages.paths import REFUSED_HINT, WritablePaths, allowed
from retouch.lockfile.entries import entry_digests, lock_file_of
from retouch.lockfile.integrity import Digests, Integrity, Stale, classify, made_up, only
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Because
from retouch.planning.plan import plan_stages
from retouch.reporting.plan import reason_text
from retouch.storage import documents
from retouch.system import files

Pairs = frozenset[tuple[str, str]]
"""Stage and digest of its entry."""
_REPORT = re.compile(r"reports/([0-7][0-9A-HJKMNP-TV-Z]{25})/(.+)")
MENDED = "reports/mend/run.json"
"""The receipts of the newest mending: they vouch for the entries it made, on any branch."""
_ALERT = re.compile(r"alerts/[^/]+(?<!\.receipt)\.(json|sig)")


def verify(
    project: Project, *, commit: str = "HEAD", base: str | None = None, data: bool = False
) -> Integrity:
    """Say whether every entry of the lock files of a commit is one that a run made.

    `base`: the commit is the head of a branch that is to go there; what came with the branch is
    held against it, every merge on the way included. `data`: see that the outputs can be had.
    Nothing is run and nothing changes. Raises InputError.
    """
    root = project.root
    head = history.named_commit(root, commit, "--commit")
    parents = _parents(root, head, base)
    with _checked_out(root, head) as there:
        pipeline, recorded = there.pipeline, _recorded(there.root)
        stages = [stage.name for stage in pipeline.stages if stage.cmd is not None]
        entries = only(_entries_here(there.root, pipeline), stages)
        before = [_entries_at(root, parent, pipeline) for parent in parents]
        news = _Changes(root, parents, head, base is not None)
        doubted = _made_up_on_the_way(root, parents, head, pipeline) if base else frozenset()
        is_merge = base is None and len(parents) > 1
        return Integrity(
            commit=head,
            parents=parents,
            entries=classify(
                entries,
                before,
                recorded,
                must_be_known=is_merge or news.retrained,
                doubted=doubted,
            ),
            stale=_stale(pipeline, root),
            faults=news.faults(pipeline) if base else (),
            missing=_missing(root, pipeline) if data else (),
        )


def _parents(root: Path, head: str, base: str | None) -> tuple[str, ...]:
    """Return what the commit is held against.

    Of a branch that is to go to `base` it is where the branch left it, and where it is now: what
    the branch has not touched is as one of them has it.
    """
    if base is None:
        return history.parents_of(root, head)
    target = history.named_commit(root, base, "--base")
    return tuple(dict.fromkeys((history.merge_base(root, target, head), target)))


@contextmanager
def _checked_out(root: Path, commit: str) -> Iterator[Project]:
    """Have a workspace of the commit beside this one. Errors name files as they are here."""
    with history.files_of(root, commit) as place:
        project = Project(place)
        try:
            yield project
        except InputError as error:
            message = history.without_place(error.message)
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


def _recorded(root: Path) -> Pairs:
    """Return every entry that the receipts in `reports/` vouch for. Raises InputError."""
    runs = [documents.read_document(p, _RunHead) for p in _run_documents(root)]
    receipts = (r for run in runs for attempt in run.attempts for r in attempt.receipts)
    return frozenset((r.stage, r.entry) for r in receipts if r.entry is not None)


def _run_documents(root: Path) -> list[Path]:
    return documents.report_documents(root, "run.json")


def _made_up_on_the_way(root: Path, parents: Sequence[str], head: str, pipeline: Pipeline) -> Pairs:
    """Return what the merges of a branch made up, and none of `parents` has."""
    found: set[tuple[str, str]] = set()
    for merge in history.merges_between(root, parents[-1], head):
        sides = [_entries_at(root, side, pipeline) for side in history.parents_of(root, merge)]
        found |= made_up(_entries_at(root, merge, pipeline), sides, ())
    known: list[Digests] = [_entries_at(root, parent, pipeline) for parent in parents]
    return frozenset(found.difference(*(entries.items() for entries in known)))


class _Changes:
    """What came with a commit, or with a branch."""

    def __init__(self, root: Path, parents: Sequence[str], head: str, is_branch: bool) -> None:
        """Of a merge no one parent says what came with it; its entries must be known anyway."""
        alone = is_branch or len(parents) == 1
        self._changed = history.changed_between(root, parents[0], head) if alone else ()
        added = [found for c in self._changed if c.added and (found := _REPORT.match(c.path))]
        self._reports = frozenset(found[1] for found in added)
        self.retrained = any(found[2] == "run.json" for found in added)
        """Stages were run for it, so that their receipts must be there."""

    def faults(self, pipeline: Pipeline) -> tuple[str, ...]:
        """Return what a branch that carries a report touches and may not, a sentence each."""
        if not self._reports:
            return ()
        writable = WritablePaths.of(pipeline)
        faults = []
        for changed in self._changed:
            may = allowed(changed.path, writable, report_ids=self._reports)
            was = not changed.added
            if changed.path == MENDED and changed.plain:
                continue
            if not may:
                faults.append(f"{changed.path}: a retraining touches it. {REFUSED_HINT}")
            elif changed.deleted and changed.path not in writable.tracked_outputs:
                faults.append(f"{changed.path}: a retraining deletes it. {REFUSED_HINT}")
            elif not (changed.plain or changed.deleted):
                faults.append(f"{changed.path}: is no plain file, after a retraining.")
            elif was and _ALERT.fullmatch(changed.path):
                faults.append(f"{changed.path}: a retraining changes an alert that came before it.")
        return tuple(faults)


def _stale(pipeline: Pipeline, root: Path) -> tuple[Stale, ...]:
    """Return the stages DVC would run, but for those that always run.

    An input that lies in the workspace alone, kept by nobody, cannot be held against a commit.
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
            words = "; ".join(map(_in_words, reasons[:3]))
            more = f"; {len(reasons) - 3} more" if len(reasons) > 3 else ""
            found.append(Stale(stage=stage.stage, because=words + more))
    return tuple(found)


def _in_words(because: Because) -> str:
    if because.reason == "never_run":
        return "dvc.lock has no entry for it"
    return reason_text(because)


def _missing(root: Path, pipeline: Pipeline) -> tuple[str, ...]:
    outputs = [
        (output.path, output.recorded)
        for stage in pipeline.stages
        for output in stage.outputs
        if output.cached and output.recorded is not None
    ]
    return tuple(
        f"{path}: dvc.lock records it, but neither the cache nor the remote has it."
        " Whoever made it may not have pushed it: `dvc push`."
        for path in missing_outputs(root, outputs)
    )
