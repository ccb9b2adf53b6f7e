"""NannyML: `result.to_df()` as JSON, of any calculator or estimator; one chunk, one judgement.

The verdict is the `alert` column. Chunk dates have no offset, and their end belongs to the chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.grouping import Judged, by_kind
from retouch.adapters.base.judgement import Judgement, finding
from retouch.adapters.base.native import Node
from retouch.adapters.base.times import half_open, moment
from retouch.adapters.base.wrapping import truth
from retouch.adapters.nannyml_frames import Levels, Row, chunks
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


def read(root: Node, context: Context) -> Sequence[Judgement]:
    """Return a judgement for each analysed chunk and kind in each frame."""
    return [
        judgement
        for row in chunks(root)
        # Chunks of the reference set the thresholds; nothing is judged in them.
        if _text(row, "period") != "reference"
        for judgement in _of_chunk(row, context)
    ]


def _of_chunk(row: Row, context: Context) -> Iterator[Judgement]:
    judged = list(_judged(row))
    if not judged:
        row.at.fault("has no `alert` column; is this NannyML's output?")
    window, key = _window(row, context), _text(row, "key")
    for group in by_kind(judged, context):
        yield Judgement(
            tool="nannyml",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            window=window,
            started_at=window.start if window else None,
            rows=_rows(row),
            labels={} if key is None else {"chunk": key[:200]},
        )


def _judged(row: Row) -> Iterator[Judged]:
    judged = [levels[:-1] for levels in row.cells if levels[-1] == "alert" and len(levels) > 1]
    # A frame of columns may hold one that is called like a metric: all of them must be metrics.
    of_model = all(_is_performance(levels[0]) for levels in judged)
    for levels in judged:
        kind = _kind(levels, row, of_model=of_model)
        is_column = kind == "data_quality" or len(levels) > 1
        yield Judged(
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
    return "skipped" if alert.value is None else "breach" if truth(alert) else "ok"


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
    return moment(node, context)


def _text(row: Row, field: str) -> str | None:
    node = row.of_chunk(field)
    return None if node is None else node.text()


def _rows(row: Row) -> int | None:
    first, last = row.of_chunk("start_index"), row.of_chunk("end_index")
    start, end = first.number() if first else None, last.number() if last else None
    return None if start is None or end is None or end < start else int(end - start) + 1
