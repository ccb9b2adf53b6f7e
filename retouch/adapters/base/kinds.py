"""The kind and severity of a finding from a monitor's own terms, and findings grouped by kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn, get_args

from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node
from retouch.adapters.base.result import FindingFields, metric_name
from retouch.alerts.model import Kind, Severity
from retouch.schema_errors import shown

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)} | {
    "covariate_drift": "data_drift",
    "drift": "data_drift",
    "feature_drift": "data_drift",
    "input_drift": "data_drift",
    "label_drift": "target_drift",
    "model_performance": "performance",
    "output_drift": "prediction_drift",
    "feature_attribution_drift": "attribution_drift",
    "schema": "schema_change",
}
_SEVERITIES: dict[str, Severity] = {
    "critical": "critical",
    "error": "critical",
    "page": "critical",
    "info": "info",
    "informational": "info",
    "none": "info",
    "warn": "warning",
    "warning": "warning",
}


def kind_by_word(word: str | None) -> Kind | None:
    """Return the kind for a word in any spelling: `feature-drift`, `DataDrift`."""
    return None if word is None else _KINDS.get(metric_name(word))


def severity_by_word(word: str | None) -> Severity | None:
    """Return the severity for a word such as `warn` or `page`; None for an unknown word.

    `error` and `page`, as in PagerDuty and Prometheus, page the person on call: critical.
    """
    return None if word is None else _SEVERITIES.get(word.strip().lower())


def kind_of(
    node: Node, context: Context, names: Iterable[str | None], *, default: Kind | None = None
) -> tuple[Kind, str | None]:
    """Return the kind of what is at `node`, and the output's name that decided it.

    `names`: what the output calls it, the most specific first. The context's `kinds` take
    precedence, then its `kind`, then `default`. Raises InputError when none of them applies.
    """
    known = [name for name in names if name]
    for name in known:
        if name in context.kinds:
            return context.kinds[name], name
    kind = context.kind or default
    if kind is None:
        _raise_unknown_kind(node, known)
    return kind, known[0] if known else None


def _raise_unknown_kind(node: Node, names: list[str]) -> NoReturn:
    if not names:
        node.fault("has no kind; set `kind:` in the context")
    node.fault(
        f"the kind of {shown(names[0])} is unknown;"
        " set `kind:`, or `kinds:` with this name, in the context"
    )


@dataclass(frozen=True)
class NamedFinding:
    """A finding, and the tool's names for what was judged."""

    finding: FindingFields
    names: tuple[str, ...]
    """The most specific first; they are looked up in `Context.kinds`."""
    kind: Kind | None
    """The adapter's default; None where the tool determines none."""
    at: Node


@dataclass(frozen=True)
class KindGroup:
    """All findings of one kind."""

    kind: Kind
    native_kind: str | None
    """The name under which the context gives this kind, if it does."""
    findings: tuple[FindingFields, ...]


def group_by_kind(judged: Iterable[NamedFinding], context: Context) -> Iterator[KindGroup]:
    """Yield the findings of each kind, in the order in which the kinds first occur.

    Raises InputError for a kind that neither the adapter nor the context determines.
    """
    groups: dict[Kind, list[FindingFields]] = {}
    named: dict[Kind, str] = {}
    for item in judged:
        kind, name = kind_of(item.at, context, item.names, default=item.kind)
        groups.setdefault(kind, []).append(item.finding)
        if name in context.kinds:
            named.setdefault(kind, name)
    for kind, findings in groups.items():
        yield KindGroup(kind, named.get(kind), tuple(findings))
