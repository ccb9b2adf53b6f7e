"""Read files that a stranger may have committed: no links, no devices, no surprises in size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from retouch.errors import InputError


def read_plain_file(path: Path, *, root: Path | None, limit: int, hint: str | None = None) -> bytes:
    """Return the content of a plain file, never following a link to it.

    Below `root` no folder on the way may be a link either. Raises InputError when the file is
    missing, is a link or anything else than a plain file, or is larger than `limit` bytes.
    """
    if root is not None:
        refuse_links(path, root)
    try:
        with open(path, "rb", opener=_open_no_link) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{path}: is not a plain file.", hint=hint)
            if status.st_size > limit:
                raise InputError(f"{path}: is larger than the {limit:,} bytes allowed.")
            return file.read(limit)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.", hint=hint) from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory, not a file.", hint=hint) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _is_a_link(path) from None
        raise InputError(f"{path}: cannot be read: {error.strerror}.", hint=hint) from None


def _open_no_link(path: str, flags: int) -> int:
    # Without O_NONBLOCK a committed pipe would keep us waiting for ever.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def refuse_links(path: Path, root: Path) -> None:
    """Raise InputError when `path`, or a folder between it and `root`, is a symbolic link."""
    absolute = path.absolute()
    steps = [*reversed(absolute.parents), absolute]
    # From the top: a link to the root itself must not pass for it.
    inside = next((i for i, step in enumerate(steps) if step.exists() and step.samefile(root)), -2)
    for step in steps[inside + 1 :]:  # of a path elsewhere, the file alone
        if step.is_symlink():
            raise _is_a_link(path if step == absolute else step)


def _is_a_link(path: Path) -> InputError:
    return InputError(f"{path}: is a symbolic link, which is not followed.", hint="Remove it.")


def paths_below(folder: Path, most: int) -> list[str]:
    """Return the paths of all files and links below a folder, from it, sorted; links are not
    followed.

    Raises InputError for more than `most`, and for a folder that is a link.
    """
    if folder.is_symlink():
        raise InputError(f"{folder.name}/: is a link.")
    found: list[str] = []
    for where, folders, names in os.walk(folder, followlinks=False):
        links = [name for name in folders if (Path(where) / name).is_symlink()]
        found += [(Path(where) / name).relative_to(folder).as_posix() for name in (*names, *links)]
        if len(found) > most:
            raise InputError(f"{folder.name}/: has more than {most:,} files.")
    return sorted(found)


def plain_size(path: Path) -> int | None:
    """Return the size of a plain file in bytes; None for a link, and for anything else."""
    return None if path.is_symlink() or not path.is_file() else path.stat().st_size
