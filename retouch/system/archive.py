"""Archives whose bytes depend on nothing but names and contents."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_HEADER = b"\x1f\x8b\x08\x00" + b"\0" * 4 + b"\x00\xff"
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
    target.write(_HEADER)
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
