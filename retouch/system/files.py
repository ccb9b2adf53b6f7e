"""Files: whole reads with clear errors, atomic writes, copies, and reproducible archives."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from retouch.errors import InputError


def read_bytes(path: Path, *, limit: int, hint: str | None = None) -> bytes:
    """Return the file's content. Raises InputError when it is missing, no file, or over `limit`."""
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            piped = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
            if piped and not path.is_relative_to("/dev"):  # as in `check <(make-an-alert)`
                raise InputError(f"{path}: is a pipe, not a file.", hint=hint)
            os.set_blocking(file.fileno(), True)
            raw = file.read(limit + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file.", hint=hint) from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a directory, not a file.", hint=hint) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}.", hint=hint) from None
    if len(raw) > limit:
        raise InputError(f"{path}: is larger than the {limit:,} bytes allowed.")
    return raw


def _open_without_waiting(path: str, flags: int) -> int:
    # Opening a pipe without a writer would wait for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def read_text(path: Path, *, limit: int = 10_000_000, hint: str | None = None) -> str:
    """Return the file's UTF-8 text.

    Raises InputError as `read_bytes` does, or when it is no text.
    """
    try:
        return read_bytes(path, limit=limit, hint=hint).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}).") from None


def read_text_if_any(path: Path) -> str:
    """Return the file's UTF-8 text, empty when there is no such file. Raises InputError."""
    return read_text(path) if path.exists() else ""


def write_text(path: Path, text: str) -> None:
    """Write the text so that a reader sees the old file or the new one, never a part."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, raw: bytes, *, durable: bool = True) -> None:
    """Write the bytes so that a reader sees the old file or the new one, never a part.

    `durable`: make the folder if need be, and wait until the disk has them; a power cut may lose
    what is not. Raises InputError when the file cannot be written; the old one is still there then.
    """
    try:
        if durable:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_beside_and_rename(path, raw)
        else:
            _write_beside_quickly(path, raw)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}.") from error


def _write_beside_and_rename(path: Path, raw: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    else:
        if path.stat().st_mode & 0o777 == 0o600:  # mkstemp's mode, on a file that is new
            path.chmod(0o644)


def _prefix(path: Path) -> str:
    return f".{path.name}.retouch-"


def remove_half_written(path: Path) -> None:
    """Remove what a process left beside `path` that was killed while it wrote there."""
    prefix = _prefix(path)
    if path.parent.is_dir():
        for entry in path.parent.iterdir():
            if entry.name.startswith(prefix):
                remove(entry)


def _write_beside_quickly(path: Path, raw: bytes) -> None:
    # With plain names: for thousands of receipts, pathlib takes longer than the disk.
    folder, name = os.path.split(path)
    temporary = f"{folder}/.{name}.{os.getpid()}"
    anew = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        handle = os.open(temporary, anew, 0o644)
    except FileExistsError:
        # Of a process that was killed, or a link that a stranger laid there.
        remove(Path(temporary))
        handle = os.open(temporary, anew, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        remove(Path(temporary))
        raise


def remove(path: Path) -> None:
    """Remove a file or a directory tree, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a directory tree; what was at `target` is gone.

    Raises InputError when it cannot be read, or not be written.
    """
    try:
        remove(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    except shutil.Error as error:  # of a tree: a list of what went wrong, with texts of errors
        _, place, why = error.args[0][0]
        reason = re.sub(r"^\[Errno \d+\] ([^:]*).*", r"\1", why, flags=re.DOTALL)
        raise InputError(f"{place}: cannot be copied there: {reason}.") from None
    except OSError as error:
        raise InputError(f"{target}: cannot be copied there: {error.strerror}.") from None


def exists(path: Path) -> bool:
    """Return whether there is a file or a directory."""
    return path.exists()


def is_there(path: Path) -> bool:
    """Return whether the name is taken, also by a link that leads nowhere."""
    return path.exists() or path.is_symlink()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a directory; 0 when there is none."""
    if path.is_dir():
        return sum(f.stat().st_size for f in path.rglob("*") if f.is_file())
    return path.stat().st_size if path.exists() else 0


def digest_of(path: Path) -> tuple[str, int]:
    """Return the sha256 (hex) of a file and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def files_below(folder: Path) -> dict[str, Path]:
    """Return the plain files below a folder by their path in it; of a plain file, itself as ``."""
    if folder.is_file():
        return {"": folder}
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


@contextlib.contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """Have an empty folder, and nothing of it afterwards; `purpose` is part of its name."""
    with tempfile.TemporaryDirectory(prefix=f"retouch-{purpose}-") as folder:
        yield Path(folder)


_GZIP_HEADER = b"\x1f\x8b\x08\x00" + b"\0" * 4 + b"\x00\xff"
"""Of gzip: deflate, no name, no time, no system."""
_BLOCK = 0xFFFF


def write_archive(target: Path, contents: Mapping[str, bytes | Path]) -> None:
    """Write a `.tar.gz` of these files by their name in it; the same ones give the same bytes.

    It is not compressed: compressors of different machines write different bytes. Nothing is left
    at `target` unless all of it is.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}.retouch-"
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, tempfile.TemporaryFile(dir=target.parent) as plain:
            _write_tar(plain, contents)
            plain.seek(0)
            _write_stored(plain, file)
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise


def _write_tar(file: IO[bytes], contents: Mapping[str, bytes | Path]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(contents):
            content = contents[name]
            entry = tarfile.TarInfo(name)
            entry.mode = 0o644
            if isinstance(content, bytes):
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
            else:
                entry.size = content.stat().st_size
                with content.open("rb") as source:
                    archive.addfile(entry, source)


def _write_stored(source: IO[bytes], target: IO[bytes]) -> None:
    """Write a gzip file of stored blocks, each but the last one full."""
    target.write(_GZIP_HEADER)
    checksum = size = 0
    block = source.read(_BLOCK)
    while True:
        following = source.read(_BLOCK)
        length = len(block)
        target.write(struct.pack("<BHH", 0 if following else 1, length, length ^ 0xFFFF))
        target.write(block)
        checksum, size = zlib.crc32(block, checksum), size + length
        if not following:
            break
        block = following
    target.write(struct.pack("<II", checksum, size & 0xFFFFFFFF))
