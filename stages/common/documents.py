"""The contracts of the JSON files between stages: fields, ranges, and a version (stdlib only)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from stages.common.command import StageError
from stages.common.contracts import Column
from stages.common.outputs import write_json


@dataclass(frozen=True)
class Document:
    """What a JSON file holds, by dotted path; `*` in a path stands for any one name."""

    name: str
    version: int
    fields: Mapping[str, Column]
    tagged: bool = True
    """Whether the file names its contract; metrics do not, since DVC shows all they hold."""

    @property
    def tag(self) -> str:
        """The text stored in the files that follow this contract."""
        return f"{self.name}/{self.version}"


_MINUTES = Column("double", low=-1440, high=1440)
_POSITIVE = Column("double", low=0, high=1440)
_SHARE = Column("double", low=0, high=1)
_SOME = Column("int64", low=1)

CALIBRATOR = Document(
    "calibrator",
    1,
    {
        "bias": _MINUTES,
        "below": _MINUTES,
        "above": _MINUTES,
        "coverage": _SHARE,
        "flights": _SOME,
    },
)

_COMPONENT = {"flights": _SOME, "mae": _POSITIVE, "bias": _MINUTES}
_BLOCK = _COMPONENT | {"coverage": _SHARE, "days": _SOME}

METRICS = Document(
    "metrics",
    1,
    {f"overall.{name}": column for name, column in _BLOCK.items()}
    | {f"region.*.{name}": column for name, column in _BLOCK.items()}
    | {f"origin.*.{name}": column for name, column in _BLOCK.items()}
    | {f"part.*.{name}": column for name, column in _COMPONENT.items()}
    | {"unlabelled": Column("int64", low=0)},
    tagged=False,
)


def write_document(path: Path, value: Mapping[str, Any], document: Document) -> None:
    """Check `value` against `document` and write it as JSON, with the tag where it has one."""
    _check(value, document, str(path))
    write_json(path, {"contract": document.tag, **value} if document.tagged else value)


def read_document(path: Path, document: Document) -> dict[str, Any]:
    """Read the JSON file at `path`, which must follow `document`; the tag is left out."""
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        raise StageError(f"{path} does not exist; `dvc repro` makes it") from None
    except ValueError:
        raise StageError(f"{path} is not readable JSON; run `dvc repro`") from None
    tag = value.pop("contract", "none") if isinstance(value, dict) else "none"
    if document.tagged and tag != document.tag:
        raise StageError(
            f"{path} follows contract {tag}, this code reads {document.tag}; run `dvc repro`"
        )
    _check(value, document, str(path))
    return dict(value)


def _check(value: Any, document: Document, path: str) -> None:
    leaves = dict(_leaves(value, ()))
    faults = [f"{name} is {fault}" for name, fault in _faults(leaves, document)]
    faults += [
        f"{name} is missing"
        for name in document.fields
        if not any(_matches(leaf, name) for leaf in leaves)
    ]
    if faults:
        raise StageError(f"{path}: contract {document.tag} is broken: {'; '.join(sorted(faults))}")


def _faults(leaves: Mapping[str, Any], document: Document) -> Iterator[tuple[str, str]]:
    for leaf, value in leaves.items():
        column = next((c for name, c in document.fields.items() if _matches(leaf, name)), None)
        if column is None:
            yield leaf, "not in the contract"
        elif type(value) not in ((int,) if column.type == "int64" else (int, float)):
            yield leaf, "not a whole number" if column.type == "int64" else "not a number"
        elif not math.isfinite(value):
            yield leaf, "not finite"
        elif column.low is not None and value < column.low:
            yield leaf, f"below {column.low:g}"
        elif column.high is not None and value > column.high:
            yield leaf, f"above {column.high:g}"


def _matches(leaf: str, name: str) -> bool:
    return leaf.count(".") == name.count(".") and fnmatchcase(leaf, name)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        for name, child in value.items():
            yield from _leaves(child, (*path, str(name)))
    else:
        yield ".".join(path) or "the file", value
