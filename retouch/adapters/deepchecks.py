"""Deepchecks: `SuiteResult.to_json()` and `CheckResult.to_json()`; the verdict is a condition's.

A check without conditions judges nothing. The limit is in Deepchecks' prose only, and so is
which of the columns failed: those it names there are taken, else the finding is of all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, parse_native, text_at
from retouch.adapters.base.result import BREACHES, MonitorResult, finding
from retouch.adapters.base.wrapping import documents, translated
from retouch.alerts.model import Kind

_STATUSES = {"PASS": "ok", "FAIL": "breach", "WARN": "warn", "ERROR": "error"}
_CHECKS: Mapping[Kind, tuple[str, ...]] = {
    "data_drift": (
        "Feature Drift",
        "Train Test Feature Drift",
        "Multivariate Drift",
        "Whole Dataset Drift",
        "Image Property Drift",
        "Property Drift",
        "Text Embeddings Drift",
        "Embeddings Drift",
    ),
    "target_drift": ("Label Drift", "Train Test Label Drift"),
    "prediction_drift": ("Prediction Drift", "Train Test Prediction Drift"),
    "schema_change": ("Columns Info",),
    "volume": ("Datasets Size Comparison",),
    "label_quality": ("Conflicting Labels", "New Label Train Test", "New Label"),
    "data_quality": (
        "Class Imbalance",
        "Data Duplicates",
        "Feature-Feature Correlation",
        "Feature Feature Correlation",
        "Feature Label Correlation",
        "Feature Label Correlation Change",
        "Identifier Label Correlation",
        "Is Single Value",
        "Single Value in Column",
        "Mixed Data Types",
        "Mixed Nulls",
        "Outlier Sample Detection",
        "Percent Of Nulls",
        "Special Characters",
        "String Length Out Of Bounds",
        "String Mismatch",
        "String Mismatch Comparison",
        "Category Mismatch Train Test",
        "New Category Train Test",
        "Date Train Test Leakage Duplicates",
        "Date Train Test Leakage Overlap",
        "Date Train-Test Leakage (duplicates)",
        "Date Train-Test Leakage (overlap)",
        "Index Leakage",
        "Index Train-Test Leakage",
        "Train Test Samples Mix",
    ),
    "performance": (
        "Boosting Overfit",
        "Calibration Score",
        "Calibration Metric",
        "Confusion Matrix Report",
        "Model Inference Time",
        "Multi Model Performance Report",
        "Performance Bias",
        "Regression Error Distribution",
        "Regression Systematic Error",
        "ROC Report",
        "Segment Performance",
        "Simple Model Comparison",
        "Single Dataset Performance",
        "Train Test Performance",
        "Unused Features",
        "Weak Segments Performance",
    ),
}
_SCOPES: Mapping[Kind, str] = {
    "target_drift": "target",
    "prediction_drift": "prediction",
    "performance": "model",
}
_KIND_OF = {name.lower(): kind for kind, names in _CHECKS.items() for name in names}


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of check in each suite."""
    return [
        result
        for suite in documents(root, _is_output, "Deepchecks")
        for result in _of_suite(suite, context)
    ]


def _is_output(node: Node) -> bool:
    if isinstance(node.value, dict) and node.value.get("type") == "SuiteResult":
        return True
    return node.get("check") is not None or node.get("results", 0, "check") is not None


def _of_suite(suite: Node, context: Context) -> Iterator[MonitorResult]:
    results = [suite] if suite.get("check") is not None else suite.need("results").items()
    judged = [item for result in results for item in _of_check(result)]
    if not judged:
        suite.fault("has no condition on any check, so nothing is judged; add conditions to it")
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="deepchecks",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            labels={"suite": name[:200]} if (name := text_at(suite, "name")) else {},
        )


def _of_check(result: Node) -> Iterator[NamedFinding]:
    check = result.get("check", "name")
    name = check.text() if check is not None else result.need("header").text()
    conditions = result.get("conditions_results")
    if text_at(result, "type") == "CheckFailure" or result.get("exception") is not None:
        # The exception's text may hold values of the data: it stays out.
        yield _judged(name, None, "error", result, None)
    elif conditions is not None:
        for condition in conditions.items():
            verdict = translated(condition.need("Status"), _STATUSES)
            for column in _columns(result, condition, verdict) or [None]:
                yield _judged(name, column, verdict, result, text_at(condition, "Condition"))


def _judged(
    name: str, column: str | None, verdict: str, result: Node, condition: str | None
) -> NamedFinding:
    kind = _KIND_OF.get(name.lower())
    return NamedFinding(
        finding(
            name,
            column=column,
            scope=_SCOPES.get(kind) if kind and column is None else None,
            verdict=verdict,
            value=_score(result, column),
            native_id=condition,
        ),
        names=(name,),
        kind=kind,
        at=result,
    )


def _columns(result: Node, condition: Node, verdict: str) -> list[str | None]:
    """Return the columns of the result that the condition's prose names, when it fails."""
    values, prose = result.get("value"), text_at(condition, "More Info") or ""
    if values is not None and isinstance(values.value, str) and values.value.startswith("{"):
        values = parse_native(values.value, values.source, values.place)
    if verdict not in BREACHES or values is None or not isinstance(values.value, dict):
        return []
    quoted = set(re.findall(r"['\"]([^'\"]+)['\"]", prose))
    named = [name for name, _ in values.fields() if name in quoted]
    failed = re.search(r"(\d{1,9}) out of \d+ (?:relevant )?columns", prose)
    # Prose that leaves columns out would make the slice too narrow.
    return [] if failed and int(failed[1]) > len(named) else [*named]


def _score(result: Node, column: str | None) -> float | None:
    """Return the drift score: of the column, or of a check that has just one."""
    path = ("value",) if column is None else ("value", column)
    node = result.get(*path, "Drift score") or result.get(*path, "domain_classifier_drift_score")
    while node is not None and isinstance(node.value, dict):
        node = node.get("value")
    if node is None or isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return None
    return node.number()
