"""whylogs: `calculate_drift_scores(..., with_thresholds=True)` and constraints reports.

The verdict is `drift_category`, or `failed` of a constraint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import MAX_PROSE, Node, number_at
from retouch.adapters.base.result import MonitorResult, finding
from retouch.adapters.base.wrapping import boolean, documents, rows, translated

_CATEGORIES = {"NO_DRIFT": "ok", "POSSIBLE_DRIFT": "warn", "DRIFT": "breach"}
_FIELDS = ("name", "passed", "failed")
_NAMES = (
    r"(?:count|null values|null percentage) of (?P<column>.+) lower than .+",
    r"(?P<column>.+)\.[^.]+ lower than or equal to .+",
    r"(?P<column>.+?) (?:never )?meets condition .+",
    r"(?P<column>.+) (?:greater|smaller) than number .+",
    r"(?P<column>.+) is (?:non negative|in range \[.+|probably unique|nullable .+)",
    r"(?P<column>.+) (?:mean|standard deviation) between .+",
    r"(?P<column>.+) \S+-th quantile value between .+",
    r"(?P<column>.+) distinct values estimate between .+",
    r"(?P<column>.+) has no missing values",
    r"(?P<column>.+) (?:types count non-zero for|allows for types) .+",
)
"""The names whylogs gives to constraints; they are the only place that has the column."""


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return the result of each set of drift scores and of each constraints report."""
    return [
        MonitorResult(
            tool="whylogs",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
        )
        for found in documents(root, _is_output, "whylogs")
        for part in _parts(found)
        for group in group_by_kind(
            _constraints(part) if _is_constraints(part) else _scores(part), context
        )
    ]


def _is_output(node: Node) -> bool:
    return _is_scores(node) or _is_constraints(node) or bool(_parts(node))


def _is_scores(node: Node) -> bool:
    """Tell whether these are drift scores; of a column that has none there is null."""
    scores = node.value.values() if isinstance(node.value, dict) else []
    given = [score for score in scores if score is not None]
    return bool(given) and all(isinstance(score, dict) and "algorithm" in score for score in given)


def _parts(node: Node) -> list[Node]:
    """Return scores and constraints: the only ones, or those under names of their own."""
    if _is_scores(node) or _is_constraints(node):
        return [node]
    named = (node.get(name) for name in ("drift_scores", "constraints", "constraints_report"))
    return [part for part in named if part and (_is_scores(part) or _is_constraints(part))]


def _is_constraints(node: Node) -> bool:
    match node.value:
        case list() as items if items:
            # A named tuple is a list in JSON: name, passed, failed, summary.
            return all(
                (isinstance(item, list) and 3 <= len(item) <= 4 and isinstance(item[0], str))
                or (isinstance(item, dict) and {*_FIELDS} <= set(item))
                for item in items
            )
        case {"columns": list() as columns, "data": list()}:
            return {*_FIELDS} <= {name for name in columns if isinstance(name, str)}
        case dict() as fields:
            return {*_FIELDS} <= set(fields)
    return False


def _scores(scores: Node) -> Iterator[NamedFinding]:
    for column, score in scores.fields():
        if score.value is None:
            # whylogs has no score for a column its algorithm cannot compare.
            item = finding("drift_score", column=column, verdict="skipped")
            yield NamedFinding(item, names=(column,), kind="data_drift", at=score)
            continue
        algorithm = score.need("algorithm").text()
        if score.get("drift_category") is None:
            score.fault("has no `drift_category`; call it with `with_thresholds=True`")
        yield NamedFinding(
            finding(
                algorithm,
                column=column,
                verdict=translated(score.need("drift_category"), _CATEGORIES),
                **_numbers(score),
            ),
            names=(column, algorithm),
            kind="data_drift",
            at=score,
        )


def _numbers(score: Node) -> dict[str, Any]:
    p_value = number_at(score, "pvalue")
    numbers = {
        "value": p_value if p_value is not None else number_at(score, "statistic"),
        "p_value": p_value if p_value is not None and 0 <= p_value <= 1 else None,
    }
    drift, quiet = score.get("thresholds", "DRIFT"), score.get("thresholds", "NO_DRIFT")
    if drift is None or quiet is None:
        return numbers
    low, high = number_at(drift, 0), number_at(drift, 1)
    quiet_low = number_at(quiet, 0)
    if low is None or high is None or quiet_low is None:
        return numbers
    # A range has its lower end, not its upper one; which side drifts is for the ranges to say.
    if low >= quiet_low:
        return numbers | {"upper": low, "breach_when": "ge"}
    return numbers | {"lower": high, "breach_when": "lt"}


def _constraints(report: Node) -> Iterator[NamedFinding]:
    is_list = isinstance(report.value, list)
    items = list(report.items()) if is_list else rows(report, _FIELDS)
    for item in items:
        named = isinstance(item.value, dict)
        keys: tuple[str | int, ...] = _FIELDS if named else (0, 1, 2)
        name = item.need(keys[0]).text()
        passed, failed = (boolean(item.need(key)) for key in keys[1:])
        if passed == failed:
            item.fault("is neither passed nor failed, or both")
        yield NamedFinding(
            finding(name, column=_column(name), verdict="breach" if failed else "ok"),
            names=(name,),
            kind="data_quality",
            at=item,
        )


def _column(name: str) -> str | None:
    found = (re.fullmatch(pattern, name[:MAX_PROSE]) for pattern in _NAMES)
    return next((match["column"] for match in found if match), None)
