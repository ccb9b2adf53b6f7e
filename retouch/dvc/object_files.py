"""The files DVC's cache and remotes consist of: objects, each named by the md5 of its bytes.

An output that is a file is one object. Of a directory there is one that lists its files, with
`.dir` at the end of its name, and one for each of these.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from retouch.errors import InputError
from retouch.git import git
from retouch.lockfile.entries import OBJECT, directory_listing
from retouch.system import files


def md5_of(path: Path) -> str:
    """Return the md5 (hex) of a file's bytes, by which DVC names it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def files_before_lists(names: Iterable[str]) -> list[str]:
    """Return the names of objects so that no list of files comes before a file."""
    return sorted(names, key=lambda name: (name.endswith(".dir"), name))


def check_object(name: str, source: Path) -> None:
    """Raise InputError unless the file is a plain one and holds what an object of this name
    does."""
    if not OBJECT.fullmatch(name) or source.is_symlink() or not source.is_file():
        raise InputError(f"{source}: is not an object of DVC's cache.")
    if md5_of(source) != name.removesuffix(".dir"):
        raise InputError(f"{source}: its bytes are not those of the object {name}.")
    if name.endswith(".dir"):
        try:
            directory_listing(source.read_bytes())
        except (ValueError, RecursionError) as error:
            message = (
                f"{source}: the object {name} is no list of the files in a directory: {error}."
            )
            raise InputError(message) from None


def place_object(source: Path, target: Path, name: str) -> bool:
    """Copy a checked object to its place, so that it is there whole or not at all.

    Say whether that was needed: one that is there already stays, but for a damaged one. Raises
    InputError when the source has changed since it was checked.
    """
    md5 = name.removesuffix(".dir")
    if target.is_file() and not target.is_symlink() and md5_of(target) == md5:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.retouch-")
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as file:
            shutil.copyfileobj(file, out)
        if md5_of(Path(beside)) != md5:
            raise InputError(f"{source}: was changed while it was read.")
        Path(beside).chmod(0o444)  # as DVC guards its cache
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    return True


def records_outputs(path: str) -> bool:
    """Return whether a file of this path records outputs."""
    name = posixpath.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def recorded_in(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield path and hash of each output that a file records.

    Raises InputError for a broken one.
    """
    import yaml

    folder = posixpath.dirname(path)
    try:
        found = yaml.load(text, Loader=yaml.CSafeLoader) or {}
        entries = [found] if path.endswith(".dvc") else [*(found.get("stages") or {}).values()]
        for out in [out for entry in entries for out in entry.get("outs") or ()]:
            # An output that was never made, or lies elsewhere, has no md5.
            if out.get("md5"):
                yield posixpath.normpath(posixpath.join(folder, out["path"])), str(out["md5"])
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: is not as DVC writes it: {reason}.") from None


def outputs_of_object(root: Path, name: str, objects: Mapping[str, Path]) -> str:
    """Return the path of the output that an object belongs to, as checked out; empty if unknown.

    `objects` are looked at for the lists of directories.
    """
    for path in filter(records_outputs, git.tracked_files(root)):
        if not (root / path).is_file():
            continue
        for output, recorded in recorded_in(path, files.read_text(root / path)):
            if recorded == name:
                return output
            inside = _listed(objects.get(recorded)) if recorded.endswith(".dir") else {}
            for file, object_name in inside.items():
                if object_name == name:
                    return f"{output}/{file}"
    return ""


def _listed(path: Path | None) -> dict[str, str]:
    try:
        return directory_listing(path.read_bytes()) if path is not None else {}
    except (OSError, ValueError, RecursionError):
        return {}
