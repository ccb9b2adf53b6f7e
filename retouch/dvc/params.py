"""Params files: read as DVC reads them, edited with comments, order and quotes kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retouch.dvc.repository import read_by_dvc
from retouch.errors import InputError
from retouch.pipeline.keys import plain
from retouch.policy.edits import ParamEdit, edited_text
from retouch.system import files


def load_params(path: Path, shown: str) -> dict[str, Any]:
    """Return a params file's content. Raises InputError when it is missing or cannot be parsed."""
    from dvc.fs import localfs
    from dvc.utils.serialize import load_path

    if not path.is_file():
        raise InputError(
            f"{shown}: there is no such params file, but dvc.yaml names it.",
            hint=f"Restore it: `git checkout -- {shown}`.",
        )
    with read_by_dvc(f"{shown}: cannot be parsed", path.parent):
        content = load_path(str(path), localfs)
    if not isinstance(content, dict):
        raise InputError(f"{shown}: must hold keys and values, not a {type(content).__name__}.")
    try:
        plain(content)
    except RecursionError:
        raise InputError(
            f"{shown}: is nested too deeply, or an anchor holds itself.", hint="Write it out."
        ) from None
    return content


def apply_edits(root: Path, edits: Sequence[ParamEdit]) -> dict[str, str]:
    """Return the new text of each edited file: path from `root` -> text. Writes nothing.

    Raises InputError for a file that is no YAML or JSON, a key that is not there, or a value that
    is no longer what the edit was planned from.
    """
    changed: dict[str, str] = {}
    for file in dict.fromkeys(edit.file for edit in edits):
        mine = [edit for edit in edits if edit.file == file]
        changed[file] = edited_text(files.read_text(root / file), mine, file)
    return changed


def read_json_key(path: Path, dotted: str) -> str | None:
    """Return the text at a dotted key of a JSON file, None when there is no such file or key.

    Raises InputError for a file that is no JSON.
    """
    if not path.is_file():
        return None
    try:
        value: Any = json.loads(files.read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON: {str(error) or 'nested too deeply'}.") from None
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
