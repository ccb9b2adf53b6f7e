"""What became of files on a branch: every change of them, deletions too. By git."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from retouch.git.git import checked
from retouch.git.history import PLAIN_FILES
from retouch.system.processes import run


@dataclass(frozen=True)
class FileChange:
    """One commit changed one file against its first parent."""

    commit: str
    path: str
    """From `root`."""
    old: str | None
    """The blob it was; None: it was no plain file."""
    new: str | None
    """The blob it became; None: it was deleted."""


_LINE = re.compile(
    r":(?P<was>\d{6}) (?P<mode>\d{6}) (?P<old>[0-9a-f]+) (?P<new>[0-9a-f]+) [A-Z]\d*\t(?P<path>.+)"
)
_COMMIT = "commit "


def changes_of(
    root: Path, commits: Sequence[str], patterns: Sequence[str]
) -> tuple[FileChange, ...]:
    """Return every change of these files on the main lines of these commits, newest first.

    `commits` may have `^COMMIT` for one at which to stop. A merge counts as a change against its
    first parent. `patterns` are git's globs, from `root`;
    paths that git would quote are left out. Raises InputError for a commit that is not there.
    """
    among = [f":(glob){pattern}" for pattern in patterns]
    line = ("--first-parent", "--diff-merges=first-parent", "--root", f"--format={_COMMIT}%H")
    form = ("--raw", "--no-abbrev", "--no-renames", "--relative", "--no-color")
    plain = ("-c", "log.showSignature=false", "-c", "log.follow=false")
    log = ["git", *plain, "log", *line, *form, *commits, "--", *among]
    return tuple(parse_changes(checked(run(log, cwd=root)).output.splitlines()))


def parse_changes(lines: Iterable[str]) -> Iterator[FileChange]:
    """Yield the changes in the lines of `git log --raw --format="commit %H"`."""
    commit = ""
    for line in lines:
        if line.startswith(_COMMIT):
            commit = line.removeprefix(_COMMIT)
        elif (found := _LINE.fullmatch(line)) is not None and not found["path"].startswith('"'):
            old = found["old"] if found["was"] in PLAIN_FILES else None
            new = found["new"] if found["mode"] in PLAIN_FILES else None
            yield FileChange(commit, found["path"], old, new)
