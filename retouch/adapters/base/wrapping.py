"""How a tool's JSON gets into a file: alone, several, as text in JSON, as a dumped data frame."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

from retouch.adapters.base.native import Node, parse_native
from retouch.schema_errors import near, shown

Meaning = TypeVar("Meaning")

_WRAPPERS = (
    "report",
    "reports",
    "result",
    "results",
    "run_results",
    "validation_result",
    "validation_results",
    "suite_result",
    "snapshot",
    "output",
    "outputs",
    "data",
    "records",
    "Records",
    "payload",
    "body",
    "response",
    "webhooks",
    "api_v2_alerts",
)
"""Keys under which people put a tool's output when they store it."""
_MAX_WRAPPERS = 4


def documents(root: Node, ours: Callable[[Node], bool], tool: str) -> list[Node]:
    """Return the tool's outputs in a file: the one there is, or each of several.

    `ours` tells one of them by its shape. It may stand in a list, as text inside of JSON (a dump
    of a dump), or under a usual key; at the top also under names of the caller's own. Raises
    InputError where there is none.
    """
    found = list(_search(root, ours, tool, _MAX_WRAPPERS)) or _named(root, ours)
    if not found:
        root.fault(f"is not what {tool} writes; is this {_of(tool)} output?")
    return found


def rows(node: Node, names: Collection[str]) -> list[Node]:
    """Return the rows of a dumped data frame, each an object: column -> value.

    Reads all that pandas writes but bare values: `records`, `split` and `tight`, `table`, `columns`
    (also with lists), `index`; and one row by itself. `names` are columns the frame may have; they
    tell `columns` from `index`. Raises InputError for anything else.
    """
    if isinstance(node.value, str):
        node = parse_native(node.value, node.source, node.place)
    found = _rows(node, names)
    if found is None:
        node.fault("is no table of records; dump it with `orient='records'`")
    return found


def _rows(node: Node, names: Collection[str]) -> list[Node] | None:
    match node.value:
        case list():
            return list(node.items())
        case {"columns": list(), "data": list()}:
            return list(_split(node))
        case {"schema": dict(), "data": list()}:
            return list(node.need("data").items())
        case dict() as fields if any(name in fields for name in names):
            several = all(isinstance(value, dict | list) for value in fields.values())
            return list(_columns(node)) if several else [node]
        case dict() as fields if fields and all(isinstance(row, dict) for row in fields.values()):
            return [row for _, row in node.fields()]
    return None


def translated(node: Node, words: Mapping[str, Meaning]) -> Meaning:
    """Return the translation of a tool's status word, ignoring case.

    Raises InputError for an unknown word.
    """
    # An enumeration dumped with `default=str` has its class in front, and may be in capitals.
    word = node.text().rpartition(".")[2]
    known = {name.lower(): meant for name, meant in words.items()}
    if word.lower() not in known:
        node.fault(f"{shown(word)} is not a known status{near(word, words)}")
    return known[word.lower()]


def boolean(node: Node) -> bool:
    """Return the truth value, also of numpy's 0 and 1, and of `True` as `default=str` dumps it.

    Raises InputError for anything else.
    """
    if isinstance(node.value, int | float) and node.value in (0, 1):
        return bool(node.value)
    if isinstance(node.value, str) and node.value.lower() in ("true", "false"):
        return node.value.lower() == "true"
    return node.flag()


def _search(node: Node, ours: Callable[[Node], bool], tool: str, wrappers: int) -> Iterator[Node]:
    match node.value:
        case str() as text if text.lstrip()[:1] in ("{", "["):
            inner = parse_native(text, node.source, node.place)
            if wrappers and not isinstance(inner.value, str):
                yield from _search(inner, ours, tool, wrappers - 1)
        case dict() | list() if ours(node):
            yield node
        case list() if wrappers:
            for item in node.items():
                inside = list(_search(item, ours, tool, wrappers - 1))
                if not inside:
                    item.fault(f"is not what {tool} writes; is this {_of(tool)} output?")
                yield from inside
        case dict() if wrappers:
            for key in (*_WRAPPERS, tool.lower()):
                if (inner_node := node.get(key)) is not None:
                    yield from _search(inner_node, ours, tool, wrappers - 1)


def _named(root: Node, ours: Callable[[Node], bool]) -> list[Node]:
    """Return the outputs under names of the caller's own: `{"by_batch": {...}, "each": {...}}`."""
    named = list(root.fields()) if isinstance(root.value, dict) else []
    # `_meta` and the like are the caller's notes.
    return [node for name, node in named if name[:1] != "_" and node.value and ours(node)]


def _of(tool: str) -> str:
    return f"{tool}'" if tool.endswith("s") else f"{tool}'s"


def _split(node: Node) -> Iterator[Node]:
    names = [_column_name(name) for name in node.need("columns").items()]
    for number, row in enumerate(node.need("data").items()):
        values = [value.value for value in row.items()]
        if len(values) != len(names):
            row.fault(f"has {len(values)} values for {len(names)} columns")
        yield _row(node, number, dict(zip(names, values, strict=True)))


def _columns(node: Node) -> Iterator[Node]:
    columns: dict[str, Mapping[str, object]] = {
        name: column.value
        if isinstance(column.value, dict)
        else {str(number): item.value for number, item in enumerate(column.items())}
        for name, column in node.fields()
    }
    labels = dict.fromkeys(label for column in columns.values() for label in column)
    for label in labels:
        yield _row(node, label, {name: column.get(label) for name, column in columns.items()})


def _column_name(node: Node) -> str:
    """Return the name of a column; of one with several levels, as pandas writes it as a key."""
    if isinstance(node.value, list):
        return repr(tuple(level.text() for level in node.items()))
    return node.text()


def _row(node: Node, label: object, fields: dict[str, object]) -> Node:
    # In these dumps a row has no place of its own: this one is for people who look for it.
    return Node(fields, node.source, (*node.place, f"row {label}"))  # type: ignore[arg-type]
