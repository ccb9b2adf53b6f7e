"""Prometheus Alertmanager: webhooks of version 4, and the list that `api/v2/alerts` returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.labelled import LabelledAlert, State, results, truncated
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import MonitorResult
from retouch.adapters.base.times import time_at
from retouch.adapters.base.wrapping import documents, translated
from retouch.schema_errors import shown

_TOOL = "Alertmanager"
_VERSION = "4"
_STATES: dict[str, State] = {
    "firing": "firing",
    "resolved": "resolved",
    # of api/v2
    "active": "firing",
    "unprocessed": "firing",
    "suppressed": "suppressed",
}


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the results in a webhook, in a list of them, or in a list of alerts.

    Each member's own status counts, not the group's: a group that fires may hold members that are
    over. The year 1 of `endsAt` means that there is no end yet.
    """
    if root.value == []:
        return ()  # api/v2 when nothing is wrong
    found: list[MonitorResult] = []
    listed: list[Node] = []
    for message in documents(root, _is_output, _TOOL):
        if message.get("alerts"):
            found += _webhook(message, context)
        else:
            listed.append(message)
    return [*found, *_listed(listed, context)]


def _is_output(node: Node) -> bool:
    return isinstance(node.value, dict) and ("alerts" in node.value or "labels" in node.value)


def _webhook(message: Node, context: Context) -> Iterator[MonitorResult]:
    version = message.get("version")
    if version and version.value == "1":
        version.fault("'1' is Grafana's; import it with `--from grafana`")
    if version and version.value != _VERSION:
        version.fault(f"{shown(version.value)} is unknown; expected version {_VERSION!r}")
    return results(
        [_member(node) for node in message.need("alerts").items()],
        context,
        "alertmanager",
        truncated=truncated(message),
        run_id=text_at(message, "groupKey"),
    )


def _listed(alerts: Sequence[Node], context: Context) -> Iterator[MonitorResult]:
    updates = [time_at(node.get("updatedAt"), context) for node in alerts]
    latest = max(filter(None, updates), default=None)
    return results([_member(n) for n in alerts], context, "alertmanager", emitted_at=latest)


def _member(node: Node) -> LabelledAlert:
    status = node.need("status")
    if isinstance(status.value, dict):
        status = status.need("state")
    return LabelledAlert(node, translated(status, _STATES))
