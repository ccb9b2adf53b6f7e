"""Read an alert from an untrusted source: strict JSON, then the model; or one clear error."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from pydantic import JsonValue

from retouch.alerts.model import MAX_BYTES, SCHEMA_VERSION, Alert
from retouch.schema_errors import Place, bad_input, shown, validated


def parse_alert(raw: bytes, source: str, *, hint: str | None = None) -> Alert:
    """Read the bytes of an alert; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <JSON path>: <what is wrong>`.
    """
    hint = hint or f"Correct it, then run `retouch alert check {source}`."
    data = read_json(raw, source, max_bytes=MAX_BYTES, hint=hint)
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a JSON object", hint=hint)
    # First of all: in an unknown version, no other field can be checked.
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


MAX_DEPTH = 32
_TEXT_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


_DOUBTFUL = re.compile(r"\\u|NaN|Infinity|\d{300}|[eE]\+?\d{3}")
"""Without any of these, no text is half a surrogate pair and no number is too large."""


class _Object:
    """An object whose keys repeat, as it was written."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def read_json(raw: bytes, source: str, *, max_bytes: int, hint: str) -> JsonValue:
    """Return the value of a strict JSON text.

    Raises InputError, with line and column or the JSON path, for more than `max_bytes`, anything
    but UTF-8 without a byte order mark, anything but JSON, duplicate keys, numbers that are not
    finite, half surrogate pairs and nesting deeper than MAX_DEPTH.
    """
    try:
        text = _decoded(raw, max_bytes)
        value, repeats = _parsed(text)
        # To walk through all of it takes as long as all else.
        return _checked(value, ()) if repeats or _DOUBTFUL.search(text) else value
    except _Fault as fault:
        raise bad_input(source, fault.place, fault.message, hint=hint) from None


class _Fault(Exception):
    def __init__(self, message: str, place: Place = ()) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def _decoded(raw: bytes, max_bytes: int) -> str:
    if len(raw) > max_bytes:
        raise _Fault(f"{len(raw):,} bytes; at most {max_bytes:,} are read")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _Fault(f"not UTF-8: byte {error.start} is 0x{raw[error.start]:02x}") from None
    if text.startswith("\ufeff"):
        raise _Fault("starts with a byte order mark; save it as UTF-8 without one")
    return text


def _parsed(text: str) -> tuple[Any, bool]:
    """Return the value, and whether some object in it repeats a key."""
    if _depth(text) > MAX_DEPTH:
        raise _Fault(f"nested more than {MAX_DEPTH} deep")
    repeating: list[_Object] = []

    def made(pairs: list[tuple[str, Any]]) -> Any:
        fields = dict(pairs)
        if len(fields) == len(pairs):
            return fields
        repeating.append(_Object(pairs))
        return repeating[-1]

    try:
        value = json.loads(text, object_pairs_hook=made, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        problem = error.msg[0].lower() + error.msg[1:]
        raise _Fault(f"line {error.lineno}, column {error.colno}: not JSON: {problem}") from None
    return value, bool(repeating)


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_DEPTH:  # as in nearly every alert
        return 0
    depth = deepest = 0
    for token in _TEXT_OR_BRACKET.finditer(text):
        first = token[0][0]
        depth += (first in "[{") - (first in "]}")
        deepest = max(deepest, depth)
    return deepest


def _whole_number(digits: str) -> int | float:
    # As for 1e999. Python itself refuses thousands of digits, and does not say where.
    return int(digits) if len(digits) <= 300 else math.inf


def _checked(value: JsonValue | _Object, place: Place) -> JsonValue:
    """Return `value` with objects as dicts, once nothing in it is doubtful."""
    match value:
        case _Object():
            counts = Counter(key for key, _ in value.pairs)
            twice = next(key for key, count in counts.items() if count > 1)
            _check_text(twice, place)
            raise _Fault("the key is given more than once", (*place, twice))
        case dict():
            for key, item in value.items():
                _check_text(key, place)
                _checked(item, (*place, key))
        case list():
            for number, item in enumerate(value):
                _checked(item, (*place, number))
        case float() if not math.isfinite(value):
            raise _Fault("not a finite number; write null, or leave it out", place)
        case str():
            _check_text(value, place)
    return value


def _check_text(text: str, place: Place) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Fault("holds half of a surrogate pair, which is not text", place) from None
