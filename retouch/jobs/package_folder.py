"""A package: a proposal and its files in a folder, from the retraining job to the publishing one.

proposal.json     the document
files/<path>      each file of the commit
objects/<hash>    each new object of DVC's cache
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.errors import InputError
from retouch.jobs.packages.proposal import Proposal
from retouch.system import files
from retouch.system.untrusted_files import paths_below, plain_size, read_plain_file

MOST_FILES, MOST_OBJECTS = 400, 20_000
FILE_BYTES, ALL_FILES_BYTES = 8_000_000, 40_000_000
OBJECT_BYTES = 100 * 2**20
"""GitHub takes no larger file."""
_OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
DOCUMENT = "proposal.json"


@dataclass(frozen=True)
class Package:
    """A proposal with its files. Its shape is checked, its contents are not."""

    proposal: Proposal
    files: Mapping[str, bytes]
    """Path in the repository -> content."""
    objects: Mapping[str, Path]
    """Hash, `.dir` included -> the object's file."""


def write_package(
    folder: Path, proposal: Proposal, texts: Mapping[str, bytes], objects: Mapping[str, Path]
) -> None:
    """Write a package in place of any other. The document comes last: without it there is none."""
    files.remove(folder)
    for path, content in texts.items():
        files.write_bytes(folder / "files" / path, content)
    for name, source in objects.items():
        files.copy(source, folder / "objects" / name)
    files.write_text(folder / DOCUMENT, proposal.to_json())


def packages_in(folder: Path) -> list[Path]:
    """Return the folders of the packages right below a folder, in order of their names."""
    return sorted(document.parent for document in folder.glob(f"*/{DOCUMENT}"))


def read_package(folder: Path) -> Package:
    """Return a package of the right shape: plain files, no links, within the limits.

    Raises InputError for any other, and for an invalid document.
    """
    raw = read_plain_file(folder / DOCUMENT, root=folder, limit=1_000_000)
    try:
        proposal = Proposal.model_validate_json(raw)
    except ValueError as error:
        reason = str(error).splitlines()
        raise InputError(f"{DOCUMENT}: is not a valid proposal: {' '.join(reason[1:3])}.") from None
    texts = {
        path: read_plain_file(folder / "files" / path, root=folder, limit=FILE_BYTES)
        for path in paths_below(folder / "files", MOST_FILES)
    }
    if sum(map(len, texts.values())) > ALL_FILES_BYTES:
        raise InputError(
            f"The files of the package have more than {ALL_FILES_BYTES:,} bytes in total."
        )
    names = paths_below(folder / "objects", MOST_OBJECTS)
    return Package(proposal, texts, {name: _object(folder, name) for name in names})


def _object(folder: Path, name: str) -> Path:
    path = folder / "objects" / name
    size = plain_size(path)
    if not _OBJECT.fullmatch(name) or size is None:
        raise InputError(f"objects/{name}: is not an object of DVC's cache.")
    if size > OBJECT_BYTES:
        raise InputError(
            f"objects/{name}: is larger than GitHub's limit of {OBJECT_BYTES:,} bytes."
        )
    return path
