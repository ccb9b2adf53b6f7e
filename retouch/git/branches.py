"""Branches of others in this clone: fetched, looked at, never checked out.

What a branch holds is data: its files are read from git's objects, and none of its code runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from retouch.errors import CheckFailed, InputError
from retouch.git.git import checked, commit_of, contents_of
from retouch.git.history import PLAIN_FILES, changed_between, merge_base
from retouch.system.processes import run

_FETCHED = "refs/retouch/fetched/"
"""Where fetched commits are kept, out of the way of anybody's branches."""
_TRAILER = re.compile(r"^Retouch-Proposal: ([0-9a-f]{64})$", re.MULTILINE)


def fetch(root: Path, name: str) -> str | None:
    """Fetch a branch of `origin`, or a full ref, and return its commit; None: there is none.

    Raises CheckFailed when the remote does not respond.
    """
    ref = name if name.startswith("refs/") else f"refs/heads/{name}"
    there = run(["git", "ls-remote", "--exit-code", "origin", ref], cwd=root)
    if there.exit_code == 2:
        return None
    if there.exit_code == 0:
        kept = f"{_FETCHED}{ref.removeprefix('refs/')}"
        command = ["git", "fetch", "--quiet", "--no-tags", "--force", "origin", f"{ref}:{kept}"]
        there = run(command, cwd=root)
        if there.exit_code == 0:
            return _line(root, "rev-parse", "--verify", f"{kept}^{{commit}}")
    raise CheckFailed(f"git: origin does not give {ref}: {there.last_lines(1)}", hint="Try again.")


def is_ancestor(root: Path, commit: str, of: str) -> bool:
    """Return whether a commit is another one, or comes before it."""
    return run(["git", "merge-base", "--is-ancestor", commit, of], cwd=root).exit_code == 0


def paths_below(root: Path, commit: str, folders: Collection[str]) -> tuple[str, ...]:
    """Return the paths of all plain files below these folders at a commit."""
    return tuple(path for path, _, _ in _entries(root, commit, folders))


def read_files(
    root: Path, commit: str, paths: Collection[str], *, limit: int = 10_000_000
) -> dict[str, bytes]:
    """Return the content of those of these files that a commit has.

    Raises InputError for a link, and for a file over `limit` bytes.
    """
    wanted = set(paths)
    found = [entry for entry in _entries(root, commit, wanted) if entry[0] in wanted]
    for path, _, size in found:
        if size > limit:
            raise InputError(f"{path}: is larger than the {limit:,} bytes allowed.")
    return dict(zip([e[0] for e in found], contents_of(root, [e[1] for e in found]), strict=True))


def _entries(root: Path, commit: str, paths: Collection[str]) -> list[tuple[str, str, int]]:
    """Return path, blob and size of the plain files at or below these paths."""
    if not paths:
        return []
    command = ["git", "--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree", commit]
    result = checked(run([*command, "--", *sorted(paths)], cwd=root)).output
    found = []
    for entry in filter(None, result.split("\0")):
        head, _, path = entry.partition("\t")
        mode, _, blob, size = head.split()
        if mode not in PLAIN_FILES:
            raise InputError(f"{path}: is not a plain file at commit {commit[:10]}.")
        found.append((path, blob, int(size)))
    return found


def tree_at(root: Path, commit: str, path: str) -> str | None:
    """Return what identifies the content of a folder at a commit; None where it is not there."""
    found = run(["git", "rev-parse", "--verify", "--quiet", f"{commit}:{path}"], cwd=root)
    return found.output.strip() if found.exit_code == 0 else None


def alert_blobs(root: Path, commit: str) -> dict[str, str]:
    """Return what identifies the bytes of each alert and signature at a commit, by path."""
    found = _entries(root, commit, ["alerts"])
    return {path: blob for path, blob, _ in found if not path.endswith(".receipt.json")}


def proposal_of(message: str) -> str | None:
    """Return the digest that ends a commit made by Retouch; None for the commit of a person."""
    last = message.rstrip().rpartition("\n")[2]
    found = _TRAILER.fullmatch(last)
    return found[1] if found else None


def message_of(root: Path, commit: str) -> str:
    """Return the whole message of a commit. Raises InputError for one that is not there."""
    return _line(root, "log", "-1", "--format=%B", commit)


def is_retouch_commit(root: Path, commit: str) -> bool:
    """Return whether a commit claims to be an answer by Retouch; anybody can write that."""
    return proposal_of(message_of(root, commit)) is not None


def is_edited_by_others(root: Path, head: str, base: str) -> bool:
    """Return whether somebody but us changed what a branch holds besides alerts.

    A commit that only adds alerts is no person's edit, nor is the merge of the base branch that
    GitHub's "Update branch" makes, where git alone would have come to the same files.
    """
    since = merge_base(root, head, base)
    while head != since and not is_ancestor(root, head, base):
        if is_retouch_commit(root, head):
            return False
        parents = _line(root, "log", "-1", "--format=%P", head).split()
        if not (_only_adds_alerts(root, head, parents) or _is_update(root, head, parents, base)):
            return True
        head = parents[0]
    return False


def _only_adds_alerts(root: Path, commit: str, parents: list[str]) -> bool:
    return len(parents) == 1 and all(
        change.added and change.path.startswith("alerts/")
        for change in changed_between(root, parents[0], commit)
    )


def _is_update(root: Path, commit: str, parents: list[str], base: str) -> bool:
    """Return whether it merges the base branch as git alone would."""
    if len(parents) != 2 or not is_ancestor(root, parents[1], base):
        return False
    result = run(["git", "merge-tree", "--write-tree", *parents], cwd=root)
    tree = _line(root, "rev-parse", f"{commit}^{{tree}}")
    return result.exit_code == 0 and result.output.strip() == tree


def added_at(root: Path, path: str, commit: str) -> datetime | None:
    """Return when a file came to the main line of a commit; None for one it does not have."""
    command = ["git", "log", "-1", "--first-parent", "--diff-merges=first-parent"]
    result = run([*command, "--diff-filter=A", "--format=%ct", commit, "--", path], cwd=root)
    seconds = result.output.strip()
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None


def _line(root: Path, *command: str) -> str:
    return checked(run(["git", *command], cwd=root)).output.strip()


def fetch_history(root: Path) -> None:
    """Fetch the older commits that a shallow clone lacks; a failure leaves it as it is."""
    run(["git", "fetch", "--quiet", "--no-tags", "--unshallow", "origin"], cwd=root)


def fetch_commit(root: Path, commit: str) -> bool:
    """Fetch a commit of `origin` unless it is here; return whether it is here then."""
    if commit_of(root, commit) is None:
        run(["git", "fetch", "--quiet", "origin", commit], cwd=root)
    return commit_of(root, commit) is not None
