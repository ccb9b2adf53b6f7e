"""Evidently 0.7: `Report.run(...)` as `dict()`, `json()` or `dumps()`; hands on the older shape.

The verdict is `tests[].status`. A report without tests judges nothing, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from retouch.adapters import evidently_legacy
from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import MonitorResult, finding
from retouch.adapters.base.times import time_if_zoned
from retouch.adapters.base.wrapping import documents, translated
from retouch.adapters.evidently_names import (
    REGRESSION,
    STATUSES,
    bound_of_method,
    kind_of_metric,
)

_BREACH_OF_TEST = {
    "lt": ("upper", "ge"),
    "lte": ("upper", "gt"),
    "le": ("upper", "gt"),
    "gt": ("lower", "le"),
    "gte": ("lower", "lt"),
    "ge": ("lower", "lt"),
}
"""A test passes when its condition holds: `lt` breaches from its threshold upwards."""

_Part = tuple[tuple[str, str | int | float], ...]
"""Columns and their values; empty: all of the data."""
_KEYS_OF_A_REPORT = {"metric", "metric_name", "metric_id", "config", "metric_config", "parameters"}


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of metric in each report; of 0.7 and of before."""
    return [
        result
        for report in documents(root, _is_report, "Evidently")
        for result in _of_report(report, context)
    ]


def _is_report(node: Node) -> bool:
    if node.get("metric_results") is not None:
        return True
    # Empty lists of both are a report too: of 0.7, about nothing.
    lists = [node.get("metrics"), node.get("tests")]
    items = [item for found in lists if found for item in _items(found)]
    return all(lists) if not items else any(_KEYS_OF_A_REPORT & set(item) for item in items)


def _items(node: Node) -> list[dict[str, Any]]:
    values = node.value if isinstance(node.value, list) else []
    return [value for value in values if isinstance(value, dict)]


def _of_report(report: Node, context: Context) -> Iterator[MonitorResult]:
    if evidently_legacy.is_legacy(report):
        yield from evidently_legacy.results(report, context)
        return
    metrics = _metrics(report)
    tests = list(_tests(report))
    if not tests:
        report.fault(
            "holds no tests, so nothing is judged; make it with `Report(..., include_tests=True)`"
        )
    by_part: dict[_Part, list[NamedFinding]] = {}
    for test in tests:
        part, judged = _judged(test, metrics, context)
        by_part.setdefault(part, []).append(judged)
    for part, of_part in by_part.items():
        for group in group_by_kind(of_part, context):
            yield MonitorResult(
                tool="evidently",
                kind=group.kind,
                native_kind=group.native_kind,
                findings=group.findings,
                where=tuple({"column": column, "value": value} for column, value in part),
                emitted_at=time_if_zoned(report.get("timestamp"), context),
            )


@dataclass(frozen=True)
class _Metric:
    """A metric's configuration and result, from either of the two ways to dump a report."""

    config: Node | None
    result: Node | None
    written: str
    """`ValueDrift(column=hour,...)`: the configuration of releases that wrote no `config`."""
    inner: tuple[str, ...] = ()
    """The path of the metric's own configuration within that of `GroupBy`."""

    def field(self, key: str, test: Node) -> Node | None:
        """Return a setting of the test's own copy, or of the metric, which has the defaults."""
        own = test.get("metric_config", "params", *self.inner, key)
        return own or (self.config.get(*self.inner, key) if self.config else None)


def _metrics(report: Node) -> dict[str, _Metric]:
    found: dict[str, _Metric] = {}
    if (results := report.get("metric_results")) is not None:
        for name, result in results.fields():
            config = result.get("metric_value_location", "metric", "params")
            found[name] = _Metric(config, result, "")
    elif (metrics := report.get("metrics")) is not None:
        for metric in metrics.items():
            if metric.value:
                written = text_at(metric, "metric_name") or text_at(metric, "metric_id") or ""
                name = text_at(metric, "id") or written
                found[name] = _Metric(metric.get("config"), metric.get("value"), written)
    return found


def _tests(report: Node) -> Iterator[Node]:
    if (results := report.get("metric_results")) is not None:
        for _, result in results.fields():
            if (tests := result.get("tests")) is not None:
                yield from tests.items()
    elif (tests := report.get("tests")) is not None:
        # The first releases of 0.7 wrote an empty object where they had no tests.
        yield from () if tests.value == {} else tests.items()


def _judged(
    test: Node, metrics: Mapping[str, _Metric], context: Context
) -> tuple[_Part, NamedFinding]:
    """Return the part of the data a test is about, and its finding."""
    metric_id = text_at(test, "metric_config", "metric_id")
    metric = metrics.get(metric_id or "", _Metric(None, None, metric_id or ""))
    group = _group(metric, test)
    if group:
        metric = replace(metric, inner=("metric",))
    type_, output = _type(metric, test), _output(metric, test)
    # One of several outputs of a model is a column only where the context says which.
    column = output if output in context.rename else _column(metric, test)
    method = metric.field("method", test) if type_ == "ValueDrift" else None
    kind = kind_of_metric(type_)
    half, path = _half(test)
    value = _number(metric.result, path)
    labels = "".join(f"[{label}]" for _, label in group)
    judged = NamedFinding(
        finding(
            method.text() if method else f"{type_}{f'({output})' if output else ''}{labels}{half}",
            column=column,
            scope="model" if kind == "performance" and column is None else None,
            verdict=translated(test.need("status"), STATUSES),
            native_id=metric_id,
            value=value,
            p_value=_p_value(value, method),
            **_bound(test, metric, method),
        ),
        names=tuple(filter(None, (column, type_))),
        kind=kind,
        at=test,
    )
    # Evidently writes the errors of a regression over all groups under each label.
    return (() if type_ in REGRESSION else group), judged


def _group(metric: _Metric, test: Node) -> _Part:
    """Return the column and the label by which `GroupBy` takes a part of the data."""
    column, label = metric.field("column_name", test), metric.field("label", test)
    if _type(metric, test) != "GroupByMetric" or column is None or label is None:
        return ()
    if not isinstance(label.value, str | int | float):
        label.fault("must be the value of a column")
    return ((column.text(), label.value),)


def _output(metric: _Metric, test: Node) -> str | None:
    """Return the name of the model's output that is judged, if it has one of its own."""
    named = metric.field("regression_name", test) or metric.field("classification_name", test)
    return None if named is None or named.value == "default" else named.text()


def _p_value(value: float | None, method: Node | None) -> float | None:
    if method is None or value is None or not bound_of_method(method.text())[2]:
        return None
    return value if 0 <= value <= 1 else None


def _type(metric: _Metric, test: Node) -> str:
    """Return the metric's class: `evidently:metric_v2:ValueDrift` -> `ValueDrift`."""
    declared = metric.field("type", test)
    if declared is not None:
        return re.split(r"[:.]", declared.text())[-1]
    found = re.match(r"\w+", metric.written)
    return found.group() if found else test.need("metric_config", "params", "type").text()


def _column(metric: _Metric, test: Node) -> str | None:
    declared = metric.field("column", test)
    if declared is not None or metric.config is not None:
        return declared.text() if declared else None
    found = re.search(r"\bcolumn=([^,)]+)", metric.written)
    return found.group(1) if found else None


def _half(test: Node) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return the half of a metric that is tested: its name, and where the value may stand."""
    bound = test.get("bound_test")
    if bound is None:
        return "", ((),)
    if (slot := text_at(bound, "slot")) is not None:
        # The labels of this one are values of the data: they stay out of the alert.
        return f".{slot}", ((f"{slot}s", _label(bound)),)
    if bound.get("label") is not None:
        label = _label(bound)
        return f"[{label}]", ((label,), ("values", label))
    if (is_count := bound.get("is_count")) is not None:
        return ("", (("count",),)) if is_count.flag() else (".share", (("share",),))
    if (is_mean := bound.get("is_mean")) is not None:
        return ("", (("mean",),)) if is_mean.flag() else (".std", (("std",),))
    return "", ((),)


def _label(bound: Node) -> str:
    value = bound.need("label").value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(result: Node | None, paths: tuple[tuple[str, ...], ...]) -> float | None:
    for path in paths:
        node = result.get(*path) if result else None
        while node is not None and isinstance(node.value, dict):
            node = node.get("value")
        if node is not None and isinstance(node.value, int | float):
            return node.number()
    return None


def _bound(test: Node, metric: _Metric, method: Node | None) -> dict[str, Any]:
    """Return the limit and its rule; nothing where only Evidently's prose has the number."""
    name = text_at(test, "id")
    threshold = test.get("test_config", "threshold")
    expected = test.get("test_config", "expected")
    if name == "drift" and method is not None:
        side, rule, _ = bound_of_method(method.text())
        limit = metric.field("threshold", test)
        return {side: limit.number(), "breach_when": rule} if limit and side else {}
    if name in _BREACH_OF_TEST and _is_number(threshold):
        side, rule = _BREACH_OF_TEST[name]
        return {side: threshold.number() if threshold else None, "breach_when": rule}
    if name in ("eq", "not_eq") and _is_number(expected) and expected is not None:
        number = expected.number()
        rule = "ne" if name == "eq" else "eq"
        return {"lower": number, "upper": number, "breach_when": rule}
    return {}


def _is_number(node: Node | None) -> bool:
    # `{"relative": 0.1, "absolute": null}` is a share of what the reference has.
    return node is not None and isinstance(node.value, int | float)
