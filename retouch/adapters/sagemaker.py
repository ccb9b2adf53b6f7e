"""SageMaker Model Monitor: `constraint_violations.json` of all four monitors.

The numbers stand only in prose; where the prose is not the one known here, they are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import MAX_PROSE, Node, text_at
from retouch.adapters.base.result import MonitorResult, finding
from retouch.adapters.base.wrapping import documents
from retouch.alerts.model import Kind
from retouch.schema_errors import near, shown

_KINDS: dict[str, Kind] = {
    "baseline_drift_check": "data_drift",
    "categorical_values_check": "data_quality",
    "completeness_check": "data_quality",
    "data_type_check": "schema_change",
    "extra_column_check": "schema_change",
    "missing_column_check": "schema_change",
    "bias_drift_check": "performance",
    "feature_attribution_drift_check": "attribution_drift",
    "GreaterThanThreshold": "performance",
    "LessThanThreshold": "performance",
}
_DATA_QUALITY: tuple[Kind, ...] = ("data_drift", "data_quality", "schema_change")
"""The checks of the data quality monitor: an empty file means that all of them passed."""
_NO_FEATURE = ("Missing columns", "Extra columns")
"""Replaces the name of a feature where the number of columns is wrong."""
_N = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_PROSE: dict[str, tuple[re.Pattern[str], str, str]] = {
    "baseline_drift_check": (
        re.compile(rf"distance:? {_N} exceeds (?:\w+ )?threshold:? {_N}"),
        "upper",
        "gt",
    ),
    "feature_attribution_drift_check": (
        # Named after exceeding, but the measure (nDCG) is in breach below the limit.
        re.compile(rf"drift {_N} exceeds threshold {_N}"),
        "lower",
        "lt",
    ),
    "GreaterThanThreshold": (re.compile(rf"with {_N}.* was .*'{_N}'"), "upper", "gt"),
    "LessThanThreshold": (re.compile(rf"with {_N}.* was .*'{_N}'"), "lower", "lt"),
    "missing_column_check": (
        re.compile(rf"current dataset: {_N}, .*baseline constraints: {_N}"),
        "lower",
        "lt",
    ),
    "extra_column_check": (
        re.compile(rf"current dataset: {_N}, .*baseline constraints: {_N}"),
        "upper",
        "gt",
    ),
    "bias_drift_check": (re.compile(rf"Value {_N}()"), "", "declared"),
}
_TYPES_MATCH = re.compile(rf"Expected match: {_N}%.*Only {_N}% of")


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of violation; being listed is the verdict.

    Raises InputError for a type of check that neither is known nor has a kind in the context.
    """
    if isinstance(root.value, list) and any(_is_violation(item) for item in root.items()):
        return list(_results(root, context))
    found: list[MonitorResult] = []
    for document in documents(root, lambda node: node.get("violations") is not None, "SageMaker"):
        found += _results(document.need("violations"), context)
    return found


def _is_violation(node: Node) -> bool:
    return node.get("constraint_check_type") is not None


def _results(violations: Node, context: Context) -> Iterator[MonitorResult]:
    judged = [_judged(violation, context) for violation in violations.items()]
    kinds = set()
    for group in group_by_kind(judged, context):
        kinds.add(group.kind)
        yield MonitorResult(
            tool="sagemaker-model-monitor",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
        )
    quiet = [context.kind] if context.kind else _DATA_QUALITY
    if kinds <= set(quiet):
        for kind in quiet:
            if kind not in kinds:
                yield MonitorResult(tool="sagemaker-model-monitor", kind=kind)


def _judged(violation: Node, context: Context) -> NamedFinding:
    node = violation.need("constraint_check_type")
    check, kind = node.text(), None
    if check in _KINDS:
        kind = _KINDS[check]
    elif check not in context.kinds and context.kind is None:
        message = f"{shown(check)} is no check that is known here{near(check, _KINDS)}"
        node.fault(f"{message}; for a custom check, set `kinds:` in the context")
    metric = text_at(violation, "metric_name")
    feature = (text_at(violation, "feature_name") or "").strip()
    column = feature if feature not in _NO_FEATURE else None
    if check == "bias_drift_check":
        column = column or text_at(violation, "facet")
    item = finding(
        f"{check} {metric}" if metric else check,
        verdict="breach",
        column=column or None,
        scope=None if column else "dataset" if kind in _DATA_QUALITY else "model",
        native_id=text_at(violation, "label") or text_at(violation, "facet_value"),
        **_numbers(check, (text_at(violation, "description") or "")[:MAX_PROSE]),
    )
    return NamedFinding(item, (check, *filter(None, [metric])), kind, node)


def _numbers(check: str, prose: str) -> dict[str, Any]:
    if check == "data_type_check" and (found := _TYPES_MATCH.search(prose)):
        return {"value": float(found[2]), "lower": float(found[1]), "breach_when": "lt"}
    if check not in _PROSE or not (found := _PROSE[check][0].search(prose)):
        return {}
    _, side, breach_when = _PROSE[check]
    value = {"value": float(found[1])}
    return value | {side: float(found[2]), "breach_when": breach_when} if side else value
