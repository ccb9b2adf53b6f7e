"""Version numbers: which comes next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

FIRST = "v1.0.0"
Part = Literal["minor", "patch"]
_CORE = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)")


def core_of(version: str) -> tuple[int, int, int]:
    """Return the three numbers of a version. Raises ValueError for what is none."""
    found = _CORE.match(version)
    if found is None:
        raise ValueError(f"{version!r} is no version")
    major, minor, patch = map(int, found.groups())
    return major, minor, patch


def next_version(versions: Iterable[str], part: Part) -> str:
    """Return the version after all of these, deregistered ones included.

    A name that was used is used for good: its tag is still there.
    """
    major, minor, patch = max(map(core_of, versions))
    return f"v{major}.{minor + 1}.0" if part == "minor" else f"v{major}.{minor}.{patch + 1}"
