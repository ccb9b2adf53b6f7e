"""Grafana: the webhook of its unified alerting, version 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.labelled import LabelledAlert, State, results, truncated
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import MonitorResult
from retouch.adapters.base.wrapping import documents, translated
from retouch.schema_errors import near, shown

_VERSION = "1"
_STATES: dict[str, State] = {"firing": "firing", "resolved": "resolved"}
_OF_THE_SOURCE: dict[str, State] = {"DatasourceNoData": "no_data", "DatasourceError": "error"}
"""Rules Grafana raises by itself, when a query of the rule `rulename` gives nothing."""
_REASON = "grafana_state_reason"
_OF_THE_REASON: dict[str, State] = {
    "NoData": "no_data",
    "Error": "error",
    "MissingSeries": "no_data",
    "Paused": "no_data",
    "Updated": "no_data",
    "RuleDeleted": "no_data",
}
"""Why a state is what it is, where no number was compared with the limit."""


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the results in a webhook or a list of them.

    `values` hold a number for each query of the rule; the context's `score` says which one it is.
    Raises InputError also for a score that is none of them.
    """
    found: list[MonitorResult] = []
    for message in documents(root, _is_output, "Grafana"):
        found += _webhook(message, context)
    return found


def _is_output(node: Node) -> bool:
    return isinstance(node.value, dict) and "alerts" in node.value


def _webhook(message: Node, context: Context) -> Iterator[MonitorResult]:
    version = message.get("version")
    if version and version.value == "4":
        version.fault("'4' is Alertmanager's; import it with `--from alertmanager`")
    if version and version.value != _VERSION:
        version.fault(f"{shown(version.value)} is not known; version {_VERSION!r} is")
    return results(
        [_member(node, context) for node in message.need("alerts").items()],
        context,
        "grafana",
        truncated=truncated(message),
        run_id=text_at(message, "groupKey"),
    )


def _member(node: Node, context: Context) -> LabelledAlert:
    state = translated(node.need("status"), _STATES)
    # `NoData, KeepLast` has two parts; the first is the reason.
    reason = (text_at(node, "annotations", _REASON) or "").partition(",")[0]
    state = _OF_THE_REASON.get(reason, state)
    if state == "firing":
        state = _OF_THE_SOURCE.get(text_at(node, "labels", "alertname") or "", state)
    return LabelledAlert(node, state, _score(node, context))


def _score(node: Node, context: Context) -> float | None:
    values = node.get("values")
    numbers = dict(values.fields()) if values else {}
    if not numbers:
        return None  # without data, or resolved by Grafana itself
    if context.score is None:
        only = next(iter(numbers.values()))
        return only.number() if len(numbers) == 1 else None
    if context.score not in numbers:
        message = f"has no {shown(context.score)}, the `score` of the context"
        node.need("values").fault(message + near(context.score, numbers))
    return numbers[context.score].number()
