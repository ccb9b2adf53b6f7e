"""Any JSON at all, by a mapping file that says where each field of an alert stands."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import FieldsOfFinding, Judgement, finding
from retouch.adapters.base.kinds import kind_of
from retouch.adapters.base.mapping_model import (
    RULES,
    SCOPES,
    VERDICTS,
    FindingsMapping,
    Mapping,
    Said,
    When,
    parse_mapping,
    steps,
    steps_up,
    word_of,
)
from retouch.adapters.base.native import Node
from retouch.adapters.base.times import closed_window, half_open, moment
from retouch.adapters.registry import Adapter
from retouch.alerts.model import Kind, Severity, Status
from retouch.schema_errors import near, shown

__all__ = ["Mapping", "mapping_adapter", "parse_mapping", "read"]

_NUMBERS = ("value", "lower", "upper", "p_value", "ci_low", "ci_high")


def mapping_adapter(mapping: Mapping) -> Adapter:
    """Return the adapter that a mapping file describes."""
    return functools.partial(read, mapping=mapping)


def read(root: Node, context: Context, mapping: Mapping) -> Sequence[Judgement]:
    """Return a judgement for each item of the output that the mapping tells to read.

    A place that is missing or null leaves its field out; InputError when that is the verdict. A
    word that the mapping does not translate is InputError as well, and so is one that no alert has.
    """
    document = _Item(root, root, context)
    items = document.each(mapping.each)
    if mapping.each is None and isinstance(root.value, list):
        items = document.each("")
    return [_judgement(item, mapping) for item in items if item.holds(mapping.when)]


def _judgement(item: _Item, mapping: Mapping) -> Judgement:
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
    return Judgement(
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
        labels={name: text for name, said in alert.labels.items() if (text := item.text(said))},
        message=item.text(alert.message) or "",
        findings=tuple(_findings(item, mapping.findings)),
    )


def _where(item: _Item, where: dict[str, Said]) -> Iterator[dict[str, Any]]:
    for column, said in where.items():
        node = item.said(said)
        if node is not None:
            if not isinstance(node.value, str | int | float):
                node.fault(f"must be a plain value, not {shown(node.value)}")
            yield {"column": column, "op": "eq", "value": node.value}


def _findings(alert: _Item, mapping: FindingsMapping) -> Iterator[FieldsOfFinding]:
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
        """Tell whether the values at the pointers are those that are asked for."""
        for pointer, asked in when.items():
            found = self._find(pointer)
            value = None if found is None else found.value
            # True is no 1 here.
            if value != asked or isinstance(value, bool) != isinstance(asked, bool):
                return False
        return True

    def said(self, said: Said | None) -> Node | None:
        """Return what the mapping says, in our words; None where nothing stands."""
        if said is None:
            return None
        if said.at is None:
            return Node(said.is_, self.node.source, self.node.place)
        found = self._find(said.at)
        if not said.words:
            return found
        word = word_of(None if found is None else found.value)
        if word in said.words:
            return Node(said.words[word], self.node.source, (found or self.node).place)
        if found is not None:
            unknown = f"{shown(word)} is not among the mapping's words"
            found.fault(unknown + near(word, said.words))
        return None

    def word(self, said: Said | None, known: Sequence[str]) -> str | None:
        """Return a word that an alert has. Raises InputError for any other."""
        node = self.said(said)
        if node is None:
            return None
        if node.text() not in known:
            word = f"{shown(node.value)} is no word of an alert; translate it in the mapping"
            node.fault(word + near(node.text(), known))
        return node.text()

    def text(self, said: Said | None) -> str | None:
        """Return the text, also of a number; None for none."""
        node = self.said(said)
        if node is None or node.value == "":
            return None
        if isinstance(node.value, int | float):
            return word_of(node.value)
        return node.text()

    def number(self, said: Said | None) -> float | None:
        """Return the number; None where a template left nothing behind."""
        node = self.said(said)
        return None if node is None or node.value == "" else node.number()

    def count(self, said: Said | None) -> int | None:
        """Return the whole number from 0 on. Raises InputError for any other."""
        node, number = self.said(said), self.number(said)
        if node is None or number is None:
            return None
        if number < 0 or number != int(number):
            node.fault(f"must be a whole number from 0 on, not {shown(node.value)}")
        return int(number)

    def time(self, said: Said | None) -> datetime | None:
        """Return the time, in any of the forms monitors write."""
        node = self.said(said)
        return None if node is None or node.value == "" else moment(node, self.context)

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
