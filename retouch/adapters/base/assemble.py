"""Put a judgement and its context together into an alert; what neither says is an error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from retouch.adapters.base.context import Context, Table
from retouch.adapters.base.judgement import BREACHES, Judgement, clipped
from retouch.alerts.model import MAX_BYTES, SCHEMA_VERSION, Alert, Status
from retouch.alerts.new import alert_json, ulid
from retouch.alerts.parse import parse_alert
from retouch.errors import InputError
from retouch.schema_errors import shown

MAX_FINDINGS = 200
MAX_JUDGEMENTS = 1_000
"""Of one output. Who has more to say than that has no alerts, but a log."""
_NEEDED = {
    "model": "which model it is about",
    "monitor": "who judged",
    "dataset": "which data set was judged",
    "digest": "which bytes were judged (dvc.lock has the digest)",
    "window": "which days were judged",
}
_WORST_FIRST = ("breach", "warn", "error", "skipped", "ok")


def assemble(
    judgements: Sequence[Judgement],
    context: Context,
    *,
    native: bytes,
    source: str,
    now: datetime,
    quiet_too: bool = False,
) -> tuple[Alert, ...]:
    """Return an alert for each judgement that found something wrong.

    `native` is the output itself: an alert's id is made of it, so the same output with the same
    emission time gives the same alert. `quiet_too`: also alerts that say `resolved`, for judgements
    that found nothing; they let an open incident end.

    Raises InputError when neither output nor context says which data was judged.
    """
    if len(judgements) > MAX_JUDGEMENTS:
        raise InputError(
            f"{source}: makes {len(judgements):,} judgements; at most {MAX_JUDGEMENTS:,} are read.",
            hint="Import a part of it at a time.",
        )
    made, origin = [], _origin(native, context)
    for number, judgement in enumerate(judgements):
        status = judgement.status or _status(judgement)
        if status == "resolved" and judgement.status is None and not quiet_too:
            continue
        fields = _fields(judgement, context, now) | {"status": status}
        _require_provenance(fields, context, judgement, source)
        entropy = hashlib.sha256(b"%d\n%s" % (number, origin)).digest()[:10]
        made.append(_alert(fields, context, entropy, source))
    return tuple(made)


def _status(judgement: Judgement) -> Status:
    """Return the status of a judgement that names none.

    What could not be judged is not all well: it neither ends an open trouble nor passes unseen.
    """
    if judgement.breaches:
        return "firing"
    verdicts = {finding["verdict"] for finding in judgement.findings}
    well = "ok" in verdicts and "error" not in verdicts
    return "resolved" if well or not verdicts else "no_data"


def _fields(judgement: Judgement, context: Context, now: datetime) -> dict[str, Any]:
    table = context.table(judgement.table)
    findings = _renamed(judgement.findings, context)
    kept, left_out = _most_telling(findings)
    monitor = context.monitor.model_dump(exclude_none=True) if context.monitor else {}
    emitted = context.emitted_at or judgement.emitted_at or now
    fields = {
        "kind": context.kinds.get(judgement.native_kind or "") or context.kind or judgement.kind,
        "severity": judgement.severity or context.severity or "warning",
        "model": context.model or judgement.model,
        "model_version": context.model_version,
        "monitor": {
            "tool": judgement.tool,
            "tool_version": clipped(judgement.tool_version, 64),
            "run_id": clipped(judgement.run_id, 200),
        }
        | monitor,
        "slice": {
            "current": _current(judgement, table, context),
            "reference": _reference(judgement, context),
            "columns": _columns(kept, context) or None,
            "where": [*_plain(context.where), *judgement.where] or None,
        },
        "started_at": _not_after(context.started_at or judgement.started_at, emitted),
        "emitted_at": emitted,
        "expires_at": context.expires_at,
        "confidence": context.confidence or judgement.confidence,
        "findings": kept,
        "findings_truncated": judgement.truncated + left_out,
        "hypothesis": context.hypothesis,
        "evidence": _plain(context.evidence),
        "labels": {**judgement.labels, **context.labels},
        "message": clipped(context.message or judgement.message, 4000),
        "audience": context.audience,
    }
    written: dict[str, Any] = _written(fields)
    return written


def _current(judgement: Judgement, table: Table | None, context: Context) -> dict[str, Any]:
    """Return what was judged; of the window and the rows, the output knows best."""
    known = table.model_dump(exclude_none=True) if table else {}
    if table is None and judgement.table is not None and not context.tables:
        said = {name: getattr(context, name) for name in ("path", "digest", "rev", "rows")}
        known = {"dataset": judgement.table} | {k: v for k, v in said.items() if v is not None}
    window = judgement.window or (table.window if table else None) or context.window
    return known | {
        "window": window,
        "rows": judgement.rows if judgement.rows is not None else known.get("rows"),
        "digest": judgement.digest or known.get("digest"),
    }


def _reference(judgement: Judgement, context: Context) -> Any:
    return context.reference or judgement.reference


def _renamed(findings: Iterable[Mapping[str, Any]], context: Context) -> list[Mapping[str, Any]]:
    return [
        {**item, "column": context.rename.get(item["column"], item["column"])}
        if "column" in item
        else item
        for item in findings
    ]


def _most_telling(findings: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int]:
    """Return the findings an alert has room for, breaches first, and how many are left out."""
    ranked = sorted(findings, key=lambda item: _WORST_FIRST.index(item["verdict"]))
    kept = ranked[:MAX_FINDINGS]
    return kept, sum(item["verdict"] in BREACHES for item in ranked[MAX_FINDINGS:])


def _columns(findings: Iterable[Mapping[str, Any]], context: Context) -> list[str]:
    """Return the columns in breach; those of the context only where no finding names any."""
    named = [f["column"] for f in findings if "column" in f and f["verdict"] in BREACHES]
    return list(dict.fromkeys(named)) or list(context.columns)


def _require_provenance(
    fields: Mapping[str, Any], context: Context, judgement: Judgement, source: str
) -> None:
    """Raise InputError for all that neither the output nor the context says."""
    current = fields["slice"]["current"]
    said = {"model": fields.get("model"), "monitor": fields["monitor"].get("id"), **current}
    missing = [name for name in _NEEDED if not said.get(name)]
    if not missing:
        return
    words = ", ".join(f"{name} ({_NEEDED[name]})" for name in missing)
    where = f" about {shown(judgement.table)}" if judgement.table and context.tables else ""
    raise InputError(
        f"{source}: the output of {judgement.tool}{where} does not say {words}.",
        hint="Say it in the context file: `--context FILE`; docs/monitors.md shows one.",
    )


def _alert(fields: Mapping[str, Any], context: Context, entropy: bytes, source: str) -> Alert:
    # Its own milliseconds make the id sort by time; the rest of it comes from what was judged.
    document = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": ulid(datetime.fromisoformat(fields["emitted_at"]), entropy),
        **fields,
    }
    hint = "What the monitor wrote does not fit into an alert; `rename` in the context may help."
    raw = json.dumps(document).encode()
    alert = parse_alert(raw, source, hint=hint) if len(raw) <= MAX_BYTES else None
    while alert is None or len(alert_json(alert).encode()) > MAX_BYTES:
        document = _shortened(document, source)
        raw = json.dumps(document).encode()
        alert = parse_alert(raw, source, hint=hint) if len(raw) <= MAX_BYTES else None
    return alert


def _shortened(document: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the alert without its last, least telling quarter of findings."""
    findings = document.get("findings", [])
    if not findings:
        raise InputError(
            f"{source}: makes an alert of more than {MAX_BYTES:,} bytes.",
            hint="Shorten labels and message in the context file.",
        )
    kept = findings[: len(findings) * 3 // 4]
    lost = sum(item["verdict"] in BREACHES for item in findings[len(kept) :])
    left_out = document.get("findings_truncated", 0) + lost
    return {**document, "findings": kept, "findings_truncated": left_out}


def _origin(native: bytes, context: Context) -> bytes:
    """Return the digest of what alerts are made of; their ids come from it."""
    told = context.model_dump_json().encode()
    return hashlib.sha256(b"%s\n%s" % (told, native)).digest()


def _not_after(started: datetime | None, emitted: datetime) -> datetime | None:
    return None if started is None else min(started, emitted)


def _plain(values: Iterable[Any]) -> list[Any]:
    return [value.model_dump(mode="json", exclude_none=True) for value in values]


def _written(value: Any) -> Any:
    """Return a value as JSON has it, without what is not given."""
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
