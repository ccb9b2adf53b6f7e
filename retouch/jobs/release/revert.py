"""The pull request that takes versions back on the base branch, through GitHub's API.

No file of the checkout changes, nothing is pulled and nothing is scored: the texts come from git.
Each step finds what an earlier call left: the branch, the pull request.
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
from retouch.jobs.release.reverse_patch import Merge, TakenBack, Texts, take_back
from retouch.registry.registry import Registry, Version
from retouch.reporting.marker import hidden_marker
from retouch.reporting.release import RolledBackVersion, revert_pull_request


def branch_of(version: str, counter: int | None = None) -> str:
    """Return the branch on which a version is taken back.

    `counter`: of the tag that took it down, where an earlier fall of it has the plain name.
    """
    again = "" if counter is None else f".{counter}"
    return f"retouch/rollback/{re.sub(r'[^A-Za-z0-9]+', '-', version).strip('-')}{again}"


def reverts_of(repo: Repository, version: str) -> tuple[PullRequest, ...]:
    """Return the open pull requests that would take a version back, oldest first."""
    plain = branch_of(version)
    ours = re.compile(rf"{re.escape(plain)}(\.[0-9]+)?")
    return tuple(
        pull
        for pull in pulls.list_open_pulls(repo)
        if ours.fullmatch(pull.head.ref) and pulls.is_from_own_branch(repo, pull)
    )


@dataclass(frozen=True)
class Revert:
    """The pull request that takes versions back."""

    pull: PullRequest
    new: bool
    """It was opened just now."""


def versions_between(
    project: Project, registry: Registry, target: Version, bad: Version
) -> tuple[Version, ...]:
    """Return the versions that the branch gained after `target` up to `bad`, newest first."""
    between = [
        version
        for version in registry.known
        if version.commit != bad.commit
        and holds(project, bad.commit, version.commit)
        and not holds(project, target.commit, version.commit)
    ]
    return (bad, *reversed(between))


def holds(project: Project, commit: str, ancestor: str) -> bool:
    """Say whether a commit is another one, or comes after it."""
    return branches.is_ancestor(project.root, ancestor, commit)


def open_revert(
    project: Project,
    repo: Repository,
    base: str,
    versions: Sequence[Version],
    fall: RolledBackVersion,
) -> Revert | None:
    """Open the pull request that takes versions back, or return the one there is.

    `versions`: the newest first. None: the base branch has nothing of them. Raises CheckFailed, and
    whatever asking GitHub raises.
    """
    branch = branch_of(fall.version)
    there = pulls.find_pull_request(repo, branch)
    if there is not None and _is_of_earlier(there, fall):
        branch = branch_of(fall.version, fall.counter)
        there = pulls.find_pull_request(repo, branch)
    if there is not None:
        return Revert(there, new=False)
    head = git_data.branch_head(repo, base)
    if head is None:
        raise CheckFailed(f"{repo.name}: there is no branch {base} any more.")
    taken = _taken_back(project, head, versions)
    if not taken.files:
        return None
    text = revert_pull_request(
        fall, versions=[v.name for v in versions], done=taken.done, left=taken.left
    )
    if git_data.branch_head(repo, branch) is None:
        message = f"{text.title}\n\nParameters and dvc.lock as before, where nothing came since.\n"
        commit = git_data.create_commit(repo, head, taken.files, message)
        git_data.create_branch(repo, branch, commit)
    made = pulls.open_pull_request(repo, branch=branch, base=base, title=text.title, body=text.body)
    return Revert(made, new=True)


def _is_of_earlier(pull: PullRequest, fall: RolledBackVersion) -> bool:
    """Say whether a pull request is done with, and took back another fall of the version."""
    said = (pull.body or "").lstrip().partition("\n")[0].strip()
    ours = hidden_marker("revert", fall.model, fall.version, fall.counter)
    return pull.status != "open" and said.startswith("<!-- retouch:revert ") and said != ours


def _taken_back(project: Project, head: str, versions: Sequence[Version]) -> TakenBack:
    root = project.root
    if not branches.bring_commit(root, head):
        raise CheckFailed(
            f"The newest commit of the base branch, {head[:10]}, is not in this clone.",
            hint="Bring it, and call again: `git fetch origin`.",
        )
    merges = [merge for version in versions if (merge := _merge(project, version)) is not None]
    paths = sorted({path for merge in merges for path in (*merge.before, *merge.after)})
    return take_back(_texts(project, head, paths), merges, WritablePaths.of(project.pipeline))


def _merge(project: Project, version: Version) -> Merge | None:
    """Return what a version changed against its first parent; None for a first commit."""
    root = project.root
    parent = git.commit_of(root, f"{version.commit}^1")
    if parent is None:
        return None
    changed = history.changed_between(root, parent, version.commit)
    paths = [change.path for change in changed if not change.path.startswith("../")]
    return Merge(
        version.name,
        before=_texts(project, parent, paths),
        after=_texts(project, version.commit, paths),
    )


def _texts(project: Project, commit: str, paths: Sequence[str]) -> Texts:
    return {path: git.committed_text(project.root, path, commit) or None for path in paths}
