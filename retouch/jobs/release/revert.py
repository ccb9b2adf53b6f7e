"""The pull request that reverts versions on the base branch, through GitHub's API.

No file of the checkout changes, nothing is pulled or scored: the texts come from git. Each step
finds what an earlier call left: the branch, the pull request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from retouch.engine.project import Project
from retouch.errors import CheckFailed
from retouch.git import branches, git, history
from retouch.github import git_data, pulls
from retouch.github.pulls import PullRequest
from retouch.github.repository import Repository
from retouch.jobs.packages.paths import WritablePaths
from retouch.registry.registry import ModelRegistry, Version
from retouch.registry.rollback_plan import (
    MergedVersion,
    ReversePatch,
    RevertibleFiles,
    Texts,
    reverse_versions,
)
from retouch.reporting.marker import hidden_marker
from retouch.reporting.release import RolledBackVersion, revert_pull_request


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


def versions_between(
    project: Project, registry: ModelRegistry, target: Version, bad: Version
) -> tuple[Version, ...]:
    """Return the versions on the branch after `target` up to `bad`, newest first."""
    between = [
        version
        for version in registry.known
        if version.commit != bad.commit
        and contains_commit(project, bad.commit, version.commit)
        and not contains_commit(project, target.commit, version.commit)
    ]
    return (bad, *reversed(between))


def contains_commit(project: Project, commit: str, ancestor: str) -> bool:
    """Tell whether a commit is the other one, or comes after it."""
    return branches.is_ancestor(project.root, ancestor, commit)


def open_revert(
    project: Project,
    repo: Repository,
    base: str,
    versions: Sequence[Version],
    fall: RolledBackVersion,
) -> RevertPull | None:
    """Open the pull request that reverts versions, or return the existing one.

    `versions`: the newest first. None: the base branch has none of their changes. Raises
    CheckFailed, and the errors of GitHub's client.
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
    patch = _reverse_patch(project, head, versions)
    if not patch.files:
        return None
    text = revert_pull_request(
        fall, versions=[v.name for v in versions], done=patch.done, left=patch.left
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


def _reverse_patch(project: Project, head: str, versions: Sequence[Version]) -> ReversePatch:
    root = project.root
    if not branches.fetch_commit(root, head):
        raise CheckFailed(
            f"The newest commit of the base branch, {head[:10]}, is not in this clone.",
            hint="Fetch it, and run the command again: `git fetch origin`.",
        )
    merges = [merge for version in versions if (merge := _merge(project, version)) is not None]
    paths = sorted({path for merge in merges for path in (*merge.before, *merge.after)})
    return reverse_versions(_texts(project, head, paths), merges, _revertible(project))


def _merge(project: Project, version: Version) -> MergedVersion | None:
    """Return what a version changed against its first parent; None for a first commit."""
    root = project.root
    parent = git.commit_of(root, f"{version.commit}^1")
    if parent is None:
        return None
    changed = history.changed_between(root, parent, version.commit)
    paths = [change.path for change in changed if not change.path.startswith("../")]
    return MergedVersion(
        version.name,
        before=_texts(project, parent, paths),
        after=_texts(project, version.commit, paths),
    )


def _texts(project: Project, commit: str, paths: Sequence[str]) -> Texts:
    return {path: git.committed_text(project.root, path, commit) or None for path in paths}


def _revertible(project: Project) -> RevertibleFiles:
    writable = WritablePaths.of(project.pipeline)
    return RevertibleFiles(writable.params_files, writable.tracked_outputs)
