"""The line of a branch: its commits by their first parents, as merges made them. By git."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from retouch.git import git
from retouch.git.branches import is_ancestor
from retouch.system.processes import run


def line_of(root: Path, head: str) -> tuple[str, ...]:
    """Return the commits of a branch by its first parents, newest first."""
    return tuple(_checked(root, "rev-list", "--first-parent", head).split())


def touching(root: Path, head: str, patterns: Sequence[str]) -> tuple[tuple[str, datetime], ...]:
    """Return those that changed a file against their first parent, newest first, with their time.

    `patterns`: git's globs, from `root`.
    """
    options = ("--first-parent", "--diff-merges=first-parent", "--no-patch", "--format=%H %ct")
    listed = _checked(root, "log", *options, head, "--", *(f":(glob){one}" for one in patterns))
    pairs = (line.split() for line in listed.splitlines())
    return tuple((commit, datetime.fromtimestamp(int(at), UTC)) for commit, at in pairs)


def place_on(root: Path, line: Sequence[str], commit: str) -> int | None:
    """Return the place on a line of the commit that brought this one; None when none has.

    Commits of the line with a smaller place are newer. A commit of a merged branch has the place of
    its merge.
    """
    if commit in line:
        return line.index(commit)
    if not line or not is_ancestor(root, commit, line[0]):
        return None
    return len(_checked(root, "rev-list", "--first-parent", f"{commit}..{line[0]}").split()) - 1


def tree_of(root: Path, commit: str, folder: str) -> str | None:
    """Return the id of a folder's content at a commit; None where it has no such folder."""
    name = f"{commit}:{folder}"
    done = run(["git", "rev-parse", "--verify", "--quiet", "--end-of-options", name], cwd=root)
    return None if done.exit_code else done.output.strip()


def is_shallow(root: Path) -> bool:
    """Return whether the clone lacks older commits."""
    return _checked(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def _checked(root: Path, *args: str) -> str:
    return git.checked(run(["git", *args], cwd=root)).output
