"""Vertex AI: alerts of Model Monitoring v2, and the anomalies that v1 jobs log or list."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, parse_native
from retouch.adapters.base.result import MonitorResult, finding, metric_name
from retouch.adapters.base.times import time_at
from retouch.adapters.base.wrapping import documents
from retouch.alerts.model import Kind
from retouch.schema_errors import near, shown

_TOOL = "Vertex AI"
_KINDS: dict[str, Kind] = {
    # v2
    "raw-feature-drift": "data_drift",
    "prediction-output-drift": "prediction_drift",
    "feature-attribution": "attribution_drift",
    # v1
    "raw-feature-skew": "data_drift",
    "feature-attribution-skew": "attribution_drift",
    "feature-attribution-drift": "attribution_drift",
}
_SCOPE: dict[str, str] = {"prediction-output-drift": "prediction"}
_ENVELOPES = ("jsonPayload", "protoPayload", "message", "textPayload")
_MAX_ENVELOPES = 4


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each objective of each job; to be listed is the verdict.

    Reads the answer to a search for alerts (`modelMonitoringAlerts`), one alert, and the log entry
    of a v1 job (`featureAnomalies`), also as Pub/Sub delivers them. An alert has no value: that is
    in the statistics. Distances have an upper limit.
    """
    found: list[MonitorResult] = []
    single: list[Node] = []
    for node in documents(_opened(root), _is_output, _TOOL):
        node = _opened(node)
        if (alerts := _get(node, "modelMonitoringAlerts")) is not None:
            listed = list(alerts.items())
            total = _get(node, "totalNumberAlerts")
            known = (total.number() if total else None) or 0
            found += _alerts(listed, context, truncated=max(0, int(known) - len(listed)))
        elif node.get("featureAnomalies") is not None:
            found += _logged(node, context)
        else:
            single.append(node)
    return [*found, *_alerts(single, context)]


def _get(node: Node, key: str) -> Node | None:
    """Return a field by its name in JSON or, as Python's client dumps it, in snake case."""
    found = node.get(key)
    return found if found is not None else node.get(metric_name(key))


def _opened(node: Node, envelopes: int = _MAX_ENVELOPES) -> Node:
    """Return what is inside the envelopes of Cloud Logging and Pub/Sub."""
    if not envelopes:
        return node
    for key in _ENVELOPES:
        if isinstance(node.value, dict) and isinstance(inner := node.value.get(key), dict):
            return _opened(Node(inner, node.source, (*node.place, key)), envelopes - 1)
    data = node.get("data") if isinstance(node.value, dict) else None
    if data is None or not isinstance(data.value, str) or data.value.lstrip().startswith("{"):
        return node
    try:
        text = base64.b64decode(data.value, validate=True).decode()
    except (binascii.Error, ValueError):
        data.fault("is not the base64 of JSON, as Pub/Sub has it")
    return _opened(parse_native(text, data.source, data.place), envelopes - 1)


def _is_output(node: Node) -> bool:
    keys = ("modelMonitoringAlerts", "objectiveType", "statsName")
    if not isinstance(node.value, dict):
        return False
    inside = any(isinstance(node.value.get(key), dict) for key in _ENVELOPES)
    pushed = isinstance(node.value.get("data"), str)
    return inside or pushed or "featureAnomalies" in node.value or any(_get(node, k) for k in keys)


def _alerts(
    alerts: Iterable[Node], context: Context, *, truncated: int = 0
) -> Iterator[MonitorResult]:
    """Yield the results of a list of alerts of v2, by job and objective.

    `truncated`: how many alerts stand on other pages; they may belong to any of the results.
    """
    jobs: dict[str | None, list[Node]] = {}
    for alert in alerts:
        anomaly = _get(alert, "anomaly")
        job = _get(anomaly, "modelMonitoringJob") if anomaly else None
        jobs.setdefault(job.text() if job else None, []).append(alert)
    for name, members in jobs.items():
        emitted = [time_at(_get(alert, "alertTime"), context) for alert in members]
        triggered = [time_at(_tabular(alert, "triggerTime"), context) for alert in members]
        judged = [_judged(alert, context) for alert in members]
        for result in _by_kind(judged, context, max(filter(None, emitted), default=None)):
            started = min(filter(None, triggered), default=None)
            yield replace(result, run_id=name, started_at=started, truncated=truncated)


def _judged(alert: Node, context: Context) -> NamedFinding:
    node = _get(alert, "objectiveType") or alert.need("objectiveType")
    objective, kind = _objective(node, context)
    name = _get(alert, "statsName")
    condition = _tabular(alert, "condition")
    threshold = condition.get("threshold") if condition else None
    item = finding(
        objective,
        verdict="breach",
        column=name.text() if name else None,
        scope=_SCOPE.get(objective),
        upper=threshold.number() if threshold else None,
    )
    return NamedFinding(item, (node.text(), objective), kind, node)


def _tabular(alert: Node, key: str) -> Node | None:
    anomaly = _get(alert, "anomaly")
    tabular = _get(anomaly, "tabularAnomaly") if anomaly else None
    return _get(tabular, key) if tabular else None


def _logged(entry: Node, context: Context) -> Iterator[MonitorResult]:
    """Yield the results in the log entry of a v1 job."""
    node = entry.get("anomalyObjective") or entry.need("objective")
    objective, kind = _objective(node, context)
    judged = []
    for anomaly in entry.need("featureAnomalies").items():
        deviation, threshold = anomaly.get("deviation"), anomaly.get("threshold")
        item = finding(
            objective,
            verdict="breach",
            column=anomaly.need("featureDisplayName").text(),
            value=deviation.number() if deviation else None,
            upper=threshold.number() if threshold else None,
        )
        judged.append(NamedFinding(item, (node.text(), objective), kind, node))
    job = entry.get("modelDeploymentMonitoringJob")
    for result in _by_kind(judged, context, time_at(entry.get("timestamp"), context)):
        yield replace(result, run_id=job.text() if job else None)


def _objective(node: Node, context: Context) -> tuple[str, Kind | None]:
    """Return the objective in v2's spelling, and its kind."""
    written = node.text()
    objective = written.lower().replace("_", "-")
    known = objective in _KINDS or {written, objective} & set(context.kinds) or context.kind
    if not known:
        node.fault(f"{shown(written)} is not a known objective{near(objective, _KINDS)}")
    return objective, _KINDS.get(objective)


def _by_kind(
    judged: Iterable[NamedFinding], context: Context, emitted: datetime | None
) -> Iterator[MonitorResult]:
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="vertex-ai",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            emitted_at=emitted,
        )
