"""Evidently 0.4 to 0.6, in `evidently.legacy` since: `Report` and `TestSuite`, `as_dict` or `json`.

The verdict is `drift_detected` and `dataset_drift` in a report, `status` in a test suite.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, number_at, text_at
from retouch.adapters.base.result import BREACHES, FindingFields, MonitorResult, finding
from retouch.adapters.base.times import time_if_zoned
from retouch.adapters.base.wrapping import boolean, documents, translated
from retouch.adapters.evidently_names import STATUSES, bound_of_method
from retouch.alerts.model import Kind

_KIND_OF_GROUP: Mapping[str, Kind] = {
    "data_drift": "data_drift",
    "data_quality": "data_quality",
    "data_integrity": "data_quality",
    "classification": "performance",
    "regression": "performance",
    "recsys": "performance",
}
_KIND_OF_TEST: Mapping[str, Kind] = {
    "Number of Rows": "volume",
    "Number of Columns": "schema_change",
    "Column Types": "schema_change",
}
"""Tests of data_integrity that are about something else in our words, as in 0.7."""
_RULES = {
    "gt": ("lower", "le"),
    "gte": ("lower", "lt"),
    "lt": ("upper", "ge"),
    "lte": ("upper", "gt"),
}
"""A test passes when its condition holds."""


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of metric or test in each report."""
    reports = documents(root, is_legacy, "Evidently (before 0.7)")
    return [result for report in reports for result in results(report, context)]


def is_legacy(report: Node) -> bool:
    """Tell whether a report has the older shape."""
    return any("metric" in item for item in _items(report, "metrics")) or any(
        "status" in item and "metric_config" not in item for item in _items(report, "tests")
    )


def _items(report: Node, key: str) -> list[dict[str, Any]]:
    node = report.get(key)
    values = node.value if node is not None and isinstance(node.value, list) else []
    return [value for value in values if isinstance(value, dict)]


def results(report: Node, context: Context) -> Iterator[MonitorResult]:
    """Yield a result for each kind of metric or test in a report of the older shape."""
    judged = [*_of_metrics(report), *_of_tests(report)]
    if not judged:
        report.fault("judges nothing: none of its metrics says whether there is drift")
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="evidently",
            tool_version=text_at(report, "version"),
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            emitted_at=time_if_zoned(report.get("timestamp"), context),
        )


def _of_metrics(report: Node) -> Iterator[NamedFinding]:
    """Yield the verdicts on drift of each metric; other metrics have numbers only."""
    seen: set[tuple[Any, ...]] = set()
    if report.get("metrics") is None:
        return
    for metric in report.need("metrics").items():
        name = metric.need("metric").text()
        result = metric.get("result")
        if result is None:
            continue
        for item, at in _of_result(name, result):
            # `DataDriftTable` repeats what `DatasetDriftMetric` contains.
            key = (item["metric"], item.get("column"), item.get("native_metric"))
            if key not in seen:
                seen.add(key)
                names = tuple(filter(None, (item.get("column"), name)))
                yield NamedFinding(item, names=names, kind="data_drift", at=at)


def _of_result(name: str, result: Node) -> Iterator[tuple[FindingFields, Node]]:
    if (verdict := result.get("dataset_drift")) is not None:
        share = number_at(result, "share_of_drifted_columns")
        yield (
            finding(
                "share_of_drifted_columns",
                verdict="breach" if boolean(verdict) else "ok",
                value=share,
                **_at_least(number_at(result, "drift_share")),
            ),
            result,
        )
    if (columns := result.get("drift_by_columns")) is not None:
        for column, item in columns.fields():
            yield _of_column(column, item), item
    elif result.get("drift_detected") is not None:
        column_name = text_at(result, "column_name") or text_at(result, "embeddings_name")
        yield _of_column(column_name, result, name), result


def _at_least(share: float | None) -> dict[str, Any]:
    return {} if share is None else {"upper": share, "breach_when": "ge"}


def _of_column(column: str | None, item: Node, default: str = "drift_score") -> FindingFields:
    method = text_at(item, "stattest_name") or text_at(item, "method_name") or default
    detected = boolean(item.need("drift_detected"))
    return finding(
        method,
        column=column,
        verdict="breach" if detected else "ok",
        **_score(method, number_at(item, "drift_score"), number_at(item, "stattest_threshold")),
    )


def _score(method: str, score: float | None, threshold: float | None) -> dict[str, Any]:
    side, rule, is_p_value = bound_of_method(method)
    numbers: dict[str, Any] = {"value": score}
    if side is not None and threshold is not None:
        numbers |= {side: threshold, "breach_when": rule}
    if is_p_value and score is not None and 0 <= score <= 1:
        numbers["p_value"] = score
    return numbers


def _of_tests(report: Node) -> Iterator[NamedFinding]:
    tests = report.get("tests")
    for test in tests.items() if tests is not None else ():
        name = test.need("name").text()
        group = text_at(test, "group")
        parameters = test.get("parameters") or Node({}, test.source, test.place)
        features = _of_features(parameters, test)
        for item in features or [_of_test(name, parameters, test)]:
            yield NamedFinding(
                item,
                names=tuple(filter(None, (item.get("column"), name, group))),
                kind=_KIND_OF_TEST.get(name) or _KIND_OF_GROUP.get(group or ""),
                at=test,
            )


def _of_test(name: str, parameters: Node, test: Node) -> FindingFields:
    column = text_at(parameters, "column_name") or text_at(parameters, "column")
    verdict = translated(test.need("status"), STATUSES)
    if (method := text_at(parameters, "stattest")) is not None:
        score, threshold = number_at(parameters, "score"), number_at(parameters, "threshold")
        return finding(method, column=column, verdict=verdict, **_score(method, score, threshold))
    value = parameters.get("value")
    is_number = value is not None and isinstance(value.value, int | float)
    kind = _KIND_OF_GROUP.get(text_at(test, "group") or "")
    return finding(
        name,
        column=column,
        scope="model" if kind == "performance" and column is None else None,
        verdict=verdict,
        value=value.number() if value is not None and is_number else None,
        **_condition(parameters.get("condition")),
    )


def _of_features(parameters: Node, test: Node) -> list[FindingFields]:
    """Return the findings of a failed test over several columns, each with its own verdict."""
    features = parameters.get("features")
    verdict = translated(test.need("status"), STATUSES)
    if features is None or verdict not in BREACHES:
        return []
    found = []
    for column, item in features.fields():
        if not isinstance(item.value, dict) or item.get("detected") is None:
            return []
        method = text_at(item, "stattest") or "drift_score"
        numbers = _score(method, number_at(item, "score"), number_at(item, "threshold"))
        outcome = verdict if boolean(item.need("detected")) else "ok"
        found.append(finding(method, column=column, verdict=outcome, **numbers))
    return [_of_test(text_at(test, "name") or "", parameters, test), *found]


def _condition(condition: Node | None) -> dict[str, Any]:
    """Return the limit and its rule, where one condition with a plain number gives them."""
    given = [] if condition is None else [item for item in condition.fields() if item[1].value]
    if len(given) != 1 or not isinstance(given[0][1].value, int | float):
        return {}
    word, limit = given[0][0], given[0][1].number()
    if word == "eq":
        return {"lower": limit, "upper": limit, "breach_when": "ne"}
    if word == "not_eq":
        return {"lower": limit, "upper": limit, "breach_when": "eq"}
    side, rule = _RULES.get(word, (None, None))
    return {} if side is None else {side: limit, "breach_when": rule}
