"""History, for checking lock files against it: parents, merges, what a branch changed. By git."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retouch.errors import InputError
from retouch.git import git
from retouch.system.processes import run

PLAIN_FILES = ("100644", "100755")
_PLACE = "retouch-verify-"


@dataclass(frozen=True)
class Changed:
    """A path that differs between two commits."""

    path: str
    kind: str
    """git's letter: `A` added, `M` modified, `D` deleted, `T` another type."""
    plain: bool
    """It is a plain file now: no link, no submodule."""

    @property
    def added(self) -> bool:
        """It is new."""
        return self.kind == "A"

    @property
    def deleted(self) -> bool:
        """It is gone."""
        return self.kind == "D"


def resolve_commit(root: Path, name: str, option: str) -> str:
    """Return the full id of the commit a name stands for. Raises InputError when it stands for
    none.

    `option` is what the name was given by, for the message.
    """
    commit = git.commit_of(root, name)
    if commit is None:
        raise InputError(
            f"{option} {name!r}: git knows no such commit.", hint="Fetch it first: `git fetch`."
        )
    return commit


def parents_of(root: Path, commit: str) -> tuple[str, ...]:
    """Return the parents of a commit. Raises InputError where the clone is too shallow to have
    them.

    They are read from the commit itself: of the oldest commit of a shallow clone, git says that it
    has none.
    """
    lines = _checked(root, "cat-file", "commit", commit).partition("\n\n")[0].splitlines()
    parents = tuple(line.split()[1] for line in lines if line.startswith("parent "))
    for parent in parents:
        if run(["git", "cat-file", "-e", parent], cwd=root).exit_code:
            raise InputError(
                f"Commit {commit[:10]}: its parent {parent[:10]} is not in this clone.",
                hint="Fetch the whole history: `git fetch --unshallow`.",
            )
    return parents


def merge_base(root: Path, one: str, other: str) -> str | None:
    """Return the newest commit both come from; None when they have none in common."""
    done = run(["git", "merge-base", one, other], cwd=root)
    return None if done.exit_code else done.output.split()[0]


def merges_between(root: Path, base: str, commit: str) -> tuple[str, ...]:
    """Return the merges that `commit` has and `base` has not, `commit` itself included."""
    return tuple(_checked(root, "rev-list", "--merges", f"{base}..{commit}").split())


def changed_between(root: Path, old: str, new: str) -> tuple[Changed, ...]:
    """Return every path of the repository that differs; a renamed file is one gone, one added.

    Paths are from `root`; what lies outside of it keeps its leading `../`, or its full path.
    """
    options = ("--raw", "-z", "--no-renames", "--no-abbrev")
    result = _checked(root, "diff-tree", "-r", *options, old, new).split("\0")
    inside = _checked(root, "rev-parse", "--show-prefix").strip()
    found = []
    for head, path in zip(result[0::2], result[1::2], strict=False):
        _, mode, _, _, kind = head.removeprefix(":").split(" ")
        inner = path.removeprefix(inside) if path.startswith(inside) else f"../{path}"
        found.append(Changed(path=inner, kind=kind[:1], plain=mode in PLAIN_FILES))
    return tuple(found)


@contextmanager
def exported_commit(root: Path, commit: str) -> Iterator[Path]:
    """Have the files of a commit in a folder of their own, and nothing of it afterwards.

    Yields where `root` is in there. No data, no hooks, and nothing of it is run. It is a git
    repository of its own, for DVC's sake.
    """
    inside = _checked(root, "rev-parse", "--show-prefix").strip()
    top = git.top_level(root)
    with tempfile.TemporaryDirectory(prefix=_PLACE) as folder:
        place = Path(folder).resolve()
        index = {"GIT_INDEX_FILE": str(place / "index")}
        tree = place / "tree"
        git.checked(run(["git", "read-tree", commit], cwd=top, env=index))
        prefix = f"--prefix={tree}/"
        git.checked(run(["git", "checkout-index", "--all", "--quiet", prefix], cwd=top, env=index))
        tree.mkdir(exist_ok=True)
        git.checked(run(["git", "init", "--quiet"], cwd=tree))
        yield tree / inside


def without_temporary_path(message: str) -> str:
    """Return a sentence with the paths of `files_of` from the root of the repository."""
    return re.sub(rf"[^\s'\"]*{_PLACE}[^/\s]*/tree/?", "", message)


def install_merge_driver(root: Path, name: str, message: str, command: str) -> None:
    """Tell this clone's git how to merge what `.gitattributes` gives to this driver."""
    _checked(root, "config", "--local", f"merge.{name}.name", message)
    _checked(root, "config", "--local", f"merge.{name}.driver", command)


def _checked(root: Path, *args: str) -> str:
    return git.checked(run(["git", *args], cwd=root)).output
