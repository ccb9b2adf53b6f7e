"""alibi-detect: what `detector.predict()` returns; the verdict is `is_drift`.

Features are reported by position: their names come from `columns` in the context.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import FindingFields, MonitorResult, finding
from retouch.adapters.base.wrapping import boolean, documents
from retouch.alerts.model import Kind

_KIND_OF: Mapping[str, Kind] = {
    "ClassifierUncertaintyDrift": "prediction_drift",
    "RegressorUncertaintyDrift": "prediction_drift",
}


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the result of each prediction."""
    return [_result(found, context) for found in documents(root, _is_output, "alibi-detect")]


def _is_output(node: Node) -> bool:
    data = node.get("data")
    return data is not None and isinstance(data.value, dict) and "is_drift" in data.value


def _result(found: Node, context: Context) -> MonitorResult:
    data, verdict = found.need("data"), found.need("data", "is_drift")
    name = text_at(found, "meta", "name") or "drift"
    if isinstance(verdict.value, list):
        findings = _by_feature(name, data, verdict, context)
    else:
        findings = (finding(name, verdict=_verdict(verdict), **_numbers(data, None)),)
    return MonitorResult(
        tool="alibi-detect",
        tool_version=text_at(found, "meta", "version"),
        kind=_KIND_OF.get(name, "data_drift"),
        native_kind=name,
        findings=findings,
    )


def _by_feature(
    name: str, data: Node, verdict: Node, context: Context
) -> tuple[FindingFields, ...]:
    verdicts = list(verdict.items())
    if len(verdicts) != len(context.columns):
        verdict.fault(
            f"judges {len(verdicts)} features by position, and `columns` in the context names "
            f"{len(context.columns)}; list the names of all features there, in order"
        )
    return tuple(
        finding(name, column=column, verdict=_verdict(item), **_numbers(data, number))
        for number, (column, item) in enumerate(zip(context.columns, verdicts, strict=True))
    )


def _verdict(node: Node) -> str:
    return "breach" if boolean(node) else "ok"


def _numbers(data: Node, feature: int | None) -> dict[str, Any]:
    """Return the p-value against its threshold, else the statistic against that."""
    p_value = _number(data.get("p_val"), feature)
    if p_value is not None:
        return {
            "value": p_value,
            "p_value": p_value if 0 <= p_value <= 1 else None,
            "lower": _number(data.get("threshold"), feature),
            "breach_when": "lt",
        }
    # Detectors online have a statistic, which rises with drift, and no p-value.
    for value, threshold in (("test_stat", "threshold"), ("distance", "distance_threshold")):
        if (number := _number(data.get(value), feature)) is not None:
            limit = _number(data.get(threshold), feature)
            rule = {} if limit is None else {"upper": limit, "breach_when": "gt"}
            return {"value": number, **rule}
    return {}


def _number(node: Node | None, feature: int | None) -> float | None:
    """Return the number of a feature, or the only one there is."""
    if node is None:
        return None
    if isinstance(node.value, list):
        position = (
            feature if feature is not None else 0 if len(node.value) == 1 else len(node.value)
        )
        node = node.get(position)
    return None if node is None or isinstance(node.value, list | dict) else node.number()
