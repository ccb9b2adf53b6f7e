"""river and frouros: detectors without a report of their own, whose results the caller records.

One record per detector and column, or one per update of it:

    [{"detector": "ADWIN", "column": "dep_delay", "drift_detected": true, "index": 195,
      "time": "2013-07-01T06:00:00Z", "statistic": 30.4, "p_value": null, "version": "0.26.1"}]

The verdict is the record's. Where it has none (a batch test of frouros), the caller states a rule:
`threshold` and `breach_when` in the record, or `recorded` in the context.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind, kind_by_word
from retouch.adapters.base.native import Node, number_at, parse_native, text_at
from retouch.adapters.base.result import BREACHES, FindingFields, MonitorResult, finding
from retouch.adapters.base.times import time_if_zoned
from retouch.adapters.base.wrapping import boolean, rows, translated
from retouch.alerts.model import Kind

KindOf = Callable[[str, str | None], Kind | None]
"""The kind for a detector on a column; None where neither determines it."""

_WRAPPERS = ("records", "results", "detectors", "updates", "data")
_DETECTOR = ("detector", "detector_name", "method", "test")
_COLUMN = ("column", "feature", "variable")
_DRIFT = ("drift_detected", "drift", "is_drift", "change_detected")
_WARNING = ("warning_detected", "warning")
_NUMBERS = ("value", "statistic", "distance", "p_value", "estimation")
_KEYS = (*_DETECTOR, *_COLUMN, *_DRIFT, *_WARNING, *_NUMBERS, "status", "result", "verdict")
_VERDICTS = {word: word for word in ("breach", "warn", "ok", "error", "skipped")}
_RULES: Mapping[str, Callable[[float, float], bool]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_WORST_FIRST = ("breach", "warn", "error", "skipped", "ok")
_RIVER_ON_ERRORS = ("DDM", "EDDM", "FHDDM", "HDDMA", "HDDMW", "HDDM_A", "HDDM_W")
"""Detectors whose input is whether the model was wrong, never a column."""
_RIVER_ON_ANY_INPUT = ("ADWIN", "KSWIN", "PageHinkley", "DummyDriftDetector", "NoDrift")
_FROUROS_CONCEPT_DRIFT = (
    "ADWIN",
    "BOCD",
    "CUSUM",
    "DDM",
    "ECDDWT",
    "EDDM",
    "GeometricMovingAverage",
    "HDDMA",
    "HDDMW",
    "KSWIN",
    "PageHinkley",
    "RDDM",
    "STEPD",
)
"""frouros keeps these in `detectors.concept_drift`."""
_FROUROS_DATA_DRIFT = (
    "AndersonDarlingTest",
    "BhattacharyyaDistance",
    "BWSTest",
    "ChiSquareTest",
    "CVMTest",
    "EMD",
    "EnergyDistance",
    "HellingerDistance",
    "HINormalizedComplement",
    "IncrementalKSTest",
    "JS",
    "KL",
    "KSTest",
    "KuiperTest",
    "MannWhitneyUTest",
    "MMD",
    "PSI",
    "WelchTTest",
)
"""frouros keeps these in `detectors.data_drift`."""


def read_river(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of drift that was recorded."""
    return _results(
        root,
        context,
        tool="river",
        detectors=(*_RIVER_ON_ERRORS, *_RIVER_ON_ANY_INPUT),
        kind_of=_river_kind,
    )


def read_frouros(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of drift that was recorded."""
    return _results(
        root,
        context,
        tool="frouros",
        detectors=(*_FROUROS_CONCEPT_DRIFT, *_FROUROS_DATA_DRIFT),
        kind_of=_frouros_kind,
    )


def _river_kind(detector: str, column: str | None) -> Kind | None:
    if detector in _RIVER_ON_ERRORS:
        return "concept_drift"
    return None if column is None else "data_drift"


def _frouros_kind(detector: str, column: str | None) -> Kind | None:
    if detector in _FROUROS_CONCEPT_DRIFT:
        return "concept_drift"
    if detector in _FROUROS_DATA_DRIFT or column is not None:
        return "data_drift"
    return None


@dataclass(frozen=True)
class _Update:
    """A record with its verdict."""

    detector: str
    column: str | None
    kind: Kind | None
    item: FindingFields
    time: datetime | None
    version: str | None
    at: Node


def _results(
    root: Node, context: Context, *, tool: str, detectors: Sequence[str], kind_of: KindOf
) -> list[MonitorResult]:
    """Return a result for each kind; of several updates of a detector, the first worst counts.

    `detectors` are the tool's, by name. Raises InputError for a record without a verdict.
    """
    updates = [
        _update(record, _outer(record, label, detectors), context, kind_of)
        for record, label in _records(root, tool)
    ]
    worst: dict[tuple[str, str | None], _Update] = {}
    for update in updates:
        key = (update.detector, update.column)
        if key not in worst or _rank(update) < _rank(worst[key]):
            worst[key] = update
    judged = [
        NamedFinding(u.item, tuple(filter(None, (u.column, u.detector))), u.kind, u.at)
        for u in worst.values()
    ]
    began = {id(u.item): u.time for u in worst.values() if u.item["verdict"] in BREACHES}
    version = next((u.version for u in updates if u.version), None)
    return [
        MonitorResult(
            tool=tool,
            tool_version=version,
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            started_at=min(filter(None, (began.get(id(f)) for f in group.findings)), default=None),
        )
        for group in group_by_kind(judged, context)
    ]


def _rank(update: _Update) -> int:
    return _WORST_FIRST.index(update.item["verdict"])


def _records(root: Node, tool: str) -> Iterator[tuple[Node, str | None]]:
    """Yield each record and its key, if it has one."""
    if isinstance(root.value, str):
        root = parse_native(root.value, root.source, root.place)
    wrapper = next((root.get(key) for key in _WRAPPERS if root.get(key)), None)
    if wrapper is not None and not any(root.get(key) for key in (*_DRIFT, *_NUMBERS, "columns")):
        yield from _records(wrapper, tool)
        return
    named = isinstance(root.value, dict) and not any(key in root.value for key in _KEYS)
    found: list[tuple[Node, str | None]]
    if named and not root.get("columns"):
        found = [(node, name) for name, node in root.fields() if not name.startswith("_")]
    else:
        found = [(row, None) for row in rows(root, _KEYS)]
    if not found:
        root.fault(f"contains no record; is this a recording of {tool}?")
    for record, name in found:
        yield from ((event, name) for event in _events(_named(record)))


def _named(record: Node) -> Node:
    """Return a record as an object; a result of frouros is a named tuple, in JSON a list."""
    if isinstance(record.value, list):
        return Node(_of_tuple(record), record.source, record.place)
    if not isinstance(record.value, dict):
        record.fault("must be an object: the record of one detector")
    result = record.get("result")
    if result is None or not isinstance(result.value, list):
        return record
    return Node({**record.value, "result": _of_tuple(result)}, record.source, record.place)


def _of_tuple(node: Node) -> dict[str, JsonValue]:
    values = [item.number() for item in node.items()]
    if len(values) not in (1, 2):
        node.fault("must be an object: the record of one detector")
    names = ("distance",) if len(values) == 1 else ("statistic", "p_value")
    return dict(zip(names, values, strict=True))


def _events(record: Node) -> Iterator[Node]:
    """Yield the updates under `events`, each with the fields that the record has for all."""
    events = record.get("events")
    if events is None:
        yield record
        return
    shared = {key: value for key, value in record.fields() if key != "events"}
    plain = {key: node.value for key, node in shared.items()}
    if not events.value:
        # Only changes are events: none were seen.
        yield Node({"drift_detected": False, **plain}, record.source, record.place)
        return
    for event in events.items():
        own = {key: node.value for key, node in event.fields()}
        yield Node({**plain, **own}, event.source, event.place)


def _outer(record: Node, label: str | None, detectors: Sequence[str]) -> Mapping[str, str]:
    """Return detector and column by the record's name (`DETECTOR/COLUMN` or one of them).

    A detector named in the record itself takes precedence.
    """
    own_name = _first_text(record, _DETECTOR)
    own = {"detector": _class(own_name, detectors)} if own_name else {}
    if label is None or label.isdigit():
        return own
    first, _, rest = label.partition("/")
    first = _class(first, detectors)
    if first not in detectors:
        return {"column": label} | own
    return {"detector": first} | ({"column": rest} if rest else {}) | own


def _class(detector: str, detectors: Sequence[str]) -> str:
    """Return a detector's class, also of `river.drift.ADWIN` and `ADWIN(delta=0.002)`."""
    found = re.match(r"(?:\w+\.)*(\w+)", detector)
    return found[1] if found and found[1] in detectors else detector


def _update(record: Node, outer: Mapping[str, str], context: Context, kind_of: KindOf) -> _Update:
    detector = outer.get("detector") or record.need("detector").text()
    column = _first_text(record, _COLUMN) or outer.get("column")
    if column is None and context.recorded is not None:
        column = context.recorded.column
    kind = kind_by_word(text_at(record, "kind")) or kind_of(detector, column)
    return _Update(
        detector=detector,
        column=column,
        kind=kind,
        item=_finding(record, detector, column, context),
        time=_time(record, context),
        version=text_at(record, "version"),
        at=record,
    )


def _finding(record: Node, detector: str, column: str | None, context: Context) -> FindingFields:
    numbers = _numbers(record)
    verdict = _verdict(record)
    judged: dict[str, Any] = {"value": next(iter(numbers.values()), None)}
    if verdict is None:
        verdict, judged = _by_rule(record, numbers, context)
    p_value = numbers.get("p_value")
    return finding(
        detector,
        column=column,
        verdict=verdict,
        p_value=p_value if p_value is not None and 0 <= p_value <= 1 else None,
        native_id=_index(record),
        **judged,
    )


def _numbers(record: Node) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in _NUMBERS:
        for place in ((name,), ("result", name)):
            if (number := number_at(record, *place)) is not None:
                found.setdefault(name, number)
    return found


def _verdict(record: Node) -> str | None:
    """Return the verdict that was recorded, or None."""
    if (found := record.get("verdict")) is not None:
        return translated(found, _VERDICTS)
    drift, warning = _flag(record, _DRIFT), _flag(record, _WARNING)
    if drift is None and warning is None:
        return None
    return "breach" if drift else "warn" if warning else "ok"


def _flag(record: Node, names: Sequence[str]) -> bool | None:
    for name in names:
        for place in ((name,), ("status", name)):
            if (found := record.get(*place)) is not None:
                return boolean(found)
    return None


def _by_rule(
    record: Node, numbers: Mapping[str, float], context: Context
) -> tuple[str, dict[str, Any]]:
    """Return the verdict by the caller's own rule, and that rule."""
    recorded = context.recorded
    threshold = number_at(record, "threshold")
    if threshold is None and recorded is not None:
        threshold = recorded.threshold
    rule = text_at(record, "breach_when")
    if rule is None and recorded is not None:
        rule = recorded.breach_when
    if threshold is None or rule is None:
        record.fault(
            "has no verdict; record `drift_detected`, or give a rule in the context: "
            "`recorded: {metric: p_value, threshold: 0.01, breach_when: lt}`"
        )
    if rule not in _RULES:
        record.need("breach_when").fault(
            f"{rule!r} is not a rule; expected one of {', '.join(_RULES)}"
        )
    metric = text_at(record, "metric") or (recorded.metric if recorded else None)
    name = metric or _only(record, numbers)
    if name not in numbers:
        record.fault(f"has no {name!r} to compare with the threshold")
    stated = record.get("breach_when") is not None or "breach_when" in (
        recorded.model_fields_set if recorded else ()
    )
    if name == "p_value" and not stated:
        record.fault("has a p-value, which is small where there is drift; give `breach_when: lt`")
    side = "upper" if rule in ("gt", "ge") else "lower"
    broken = _RULES[rule](numbers[name], threshold)
    judged = {"value": numbers[name], side: threshold, "breach_when": rule}
    return ("breach" if broken else "ok"), judged


def _only(record: Node, numbers: Mapping[str, float]) -> str:
    if len(numbers) != 1:
        words = ", ".join(numbers) or "no number"
        record.fault(f"has {words}; select one in the context: `recorded: {{metric: ...}}`")
    return next(iter(numbers))


def _index(record: Node) -> str | None:
    """Return which update it was, by whatever the caller counts or calls them."""
    for name in ("index", "at", "step"):
        node = record.get(name)
        if node is not None and isinstance(node.value, int | str):
            return f"{name} {node.value}"
    return None


def _time(record: Node, context: Context) -> datetime | None:
    return time_if_zoned(record.get("time") or record.get("timestamp"), context)


def _first_text(record: Node, names: Sequence[str]) -> str | None:
    return next(filter(None, (text_at(record, name) for name in names)), None)
