"""Great Expectations: validation results of 1.x and 0.x, alone or as a checkpoint's `run_results`.

The verdict is `success`; an expectation that raised an exception is an `error`, not a breach.
Values of the data and tracebacks stay out of the alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from retouch.adapters.base.context import Context, require_tables
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import (
    BREACHES,
    FindingFields,
    MonitorResult,
    finding,
    worst,
)
from retouch.adapters.base.times import time_if_zoned
from retouch.adapters.base.wrapping import boolean, documents, translated
from retouch.alerts.model import Kind, Severity

_SEVERITIES: dict[str, Severity] = {word: word for word in get_args(Severity)}
_SCHEMA = (
    "expect_column_to_exist",
    "expect_table_columns_to_match",
    "expect_table_column_count",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
)
_VOLUME = ("expect_table_row_count",)


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of expectation in each validation result."""
    results = list(_results(root))
    metas = filter(None, (result.get("meta") for result in results))
    require_tables(root, context, map(_table, metas))
    return [result for validation in results for result in _of_result(validation, context)]


def _results(root: Node) -> Iterator[Node]:
    for found in documents(root, _is_output, "Great Expectations"):
        if (runs := found.get("run_results")) is not None:
            for _, run in runs.fields():
                # 0.x keeps the result beside those of the actions.
                yield run.get("validation_result") or run
        elif (described := _described(found)) is not None:
            yield from described.items()
        else:
            yield found


def _is_output(node: Node) -> bool:
    runs = node.get("run_results")
    return (
        (runs is not None and isinstance(runs.value, dict))
        or _described(node) is not None
        or (node.get("results") is not None and "success" in _keys(node))
        or (node.get("expectations") is not None and "success" in _keys(node))
        or (node.get("expectation_config") is not None and "success" in _keys(node))
    )


def _described(node: Node) -> Node | None:
    """Return the results within a checkpoint's `describe_dict()`."""
    return node.get("validation_results") or node.get("describe_dict", "validation_results")


def _keys(node: Node) -> dict[str, Any]:
    return node.value if isinstance(node.value, dict) else {}


def _of_result(result: Node, context: Context) -> Iterator[MonitorResult]:
    if result.get("expectation_config") is not None:
        expectations = [result]
    else:
        key = "results" if result.get("results") is not None else "expectations"
        expectations = list(result.need(key).items())
    judged = [item for expectation in expectations for item in _judged(expectation)]
    meta = result.get("meta") or Node({}, result.source, result.place)
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="great_expectations",
            tool_version=text_at(meta, "great_expectations_version"),
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            severity=worst(f.get("severity") for f in group.findings if f["verdict"] in BREACHES),
            # An asset's name need not be that of a data set: only the context can say so.
            table=_table(meta) if context.tables else None,
            rows=_rows(expectations),
            run_id=text_at(meta, "validation_id") or text_at(meta, "run_id", "run_name"),
            emitted_at=time_if_zoned(meta.get("run_id", "run_time"), context),
            labels=_labels(result, meta),
        )


def _table(meta: Node) -> str | None:
    return text_at(meta, "active_batch_definition", "data_asset_name")


def _labels(result: Node, meta: Node) -> dict[str, str]:
    suite = text_at(result, "suite_name") or text_at(meta, "expectation_suite_name")
    fingerprint = text_at(meta, "batch_markers", "pandas_data_fingerprint")
    labels = {"suite": suite, "pandas_data_fingerprint": fingerprint}
    return {key: value[:200] for key, value in labels.items() if value is not None}


def _rows(expectations: Sequence[Node]) -> int | None:
    """Return how many rows there were, as the expectations over all of them counted."""
    counts = [
        count.number()
        for item in expectations
        if item.get("expectation_config", "kwargs", "row_condition") is None
        and (count := item.get("result", "element_count")) is not None
    ]
    return max((int(count) for count in counts if count is not None and count >= 0), default=None)


def _judged(expectation: Node) -> Iterator[NamedFinding]:
    # `describe_dict` has the fields of the configuration one level higher.
    config = expectation.get("expectation_config") or expectation
    name = text_at(config, "type") or config.need("expectation_type").text()
    kwargs = config.get("kwargs") or Node({}, config.source, config.place)
    verdict = _verdict(expectation)
    severity = config.get("severity")
    for column in _columns(kwargs) or [None]:
        yield NamedFinding(
            finding(
                name,
                column=column,
                verdict=verdict,
                native_id=text_at(config, "id"),
                severity=translated(severity, _SEVERITIES) if severity is not None else None,
                **_numbers(expectation, kwargs),
            ),
            names=(name,),
            kind=_kind(name),
            at=expectation,
        )


def _kind(name: str) -> Kind:
    if name.startswith(_SCHEMA):
        return "schema_change"
    return "volume" if name.startswith(_VOLUME) else "data_quality"


def _verdict(expectation: Node) -> str:
    info = expectation.get("exception_info")
    if info is not None and _raised(info):
        return "error"
    return "ok" if boolean(expectation.need("success")) else "breach"


def _raised(info: Node) -> bool:
    """Tell whether an exception was raised, reported once or for each metric."""
    flat = info.get("raised_exception")
    if flat is not None:
        return boolean(flat)
    return any(
        boolean(item.need("raised_exception"))
        for _, item in info.fields()
        if isinstance(item.value, dict)
    )


def _columns(kwargs: Node) -> list[str | None]:
    named = [text_at(kwargs, key) for key in ("column", "column_A", "column_B")]
    if (several := kwargs.get("column_list")) is not None:
        named += [item.text() for item in several.items()]
    return [name for name in named if name is not None]


def _numbers(expectation: Node, kwargs: Node) -> FindingFields:
    """Return the number judged and its limits: what was observed, or the share of bad values."""
    percent = expectation.get("result", "unexpected_percent")
    if percent is not None:
        mostly = _number(kwargs.get("mostly"))
        allowed = 0.0 if mostly is None else round(100 * (1 - mostly), 9)
        return {"value": percent.number(), "upper": allowed, "breach_when": "gt"}
    value = _number(expectation.get("result", "observed_value"))
    if value is None:
        return {}
    lower, upper = _number(kwargs.get("min_value")), _number(kwargs.get("max_value"))
    if (exact := _number(kwargs.get("value"))) is not None:
        return {"value": value, "lower": exact, "upper": exact, "breach_when": "ne"}
    return {"value": value, "lower": lower, "upper": upper, **_rule(lower, upper, kwargs)}


def _rule(lower: float | None, upper: float | None, kwargs: Node) -> dict[str, str]:
    if lower is not None and upper is not None:
        return {"breach_when": "outside"}
    if lower is not None:
        return {"breach_when": "le" if _is_strict(kwargs, "strict_min") else "lt"}
    if upper is not None:
        return {"breach_when": "ge" if _is_strict(kwargs, "strict_max") else "gt"}
    return {}


def _is_strict(kwargs: Node, key: str) -> bool:
    flag = kwargs.get(key)
    return flag is not None and boolean(flag)


def _number(node: Node | None) -> float | None:
    """Return a plain number; a set of values, a date or a parameter's name is none."""
    if node is None or isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return None
    return node.number()
