"""Soda 3: what `Scan.get_scan_results()` returns, and `soda scan --scan-results` writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from retouch.adapters.base.context import Context, require_tables
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import MAX_PROSE, Node, text_at
from retouch.adapters.base.result import FindingFields, MonitorResult, finding
from retouch.adapters.base.times import time_at
from retouch.adapters.base.wrapping import boolean, documents, translated
from retouch.alerts.model import Kind

_TOOL = "Soda"
_VERDICTS = {"pass": "ok", "warn": "warn", "fail": "breach"}
_ZONES = {
    "greaterThan": ("upper", "gt"),
    "greaterThanOrEqual": ("upper", "ge"),
    "lessThan": ("lower", "lt"),
    "lessThanOrEqual": ("lower", "le"),
}
_KINDS: dict[str, Kind] = {
    "distribution_difference": "data_drift",
    "freshness": "freshness",
    "row_count": "volume",
    "schema": "schema_change",
}
_METRIC = re.compile(
    r"(?:checks for [^\n]*\n\s*(?:- )?)?(?:anomaly (?:score|detection) for |change [^\n]*?for )?"
    r"([a-z_]+(?: rows)?)"
)
_NAMED_IN_SCHEMA = {
    "missing_column_names": "missing_column",
    "present_column_names": "forbidden_column",
    "column_additions": "added_column",
    "column_deletions": "deleted_column",
    "column_type_mismatches": "column_type",
    "column_type_changes": "column_type_change",
    "column_index_mismatches": "column_position",
    "column_index_changes": "column_position_change",
}


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each table and kind of check in one scan or several.

    The limits Soda writes are those of the region that fails. A check without outcome was not
    evaluated. Raises InputError for an outcome that is not known.
    """
    found: list[MonitorResult] = []
    for scan in documents(root, is_scan, _TOOL):
        found += _scan(scan, context)
    return found


def is_scan(node: Node) -> bool:
    """Tell whether this is a scan's result."""
    return isinstance(node.value, dict) and isinstance(node.value.get("checks"), list)


def _scan(scan: Node, context: Context) -> Iterator[MonitorResult]:
    emitted = time_at(scan.get("scanEndTimestamp") or scan.get("dataTimestamp"), context)
    labels = {"scan": name[:200]} if (name := text_at(scan, "definitionName")) else {}
    tables: dict[str | None, list[NamedFinding]] = {}
    automated = scan.get("automatedMonitoringChecks")
    for check in (*scan.need("checks").items(), *(automated.items() if automated else ())):
        tables.setdefault(text_at(check, "table"), []).extend(_judged(check))
    require_tables(scan, context, tables)
    errors = scan.get("hasErrors")
    # One query that fails takes all checks along: no failures, but no all-clear either.
    if not tables and errors is not None and boolean(errors):
        failed = NamedFinding(finding("scan", verdict="error"), (), "data_quality", errors)
        # Which tables it would have judged, only the context may tell.
        expected: list[str | None] = [] if context.dataset else [*context.tables]
        tables = {table: [failed] for table in expected or [None]}
    for table, judged in tables.items():
        yield from _of_table(table, judged, context, emitted, labels)


def _of_table(
    table: str | None,
    judged: Sequence[NamedFinding],
    context: Context,
    emitted: datetime | None,
    labels: dict[str, str],
) -> Iterator[MonitorResult]:
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="soda-core",
            kind=group.kind,
            native_kind=group.native_kind,
            table=table,
            findings=group.findings,
            emitted_at=emitted,
            labels=labels,
        )


def _judged(check: Node) -> Iterator[NamedFinding]:
    outcome = check.get("outcome")
    verdict = "error" if outcome is None else translated(outcome, _VERDICTS)
    name = text_at(check, "name") or text_at(check, "definition") or "check"
    metric = _metric(check, name)
    kind = _KINDS.get(metric, "data_quality")
    for item in _findings(check, verdict, metric):
        yield NamedFinding(item, (name, metric), kind, check)


def _metric(check: Node, name: str) -> str:
    """Return the metric of a check; its name may be one that somebody gave it."""
    diagnostics = check.get("diagnostics")
    if diagnostics and diagnostics.get("column_type_mismatches") is not None:
        return "schema"
    definition = _METRIC.match((text_at(check, "definition") or name)[:MAX_PROSE])
    return definition[1] if definition else name


def _findings(check: Node, verdict: str, metric: str) -> Iterator[FindingFields]:
    native_id = text_at(check, "identity")
    diagnostics = check.get("diagnostics")
    if metric == "schema" and diagnostics and verdict in ("warn", "breach"):
        named = list(_in_schema(diagnostics))
        for column, what in named:
            yield finding(what, verdict=verdict, column=column, native_id=native_id)
        if named:
            return
    yield finding(
        metric,
        verdict=verdict,
        column=text_at(check, "column") or None,
        native_id=native_id,
        **(_numbers(diagnostics, verdict) if diagnostics else {}),
    )


def _in_schema(diagnostics: Node) -> Iterator[tuple[str, str]]:
    """Yield the columns that a check of the schema names, and what is wrong with them."""
    for key, what in _NAMED_IN_SCHEMA.items():
        node = diagnostics.get(key)
        if node is None:
            continue
        if isinstance(node.value, dict):
            yield from ((column, what) for column in node.value)
        else:
            yield from ((column.text(), what) for column in node.items())


def _numbers(diagnostics: Node, verdict: str) -> dict[str, Any]:
    value = diagnostics.get("value")
    numbers: dict[str, Any] = {"value": _number(value)}
    zone = diagnostics.get("warn" if verdict == "warn" else "fail") or diagnostics.get("warn")
    limits = {
        key: limit
        for key in _ZONES
        if zone is not None and (limit := _number(zone.get(key))) is not None
    }
    if len(limits) == 1:
        ((key, limit),) = limits.items()
        side, breach_when = _ZONES[key]
        return numbers | {side: limit, "breach_when": breach_when}
    sides = {_ZONES[key][0]: limit for key, limit in limits.items()}
    # Above 60 or below 40 is outside of both; above 40 and below 60 has no word in an alert.
    if len(sides) == 2 and sides["lower"] <= sides["upper"]:
        return numbers | sides | {"breach_when": "outside"}
    return numbers


def _number(node: Node | None) -> float | None:
    """Return the number; a duration is given as text."""
    return None if node is None or not isinstance(node.value, int | float) else node.number()
