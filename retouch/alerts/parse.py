"""Read an alert that may come from anybody: strictly, or not at all."""

from __future__ import annotations

from retouch.alerts.model import MAX_BYTES, SCHEMA_VERSION, Alert
from retouch.alerts.strict_json import read_json
from retouch.schema_errors import bad_input, shown, validated


def parse_alert(raw: bytes, source: str, *, hint: str | None = None) -> Alert:
    """Read the bytes of an alert; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <JSON path>: <what is wrong>`.
    """
    hint = hint or f"Correct it, then run `retouch alert check {source}`."
    data = read_json(raw, source, max_bytes=MAX_BYTES, hint=hint)
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a JSON object", hint=hint)
    # First of all: of a version we do not know, no other field can be judged.
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        message = f"{shown(version)} is not supported; this version reads {SCHEMA_VERSION!r}"
        raise bad_input(source, ("schema_version",), message, hint=hint)
    return validated(Alert, data, source, hint=hint, text=raw)


def expected_file_name(alert: Alert) -> str:
    """Return the name the alert's file must have in `alerts/`."""
    return f"{alert.alert_id}.json"


def check_file_stem(alert: Alert, stem: str | None, source: str) -> None:
    """Check that an alert in `alerts/` is named after its id; `stem` is None for one elsewhere.

    Raises InputError when it is not: two files could hold one id.
    """
    if stem is not None and stem != alert.alert_id:
        message = f"{alert.alert_id!r} is not the file's name"
        hint = f"Rename the file to {expected_file_name(alert)}."
        raise bad_input(source, ("alert_id",), message, hint=hint)
