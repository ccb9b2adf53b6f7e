"""The frames of NannyML's `to_df()`: their rows by the levels of their columns."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retouch.adapters.base.native import Node, parse_native
from retouch.adapters.base.wrapping import rows

METHODS = (
    "jensen_shannon",
    "kolmogorov_smirnov",
    "wasserstein",
    "hellinger",
    "l_infinity",
    "chi2",
)
_FIELDS = (
    "upper_confidence_boundary",
    "lower_confidence_boundary",
    "upper_threshold",
    "lower_threshold",
    "sampling_error",
    "realized",
    "alert",
    "value",
)
_OF_CHUNK = {
    "chunk_key": "key",
    "chunk_index": "chunk_index",
    "chunk_chunk_index": "chunk_index",
    "chunk_start_index": "start_index",
    "chunk_end_index": "end_index",
    "chunk_start_date": "start_date",
    "chunk_end_date": "end_date",
    "chunk_period": "period",
    "chunk_targets_missing_rate": "targets_missing_rate",
}
_MAX_NAME = 1000
Levels = tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One chunk."""

    cells: Mapping[Levels, Node]
    frame: str | None
    """The name the caller gave to the frame, if there are several in the file."""
    at: Node

    def of_chunk(self, field: str) -> Node | None:
        """Return a field of the chunk itself; univariate frames have one level more."""
        node = self.cells.get(("chunk", field)) or self.cells.get(("chunk", "chunk", field))
        return None if node is None or node.value is None else node


def chunks(root: Node) -> Iterator[Row]:
    """Yield the rows of all frames. Raises InputError for what is no frame of NannyML's."""
    frames = list(_frames(root))
    if not frames:
        root.fault("holds no frame; is this NannyML's output?")
    for name, frame in frames:
        if not _is_frame(frame):
            frame.fault("is no dump of `result.to_df()`; is this NannyML's output?")
        names = list(frame.value) if isinstance(frame.value, dict) else []
        for record in rows(frame, [item for item in names if _is_of_chunk(item)]):
            yield Row(_by_levels(record), name, record)


def _frames(root: Node) -> Iterator[tuple[str | None, Node]]:
    """Yield each frame: the only one, or each under a name of its own."""
    if isinstance(root.value, str):
        root = parse_native(root.value, root.source, root.place)
    if not isinstance(root.value, dict) or _is_frame(root):
        yield None, root
        return
    for name, node in root.fields():
        if not name.startswith("_") and isinstance(node.value, dict | list | str):
            if isinstance(node.value, str):
                node = parse_native(node.value, node.source, node.place)
            yield name, node.get("records") or node


def _is_frame(node: Node) -> bool:
    """Tell whether there is a `chunk` column in it, in whatever way it is written."""
    match node.value:
        case [*items] if items:
            return all(isinstance(item, dict) and any(map(_is_of_chunk, item)) for item in items)
        case {"columns": list() as columns, "data": list()}:
            return any("chunk" in str(name) for name in columns)
        case {"schema": dict(), "data": list()}:
            return _is_frame(node.need("data"))
        case dict() as fields:
            # Rows by their label (`orient="index"`) are told from frames by the label: a number.
            labelled = (row for label, row in fields.items() if label.isdigit())
            return any(map(_is_of_chunk, fields)) or any(
                isinstance(row, dict) and any(map(_is_of_chunk, row)) for row in labelled
            )
    return False


def _is_of_chunk(name: str) -> bool:
    return _levels(name)[0] == "chunk" or name in _OF_CHUNK


def _levels(name: str) -> Levels:
    """Return the levels of a column: of pandas' text of a tuple, or of levels joined with `|`."""
    if name.startswith(("(", "[")) and len(name) <= _MAX_NAME:
        try:
            parts = ast.literal_eval(name)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return (name,)
        if isinstance(parts, tuple | list) and parts:
            return tuple(str(part) for part in parts)
    return tuple(name.split("|"))


def _by_levels(record: Node) -> dict[Levels, Node]:
    cells = dict(_leaves(record, ()))
    if any(len(levels) > 1 for levels in cells):
        return cells
    # `multilevel=False` joins the levels with `_`. Only NannyML's own words tell them apart.
    alerts = [name.removesuffix("_alert") for (name,) in cells if name.endswith("_alert")]
    by_method = all(name.endswith(tuple(f"_{method}" for method in METHODS)) for name in alerts)
    return {_split(name, by_method=by_method): node for (name,), node in cells.items()}


def _leaves(node: Node, above: Levels) -> Iterator[tuple[Levels, Node]]:
    for name, value in node.fields():
        levels = (*above, *_levels(name))
        if isinstance(value.value, dict):
            yield from _leaves(value, levels)
        else:
            yield levels, value


def _split(name: str, *, by_method: bool) -> Levels:
    if name in _OF_CHUNK:
        return ("chunk", _OF_CHUNK[name])
    field = _ending(name, _FIELDS)
    if field is None:
        return (name,)
    stem = name.removesuffix(f"_{field}")
    method = _ending(stem, METHODS) if by_method else None
    return (stem, field) if method is None else (stem.removesuffix(f"_{method}"), method, field)


def _ending(name: str, words: tuple[Any, ...]) -> str | None:
    return next((word for word in words if name.endswith(f"_{word}")), None)
