"""Soda 4: the results of verified contracts, dumped from their Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from retouch.adapters.base.context import Context, require_tables
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, number_at, text_at
from retouch.adapters.base.result import FindingFields, MonitorResult, finding
from retouch.adapters.base.times import time_at
from retouch.adapters.base.wrapping import documents, translated
from retouch.alerts.model import Kind

_TOOL = "Soda"
_VERDICTS = {
    "PASSED": "ok",
    "WARN": "warn",
    "FAILED": "breach",
    "NOT_EVALUATED": "error",
    "EXCLUDED": "skipped",
}
_STATUSES = dict.fromkeys(("PASSED", "FAILED", "WARNED"), False) | {"ERROR": True, "UNKNOWN": True}
"""Whether a verification that ends so did not judge all that it should."""
_KINDS: dict[str, Kind] = {
    "freshness": "freshness",
    "row_count": "volume",
    "schema": "schema_change",
}
_NAMED_IN_SCHEMA = {
    "expected_column_names_not_actual": "missing_column",
    "actual_column_names_not_expected": "added_column",
    "column_data_type_mismatches": "column_type",
}
_INVERTED = {
    "must_be_greater_than": ("lower", "le"),
    "must_be_greater_than_or_equal": ("lower", "lt"),
    "must_be_less_than": ("upper", "ge"),
    "must_be_less_than_or_equal": ("upper", "gt"),
}
"""Soda 4 writes what a good value must be; a breach is the opposite."""


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each contract and kind of check.

    Raises InputError for an outcome that is not known, and for a dump in which the checks are the
    names of Python objects.
    """
    results: list[Node] = []
    for document in documents(root, lambda n: is_session(n) or is_contract(n), _TOOL):
        contracts = document.get("contract_verification_results")
        results += contracts.items() if contracts else [document]
    require_tables(root, context, [_table(result, context) for result in results])
    return [result for contract in results for result in _contract(contract, context)]


def is_session(node: Node) -> bool:
    """Tell whether this holds the results of several contracts."""
    return isinstance(node.value, dict) and "contract_verification_results" in node.value


def is_contract(node: Node) -> bool:
    """Tell whether this is the result of one contract."""
    return isinstance(node.value, dict) and "check_results" in node.value


def _contract(result: Node, context: Context) -> Iterator[MonitorResult]:
    checks = result.need("check_results")
    judged = [item for check in checks.items() for item in _judged(check)]
    status = result.get("status")
    failed = status is not None and translated(status, _STATUSES)
    if failed and not any(item.finding["verdict"] == "error" for item in judged):
        judged.append(
            NamedFinding(finding("contract", verdict="error"), (), "data_quality", result)
        )
    ended = result.get("ended_timestamp") or result.get("data_timestamp")
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="soda-core",
            kind=group.kind,
            native_kind=group.native_kind,
            table=_table(result, context),
            rows=_rows(checks),
            findings=group.findings,
            emitted_at=time_at(ended, context),
            run_id=text_at(result, "scan_id"),
        )


def _table(result: Node, context: Context) -> str | None:
    """Return the data set's name, with its data source where the context has it so."""
    # The class has `contract` as a property of what it keeps as `check_collection`.
    contract = result.get("contract") or result.get("check_collection")
    if contract is None:
        return None
    qualified = text_at(contract, "soda_qualified_dataset_name")
    return qualified if qualified in context.tables else text_at(contract, "dataset_name")


def _judged(result: Node) -> Iterator[NamedFinding]:
    if isinstance(result.value, str):
        result.fault("is the name of a Python object; dump it with `default=vars`")
    check = result.need("check")
    verdict = translated(result.need("outcome"), _VERDICTS)
    kind_of_check, name = check.need("type").text(), text_at(check, "name")
    names = tuple(filter(None, [name, kind_of_check]))
    for item in _findings(result, check, verdict):
        yield NamedFinding(item, names, _KINDS.get(kind_of_check, "data_quality"), check)


def _findings(result: Node, check: Node, verdict: str) -> Iterator[FindingFields]:
    native_id = text_at(check, "identity")
    named = list(_in_schema(result)) if verdict in ("breach", "warn") else []
    for column, what in named:
        yield finding(what, verdict=verdict, column=column, native_id=native_id)
    if named:
        return
    warned = verdict == "warn" and check.get("warn_threshold")
    threshold = warned or check.get("threshold")
    value = number_at(result, "threshold_value")
    yield finding(
        _metric(result, check, value),
        verdict=verdict,
        column=text_at(check, "column_name") or None,
        native_id=native_id,
        value=value,
        **(_limits(threshold) if threshold else {}),
    )


def _in_schema(result: Node) -> Iterator[tuple[str, str]]:
    """Yield the columns that a check of the schema names, and what is wrong with them."""
    for key, what in _NAMED_IN_SCHEMA.items():
        node = result.get(key)
        for item in node.items() if node else ():
            yield (item.need("column") if isinstance(item.value, dict) else item).text(), what


def _metric(result: Node, check: Node, value: float | None) -> str:
    """Return the metric that was compared: the one diagnostic that has its value, else the type."""
    node = result.get("diagnostic_metric_values")
    metrics = [
        name
        for name, metric in (node.fields() if node else ())
        if not name.endswith("rows_tested") and metric.value is not None and metric.value == value
    ]
    return metrics[0] if len(metrics) == 1 else check.need("type").text()


def _limits(threshold: Node) -> dict[str, Any]:
    for key, breach_when in (("must_be", "ne"), ("must_not_be", "eq")):
        if (limit := number_at(threshold, key)) is not None:
            return {"lower": limit, "upper": limit, "breach_when": breach_when}
    limits = {key: limit for key in _INVERTED if (limit := number_at(threshold, key)) is not None}
    if len(limits) == 1:
        ((key, limit),) = limits.items()
        side, breach_when = _INVERTED[key]
        return {side: limit, "breach_when": breach_when}
    sides = {_INVERTED[key][0]: limit for key, limit in limits.items()}
    # Must be above 60 or below 40: a breach lies between, for which an alert has no word.
    if len(sides) == 2 and sides["lower"] <= sides["upper"]:
        return sides | {"breach_when": "outside"}
    return {}


def _rows(checks: Node) -> int | None:
    """Return the number of rows of the data set, where a check has counted them."""
    for check in checks.items():
        counted = check.get("diagnostic_metric_values", "dataset_rows_tested")
        if counted is not None and isinstance(counted.value, int) and counted.value >= 0:
            return counted.value
    return None
