"""Findings by kind: one output may judge drift, quality and performance at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import FieldsOfFinding
from retouch.adapters.base.kinds import kind_of
from retouch.adapters.base.native import Node
from retouch.alerts.model import Kind


@dataclass(frozen=True)
class Judged:
    """A finding, and what the tool calls the thing it judged."""

    finding: FieldsOfFinding
    names: tuple[str, ...]
    """The tool's names for it, the most telling first; `Context.kinds` is asked with them."""
    kind: Kind | None
    """What the adapter takes it for; None: the tool does not say."""
    at: Node


@dataclass(frozen=True)
class OfOneKind:
    """All findings of one kind."""

    kind: Kind
    native_kind: str | None
    """The name by which the context gives this kind, if it does."""
    findings: tuple[FieldsOfFinding, ...]


def by_kind(judged: Iterable[Judged], context: Context) -> Iterator[OfOneKind]:
    """Yield the findings of each kind, in the order in which the kinds first occur.

    Raises InputError for something whose kind neither the adapter nor the context knows.
    """
    groups: dict[Kind, list[FieldsOfFinding]] = {}
    told: dict[Kind, str] = {}
    for item in judged:
        kind, name = kind_of(item.at, context, item.names, default=item.kind)
        groups.setdefault(kind, []).append(item.finding)
        if name in context.kinds:
            told.setdefault(kind, name)
    for kind, findings in groups.items():
        yield OfOneKind(kind, told.get(kind), tuple(findings))
