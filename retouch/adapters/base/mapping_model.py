"""The mapping file: where each field of an alert stands in JSON that no adapter knows."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from retouch.alerts.model import Column, Finding, Kind, Severity, Status
from retouch.documents import Document, Value
from retouch.schema_errors import bad_input, near, shown, validated

_POINTER = re.compile(r"(#|[0-9]{1,2})?(/([^~/]|~[01])*)*")
VERDICTS = get_args(Finding.model_fields["verdict"].annotation)
RULES = get_args(Finding.model_fields["breach_when"].annotation)
SCOPES = get_args(Finding.model_fields["scope"].annotation)


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError(f"{shown(text)} is no JSON pointer; write one like /alerts/0/value")
    return text


Pointer = Annotated[str, StringConstraints(max_length=500), AfterValidator(_pointer)]
"""A JSON pointer (RFC 6901) from the item at hand.

With a leading `#` it starts at the whole document, with a leading number so many levels above the
item: of an item at /alerts/0/features/2, `2/status` is /alerts/0/status.
"""


class Said(Value):
    """Where a field's value comes from: a place in the output, or a constant."""

    at: Pointer | None = None
    is_: Annotated[str | int | float | bool | None, Field(alias="is")] = None
    words: Annotated[dict[str, str | int | float | bool], Field(max_length=200)] = {}
    """The output's word -> ours; with them, any other word is an error."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Said:
        if (self.at is None) == (self.is_ is None):
            raise ValueError("give `at`, a JSON pointer, or `is`, a constant: one of both")
        if self.is_ is not None and self.words:
            raise ValueError("words translate what is read at a pointer; a constant has none")
        return self


def _in_full(written: object) -> object:
    """Return `/status` as `{at: /status}`, and any other plain value as a constant."""
    # A pointer that starts with a number looks like a plain value: it needs its `at`.
    if isinstance(written, str) and written.startswith(("/", "#/")):
        return {"at": written}
    if isinstance(written, str | int | float | bool):
        return {"is": written}
    return written


def _speaking(known: tuple[str, ...]) -> AfterValidator:
    """Return the check that constants and translations are words an alert has."""

    def check(said: Said) -> Said:
        for word in (*said.words.values(), *([said.is_] if said.is_ is not None else [])):
            if word not in known:
                meant = near(str(word), known)
                raise ValueError(f"{shown(word)} is not known{meant}")
        return said

    return AfterValidator(check)


From = Annotated[Said, BeforeValidator(_in_full)]
FromKind = Annotated[From, _speaking(get_args(Kind))]
FromSeverity = Annotated[From, _speaking(get_args(Severity))]
FromStatus = Annotated[From, _speaking(get_args(Status))]
FromVerdict = Annotated[From, _speaking(VERDICTS)]
FromRule = Annotated[From, _speaking(RULES)]
FromScope = Annotated[From, _speaking(SCOPES)]
When = Annotated[dict[Pointer, str | int | float | bool | None], Field(max_length=20)]
"""Only what has these values at these pointers is read."""


class FindingsMapping(Value):
    """Where the numbers of one alert stand."""

    each: Pointer | None = None
    """The list of findings; without it, the alert's own item is its one finding."""
    when: When = {}
    metric: From
    verdict: FromVerdict
    column: From | None = None
    scope: FromScope | None = None
    value: From | None = None
    lower: From | None = None
    upper: From | None = None
    breach_when: FromRule | None = None
    p_value: From | None = None
    ci_low: From | None = None
    ci_high: From | None = None
    severity: FromSeverity | None = None
    native_id: From | None = None


class AlertMapping(Value):
    """Where the fields of one alert stand. What is not given comes from the context."""

    kind: FromKind | None = None
    native_kind: From | None = None
    """The output's own name for what was judged, for the `kinds` of the context."""
    status: FromStatus | None = None
    severity: FromSeverity | None = None
    model: From | None = None
    dataset: From | None = None
    digest: From | None = None
    window_start: From | None = None
    window_end: From | None = None
    window_end_is: Literal["excluded", "included"] = "excluded"
    """Whether the window's end belongs to it, as 23:59:59 does."""
    rows: From | None = None
    where: Annotated[dict[Column, From], Field(max_length=20)] = {}
    started_at: From | None = None
    emitted_at: From | None = None
    run_id: From | None = None
    tool_version: From | None = None
    truncated: From | None = None
    labels: Annotated[dict[str, From], Field(max_length=16)] = {}
    message: From | None = None


class Mapping(Document):
    """A mapping file."""

    version: Literal[1]
    tool: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """What the monitor is called in the alerts."""
    each: Pointer | None = None
    """The list of alerts; without it, the document is one alert, or a list of them."""
    when: When = {}
    alert: AlertMapping = AlertMapping()
    findings: FindingsMapping


def parse_mapping(data: Any, source: str) -> Mapping:
    """Return the mapping for parsed YAML or JSON.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    hint = "docs/monitors.md shows mapping files."
    if not isinstance(data, dict):
        raise bad_input(source, (), "must be a mapping of keys to values", hint=hint)
    return validated(Mapping, data, source, hint=hint)


def steps(pointer: str) -> tuple[str, ...]:
    """Return the keys of a JSON pointer, without its escapes (`~1` is a slash, `~0` a tilde)."""
    parts = pointer.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)


def steps_up(pointer: str) -> int | None:
    """Return how many levels above the item a pointer starts; None for the whole document."""
    start = pointer.partition("/")[0]
    return None if start == "#" else int(start or 0)


def word_of(value: JsonValue) -> str:
    """Return how a value stands in `words`: text as it is, anything else as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value)
