"""What a monitor's own words mean: the kind of trouble, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, get_args

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import metric_name
from retouch.adapters.base.native import Node
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
    """Return the kind that a word means whatever its spelling: `feature-drift`, `DataDrift`."""
    return None if word is None else _KINDS.get(metric_name(word))


def severity_by_word(word: str | None) -> Severity | None:
    """Return our severity for a word that people grade alerts with; None for a word of their own.

    PagerDuty's and Prometheus' `error` and `page` wake somebody up: critical.
    """
    return None if word is None else _SEVERITIES.get(word.strip().lower())


def kind_of(
    node: Node, context: Context, names: Iterable[str | None], *, default: Kind | None = None
) -> tuple[Kind, str | None]:
    """Return the kind of what is at `node`, and the output's name that decided it.

    `names`: what the output calls it, the most telling first. The context's `kinds` come first,
    then its `kind`, then `default`. Raises InputError when none of them says anything.
    """
    known = [name for name in names if name]
    for name in known:
        if name in context.kinds:
            return context.kinds[name], name
    kind = context.kind or default
    if kind is None:
        _ask(node, known)
    return kind, known[0] if known else None


def _ask(node: Node, names: list[str]) -> NoReturn:
    if not names:
        node.fault("does not say what kind of trouble it is; say `kind:` in the context")
    node.fault(
        f"{shown(names[0])} does not say what kind of trouble it is;"
        " say `kind:`, or `kinds:` with this name, in the context"
    )
