"""How a clone is set up: its depth, its remote, its tags, its merge driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retouch.errors import CheckFailed
from retouch.system.processes import Finished, run


def is_shallow(root: Path) -> bool:
    """Tell whether the clone lacks a part of the history."""
    return _git(root, "rev-parse", "--is-shallow-repository").output.strip() == "true"


def has_commits(root: Path) -> bool:
    """Tell whether anything was ever committed."""
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD").exit_code == 0


def has_origin(root: Path) -> bool:
    """Tell whether there is a remote `origin`."""
    return _git(root, "remote", "get-url", "origin").exit_code == 0


def tags_here(root: Path) -> frozenset[str]:
    """Return the names of the clone's tags."""
    return frozenset(_git(root, "tag", "--list").output.split())


def tags_at_origin(root: Path) -> frozenset[str]:
    """Return the names of the tags of `origin`. Raises CheckFailed when it does not answer."""
    return _names_at_origin(root, "refs/tags/", "--tags", "--refs", "origin")


def is_at_origin(root: Path, branch: str) -> bool:
    """Tell whether `origin` has a branch. Raises CheckFailed when it does not answer."""
    return branch in _names_at_origin(root, "refs/heads/", "--heads", "origin", branch)


def _names_at_origin(root: Path, prefix: str, *args: str) -> frozenset[str]:
    listed = _git(root, "ls-remote", *args)
    if listed.exit_code:
        raise CheckFailed(f"`origin` does not answer: {listed.last_lines(1)}")
    lines = (line for line in listed.output.splitlines() if "\t" in line)
    return frozenset(line.rpartition(prefix)[2] for line in lines)


@dataclass(frozen=True)
class MergeDriver:
    """How git merges a file here."""

    name: str | None
    """As `.gitattributes` has it; None: line by line."""
    known: bool
    """This clone's configuration says what to run."""


def merge_driver_of(root: Path, path: str) -> MergeDriver:
    """Return the merge driver of a file."""
    attribute = _git(root, "check-attr", "merge", "--", path).output
    name = attribute.strip().rpartition(": ")[2]
    if name in ("unspecified", ""):
        return MergeDriver(None, False)
    command = _git(root, "config", "--get", f"merge.{name}.driver").output.strip()
    return MergeDriver(name, bool(command))


def _git(root: Path, *args: str) -> Finished:
    # Nobody is there to type a password.
    return run(["git", *args], cwd=root, env={"GIT_TERMINAL_PROMPT": "0"})
