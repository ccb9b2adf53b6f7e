"""Params files: read as DVC reads them, edited with comments, order and quotes kept."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retouch.errors import BadInput
from retouch.policy.edits import ParamEdit
from retouch.tools import files


def load_params(path: Path, shown: str) -> dict[str, Any]:
    """Return a params file's content. Raises BadInput when it is missing or cannot be parsed."""
    from dvc.fs import localfs
    from dvc.utils.serialize import ParseError, load_path

    if not path.is_file():
        raise BadInput(
            f"{shown}: there is no such params file, but dvc.yaml names it.",
            mend=f"Restore it: `git checkout -- {shown}`.",
        )
    try:
        content = load_path(str(path), localfs)
    except ParseError as error:
        detail = str(error.__cause__ or error).replace("\n", " ")
        raise BadInput(f"{shown}: cannot be parsed: {detail}") from None
    if not isinstance(content, dict):
        raise BadInput(f"{shown}: must hold keys and values, not a {type(content).__name__}.")
    return content


def apply_edits(root: Path, edits: Sequence[ParamEdit]) -> dict[str, str]:
    """Return the new text of each edited file: path from `root` -> text. Writes nothing.

    Raises BadInput for a file that is no YAML or JSON, a key that is not there, or a value that is
    no longer what the edit was planned from.
    """
    changed: dict[str, str] = {}
    for file in dict.fromkeys(edit.file for edit in edits):
        mine = [edit for edit in edits if edit.file == file]
        text = files.read_text(root / file)
        if file.endswith((".yaml", ".yml")):
            changed[file] = _edit_yaml(text, mine)
        elif file.endswith(".json"):
            changed[file] = _edit_json(text, mine)
        else:
            raise BadInput(f"{file}: only YAML and JSON params files can be edited.")
    return changed


def _edit_yaml(text: str, edits: Sequence[ParamEdit]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.util import load_yaml_guess_indent

    _, indent, block_seq_indent = load_yaml_guess_indent(text)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # never fold a line that we did not touch
    if indent is not None:
        yaml.indent(mapping=_mapping_indent(text), sequence=indent, offset=block_seq_indent or 0)
    content = yaml.load(text)
    for edit in edits:
        _set(content, edit)
    stream = io.StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def _mapping_indent(text: str) -> int:
    """Return the smallest indentation of a key in the text, 2 when no key is indented."""
    depths = (len(line) - len(line.lstrip()) for line in text.splitlines() if ":" in line)
    return min((depth for depth in depths if depth), default=2)


def _edit_json(text: str, edits: Sequence[ParamEdit]) -> str:
    content = json.loads(text)
    for edit in edits:
        _set(content, edit)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _set(content: Any, edit: ParamEdit) -> None:
    *parents, last = edit.key.split(".")
    holder = content
    for part in parents:
        holder = holder[part] if isinstance(holder, dict) and part in holder else None
    if not isinstance(holder, dict) or last not in holder:
        raise BadInput(f"{edit.file}: {edit.key}: no such key.")
    if holder[last] != edit.before:
        raise BadInput(
            f"{edit.file}: {edit.key}: is {holder[last]!r}, but the plan was made from "
            f"{edit.before!r}.",
            mend="Plan again: `retouch plan ALERT`.",
        )
    holder[last] = edit.after


def read_json_key(path: Path, dotted: str) -> str | None:
    """Return the text at a dotted key of a JSON file, None when there is no such file or key."""
    if not path.is_file():
        return None
    value: Any = json.loads(files.read_text(path))
    for part in dotted.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
