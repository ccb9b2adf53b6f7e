"""Alerts as labels and annotations: what Alertmanager and Grafana have in common.

The contract for labels is `model`, `dataset`, `kind`, `column`, `severity`; for annotations
`value`, `threshold`, `breach_when`, `metric`, `window_start`, `window_end`, `data_digest` and
`summary`. All of them are text, and all of them may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from retouch.adapters.base.context import Context, require_tables
from retouch.adapters.base.kinds import kind_by_word, kind_of, severity_by_word
from retouch.adapters.base.native import Node, number_at, text_at
from retouch.adapters.base.result import FindingFields, MonitorResult, finding, worst
from retouch.adapters.base.times import half_open, time_at
from retouch.alerts.model import Kind, Status, Window

State = Literal["firing", "resolved", "suppressed", "no_data", "error"]
_VERDICT_OF: dict[State, str] = {
    "firing": "breach",
    "resolved": "ok",
    "suppressed": "skipped",
    "no_data": "skipped",
    "error": "error",
}
_STATUS_OF: dict[str, Status] = {"resolved": "resolved", "no_data": "no_data", "error": "no_data"}
_LABELS_WITH_A_FIELD = ("model", "dataset", "kind", "column", "feature", "severity")
_MAX_LABELS = 16


@dataclass(frozen=True)
class LabelledAlert:
    """One member of a message, with the number its tool keeps beside the annotations."""

    node: Node
    state: State
    value: float | None = None

    def label(self, *names: str) -> str | None:
        """Return the first of these labels that is set."""
        return self._first("labels", names)

    def note(self, *names: str) -> str | None:
        """Return the first of these annotations that is set."""
        return self._first("annotations", names)

    def _first(self, where: str, names: Sequence[str]) -> str | None:
        found = (text_at(self.node, where, name) for name in names)
        return next(filter(None, found), None)


def results(
    members: Sequence[LabelledAlert], context: Context, tool: str, **common: Any
) -> Iterator[MonitorResult]:
    """Yield a result for each model, data set, kind, window and state among the members.

    A message may contain firing and resolved members: they become two alerts. Members that are
    suppressed (silenced, inhibited) raise none, and resolve none either. `common`: fields of the
    whole message; `truncated` applies to firing members only.
    """
    names = [member.label("dataset") for member in members]
    if context.dataset in names:
        # The dataset of the context is one of them and must not be used for the others.
        require_tables(members[0].node, context, names)
    groups: dict[tuple[object, ...], list[LabelledAlert]] = {}
    for member in members:
        key = (*_subject(member, context), "firing" if _fires(member) else member.state)
        groups.setdefault(key, []).append(member)
    for group in groups.values():
        if any(member.state != "suppressed" for member in group):
            yield _result(group, context, tool, common)


def truncated(message: Node) -> int:
    """Return how many members the sender left out of a webhook."""
    return max(0, int(number_at(message, "truncatedAlerts") or 0))


def _fires(member: LabelledAlert) -> bool:
    return member.state in ("firing", "suppressed")


def _subject(member: LabelledAlert, context: Context) -> tuple[object, ...]:
    window = _window(member, context)
    return (
        member.label("model"),
        member.label("dataset"),
        _kind(member, context)[0],
        member.note("data_digest"),
        None if window is None else (window.start, window.end),
    )


def _result(
    group: Sequence[LabelledAlert], context: Context, tool: str, common: dict[str, Any]
) -> MonitorResult:
    first, state = group[0], group[0].state
    kind, name = _kind(first, context)
    fires = any(member.state == "firing" for member in group)
    starts = [time_at(member.node.get("startsAt"), context) for member in group]
    return MonitorResult(
        tool=tool,
        kind=kind,
        native_kind=name,
        status=None if fires else _STATUS_OF.get(state),
        severity=worst(severity_by_word(member.label("severity")) for member in group),
        model=first.label("model"),
        table=first.label("dataset"),
        digest=first.note("data_digest"),
        window=_window(first, context),
        started_at=min(filter(None, starts), default=None),
        findings=tuple(_finding(member) for member in group),
        labels=_shared_labels(group),
        message="\n".join(dict.fromkeys(filter(None, map(_message, group)))),
        **(common if fires else common | {"truncated": 0}),
    )


def _kind(member: LabelledAlert, context: Context) -> tuple[Kind, str | None]:
    word, rule = member.label("kind"), member.label("rulename", "alertname")
    return kind_of(member.node, context, (word, rule), default=kind_by_word(word))


def _window(member: LabelledAlert, context: Context) -> Window | None:
    ends = []
    for name in ("window_start", "window_end"):
        node = member.node.get("annotations", name) or member.node.get("labels", name)
        # A template without a value gives an empty text.
        ends.append(time_at(node, context) if node and node.value != "" else None)
    start, end = ends
    if start is not None and end is not None and start >= end:
        member.node.fault("has a window_start that is not before its window_end")
    return half_open(start, end)


def _finding(member: LabelledAlert) -> FindingFields:
    rule = member.label("rulename", "alertname")
    metric = member.note("metric") or member.label("metric") or member.note("method") or rule
    value = member.value if member.value is not None else _number(member.note("value"))
    return finding(
        metric or "alert",
        verdict=_VERDICT_OF[member.state],
        column=member.label("column", "feature"),
        native_id=text_at(member.node, "fingerprint"),
        value=value,
        severity=severity_by_word(member.label("severity")),
        **_bounds(member, value),
    )


def _bounds(member: LabelledAlert, value: float | None) -> dict[str, Any]:
    """Return the limit on its side of the value.

    Without an annotation for the direction, the state decides: a firing value exceeds its limit.
    """
    threshold = _number(member.note("threshold"))
    if threshold is None:
        return {}
    direction = member.note("breach_when")
    if direction in ("gt", "ge", "lt", "le"):
        side = "upper" if direction in ("gt", "ge") else "lower"
        return {side: threshold, "breach_when": direction}
    if value is None or value == threshold or member.state not in ("firing", "resolved"):
        return {}
    beyond = member.state == "firing"
    return {"upper" if (value > threshold) == beyond else "lower": threshold}


def _number(text: str | None) -> float | None:
    """Return the number in an annotation; None for a formatted one (`26.6%`, `1.2k`)."""
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None


def _message(member: LabelledAlert) -> str | None:
    return member.note("summary", "description", "message")


def _shared_labels(group: Sequence[LabelledAlert]) -> dict[str, str]:
    shared: dict[str, str] = {}
    node = group[0].node.get("labels")
    for name, label in node.fields() if node else ():
        same = all(member.label(name) == label.value for member in group)
        if same and isinstance(label.value, str) and name not in _LABELS_WITH_A_FIELD:
            shared[name[:64]] = label.value[:200]
    return dict(list(shared.items())[:_MAX_LABELS])
