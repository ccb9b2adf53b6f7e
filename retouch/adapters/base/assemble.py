"""Combine a monitor's result and the context into an alert; what neither contains is an error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from retouch.adapters.base.context import Context, Table
from retouch.adapters.base.result import BREACHES, MonitorResult, clipped
from retouch.alerts.model import MAX_BYTES, SCHEMA_VERSION, Alert, Status
from retouch.alerts.new import alert_json, ulid
from retouch.alerts.parse import parse_alert
from retouch.errors import InputError
from retouch.schema_errors import shown

MAX_FINDINGS = 200
MAX_RESULTS = 1_000
"""Of one output; more than that is a log rather than alerts."""
_NEEDED = {
    "model": "the model concerned",
    "monitor": "the id of the monitor",
    "dataset": "the dataset that was judged",
    "digest": "the digest of the data, as in dvc.lock",
    "window": "the days that were judged",
}
_WORST_FIRST = ("breach", "warn", "error", "skipped", "ok")


def assemble(
    results: Sequence[MonitorResult],
    context: Context,
    *,
    native: bytes,
    source: str,
    now: datetime,
    include_resolved: bool = False,
) -> tuple[Alert, ...]:
    """Return an alert for each result that found something wrong.

    `native` is the output itself: the id of an alert is derived from it, so the same output with
    the same emission time gives the same alert. `include_resolved`: also return `resolved` alerts
    for results without a finding; they let an open incident close.

    Raises InputError when neither output nor context identifies the data that was judged.
    """
    if len(results) > MAX_RESULTS:
        raise InputError(
            f"{source}: has {len(results):,} results; at most {MAX_RESULTS:,} are read.",
            hint="Split it, and import the parts.",
        )
    made, origin = [], _origin(native, context)
    for number, result in enumerate(results):
        status = result.status or _status(result)
        if status == "resolved" and result.status is None and not include_resolved:
            continue
        fields = _fields(result, context, now) | {"status": status}
        _require_provenance(fields, context, result, source)
        entropy = hashlib.sha256(b"%d\n%s" % (number, origin)).digest()[:10]
        made.append(_alert(fields, context, entropy, source))
    return tuple(made)


def _status(result: MonitorResult) -> Status:
    """Return the status of a result that has none of its own.

    A failed check is `no_data`: it neither closes an open incident nor goes unnoticed.
    """
    if result.breaches:
        return "firing"
    verdicts = {finding["verdict"] for finding in result.findings}
    well = "ok" in verdicts and "error" not in verdicts
    return "resolved" if well or not verdicts else "no_data"


def _fields(result: MonitorResult, context: Context, now: datetime) -> dict[str, Any]:
    table = context.table(result.table)
    findings = _renamed(result.findings, context)
    kept, left_out = _worst_findings(findings)
    monitor = context.monitor.model_dump(exclude_none=True) if context.monitor else {}
    emitted = context.emitted_at or result.emitted_at or now
    fields = {
        "kind": context.kinds.get(result.native_kind or "") or context.kind or result.kind,
        "severity": result.severity or context.severity or "warning",
        "model": context.model or result.model,
        "model_version": context.model_version,
        "monitor": {
            "tool": result.tool,
            "tool_version": clipped(result.tool_version, 64),
            "run_id": clipped(result.run_id, 200),
        }
        | monitor,
        "slice": {
            "current": _current(result, table, context),
            "reference": _reference(result, context),
            "columns": _columns(kept, context) or None,
            "where": [*_plain(context.where), *result.where] or None,
        },
        "started_at": _not_after(context.started_at or result.started_at, emitted),
        "emitted_at": emitted,
        "expires_at": context.expires_at,
        "confidence": context.confidence or result.confidence,
        "findings": kept,
        "findings_truncated": result.truncated + left_out,
        "hypothesis": context.hypothesis,
        "evidence": _plain(context.evidence),
        "labels": {**result.labels, **context.labels},
        "message": clipped(context.message or result.message, 4000),
        "audience": context.audience,
    }
    written: dict[str, Any] = _written(fields)
    return written


def _current(result: MonitorResult, table: Table | None, context: Context) -> dict[str, Any]:
    """Return the data that was judged; for window and rows, the output takes precedence."""
    known = table.model_dump(exclude_none=True) if table else {}
    if table is None and result.table is not None and not context.tables:
        given = {name: getattr(context, name) for name in ("path", "digest", "rev", "rows")}
        known = {"dataset": result.table} | {k: v for k, v in given.items() if v is not None}
    window = result.window or (table.window if table else None) or context.window
    return known | {
        "window": window,
        "rows": result.rows if result.rows is not None else known.get("rows"),
        "digest": result.digest or known.get("digest"),
    }


def _reference(result: MonitorResult, context: Context) -> Any:
    return context.reference or result.reference


def _renamed(findings: Iterable[Mapping[str, Any]], context: Context) -> list[Mapping[str, Any]]:
    return [
        {**item, "column": context.rename.get(item["column"], item["column"])}
        if "column" in item
        else item
        for item in findings
    ]


def _worst_findings(findings: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
    """Return the findings that fit into an alert, breaches first, and how many are left out."""
    ranked = sorted(findings, key=lambda item: _WORST_FIRST.index(item["verdict"]))
    kept = ranked[:MAX_FINDINGS]
    return kept, sum(item["verdict"] in BREACHES for item in ranked[MAX_FINDINGS:])


def _columns(findings: Iterable[Mapping[str, Any]], context: Context) -> list[str]:
    """Return the columns in breach, or those of the context where no finding names a column."""
    named = [f["column"] for f in findings if "column" in f and f["verdict"] in BREACHES]
    return list(dict.fromkeys(named)) or list(context.columns)


def _require_provenance(
    fields: Mapping[str, Any], context: Context, result: MonitorResult, source: str
) -> None:
    """Raise InputError for required fields that neither the output nor the context contains."""
    current = fields["slice"]["current"]
    given = {"model": fields.get("model"), "monitor": fields["monitor"].get("id"), **current}
    missing = [name for name in _NEEDED if not given.get(name)]
    if not missing:
        return
    fields_missing = ", ".join(f"{name} ({_NEEDED[name]})" for name in missing)
    where = f" about {shown(result.table)}" if result.table and context.tables else ""
    raise InputError(
        f"{source}: the output of {result.tool}{where} lacks {fields_missing}.",
        hint="Give it in a context file: `--context FILE`; docs/monitors.md shows one.",
    )


def _alert(fields: Mapping[str, Any], context: Context, entropy: bytes, source: str) -> Alert:
    # The id sorts by its milliseconds; the rest of it is derived from the output.
    document = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": ulid(datetime.fromisoformat(fields["emitted_at"]), entropy),
        **fields,
    }
    hint = "The monitor's output does not fit into an alert; `rename` in the context may help."
    raw = json.dumps(document).encode()
    alert = parse_alert(raw, source, hint=hint) if len(raw) <= MAX_BYTES else None
    while alert is None or len(alert_json(alert).encode()) > MAX_BYTES:
        document = _shortened(document, source)
        raw = json.dumps(document).encode()
        alert = parse_alert(raw, source, hint=hint) if len(raw) <= MAX_BYTES else None
    return alert


def _shortened(document: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the alert without the last and least important quarter of its findings."""
    findings = document.get("findings", [])
    if not findings:
        raise InputError(
            f"{source}: the alert would exceed {MAX_BYTES:,} bytes.",
            hint="Shorten labels and message in the context file.",
        )
    kept = findings[: len(findings) * 3 // 4]
    lost = sum(item["verdict"] in BREACHES for item in findings[len(kept) :])
    left_out = document.get("findings_truncated", 0) + lost
    return {**document, "findings": kept, "findings_truncated": left_out}


def _origin(native: bytes, context: Context) -> bytes:
    """Return the digest of context and output, from which the ids of alerts are derived."""
    given = context.model_dump_json().encode()
    return hashlib.sha256(b"%s\n%s" % (given, native)).digest()


def _not_after(started: datetime | None, emitted: datetime) -> datetime | None:
    return None if started is None else min(started, emitted)


def _plain(values: Iterable[Any]) -> list[Any]:
    return [value.model_dump(mode="json", exclude_none=True) for value in values]


def _written(value: Any) -> Any:
    """Return a value as JSON, without the fields that are None."""
    match value:
        case Mapping():
            return {k: _written(v) for k, v in value.items() if v is not None}
        case list() | tuple():
            return [_written(item) for item in value]
        case datetime():
            return value.isoformat()
        case _ if hasattr(value, "model_dump"):
            return value.model_dump(mode="json", exclude_none=True)
    return value
