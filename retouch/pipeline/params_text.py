"""Set values in the text of a YAML or JSON file, and not a character besides.

A parser says where each value stands; only there is the text cut. What a formatter would do to the
rest (comments, quotes, spaces, key order) never shows in the diff.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_NOT_PLAIN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # YAML 1.1 has more
_BLOCK_ITEM = re.compile(r" *-\s+")

Write = Callable[[Any], str]
"""Puts a value into words that can stand in one line."""


@dataclass(frozen=True)
class _Cut:
    """Characters to take out of the text, and what to put there instead."""

    start: int
    end: int
    instead: str


_NO_CUT = _Cut(0, 0, "")


def set_values(text: str, values: Mapping[str, tuple[Any, Any]]) -> str:
    """Return the text with new values: dotted key -> (what is there, what shall be).

    Raises KeyError for a key that does not stand in the text: it comes with a merge key, or the
    text is JSON that is no YAML. Whether the new text says what was asked for, and nothing else, is
    up to the caller to check.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        root = YAML(typ="safe").compose(text)
    except YAMLError as error:
        raise KeyError(str(error)) from None
    is_json = text.lstrip().startswith("{")
    cuts = [
        cut
        for key, (before, after) in values.items()
        for cut in _cuts(text, *_find(root, key), before, after, is_json)
    ]
    for cut in sorted(cuts, key=lambda cut: cut.start, reverse=True):
        text = text[: cut.start] + cut.instead + text[cut.end :]
    return text


def _find(root: Any, dotted: str) -> tuple[Any, Any]:
    """Return the nodes of a dotted key's last step and of its value.

    Of an alias that is the value it stands for, wherever that is: the caller's check will tell.
    """
    name, node = root, root
    for step in dotted.split("."):
        pairs = node.value if isinstance(node.value, list) else ()
        found = (pair for pair in pairs if isinstance(pair, tuple) and pair[0].value == step)
        name, node = next(found, (None, None))
        if name is None:
            raise KeyError(dotted)
    return name, node


def _cuts(
    text: str, name: Any, node: Any, before: Any, after: Any, is_json: bool
) -> Iterator[_Cut]:
    write = json_words if is_json else lambda value: _yaml_words(value, _quote_of(node))
    start, end = node.start_mark.index, _end(node)
    both_lists = isinstance(before, list) and isinstance(after, list) and before and after
    if both_lists and after[: len(before)] == before:
        yield _appended(text, node, after[len(before) :], write)
    elif both_lists and before[: len(after)] == after:
        yield _shortened(text, node, len(after))
    elif _is_block(node) or start == end:  # moves up to its key; an empty value stands there
        yield _Cut(_line_start(text, start), _next_line(text, end), "") if end > start else _NO_CUT
        colon = text.index(":", name.end_mark.index) + 1
        yield _Cut(colon, colon, f" {write(after)}")
    else:
        yield _Cut(start, end, write(after) + "\n" * text[start:end].endswith("\n"))


def _appended(text: str, node: Any, items: Sequence[Any], write: Write) -> _Cut:
    last = node.value[-1]
    start, end = last.start_mark.index, _end(last)
    margin = text[_line_start(text, start) : start]
    if not _is_block(node):
        joint = f",\n{margin}" if not margin.strip() else ", "
        return _Cut(end, end, "".join(joint + write(item) for item in items))
    if not _BLOCK_ITEM.fullmatch(margin):  # a list within a list, in one line
        raise KeyError(margin)
    lines = []
    for item in items:
        if _is_block(last) and isinstance(item, dict) and item:
            pairs = (f"{_yaml_words(key, None)}: {write(value)}" for key, value in item.items())
            lines.append(margin + f"\n{' ' * len(margin)}".join(pairs))
        else:
            lines.append(margin + write(item))
    place, added = _next_line(text, end), "\n".join(lines)
    return _Cut(place, place, f"{added}\n" if text[:place].endswith("\n") else f"\n{added}")


def _shortened(text: str, node: Any, count: int) -> _Cut:
    kept, last = node.value[count - 1], node.value[-1]
    if _is_block(node):
        return _Cut(_next_line(text, _end(kept)), _next_line(text, _end(last)), "")
    return _Cut(_end(kept), _end(last), "")


def _is_block(node: Any) -> bool:
    """Say whether it is a list or a mapping of several lines, without brackets."""
    return isinstance(node.value, list) and not node.flow_style


def _end(node: Any) -> int:
    """Return where a node ends; a block's own mark is behind all comments that follow it."""
    if _is_block(node) and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _next_line(text: str, index: int) -> int:
    if text[:index].endswith("\n"):  # of a literal block: it holds its own end of line
        return index
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _quote_of(node: Any) -> str | None:
    """Return the quotes of the first text in a node."""
    if not isinstance(node.value, list):
        return node.style if node.style in ("'", '"') else None
    inside = (n for item in node.value for n in (item[1:] if isinstance(item, tuple) else (item,)))
    return next(filter(None, map(_quote_of, inside)), None)


def json_words(value: Any) -> str:
    """Return the value as JSON, in one line."""
    return json.dumps(value, ensure_ascii=False)


def _yaml_words(value: Any, quote: str | None) -> str:
    if isinstance(value, dict):
        pairs = (f"{_yaml_words(k, None)}: {_yaml_words(v, quote)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_yaml_words(item, quote) for item in value)}]"
    if isinstance(value, float):
        words = json_words(value)
        return words if "." in words else words.replace("e", ".0e")  # or YAML 1.1 reads a text
    if not isinstance(value, str) or quote == '"' or not value.isprintable():
        return json_words(value)
    if quote is None and _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return "'" + value.replace("'", "''") + "'"
