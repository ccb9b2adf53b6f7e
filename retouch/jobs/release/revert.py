"""The pull request that reverts versions on the base branch, through GitHub's API.

No file of the checkout changes, nothing is pulled or scored: the texts come from git. Each step
finds what an earlier call left: the branch, the pull request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.execution.model import Run
from retouch.git import branches, git, history
from retouch.git.file_history import changes_of
from retouch.github import git_data, pulls
from retouch.github.pulls import PullRequest
from retouch.github.repository import Repository
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.release.committed import CommittedModel
from retouch.policy.edits import ParamEdit
from retouch.registry.registry import ModelRegistry, Version
from retouch.registry.rollback_plan import (
    MergedVersion,
    RecordedChange,
    ReversePatch,
    RevertibleFiles,
    Texts,
    changes_to_revert,
    reverse_versions,
    with_earlier_edits,
)
from retouch.reporting.marker import hidden_marker
from retouch.reporting.release import RolledBackVersion, revert_pull_request
from retouch.storage.documents import PROMOTION, REPORTS

_RECORDS = ("**/dvc.lock", "**/dvc.yaml", PROMOTION)
"""The files that say which model a commit records."""
_VERDICTS = f"{REPORTS}/*/verdict.json"


def branch_of(version: str, counter: int | None = None) -> str:
    """Return the branch that reverts a version.

    `counter`: of the tag that took it down, where an earlier revert of it has the plain name.
    """
    again = "" if counter is None else f".{counter}"
    return f"retouch/rollback/{re.sub(r'[^A-Za-z0-9]+', '-', version).strip('-')}{again}"


def open_reverts(repo: Repository, version: str) -> tuple[PullRequest, ...]:
    """Return the open pull requests that would revert a version, oldest first."""
    plain = branch_of(version)
    marker = re.compile(rf"{re.escape(plain)}(\.[0-9]+)?")
    return tuple(
        pull
        for pull in pulls.list_open_pulls(repo)
        if marker.fullmatch(pull.head.ref) and pulls.is_from_own_branch(repo, pull)
    )


@dataclass(frozen=True)
class RevertPull:
    """The pull request that reverts versions."""

    pull: PullRequest
    new: bool
    """It was opened by this call."""


@dataclass(frozen=True)
class VersionsBetween:
    """The versions to revert, and the one to come back to."""

    target: Version
    versions: tuple[Version, ...]
    """Newest first; the bad one is the first."""
    known: frozenset[str]
    """The models of all versions, by their hashes."""


def versions_between(
    project: Project, registry: ModelRegistry, target: Version, bad: Version
) -> VersionsBetween:
    """Return the versions on the branch after `target` up to `bad`."""
    between = [
        version
        for version in registry.known
        if version.commit != bad.commit
        and contains_commit(project, bad.commit, version.commit)
        and not contains_commit(project, target.commit, version.commit)
    ]
    known = frozenset(version.hash for version in registry.known if version.hash is not None)
    return VersionsBetween(target, (bad, *reversed(between)), known)


def contains_commit(project: Project, commit: str, ancestor: str) -> bool:
    """Tell whether a commit is the other one, or comes after it."""
    return branches.is_ancestor(project.root, ancestor, commit)


def open_revert(
    project: Project,
    repo: Repository,
    base: str,
    span: VersionsBetween,
    fall: RolledBackVersion,
) -> RevertPull | None:
    """Open the pull request that reverts versions, or return the existing one.

    None: the base branch has none of their changes. Raises CheckFailed, InputError for a clone
    that lacks the commits, and the errors of GitHub's client.
    """
    branch = branch_of(fall.version)
    there = pulls.find_pull_request(repo, branch)
    if there is not None and _is_of_earlier(there, fall):
        branch = branch_of(fall.version, fall.counter)
        there = pulls.find_pull_request(repo, branch)
    if there is not None:
        return RevertPull(there, new=False)
    head = git_data.branch_head(repo, base)
    if head is None:
        raise CheckFailed(f"{repo.name}: there is no branch {base}.")
    patch = reverse_patch(project, head, span)
    if not patch.files:
        return None
    text = revert_pull_request(
        fall, versions=[v.name for v in span.versions], done=patch.done, left=patch.left
    )
    if git_data.branch_head(repo, branch) is None:
        message = (
            f"{text.title}\n\nParameters and dvc.lock as before, where nothing changed since.\n"
        )
        commit = git_data.create_commit(repo, head, patch.files, message)
        git_data.create_branch(repo, branch, commit)
    made = pulls.open_pull_request(repo, branch=branch, base=base, title=text.title, body=text.body)
    return RevertPull(made, new=True)


def _is_of_earlier(pull: PullRequest, fall: RolledBackVersion) -> bool:
    """Tell whether a closed pull request reverted the version on an earlier occasion."""
    first_line = (pull.body or "").lstrip().partition("\n")[0].strip()
    marker = hidden_marker("revert", fall.model, fall.version, fall.counter)
    return (
        pull.status != "open"
        and first_line.startswith("<!-- retouch:revert ")
        and first_line != marker
    )


def reverse_patch(project: Project, head: str, span: VersionsBetween) -> ReversePatch:
    """Return what reverts versions in the files that `head`, a commit of the base branch, has.

    Raises CheckFailed when that commit cannot be fetched, InputError as `merged_versions`.
    """
    if not branches.fetch_commit(project.root, head):
        raise CheckFailed(
            f"The newest commit of the base branch, {head[:10]}, is not in this clone.",
            hint="Fetch it, and run the command again: `git fetch origin`.",
        )
    merges = merged_versions(project, span)
    paths = sorted({path for merge in merges for path in (*merge.before, *merge.after)})
    return reverse_versions(_texts(project, head, paths), merges, _revertible(project))


def merged_versions(project: Project, span: VersionsBetween) -> tuple[MergedVersion, ...]:
    """Return what changed the recorded model from the restored one to the bad one, newest first.

    It is found in the history, whatever commit is tagged: later commits may lie on top of it.
    Raises InputError for a clone that lacks the commits.
    """
    bad, target = span.versions[0], span.target
    changes = changes_to_revert(
        _recorded_changes(project.root, bad.commit, target.commit),
        bad=bad.hash,
        target=target.hash,
        versions=span.known,
    )
    found = [_merge(project, change, bad.commit) for change in changes]
    if not found and history.parents_of(project.root, bad.commit):
        own = RecordedChange(commit=bad.commit, before=None, after=bad.hash)
        return (_merge(project, own, bad.commit),)
    return tuple(found)


def _recorded_changes(root: Path, newest: str, after: str) -> list[RecordedChange]:
    """Return the commits that changed the recorded model, by first parents, newest first."""
    touched = changes_of(root, [newest, f"^{after}"], [*_RECORDS, _VERDICTS])
    found, has_report = [], False
    for commit in dict.fromkeys(change.commit for change in touched):
        paths = [change.path for change in touched if change.commit == commit]
        reports = [path for path in paths if fnmatchcase(path, _VERDICTS)]
        has_report = has_report or bool(reports)  # a rebase merge may commit it after the lock
        parents = history.parents_of(root, commit)
        if len(reports) == len(paths) or not parents:
            continue
        before, now = _recorded(root, parents[0]), _recorded(root, commit)
        if before != now:
            found.append(
                RecordedChange(commit=commit, before=before, after=now, retrained=has_report)
            )
            has_report = False
    return found


def _recorded(root: Path, commit: str) -> str | None:
    try:
        return CommittedModel(root, commit).model.hash
    except InputError:
        return None


def _merge(project: Project, change: RecordedChange, bad: str) -> MergedVersion:
    """Return what a commit changed against its first parent, and its retraining before that."""
    root, commit = project.root, change.commit
    parent = history.parents_of(root, commit)[0]
    changed = history.changed_between(root, parent, commit)
    edits = _edits(project, change, bad)
    inside = [one.path for one in changed if not one.path.startswith("../")]
    paths = list(dict.fromkeys((*inside, *(edit.file for edit in edits))))
    own = MergedVersion(
        commit, before=_texts(project, parent, paths), after=_texts(project, commit, paths)
    )
    return with_earlier_edits(own, edits)


def _edits(project: Project, change: RecordedChange, bad: str) -> tuple[ParamEdit, ...]:
    """Return the edits of params by the retraining that brought a model, by its newest report."""
    committed = CommittedModel(project.root, bad)
    try:
        kept = committed.kept(change.after) if change.after else ()
        path = f"{REPORTS}/{kept[-1].report_id}/run.json" if kept else ""
        run = Run.model_validate_json(committed.snapshot.read([path])[path]) if kept else None
    except InputError:
        return ()
    params = WritablePaths.of(project.pipeline).params_files
    return tuple(edit for edit in run.attempts[-1].edits if edit.file in params) if run else ()


def _texts(project: Project, commit: str, paths: Sequence[str]) -> Texts:
    return {path: git.committed_text(project.root, path, commit) or None for path in paths}


def _revertible(project: Project) -> RevertibleFiles:
    writable = WritablePaths.of(project.pipeline)
    return RevertibleFiles(writable.params_files, writable.tracked_outputs)
