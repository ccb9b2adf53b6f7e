"""What CloudWatch says of a change of state: values and limit, in prose and in data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from retouch.adapters.base.native import MAX_PROSE, Node, parse_native

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


def values_in(data: Node | None, reason: str) -> list[float]:
    """Return the values of the datapoints, the latest first; none where they are not given."""
    found = _in_data(data) or _in_prose(reason)
    return [value for _, value in sorted(found, key=lambda point: point[0], reverse=True)]


def limit_in(reason: str) -> Limit:
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
    # Which of several is the latest is not said.
    return [("", value) for value in values if value is not None] if len(values) == 1 else []


def _in_prose(reason: str) -> list[tuple[str, float]]:
    listed = _POINTS.search(reason[:MAX_PROSE])
    points = _POINT.findall(listed[1]) if listed else []
    return [(_sortable(at), float(value)) for value, at in points]


def _sortable(written: str) -> str:
    try:
        # Only held against its like: the zone does not matter.
        return datetime.strptime(written, "%d/%m/%y %H:%M:%S").isoformat()  # noqa: DTZ007
    except ValueError:
        return ""
