"""NannyML: `result.to_df()` as JSON, of any calculator or estimator; one chunk, one result.

The verdict is the `alert` column. Chunk dates have no offset, and their end belongs to the chunk.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, parse_native
from retouch.adapters.base.result import MonitorResult, finding
from retouch.adapters.base.times import half_open, time_at
from retouch.adapters.base.wrapping import boolean, rows
from retouch.alerts.model import Kind, Window

_KIND_OF: Mapping[str, Kind] = {
    "reconstruction_error": "data_drift",
    "domain_classifier_auroc": "data_drift",
    "rows_count": "volume",
}
_PERFORMANCE = {
    "roc_auc",
    "average_precision",
    "f1",
    "precision",
    "recall",
    "specificity",
    "accuracy",
    "business_value",
    "true_positive",
    "true_negative",
    "false_positive",
    "false_negative",
    "mae",
    "mape",
    "mse",
    "msle",
    "rmse",
    "rmsle",
}
_P_VALUE_METHOD = "chi2"
"""Its alert comes from a p-value that is not reported."""


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each analysed chunk and kind in each frame."""
    return [
        result
        for row in chunks(root)
        # Chunks of the reference set the thresholds; nothing is judged in them.
        if _text(row, "period") != "reference"
        for result in _of_chunk(row, context)
    ]


def _of_chunk(row: Row, context: Context) -> Iterator[MonitorResult]:
    judged = list(_judged(row))
    if not judged:
        row.at.fault("has no `alert` column; is this NannyML's output?")
    window, key = _window(row, context), _text(row, "key")
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="nannyml",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            window=window,
            started_at=window.start if window else None,
            rows=_rows(row),
            labels={} if key is None else {"chunk": key[:200]},
        )


def _judged(row: Row) -> Iterator[NamedFinding]:
    judged = [levels[:-1] for levels in row.cells if levels[-1] == "alert" and len(levels) > 1]
    # A frame of columns may hold one that is called like a metric: all of them must be metrics.
    of_model = all(_is_performance(levels[0]) for levels in judged)
    for levels in judged:
        kind = _kind(levels, row, of_model=of_model)
        is_column = kind == "data_quality" or len(levels) > 1
        yield NamedFinding(
            finding(
                (row.frame or "value") if kind == "data_quality" else levels[-1],
                column=levels[0] if is_column else None,
                scope="model" if kind in ("performance", "estimated_performance") else None,
                # NannyML writes no alert where it had nothing to compute a value from.
                verdict=_verdict(row.cells[*levels, "alert"]),
                **_numbers(row, levels),
            ),
            names=tuple(filter(None, (levels[0], row.frame, *levels[1:]))),
            kind=kind,
            at=row.at,
        )


def _kind(levels: Levels, row: Row, *, of_model: bool) -> Kind:
    if len(levels) > 1:
        return "data_drift"
    if levels[0] in _KIND_OF:
        return _KIND_OF[levels[0]]
    if not of_model:
        return "data_quality"
    # An estimate has an interval; what was measured with targets has none.
    has_interval = (*levels, "upper_confidence_boundary") in row.cells
    return "estimated_performance" if has_interval else "performance"


def _is_performance(name: str) -> bool:
    # `true_delayed_pred_on_time`: one cell of the confusion matrix of several classes.
    return name in _PERFORMANCE or (name.startswith("true_") and "_pred_" in name)


def _verdict(alert: Node) -> str:
    return "skipped" if alert.value is None else "breach" if boolean(alert) else "ok"


def _numbers(row: Row, levels: Levels) -> dict[str, Any]:
    def number(field: str) -> float | None:
        node = row.cells.get((*levels, field))
        return None if node is None else node.number()

    lower, upper = number("lower_threshold"), number("upper_threshold")
    has_limit = levels[-1] != _P_VALUE_METHOD and (lower is not None or upper is not None)
    return {
        "value": number("value"),
        "lower": lower,
        "upper": upper,
        "breach_when": "outside" if has_limit else "declared",
        "ci_low": number("lower_confidence_boundary"),
        "ci_high": number("upper_confidence_boundary"),
    }


def _window(row: Row, context: Context) -> Window | None:
    start, end = _date(row, "start_date", context), _date(row, "end_date", context)
    if end is not None:
        # The end belongs to the chunk: it is its last row, or the last millisecond of a period.
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    return half_open(start, end)


def _date(row: Row, field: str, context: Context) -> datetime | None:
    node = row.of_chunk(field)
    if node is not None and isinstance(node.value, int | float):
        # pandas writes the milliseconds of a time without an offset as if it were of UTC.
        try:
            read = datetime.fromtimestamp(node.value / 1000, UTC)
        except (OverflowError, OSError, ValueError):
            node.fault("is no time")
        node = Node(read.replace(tzinfo=None).isoformat(), node.source, node.place)
    return time_at(node, context)


def _text(row: Row, field: str) -> str | None:
    node = row.of_chunk(field)
    return None if node is None else node.text()


def _rows(row: Row) -> int | None:
    first, last = row.of_chunk("start_index"), row.of_chunk("end_index")
    start, end = first.number() if first else None, last.number() if last else None
    return None if start is None or end is None or end < start else int(end - start) + 1


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
    """Yield the rows of all frames. Raises InputError for any other output."""
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
            # Rows by their label (`orient="index"`) differ from frames by the label: a number.
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
