"""AWS CloudWatch: alarms through SNS, through EventBridge, by themselves, as listed by AWS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import kind_of
from retouch.adapters.base.native import MAX_PROSE, Node, number_at, parse_native, text_at
from retouch.adapters.base.result import FindingFields, MonitorResult, finding
from retouch.adapters.base.times import half_open, time_at
from retouch.adapters.base.wrapping import documents, translated
from retouch.alerts.model import Kind, Status, Window
from retouch.schema_errors import near, shown

_TOOL = "CloudWatch"
_VERDICTS = {"ALARM": "breach", "OK": "ok", "INSUFFICIENT_DATA": "skipped"}
_STATUSES: dict[str, Status] = {"OK": "resolved", "INSUFFICIENT_DATA": "no_data"}
_OPERATORS: dict[str, tuple[str, str]] = {
    "GreaterThanThreshold": ("upper", "gt"),
    "GreaterThanOrEqualToThreshold": ("upper", "ge"),
    "LessThanThreshold": ("lower", "lt"),
    "LessThanOrEqualToThreshold": ("lower", "le"),
    # of a band that CloudWatch itself predicts; it has no one threshold
    "GreaterThanUpperThreshold": ("upper", "gt"),
    "LessThanLowerThreshold": ("lower", "lt"),
    "LessThanLowerOrGreaterThanUpperThreshold": ("", "outside"),
}
_DRIFT = "feature_baseline_drift_"
_OF_A_FEATURE = (_DRIFT, "feature_non_null_", "feature_null_", "feature_data_")
"""What Model Monitor's names of metrics begin with; the rest is the feature's name."""
_KIND_OF_NAMESPACE: dict[str, Kind] = {
    "data-metrics": "data_quality",
    "model-metrics": "performance",
    "bias-metrics": "performance",
    "explainability-metrics": "attribution_drift",
}
_MAX_LABELS = 16


@dataclass(frozen=True)
class _Alarm:
    """An alarm in any of its formats: its fields as nodes."""

    node: Node
    name: Node
    state: Node
    reason: Node | None
    reason_data: Node | None
    changed: Node | None
    rule: Node
    """Where metric, operator and threshold stand."""
    run_id: str | None


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each alarm.

    SNS wraps an alarm as text inside of JSON, alone or in `Records`, which Lambda and SQS deliver.
    The value is in the reason, which is prose, or in its data. Raises InputError for a message that
    is not an alarm, such as the confirmation of a subscription.
    """
    return [_result(alarm, context) for node in _messages(root) for alarm in _alarms(node)]


def _messages(root: Node) -> list[Node]:
    return documents(root, _is_output, _TOOL)


def _is_output(node: Node) -> bool:
    keys = ("NewStateValue", "StateValue", "alarmData", "Sns", "Type", "MetricAlarms", "detail")
    return isinstance(node.value, dict) and any(key in node.value for key in keys)


def _alarms(node: Node, run_id: str | None = None) -> list[_Alarm]:
    if node.get("Sns") is not None:
        return _notified(node.need("Sns"))
    if node.get("Type") is not None:
        return _notified(node)
    if node.get("detail") is not None or node.get("alarmData") is not None:
        return [_of_eventbridge(node)]
    if node.get("MetricAlarms") is not None:
        listed = [node.get("MetricAlarms"), node.get("CompositeAlarms")]
        return [_described(alarm) for alarms in listed if alarms for alarm in alarms.items()]
    return [_described(node) if node.get("StateValue") else _of_sns(node, run_id)]


def _notified(notification: Node) -> list[_Alarm]:
    """Return the alarms in a notification of SNS, whose message is JSON as text."""
    kind = text_at(notification, "Type")
    if kind is not None and kind != "Notification":
        notification.need("Type").fault(f"{shown(kind)} is no alarm")
    message = notification.need("Message")
    message.text()
    run_id = text_at(notification, "MessageId")
    return [alarm for inner in _messages(message) for alarm in _alarms(inner, run_id)]


def _of_sns(node: Node, run_id: str | None) -> _Alarm:
    return _Alarm(
        node=node,
        name=node.need("AlarmName"),
        state=node.need("NewStateValue"),
        reason=node.get("NewStateReason"),
        reason_data=node.get("NewStateReasonData"),
        changed=node.get("StateChangeTime"),
        rule=node.get("Trigger") or node,
        run_id=run_id,
    )


def _described(node: Node) -> _Alarm:
    return _Alarm(
        node=node,
        name=node.need("AlarmName"),
        state=node.need("StateValue"),
        reason=node.get("StateReason"),
        reason_data=node.get("StateReasonData"),
        changed=node.get("StateTransitionedTimestamp") or node.get("StateUpdatedTimestamp"),
        rule=node,
        run_id=None,
    )


def _of_eventbridge(node: Node) -> _Alarm:
    detail = node.get("detail") or node.need("alarmData")
    state = detail.need("state")
    return _Alarm(
        node=detail,
        name=detail.need("alarmName"),
        state=state.need("value"),
        reason=state.get("reason"),
        reason_data=state.get("reasonData"),
        changed=state.get("timestamp") or node.get("time"),
        rule=detail.get("configuration") or detail,
        run_id=text_at(node, "id"),
    )


def _result(alarm: _Alarm, context: Context) -> MonitorResult:
    metric, namespace, dimensions = _metric(alarm.rule)
    title = alarm.name.text()
    default = _default_kind(metric or "", namespace)
    kind, native_kind = kind_of(alarm.name, context, (metric, title), default=default)
    changed = time_at(alarm.changed, context)
    known = context.window or any(table.window for table in context.tables.values())
    return MonitorResult(
        tool="cloudwatch",
        kind=kind,
        native_kind=native_kind,
        status=_STATUSES.get(alarm.state.text()),
        findings=(_finding(alarm, metric or title, title),),
        # A metric's period is when it was published: a window that the context gives is better.
        window=None if known else _window(alarm.rule, alarm.changed, context),
        started_at=changed if alarm.state.text() == "ALARM" else None,
        emitted_at=changed,
        run_id=alarm.run_id,
        labels=dict(list(_labels(dimensions).items())[:_MAX_LABELS]),
        message=alarm.reason.text() if alarm.reason else "",
    )


def _finding(alarm: _Alarm, metric: str, title: str) -> FindingFields:
    reason = alarm.reason.text() if alarm.reason else ""
    limit = _limit(alarm.rule, reason)
    column = next((metric[len(p) :] for p in _OF_A_FEATURE if metric.startswith(p)), None)
    return finding(
        metric,
        verdict=translated(alarm.state, _VERDICTS),
        column=column or None,
        native_id=title,
        value=next(iter(_values_in(alarm.reason_data, reason)), None),
        lower=limit.threshold if limit.side == "lower" else None,
        upper=limit.threshold if limit.side == "upper" else None,
        breach_when=limit.breach_when,
    )


def _metric(rule: Node) -> tuple[str | None, str | None, Node | None]:
    """Return name, namespace and dimensions of the metric that is compared.

    An alarm on an expression has the name of its result, and the rest of what goes into it; an
    alarm on other alarms has none of them.
    """
    if rule.get("MetricName"):
        return text_at(rule, "MetricName"), text_at(rule, "Namespace"), rule.get("Dimensions")
    metrics = rule.get("Metrics") or rule.get("metrics")
    parts = list(metrics.items()) if metrics else []
    shown_first = sorted(parts, key=lambda part: not _is_returned(part))
    stats = [s for s in map(_statistic, shown_first) if s is not None]
    if shown_first and _is_returned(shown_first[0]) and _statistic(shown_first[0]) is None:
        names = (text_at(shown_first[0], key) for key in ("Label", "label", "Id", "id"))
        name = next(filter(None, names), None)
        return (name, *stats[0][1:]) if stats else (name, None, None)
    return stats[0] if stats else (None, None, None)


def _is_returned(part: Node) -> bool:
    node = part.get("ReturnData") or part.get("returnData")
    return node is not None and node.value is True


def _statistic(part: Node) -> tuple[str | None, str | None, Node | None] | None:
    """Return name, namespace and dimensions in a part of an expression; None for a formula."""
    if (old := part.get("MetricStat", "Metric")) is not None:
        return text_at(old, "MetricName"), text_at(old, "Namespace"), old.get("Dimensions")
    if (new := part.get("metricStat", "metric")) is not None:
        return text_at(new, "name"), text_at(new, "namespace"), new.get("dimensions")
    return None


def _default_kind(metric: str, namespace: str | None) -> Kind | None:
    if metric.startswith(_DRIFT):
        return "data_drift"
    return _KIND_OF_NAMESPACE.get((namespace or "").rpartition("/")[2])


def _limit(rule: Node, reason: str) -> Limit:
    """Return the limit of the alarm's rule, or of its reason: EventBridge has no operator."""
    operator = rule.get("ComparisonOperator")
    if operator is None:
        return _limit_in(reason)
    if operator.text() not in _OPERATORS:
        word = operator.text()
        operator.fault(f"{shown(word)} is not a known operator{near(word, _OPERATORS)}")
    side, breach_when = _OPERATORS[operator.text()]
    threshold = number_at(rule, "Threshold")
    return Limit(side if threshold is not None else "", threshold, breach_when)


def _window(rule: Node, changed: Node | None, context: Context) -> Window | None:
    """Return the periods the alarm looked at: those before its state changed."""
    period, count = number_at(rule, "Period"), number_at(rule, "EvaluationPeriods") or 1
    end = time_at(changed, context)
    if period is None or end is None or not 0 < period * count <= 366 * 86400:
        return None
    return half_open(end - timedelta(seconds=period * count), end)


def _labels(dimensions: Node | None) -> dict[str, str]:
    """Return the dimensions; SNS lists `name` and `value`, the interface `Name` and `Value`."""
    labels: dict[str, Any] = {}
    if dimensions is None:
        return labels
    if isinstance(dimensions.value, dict):
        return {name[:64]: node.text()[:200] for name, node in dimensions.fields()}
    for item in dimensions.items():
        name = item.get("name") or item.need("Name")
        value = item.get("value") or item.get("Value")
        labels[name.text()[:64]] = value.text()[:200] if value else ""
    return labels


_N = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_POINT = re.compile(rf"({_N}) \((\d\d/\d\d/\d\d \d\d:\d\d:\d\d)\)")
_POINTS = re.compile(r"datapoints? \[([^\]]*)\]")
_RULE = re.compile(
    rf"w(?:as|ere) (?:not )?(greater|less) than( or equal to)? the threshold \(({_N})\)"
)


@dataclass(frozen=True)
class Limit:
    """A threshold, its side (`upper`, `lower`, or empty) and what is a breach."""

    side: str
    threshold: float | None
    breach_when: str


def _values_in(data: Node | None, reason: str) -> list[float]:
    """Return the values of the datapoints, the latest first; none where they are not given."""
    found = _in_data(data) or _in_prose(reason)
    return [value for _, value in sorted(found, key=lambda point: point[0], reverse=True)]


def _limit_in(reason: str) -> Limit:
    """Return the limit that the prose tells: `was greater than the threshold (0.1)`."""
    rule = _RULE.search(reason[:MAX_PROSE])
    if rule is None:
        return Limit("", None, "declared")
    greater, equal = rule[1] == "greater", "e" if rule[2] else "t"
    side = "upper" if greater else "lower"
    return Limit(side, float(rule[3]), ("g" if greater else "l") + equal)


def _in_data(data: Node | None) -> list[tuple[str, float]]:
    """Return time and value of each datapoint in the data of the reason: text inside of JSON."""
    if data is None:
        return []
    if isinstance(data.value, str):
        data = parse_native(data.value, data.source, data.place)
    points = data.get("evaluatedDatapoints")
    if points is not None:
        read = [(p.get("timestamp"), p.get("value")) for p in points.items()]
        return [(at.text(), v) for at, n in read if at and n and (v := n.number()) is not None]
    recent = data.get("recentDatapoints")
    values = [node.number() for node in recent.items()] if recent else []
    # The latest of several is unknown.
    return [("", value) for value in values if value is not None] if len(values) == 1 else []


def _in_prose(reason: str) -> list[tuple[str, float]]:
    listed = _POINTS.search(reason[:MAX_PROSE])
    points = _POINT.findall(listed[1]) if listed else []
    return [(_sortable(at), float(value)) for value, at in points]


def _sortable(written: str) -> str:
    try:
        # Compared with one another only, so the zone does not matter.
        return datetime.strptime(written, "%d/%m/%y %H:%M:%S").isoformat()  # noqa: DTZ007
    except ValueError:
        return ""
