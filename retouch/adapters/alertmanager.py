"""Prometheus Alertmanager: webhooks of version 4, and the list that `api/v2/alerts` returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from retouch.adapters.base.context import Context
from retouch.adapters.base.judgement import Judgement
from retouch.adapters.base.labelled import Labelled, State, judgements, truncated
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.times import moment
from retouch.adapters.base.wrapping import documents, meaning
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


def read(root: Node, context: Context) -> Sequence[Judgement]:
    """Return the judgements in a webhook, in a list of them, or in a list of alerts.

    Each member's own status counts, not the group's: a group that fires may hold members that are
    over. The year 1 of `endsAt` means that there is no end yet.
    """
    if root.value == []:
        return ()  # api/v2 when nothing is wrong
    found: list[Judgement] = []
    listed: list[Node] = []
    for message in documents(root, _is_ours, _TOOL):
        if message.get("alerts"):
            found += _webhook(message, context)
        else:
            listed.append(message)
    return [*found, *_listed(listed, context)]


def _is_ours(node: Node) -> bool:
    return isinstance(node.value, dict) and ("alerts" in node.value or "labels" in node.value)


def _webhook(message: Node, context: Context) -> Iterator[Judgement]:
    version = message.get("version")
    if version and version.value == "1":
        version.fault("'1' is Grafana's; import it with `--from grafana`")
    if version and version.value != _VERSION:
        version.fault(f"{shown(version.value)} is not known; version {_VERSION!r} is")
    return judgements(
        [_member(node) for node in message.need("alerts").items()],
        context,
        "alertmanager",
        truncated=truncated(message),
        run_id=text_at(message, "groupKey"),
    )


def _listed(alerts: Sequence[Node], context: Context) -> Iterator[Judgement]:
    updates = [moment(node.get("updatedAt"), context) for node in alerts]
    latest = max(filter(None, updates), default=None)
    return judgements([_member(n) for n in alerts], context, "alertmanager", emitted_at=latest)


def _member(node: Node) -> Labelled:
    status = node.need("status")
    if isinstance(status.value, dict):
        status = status.need("state")
    return Labelled(node, meaning(status, _STATES))
