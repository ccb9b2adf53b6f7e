"""Azure Machine Learning: Event Grid events of model monitoring v2 and of v1's data drift."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, number_at, parse_native, text_at
from retouch.adapters.base.result import MonitorResult, finding, metric_name
from retouch.adapters.base.times import half_open, time_at
from retouch.adapters.base.wrapping import documents
from retouch.alerts.model import Kind

_TOOL = "Azure ML"
_SERVICE = "Microsoft.MachineLearningServices."
_TAG = "azureml_modelmonitor_threshold_breached"
_MAX_LIST = 1_000_000
_IN_SIGNAL: dict[str, Kind] = {
    "feature_attribution": "attribution_drift",
    "prediction_drift": "prediction_drift",
    "data_drift": "data_drift",
    "data_quality": "data_quality",
    "performance": "performance",
}
"""The service's own names of signals; those people give to theirs usually hold one of them."""
_BETTER_ABOVE = frozenset(
    {
        "accuracy",
        "precision",
        "recall",
        "pearsons_chi_squared_test",
        "two_sample_kolmogorov_smirnov_test",
        "normalized_discounted_cumulative_gain",
    }
)
_BETTER_BELOW = frozenset(
    {
        "data_type_error_rate",
        "jensen_shannon_distance",
        "mean_absolute_error",
        "mean_squared_error",
        "normalized_wasserstein_distance",
        "null_value_rate",
        "out_of_bounds_rate",
        "population_stability_index",
        "root_mean_squared_error",
    }
)


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the results in one event or a list of them.

    Events of other runs are passed over; InputError when all of them are. The tag of v2 may list
    each metric the signal looked at, not only those over the limit, so a row is compared with its
    own limit: below it for p-values and the like. A row of a metric that is not known is a breach,
    as the tag says.
    """
    found: list[MonitorResult] = []
    events = documents(root, _is_output, _TOOL)
    count = 0
    for event in events:
        data = event.need("data")
        kind_of_event = _type(event).removeprefix(_SERVICE)
        if kind_of_event == "DatasetDriftDetected":
            found += _dataset_drift(event, data, context)
        elif (tag := _tag(data)) is not None:
            found += _signal(event, data, tag, context)
        else:
            continue
        count += 1
    if not count:
        root.fault(f"holds no event of a monitor: no DatasetDriftDetected, and no tag {_TAG}")
    return found


def _is_output(node: Node) -> bool:
    return _type(node).startswith(_SERVICE)


def _type(event: Node) -> str:
    """Return the event's type, in Event Grid's schema or in that of CloudEvents."""
    found = event.get("eventType") or event.get("type")
    return found.value if found is not None and isinstance(found.value, str) else ""


def _field(node: Node, name: str) -> Node | None:
    """Return a field whatever its capitals: `RunTags` in the event, `runTags` in the clients."""
    if not isinstance(node.value, dict):
        return None
    key = next((key for key in node.value if key.lower() == name.lower()), None)
    return None if key is None else node.get(key)


def _text(node: Node, name: str) -> str | None:
    found = _field(node, name)
    return None if found is None else found.text()


def _tag(data: Node) -> Node | None:
    tags = _field(data, "RunTags")
    return None if tags is None else _field(tags, _TAG)


def _emitted(event: Node) -> Node | None:
    return event.get("eventTime") or event.get("time")


def _dataset_drift(event: Node, data: Node, context: Context) -> Iterator[MonitorResult]:
    name = _text(data, "DataDriftName")
    coefficient = _field(data, "DriftCoefficient")
    item = finding(
        "DriftCoefficient",
        verdict="breach",
        value=coefficient.number() if coefficient else None,
        native_id=_text(data, "DataDriftId"),
    )
    start, end = (time_at(_field(data, key), context) for key in ("StartTime", "EndTime"))
    target = _text(data, "TargetDatasetId")
    for group in group_by_kind(
        [NamedFinding(item, tuple(filter(None, [name])), "data_drift", data)], context
    ):
        yield MonitorResult(
            tool="azure-ml",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            # An id of Azure's is a dataset only where the context maps it.
            table=target if target in context.tables else None,
            window=half_open(start, end),
            emitted_at=time_at(_emitted(event), context),
            run_id=_text(data, "RunId"),
        )


def _signal(event: Node, data: Node, tag: Node, context: Context) -> Iterator[MonitorResult]:
    prose = tag.text()
    signal = _between(prose, "The signal '", "' has failed")
    judged = [
        NamedFinding(_row(row), tuple(filter(None, [signal])), _kind(signal), tag)
        for row in _rows(tag, prose)
    ]
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="azure-ml",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            emitted_at=time_at(_emitted(event), context),
            run_id=_text(data, "RunId"),
            message=prose.partition("\n")[0],
        )


def _between(text: str, start: str, end: str) -> str | None:
    _, found, rest = text.partition(start)
    name, ended, _ = rest.partition(end)
    return name if found and ended else None


def _kind(signal: str | None) -> Kind | None:
    name = metric_name(signal or "")
    return next((kind for word, kind in _IN_SIGNAL.items() if word in name), None)


def _rows(tag: Node, prose: str) -> Iterator[Node]:
    """Yield the rows in the tag: a list as Python writes it, of texts that are JSON."""
    written = prose[prose.find("[") : prose.rfind("]") + 1]
    try:
        listed = ast.literal_eval(written) if 0 < len(written) <= _MAX_LIST else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        listed = None
    if not isinstance(listed, list):
        tag.fault("has no list of metrics in it")
    for number, row in enumerate(listed):
        place = (*tag.place, number)
        if isinstance(row, dict):
            yield Node(row, tag.source, place)
        else:
            yield parse_native(str(row), tag.source, place)


def _row(row: Node) -> dict[str, Any]:
    metric = row.need("metric_name").text()
    value, threshold = number_at(row, "metric_value"), number_at(row, "threshold_value")
    group = text_at(row, "group")
    name = metric_name(metric)
    numbers: dict[str, Any] = {"value": value}
    verdict = "breach"
    if value is None or threshold is None:
        verdict = "skipped"
    elif name in _BETTER_ABOVE or name.endswith("pass_rate"):
        verdict = "breach" if value < threshold else "ok"
        numbers |= {"lower": threshold, "breach_when": "lt"}
    elif name in _BETTER_BELOW:
        verdict = "breach" if value > threshold else "ok"
        numbers |= {"upper": threshold, "breach_when": "gt"}
    return dict(finding(metric, verdict=verdict, column=group or None, **numbers))
