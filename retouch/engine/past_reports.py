"""Reports that the base branch held once: what was judged stays judged after a revert.

A revert takes `reports/<id>/` away with everything else that a merge brought. How far a model has
looked, how many candidates a hold-out has judged and what runs have cost are facts all the same,
so they are read from git's history (docs/decisions/0026-history-is-the-record.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from retouch.documents import Document
from retouch.engine.base_branch import base_commit
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.git import branches, git
from retouch.git.file_history import FileChange, changes_of
from retouch.planning.model import Plan
from retouch.storage import documents
from retouch.system import files

AnyDocument = TypeVar("AnyDocument", bound=Document)
_PATH = re.compile(rf"{documents.REPORTS}/[0-9A-Za-z]+/[a-z]+\.json")
_NAMES = ("verdict.json", "plan.json", "run.json")


def newest_versions(changes: Iterable[FileChange]) -> dict[str, str]:
    """Return the newest version of every file that reports ever had: path -> its blob.

    Of a deleted file it is the one that was deleted. `changes`: newest first.
    """
    newest: dict[str, str] = {}
    for change in changes:
        blob = change.new or change.old
        if blob is not None and _PATH.fullmatch(change.path):
            newest.setdefault(change.path, blob)
    return newest


class PastReports:
    """The reports of the base branch's past, and of the checkout's, read when asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def require_whole(self) -> None:
        """Fetch older commits that the clone lacks; raise InputError when they are not to be had.

        A report may be in one of them.
        """
        if git.is_shallow(self._root):
            branches.fetch_history(self._root)
        if git.is_shallow(self._root):
            raise InputError(
                "This clone lacks older commits, and with them may lack reports of models that were"
                " judged.",
                hint="Fetch them: `git fetch --unshallow`; in a workflow, `fetch-depth: 0`.",
            )

    @cached_property
    def _changes(self) -> tuple[FileChange, ...]:
        base = base_commit(self._root, None, {}).commit
        commits = dict.fromkeys((base, git.head_commit(self._root)))
        patterns = [f"{documents.REPORTS}/*/{name}" for name in _NAMES]
        return changes_of(self._root, list(commits), patterns)

    @cached_property
    def _newest(self) -> dict[str, str]:
        return newest_versions(self._changes)

    def _gone(self, name: str) -> list[str]:
        """Return the folders of reports that had a file which the checkout has not."""
        paths = [path for path in self._newest if path.endswith(f"/{name}")]
        return [path.removesuffix(name) for path in paths if not files.exists(self._root / path)]

    def judged(self) -> list[tuple[Plan, Verdict]]:
        """Return the plan and the verdict of each report that was taken away.

        One that cannot be read any more is left out: nobody can mend it.
        """
        newest, gone = self._newest, self._gone("verdict.json")
        folders = [folder for folder in gone if f"{folder}plan.json" in newest]
        verdicts = self._read([newest[f"{folder}verdict.json"] for folder in folders], Verdict)
        plans = self._read([newest[f"{folder}plan.json"] for folder in folders], Plan)
        both = zip(plans, verdicts, strict=True)
        return [(plan, verdict) for plan, verdict in both if plan and verdict]

    def runs(self) -> list[Run]:
        """Return the run of each report that was taken away; none that cannot be read."""
        blobs = [self._newest[f"{folder}run.json"] for folder in self._gone("run.json")]
        return [one for one in self._read(blobs, Run) if one is not None]

    def verdicts_on(self, candidate: str) -> list[Verdict]:
        """Return every verdict on a model that was ever committed, in every version it had."""
        blobs = {
            blob: None
            for change in self._changes
            for blob in (change.new, change.old)
            if blob is not None and change.path.endswith("/verdict.json")
        }
        read = self._read(list(blobs), Verdict, having=candidate)
        return [one for one in read if one is not None]

    def _read(
        self, blobs: Sequence[str], model: type[AnyDocument], *, having: str = ""
    ) -> Iterator[AnyDocument | None]:
        for raw in git.contents_of(self._root, blobs):
            try:
                yield model.model_validate_json(raw) if having.encode() in raw else None
            except ValidationError:
                yield None


def judged_until(root: Path, candidate: str) -> str | None:
    """Return the end of the newest hold-out a model was judged on; None without a report.

    Reports that were taken away count. Raises InputError for a clone without the whole history,
    and for a report that is not readable.
    """
    past = PastReports(root)
    past.require_whole()
    here = [verdict for _, verdict in documents.verdicts(root)]
    return max(
        (
            judged.holdout.end
            for verdict in (*here, *past.verdicts_on(candidate))
            for judged in verdict.judgements
            if judged.candidate_model == candidate and judged.holdout is not None
        ),
        default=None,
    )
