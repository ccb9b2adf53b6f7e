"""Git through its command line: what a checkout holds, and how the clone is set up."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retouch.errors import CheckFailed, InputError
from retouch.git.commit_files import read_objects
from retouch.system.processes import Finished, run


def top_level(start: Path) -> Path:
    """Return the root of the checkout that holds `start`. Raises InputError outside of one."""
    done = run(["git", "rev-parse", "--show-toplevel"], cwd=start)
    if done.exit_code:
        raise InputError(f"{start}: is not in a git repository.", hint="Run `git init` first.")
    return Path(done.output.strip())


def head_commit(root: Path) -> str:
    """Return the full id of the commit that is checked out. Raises InputError without one."""
    done = run(["git", "rev-parse", "--verify", "--quiet", "HEAD"], cwd=root)
    if done.exit_code:
        top_level(root)
        raise InputError(
            "The repository has no commit yet, so there is no model to compare with.",
            hint="Commit the pipeline first: `git add -A && git commit`.",
        )
    return done.output.strip()


def commit_at(root: Path, moment: datetime) -> str | None:
    """Return the full id of the commit that was the newest before HEAD then; None: there was none.

    Only the main line counts: a merge is when a branch came in.
    """
    command = ["git", "rev-list", "--max-count=1", "--first-parent"]
    # Only in this form does git read years long past and far off.
    seconds = max(0, int(moment.timestamp()))
    done = run([*command, f"--before=@{seconds} +0000", "HEAD"], cwd=root)
    return done.output.strip() or None


def committed_text(root: Path, path: str, commit: str = "HEAD") -> str:
    """Return a file's text as a commit has it; empty when it has no such file."""
    done = run(["git", "show", f"{commit}:./{path}"], cwd=root)
    return "" if done.exit_code else done.output


def commit_of(root: Path, name: str) -> str | None:
    """Return the full id of the commit that a name stands for; None when it stands for none."""
    command = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"]
    done = run(command, cwd=root)
    return None if done.exit_code else done.output.strip()


def files_at(
    root: Path, commit: str, folders: Sequence[str], wanted: Collection[str]
) -> dict[str, bytes]:
    """Return the content of the wanted files that lie right in the folders at a commit.

    Paths are from `root`. All are read at once: it takes as long for one as for a thousand. Raises
    InputError when one of them is a symbolic link or anything else than a file.
    """
    command = ["git", "ls-tree", "-z", commit, *(f"{folder}/" for folder in folders)]
    blobs: dict[str, str] = {}
    for entry in filter(None, checked(run(command, cwd=root)).output.split("\0")):
        (mode, _, blob), path = entry.partition("\t")[0].split(" "), entry.partition("\t")[2]
        if path in wanted and mode not in ("100644", "100755"):
            raise InputError(f"{path}: is not a plain file at commit {commit[:10]}.")
        if path in wanted:
            blobs[path] = blob
    return dict(zip(blobs, contents_of(root, list(blobs.values())), strict=True))


def error_text(text: str) -> str:
    """Return the line of git's that says what was wrong, else the last; without a full stop."""
    found = re.search(r"^(?:!|(?:remote|fatal|error):).*", text, re.MULTILINE)
    lines = [line for line in text.splitlines() if line.strip()] or ["nothing"]
    return " ".join((found[0] if found else lines[-1]).split()).removesuffix(".")


def contents_of(root: Path, blobs: Sequence[str]) -> list[bytes]:
    """Return the content of each blob. Raises InputError when one is not in this clone."""
    found: list[bytes] = []
    for blob, content in zip(blobs, read_objects(root, blobs), strict=True):
        if content is None:
            raise InputError(f"git: {blob} is not in this clone.", hint="Run `git fetch`.")
        found.append(content)
    return found


def mentions(root: Path, commit: str, text: str, paths: Sequence[str]) -> bool:
    """Return whether a file of these paths holds the text at a commit, or did at any before it.

    Raises InputError for a commit that is not there.
    """
    among = [f":(glob){path}" for path in paths]
    grep = ["git", "grep", "--quiet", "--fixed-strings", "-e", text, commit, "--", *among]
    if run(grep, cwd=root).exit_code == 0:
        return True
    log = ["git", "log", "--max-count=1", "--format=%H", f"-S{text}", commit, "--", *among]
    return bool(checked(run(log, cwd=root)).output.strip())


def modified_files(root: Path) -> tuple[str, ...]:
    """Return the tracked paths (from `root`) that differ from HEAD, staged or not."""
    done = checked(run(["git", "diff", "--name-only", "-z", "--relative", "HEAD"], cwd=root))
    return tuple(sorted(path for path in done.output.split("\0") if path))


def tracked_files(root: Path) -> tuple[str, ...]:
    """Return every path git tracks or would track, from the root."""
    done = checked(
        run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root)
    )
    return tuple(path for path in done.output.split("\0") if path)


def checked(done: Finished) -> Finished:
    """Return a git command that has ended. Raises InputError when it failed."""
    if done.exit_code:
        raise InputError(f"git said: {done.last_lines(1)}")
    return done


def user_name(root: Path) -> str:
    """Return the name that git signs commits with here. Raises InputError when there is none."""
    done = run(["git", "config", "--get", "user.name"], cwd=root)
    if done.exit_code or not done.output.strip():
        raise InputError(
            "git does not know your name, and the report names whoever approves an alert.",
            hint='Set it: `git config user.name "Your Name"`.',
        )
    return done.output.strip()


def clone(source: Path, target: Path) -> None:
    """Clone what is committed in `source`. Raises InputError."""
    checked(run(["git", "clone", "--quiet", "--no-tags", str(source), str(target)], cwd=source))


def without_history(root: Path, message: str) -> None:
    """Have a clone begin with one commit of all its files, and know no other. Raises InputError."""
    shutil.rmtree(root / ".git")
    checked(run(["git", "init", "--quiet"], cwd=root))
    commit_all(root, message)


def commit_all(root: Path, message: str) -> None:
    """Commit every change in a copy, under Retouch's own name. Raises InputError."""
    name = ["-c", "user.name=Retouch", "-c", "user.email=retouch@localhost"]
    checked(run(["git", "add", "--all"], cwd=root))
    checked(run(["git", *name, "commit", "--quiet", "--message", message], cwd=root))


def is_shallow(root: Path) -> bool:
    """Return whether the clone lacks a part of the history."""
    return _git(root, "rev-parse", "--is-shallow-repository").output.strip() == "true"


def has_commits(root: Path) -> bool:
    """Return whether anything was ever committed."""
    return _git(root, "rev-parse", "--verify", "--quiet", "HEAD").exit_code == 0


def has_origin(root: Path) -> bool:
    """Return whether there is a remote `origin`."""
    return _git(root, "remote", "get-url", "origin").exit_code == 0


def tags_here(root: Path) -> frozenset[str]:
    """Return the names of the clone's tags."""
    return frozenset(_git(root, "tag", "--list").output.split())


def tags_at_origin(root: Path) -> frozenset[str]:
    """Return the names of the tags of `origin`. Raises CheckFailed when it does not answer."""
    return _names_at_origin(root, "refs/tags/", "--tags", "--refs", "origin")


def is_at_origin(root: Path, branch: str) -> bool:
    """Return whether `origin` has a branch. Raises CheckFailed when it does not answer."""
    return branch in _names_at_origin(root, "refs/heads/", "--heads", "origin", branch)


def _names_at_origin(root: Path, prefix: str, *args: str) -> frozenset[str]:
    listed = _git(root, "ls-remote", *args)
    if listed.exit_code:
        raise CheckFailed(f"`origin` does not respond: {listed.last_lines(1)}")
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
    # A job has no terminal: a password prompt would wait for ever.
    return run(["git", *args], cwd=root, env={"GIT_TERMINAL_PROMPT": "0"})
