"""What commits hold, read from git's objects: the workspace does not matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from retouch.errors import InputError
from retouch.system.processes import pipe

_PLAIN_FILE = (b"100644", b"100755")


class Snapshot:
    """The plain files of one commit, from a folder of the checkout on down."""

    def __init__(self, root: Path, commit: str) -> None:
        """`commit` is a full id."""
        self.root, self.commit = root, commit

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every file's path, from the root, sorted; no symbolic links. Raises InputError."""
        command = ["git", "ls-tree", "-r", "-z", self.commit]
        done = pipe(command, b"", cwd=self.root)
        if done.exit_code:
            raise InputError(
                f"{self.commit[:10]}: is incomplete in this clone.",
                hint="Fetch it: `git fetch --unshallow --tags`.",
            )
        entries = (entry.partition(b"\t") for entry in done.output.split(b"\0") if entry)
        plain = [name for kind, _, name in entries if kind.split()[0] in _PLAIN_FILE]
        return tuple(sorted(name.decode(errors="surrogateescape") for name in plain))

    def named(self, *names: str) -> tuple[str, ...]:
        """Return the paths of all files with one of these names, whatever their folder."""
        return tuple(path for path in self.paths if path.rpartition("/")[2] in names)

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the content of those of these paths that are files. Raises InputError."""
        there = set(self.paths)
        wanted = sorted(path for path in set(paths) if path in there)
        read = read_objects(self.root, [f"{self.commit}:./{path}" for path in wanted])
        return {path: raw for path, raw in zip(wanted, read, strict=True) if raw is not None}


def read_objects(root: Path, names: Sequence[str]) -> list[bytes | None]:
    """Return the content of files by git's names for them, `COMMIT:./PATH`; None: no such file.

    All are read at once: it takes as long for one as for a thousand. Raises InputError.
    """
    odd = [name for name in names if "\n" in name]
    if odd:
        raise InputError(f"{odd[0]!r}: a file with a line break in its name cannot be read.")
    if not names:
        return []
    result = "".join(f"{name}\n" for name in names).encode(errors="surrogateescape")
    done = pipe(["git", "cat-file", "--batch"], result, cwd=root)
    found: list[bytes | None] = []
    at = 0
    for name in names:
        # `<id> blob <size>`, a newline, that many bytes, a newline; or `<name> missing`
        end = done.output.find(b"\n", at)
        header = done.output[at:end].rsplit(b" ", 2)
        if end < 0 or done.exit_code:
            raise InputError(f"git: {name} cannot be read: {done.errors.strip()[:200]}")
        if len(header) == 3 and header[2].isdigit():
            at = end + 1 + int(header[2])
            found.append(done.output[end + 1 : at] if header[1] == b"blob" else None)
            at += 1
        else:
            at = end + 1
            found.append(None)
    return found
