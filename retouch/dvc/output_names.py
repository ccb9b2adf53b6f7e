"""Which outputs a project records: in its `dvc.lock` files, and in the `.dvc` files of its data."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path

from retouch.errors import InputError
from retouch.git import git
from retouch.lockfile.entries import directory_listing
from retouch.system import files


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
