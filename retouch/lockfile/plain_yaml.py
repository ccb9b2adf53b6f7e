"""A YAML text as plain nested values, whoever wrote it: bounded in size and depth. Pure.

A `dvc.lock` may come from a stranger's branch. Nothing is constructed here: text stays text, and
what YAML reads as something else (a number, a date, `yes`) keeps its own spelling, marked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

_DEEPEST, _MOST_NODES = 60, 2_000_000
_TEXT = "tag:yaml.org,2002:str"


class NotPlain(ValueError):
    """The text is no YAML, or one that grows beyond its bounds; says why in a few words."""


def read_events(text: str) -> Any:
    """Return the one document of a YAML text; None for an empty one. Raises NotPlain."""
    try:
        return _Reader(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise NotPlain(f"line {line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise NotPlain(str(error).splitlines()[0]) from None


class _Reader:
    """One reading of one text."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._resolver = yaml.resolver.Resolver()

    def document(self) -> Any:
        found: Any = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise NotPlain("it has more than one document")
                found = self._node(next(self._events), 0)
        return found

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise NotPlain(f"*{event.anchor} stands for nothing")
            value, weight = self._anchors[event.anchor]
            self._count(weight)
            return value
        if depth > _DEEPEST:
            raise NotPlain(f"it is nested more than {_DEEPEST} deep")
        before = self._nodes
        self._count(1)
        value = self._value(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = value, self._nodes - before
        return value

    def _value(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return items
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            name = key if isinstance(key, str) else json.dumps(key, sort_keys=True)
            if name in mapping:
                raise NotPlain(f"{name!r} stands there twice")
            mapping[name] = self._node(next(self._events), depth + 1)
        return mapping

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:
            return event.value if event.tag in (None, "!") else [event.tag, event.value]
        tag = self._resolver.resolve(yaml.ScalarNode, event.value, (True, False))  # type: ignore[no-untyped-call]
        return event.value if tag == _TEXT else [tag.rpartition(":")[2], event.value]

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise NotPlain("its aliases make it too large")
