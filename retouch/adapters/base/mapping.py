"""Alerts from JSON that no adapter knows: a mapping file says where each field is."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import kind_of
from retouch.adapters.base.native import Node
from retouch.adapters.base.result import FindingFields, MonitorResult, finding
from retouch.adapters.base.times import closed_window, half_open, time_at
from retouch.adapters.registry import Adapter
from retouch.alerts.model import Column, Finding, Kind, Severity, Status
from retouch.documents import Document, Value
from retouch.schema_errors import bad_input, near, shown, validated

_POINTER = re.compile(r"(#|[0-9]{1,2})?(/([^~/]|~[01])*)*")
VERDICTS = get_args(Finding.model_fields["verdict"].annotation)
RULES = get_args(Finding.model_fields["breach_when"].annotation)
SCOPES = get_args(Finding.model_fields["scope"].annotation)


def _pointer(text: str) -> str:
    if not _POINTER.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a JSON pointer; write one like /alerts/0/value")
    return text


Pointer = Annotated[str, StringConstraints(max_length=500), AfterValidator(_pointer)]
"""A JSON pointer (RFC 6901) from the item at hand.

With a leading `#` it starts at the whole document, with a leading number so many levels above the
item: of an item at /alerts/0/features/2, `2/status` is /alerts/0/status.
"""


class FieldSource(Value):
    """Where a field's value comes from: a place in the output, or a constant."""

    at: Pointer | None = None
    is_: Annotated[str | int | float | bool | None, Field(alias="is")] = None
    words: Annotated[dict[str, str | int | float | bool], Field(max_length=200)] = {}
    """The output's word -> the alert's; where given, any other word is an error."""

    @model_validator(mode="after")
    def _one_of_both(self) -> FieldSource:
        if (self.at is None) == (self.is_ is None):
            raise ValueError("give either `at`, a JSON pointer, or `is`, a constant")
        if self.is_ is not None and self.words:
            raise ValueError("`words` translate the value at a pointer; a constant has none")
        return self


def _in_full(written: object) -> object:
    """Return `/status` as `{at: /status}`, and any other plain value as a constant."""
    # A pointer that starts with a number looks like a plain value: it needs its `at`.
    if isinstance(written, str) and written.startswith(("/", "#/")):
        return {"at": written}
    if isinstance(written, str | int | float | bool):
        return {"is": written}
    return written


def _allowing(known: tuple[str, ...]) -> AfterValidator:
    """Return the check that constants and translations are among the known words."""

    def check(field: FieldSource) -> FieldSource:
        for word in (*field.words.values(), *([field.is_] if field.is_ is not None else [])):
            if word not in known:
                meant = near(str(word), known)
                raise ValueError(f"{shown(word)} is unknown{meant}")
        return field

    return AfterValidator(check)


From = Annotated[FieldSource, BeforeValidator(_in_full)]
FromKind = Annotated[From, _allowing(get_args(Kind))]
FromSeverity = Annotated[From, _allowing(get_args(Severity))]
FromStatus = Annotated[From, _allowing(get_args(Status))]
FromVerdict = Annotated[From, _allowing(VERDICTS)]
FromRule = Annotated[From, _allowing(RULES)]
FromScope = Annotated[From, _allowing(SCOPES)]
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
    """Return the key of a value in `words`: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


__all__ = ["Mapping", "mapping_adapter", "parse_mapping", "read"]

_NUMBERS = ("value", "lower", "upper", "p_value", "ci_low", "ci_high")


def mapping_adapter(mapping: Mapping) -> Adapter:
    """Return the adapter that a mapping file describes."""
    return functools.partial(read, mapping=mapping)


def read(root: Node, context: Context, mapping: Mapping) -> Sequence[MonitorResult]:
    """Return a result for each item of the output that the mapping tells to read.

    A place that is missing or null leaves its field out; InputError when that is the verdict. A
    word that the mapping does not translate is InputError as well, and so is one that no alert has.
    """
    document = _Item(root, root, context)
    items = document.each(mapping.each)
    if mapping.each is None and isinstance(root.value, list):
        items = document.each("")
    return [_result(item, mapping) for item in items if item.holds(mapping.when)]


def _result(item: _Item, mapping: Mapping) -> MonitorResult:
    alert = mapping.alert
    name = item.text(alert.native_kind)
    given: Any = item.word(alert.kind, get_args(Kind))
    kind, native_kind = kind_of(item.node, item.context, [name], default=given)
    window = closed_window if alert.window_end_is == "included" else half_open
    start, end = item.time(alert.window_start), item.time(alert.window_end)
    if start is not None and end is not None and start > end:
        item.node.fault("has a window_start that is after its window_end")
    status: Any = item.word(alert.status, get_args(Status))
    severity: Any = item.word(alert.severity, get_args(Severity))
    return MonitorResult(
        tool=mapping.tool,
        kind=kind,
        native_kind=native_kind,
        status=status,
        severity=severity,
        tool_version=item.text(alert.tool_version),
        model=item.text(alert.model),
        table=item.text(alert.dataset),
        digest=item.text(alert.digest),
        window=window(start, end),
        rows=item.count(alert.rows),
        where=tuple(_where(item, alert.where)),
        truncated=item.count(alert.truncated) or 0,
        started_at=item.time(alert.started_at),
        emitted_at=item.time(alert.emitted_at),
        run_id=item.text(alert.run_id),
        labels={name: text for name, field in alert.labels.items() if (text := item.text(field))},
        message=item.text(alert.message) or "",
        findings=tuple(_findings(item, mapping.findings)),
    )


def _where(item: _Item, where: dict[str, FieldSource]) -> Iterator[dict[str, Any]]:
    for column, field in where.items():
        node = item.resolve(field)
        if node is not None:
            if not isinstance(node.value, str | int | float):
                node.fault(f"must be a text, number or boolean, not {shown(node.value)}")
            yield {"column": column, "op": "eq", "value": node.value}


def _findings(alert: _Item, mapping: FindingsMapping) -> Iterator[FindingFields]:
    for item in alert.each(mapping.each):
        if not item.holds(mapping.when):
            continue
        verdict = item.word(mapping.verdict, VERDICTS)
        if verdict is None:
            item.node.fault(f"has no verdict at {shown(mapping.verdict.at)}")
        yield finding(
            item.text(mapping.metric) or "alert",
            verdict=verdict,
            column=item.text(mapping.column),
            scope=item.word(mapping.scope, SCOPES),
            native_id=item.text(mapping.native_id),
            breach_when=item.word(mapping.breach_when, RULES),
            severity=item.word(mapping.severity, get_args(Severity)),
            **{name: item.number(getattr(mapping, name)) for name in _NUMBERS},
        )


@dataclass(frozen=True)
class _Item:
    """One item of the output; pointers start at it."""

    node: Node
    root: Node
    context: Context

    def each(self, pointer: str | None) -> Iterable[_Item]:
        """Return the items of the list at the pointer; the item itself without a pointer."""
        if pointer is None:
            return (self,)
        found = self._find(pointer)
        if found is None:
            self.node.fault(f"has no list at {shown(pointer)}")
        return [_Item(node, self.root, self.context) for node in found.items()]

    def holds(self, when: When) -> bool:
        """Tell whether the values at the pointers are the expected ones."""
        for pointer, expected in when.items():
            found = self._find(pointer)
            value = None if found is None else found.value
            # True is no 1 here.
            if value != expected or isinstance(value, bool) != isinstance(expected, bool):
                return False
        return True

    def resolve(self, field: FieldSource | None) -> Node | None:
        """Return the value of a field, translated; None where it is missing."""
        if field is None:
            return None
        if field.at is None:
            return Node(field.is_, self.node.source, self.node.place)
        found = self._find(field.at)
        if not field.words:
            return found
        word = word_of(None if found is None else found.value)
        if word in field.words:
            return Node(field.words[word], self.node.source, (found or self.node).place)
        if found is not None:
            unknown = f"{shown(word)} is not in `words` of the mapping"
            found.fault(unknown + near(word, field.words))
        return None

    def word(self, field: FieldSource | None, known: Sequence[str]) -> str | None:
        """Return a word that an alert has. Raises InputError for any other."""
        node = self.resolve(field)
        if node is None:
            return None
        if node.text() not in known:
            word = f"{shown(node.value)} is not a value for this field; translate it with `words`"
            node.fault(word + near(node.text(), known))
        return node.text()

    def text(self, field: FieldSource | None) -> str | None:
        """Return the text, also of a number; None for none."""
        node = self.resolve(field)
        if node is None or node.value == "":
            return None
        if isinstance(node.value, int | float):
            return word_of(node.value)
        return node.text()

    def number(self, field: FieldSource | None) -> float | None:
        """Return the number; None where a template left nothing behind."""
        node = self.resolve(field)
        return None if node is None or node.value == "" else node.number()

    def count(self, field: FieldSource | None) -> int | None:
        """Return the whole number from 0 on. Raises InputError for any other."""
        node, number = self.resolve(field), self.number(field)
        if node is None or number is None:
            return None
        if number < 0 or number != int(number):
            node.fault(f"must be a whole number from 0 on, not {shown(node.value)}")
        return int(number)

    def time(self, field: FieldSource | None) -> datetime | None:
        """Return the time, in any of the forms monitors write."""
        node = self.resolve(field)
        return None if node is None or node.value == "" else time_at(node, self.context)

    def _find(self, pointer: str) -> Node | None:
        """Return the value at a pointer; None where it is missing or null."""
        levels = steps_up(pointer)
        node: Node | None = self.node
        if levels is None:
            node = self.root
        elif levels:
            above = self.node.place[: max(0, len(self.node.place) - levels)]
            node = self.root.get(*above[len(self.root.place) :])
        for step in steps(pointer):
            if node is None:
                return None
            numbered = isinstance(node.value, list) and step.isdecimal()
            node = node.get(int(step) if numbered and len(step) < 10 else step)
        return node
