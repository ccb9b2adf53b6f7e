"""Write an alert: from a few fields to the whole document, and to the shortest file of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from retouch.alerts.model import MAX_BYTES, SCHEMA_VERSION, Alert
from retouch.alerts.parse import parse_alert

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATA_FIELDS = ("dataset", "path", "digest", "rev", "window", "rows")
_SLICE_FIELDS = ("reference", "columns", "where")


def new_alert(
    fields_given: Mapping[str, Any],
    *,
    now: datetime,
    randomness: bytes,
    source: str = "new alert",
    hint: str = "See `retouch alert new --help`.",
) -> Alert:
    """Make an alert from a few fields, in the short form of `in_full`.

    `randomness` is ten bytes, for the id. Raises InputError, naming `source` and with `hint`,
    when the fields do not make an alert.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "alert_id": ulid(now, randomness),
        "emitted_at": now.isoformat(),
        **in_full(fields_given),
    }
    return parse_alert(json.dumps(document).encode(), source, hint=hint)


def in_full(fields_given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an alert for its short form, in which they need no nesting.

        {monitor: daily, dataset: flights, where: {region: west}, window: [2013-06-16, 2013-07-01]}

    `dataset`, `path`, `digest`, `rev`, `window`, `rows`, `reference`, `columns` and `where` make
    the slice, unless `slice` is given; days of a window begin at midnight UTC. `monitor` may be
    its id alone and `confidence` a declared score. A finding needs no scope: it is of its column,
    or of the dataset. Every other field is taken as it stands.
    """
    fields = dict(fields_given)
    if "slice" not in fields:
        current = {key: fields.pop(key) for key in _DATA_FIELDS if key in fields}
        fields["slice"] = {"current": current} | {
            key: fields.pop(key) for key in _SLICE_FIELDS if key in fields
        }
        if isinstance(window := current.get("window"), list | tuple) and len(window) == 2:
            current["window"] = {"start": _midnight(window[0]), "end": _midnight(window[1])}
        if isinstance(where := fields["slice"].get("where"), Mapping):
            fields["slice"]["where"] = [_predicate(*item) for item in where.items()]
    if isinstance(fields.get("monitor"), str):
        fields["monitor"] = {"id": fields["monitor"]}
    if isinstance(fields.get("confidence"), int | float):
        fields["confidence"] = {"score": fields["confidence"], "basis": "declared"}
    if isinstance(findings := fields.get("findings"), list | tuple):
        fields["findings"] = [_with_scope(finding) for finding in findings]
    return fields


def alert_json(alert: Alert) -> str:
    """Return the shortest document that `parse_alert` reads as this alert: no defaults in it."""
    fields = alert.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
    if len(text.encode()) > MAX_BYTES:
        text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False) + "\n"
    return text


def ulid(moment: datetime, randomness: bytes) -> str:
    """Return a ULID: 48 bits of milliseconds, then 80 random ones, in Crockford's base 32.

    Raises ValueError unless `randomness` is ten bytes.
    """
    if len(randomness) != 10:
        raise ValueError(f"a ULID takes 10 random bytes, not {len(randomness)}")
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    number = milliseconds << 80 | int.from_bytes(randomness)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def _midnight(day: object) -> object:
    return f"{day}T00:00:00Z" if isinstance(day, str) and len(day) == len("2013-06-16") else day


def _predicate(column: str, value: object) -> dict[str, object]:
    op = "in" if isinstance(value, list | tuple) else "eq"
    return {"column": column, "op": op, "value": value}


def _with_scope(finding: object) -> object:
    if isinstance(finding, Mapping) and "scope" not in finding:
        return {"scope": "column" if "column" in finding else "dataset", **finding}
    return finding
