"""Params files: read as DVC reads them, edited with comments, order and quotes kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from retouch.errors import InputError
from retouch.pipeline.params_text import set_values
from retouch.policy.edits import ParamEdit
from retouch.system import files


def load_params(path: Path, shown: str) -> dict[str, Any]:
    """Return a params file's content. Raises InputError when it is missing or cannot be parsed."""
    from dvc.fs import localfs
    from dvc.utils.serialize import ParseError, load_path

    if not path.is_file():
        raise InputError(
            f"{shown}: there is no such params file, but dvc.yaml names it.",
            hint=f"Restore it: `git checkout -- {shown}`.",
        )
    try:
        content = load_path(str(path), localfs)
    except ParseError as error:
        detail = str(error.__cause__ or error).replace("\n", " ")
        raise InputError(f"{shown}: cannot be parsed: {detail}") from None
    if not isinstance(content, dict):
        raise InputError(f"{shown}: must hold keys and values, not a {type(content).__name__}.")
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


def edited_text(text: str, edits: Sequence[ParamEdit], file: str) -> str:
    """Return the text of one params file with its edits made, and nothing else changed.

    Raises InputError as `apply_edits` does, and where an edit would change more than its key.
    """
    parse = _parser(file)
    content = parse(text)
    wanted = content
    for edit in edits:
        wanted = _set(wanted, edit.key.split("."), edit)
    try:
        new = set_values(text, {edit.key: (edit.before, edit.after) for edit in edits})
        if parse(new) == wanted:
            return new
    except (KeyError, ValueError):
        pass
    if file.endswith(".json"):
        return _as_json(wanted, like=text)
    raise InputError(
        f"{file}: {edits[0].key}: cannot be edited alone: an anchor, an alias or a merge key is in "
        "the way.",
        hint="Write the value out.",
    )


def _parser(file: str) -> Callable[[str], Any]:
    if file.endswith((".yaml", ".yml")):
        from ruamel.yaml import YAML

        return YAML(typ="safe").load
    if file.endswith(".json"):
        return json.loads
    raise InputError(f"{file}: only YAML and JSON params files can be edited.")


def _as_json(content: Any, like: str) -> str:
    """Write the whole of it, indented as it was; JSON that is YAML too never comes here."""
    indent = re.search(r"\n([ \t]+)", like)
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=False)
    return text + "\n" * like.endswith("\n")


def _set(holder: Any, steps: Sequence[str], edit: ParamEdit) -> Any:
    """Return a copy with the value at these steps exchanged; what it shares elsewhere stays."""
    if not isinstance(holder, dict) or steps[0] not in holder:
        raise InputError(f"{edit.file}: {edit.key}: no such key.")
    first, *rest = steps
    if rest:
        return {**holder, first: _set(holder[first], rest, edit)}
    if holder[first] != edit.before:
        raise InputError(
            f"{edit.file}: {edit.key}: is {holder[first]!r}, but the plan was made from "
            f"{edit.before!r}.",
            hint="Plan again: `retouch plan ALERT`.",
        )
    return {**holder, first: edit.after}


def read_json_key(path: Path, dotted: str) -> str | None:
    """Return the text at a dotted key of a JSON file, None when there is no such file or key."""
    if not path.is_file():
        return None
    value: Any = json.loads(files.read_text(path))
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
