"""The digests of plain files, remembered for as long as a file's status says it is the same.

DVC remembers digests too, but it writes down what a download or a checkout *should* have brought:
what it remembers is a claim. Here only what was read is remembered. The memory is in git's own
folder, which no commit can bring along.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retouch.system.processes import cpu_count, run

KINDS = ("md5", "md5-dos2unix")
"""How DVC hashes; the second is what it did before version 3."""
_SETTLED_SECONDS = 2.0
"""A file that changed more recently is not remembered: the clocks of some file systems tick once a
second or two, and a second change within a tick leaves the status as it was."""
_FORM = (
    "CREATE TABLE IF NOT EXISTS digests (device INTEGER, inode INTEGER, kind TEXT, size INTEGER,"
    " modified INTEGER, changed INTEGER, digest TEXT, PRIMARY KEY (device, inode, kind))"
    " WITHOUT ROWID"
)
_CHUNK = 2**20


class NotPlain(Exception):
    """What lies there is a link, a folder or a device, where a file must be."""


class FileDigests:
    """The digests of files, each read once for as long as it does not change.

    The same is: device, inode, size, time of the last change of the content and of the status. The
    last one cannot be set by hand.
    """

    def __init__(self, memory: Path | None, *, clock: Callable[[], float] = time.time) -> None:
        """`memory`: the database, made when there is none; None: nothing is remembered."""
        self._memory = memory
        self._clock = clock
        self.bytes_read = 0
        """So far; what was remembered was not read."""

    def of(self, path: Path, kind: str = "md5") -> str:
        """Return the digest (hex) of a plain file. Raises NotPlain; OSError when it is not there.

        `kind`: one of KINDS.
        """
        return self.of_all([path], kind)[path]

    def of_all(
        self, paths: Iterable[Path], kind: str = "md5", *, anew: bool = False
    ) -> dict[Path, str]:
        """Return the digest of each, several read at the same time. Raises what `of` raises.

        `anew`: whatever is remembered.
        """
        wanted = list(dict.fromkeys(paths))
        with self._opened() as database:
            found = {} if anew else _remembered(database, wanted, kind)
            unknown = [path for path in wanted if path not in found]
            read = self._read_all(unknown, kind)
            self._remember(database, read, kind)
        return found | {path: digest for path, (_, digest) in read.items()}

    def _read_all(self, paths: list[Path], kind: str) -> dict[Path, tuple[os.stat_result, str]]:
        if len(paths) < 2:
            read = [_digest(path, kind) for path in paths]
        else:
            with ThreadPoolExecutor(max_workers=cpu_count()) as pool:
                read = list(pool.map(lambda path: _digest(path, kind), paths))
        self.bytes_read += sum(status.st_size for status, _ in read)
        return dict(zip(paths, read, strict=True))

    def _remember(
        self,
        database: sqlite3.Connection | None,
        read: dict[Path, tuple[os.stat_result, str]],
        kind: str,
    ) -> None:
        latest = int((self._clock() - _SETTLED_SECONDS) * 1e9)
        rows = [
            (*_key(status, kind), *_state(status), digest)
            for status, digest in read.values()
            if max(status.st_mtime_ns, status.st_ctime_ns) < latest
        ]
        if database is None or not rows:
            return
        with contextlib.suppress(sqlite3.Error), database:
            database.executemany("REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        """Yield the database; None where it cannot be had, as on a disk that is full."""
        database = None
        try:
            if self._memory is not None:
                self._memory.parent.mkdir(parents=True, exist_ok=True)
                database = sqlite3.connect(self._memory, timeout=10)
                database.execute("PRAGMA synchronous=OFF")
                database.execute(_FORM)
        except (sqlite3.Error, OSError):
            if database is not None:
                database.close()
            database = None
        try:
            yield database
        finally:
            if database is not None:
                database.close()


def digests_of(root: Path) -> FileDigests:
    """Return the digests of the checkout at `root`; they are remembered in its git folder."""
    done = run(["git", "rev-parse", "--absolute-git-dir"], cwd=root)
    folder = Path(done.output.removesuffix("\n"))
    return FileDigests(None if done.exit_code else folder / "retouch" / "digests.sqlite")


def _remembered(
    database: sqlite3.Connection | None, paths: list[Path], kind: str
) -> dict[Path, str]:
    found: dict[Path, str] = {}
    if database is None:
        return found
    with contextlib.suppress(sqlite3.Error):
        for path in paths:
            try:
                status = path.lstat()
            except OSError:
                continue  # reading it says what is wrong
            row = database.execute(
                "SELECT size, modified, changed, digest FROM digests"
                " WHERE device = ? AND inode = ? AND kind = ?",
                _key(status, kind),
            ).fetchone()
            if row is not None and row[:3] == _state(status) and stat.S_ISREG(status.st_mode):
                found[path] = row[3]
    return found


def _key(status: os.stat_result, kind: str) -> tuple[int, int, str]:
    # SQLite's integers have a sign; some file systems use all 64 bits.
    return _signed(status.st_dev), _signed(status.st_ino), kind


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number


def _digest(path: Path, kind: str) -> tuple[os.stat_result, str]:
    """Read a plain file; return its status and its digest. Raises NotPlain, OSError."""
    try:
        # Without O_NONBLOCK a pipe would keep us waiting for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain("a symbolic link") from None
        raise
    with os.fdopen(handle, "rb") as file:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            raise NotPlain("a directory" if stat.S_ISDIR(before.st_mode) else "no plain file")
        digest = digest_of(file, kind)
        after = os.fstat(handle)
    if _state(before) != _state(after):
        raise NotPlain("a file that was changed while it was read")
    return after, digest


def digest_of(file: Any, kind: str = "md5") -> str:
    """Return the digest of an open file, as DVC makes it."""
    if kind == "md5":
        md5 = hashlib.md5(usedforsecurity=False)
        while chunk := file.read(_CHUNK):
            md5.update(chunk)
        return md5.hexdigest()
    from dvc_data.hashfile.hash import fobj_md5

    return fobj_md5(file, name=kind)
