"""pandera: `SchemaErrors.message` and `.failure_cases`, both or one of them; also `SchemaError`.

What is listed has failed: there is no other verdict. One finding per column and check, with how
many cells failed; the cells themselves stay out of the alert.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retouch.adapters.base.context import Context
from retouch.adapters.base.kinds import NamedFinding, group_by_kind
from retouch.adapters.base.native import Node, text_at
from retouch.adapters.base.result import MonitorResult, finding
from retouch.adapters.base.wrapping import documents, rows
from retouch.alerts.model import Kind

_SECTIONS: dict[str, Kind] = {"SCHEMA": "schema_change", "DATA": "data_quality"}
"""pandera's own two sections, by its reason codes."""
_CASE = ("schema_context", "failure_case", "check")
_SCHEMA_CHECKS = (
    "column_in_schema",
    "column_ordered",
    "dataframe_column_labels_unique",
    "column_in_dataframe",
    "column_in_index",
    "field_name",
    "not_nullable",
    "dtype",
    "no_regex_column_match",
    "schema_component_checks",
    "multiindex_strict",
)
"""Checks that pandera reports under SCHEMA, where the frame of failure cases does not say."""
_ABOUT_COLUMNS = (
    "column_in_schema",
    "column_ordered",
    "column_in_dataframe",
    "column_in_index",
    "dataframe_column_labels_unique",
)
"""Checks whose failure case is the name of a column, not a value of the data."""
_DID_NOT_RUN = ("CHECK_ERROR", "PARSER_ERROR", "check_error", "parser_error")


@dataclass(frozen=True)
class _Failure:
    """A check that failed on a column, or on the frame: `column` is None."""

    column: str | None
    check: str
    kind: Kind
    at: Node
    reason: str | None = None


def read(root: Node, context: Context) -> Sequence[MonitorResult]:
    """Return a result for each kind of failure in each report."""
    return [
        result
        for report in documents(root, _is_output, "pandera")
        for result in _of_report(report, context)
    ]


def _is_output(node: Node) -> bool:
    keys = set(node.value) if isinstance(node.value, dict) else set()
    return bool(keys & {"message", "failure_cases", "reason_code", *_SECTIONS}) or _is_frame(node)


def _is_frame(node: Node) -> bool:
    """Tell whether this is the frame of failure cases, in whatever way it was dumped."""
    match node.value:
        case list() as items:
            return bool(items) and all(isinstance(row, dict) and "check" in row for row in items)
        case {"columns": list() as columns, "data": list()}:
            return "check" in columns
        case {"schema": dict(), "data": list()} | {"check": _, "schema_context": _}:
            return True
        case dict() as fields if fields:
            return all(isinstance(row, dict) and "check" in row for row in fields.values())
    return False


def _of_report(report: Node, context: Context) -> Iterator[MonitorResult]:
    cases = _cases(report)
    failures = list(_failures(report, cases))
    counts = Counter((failure.column, failure.check) for failure in map(_of_case, cases))
    unique = {(f.column, f.check, f.kind): f for f in reversed(failures)}
    judged = [_judged(f, counts) for f in reversed(unique.values())]
    for group in group_by_kind(judged, context):
        yield MonitorResult(
            tool="pandera",
            kind=group.kind,
            native_kind=group.native_kind,
            findings=group.findings,
            # A schema's name need not be that of a data set: only the context can say so.
            table=_schema(report) if context.tables else None,
        )


def _cases(report: Node) -> list[Node]:
    """Return the rows of the frame of failure cases, as far as they say what was checked."""
    frame = report if _is_frame(report) else report.get("failure_cases")
    found = [] if frame is None or frame.value in ([], {}) else rows(frame, _CASE)
    # A single `SchemaError` has the cells alone; its check stands beside them.
    if report.get("reason_code") is not None:
        return []
    for case in found:
        case.need("check")
    return found


def _failures(report: Node, cases: Sequence[Node]) -> Iterator[_Failure]:
    message = report.get("message")
    if report.get("reason_code") is not None:
        yield _single(report)
    elif message is not None or any(report.get(section) for section in _SECTIONS):
        found = next(iter(documents(message or report, _has_sections, "pandera")))
        names = _named(cases)
        for section, reasons in found.fields():
            if section not in _SECTIONS:
                found.fault(f"has an unknown section {section!r}; expected one of SCHEMA, DATA")
            for reason, items in reasons.fields():
                for item in items.items():
                    yield from _of_item(item, _SECTIONS[section], reason, names)
    else:
        yield from map(_of_case, cases)


def _has_sections(node: Node) -> bool:
    return isinstance(node.value, dict) and (not node.value or bool(set(node.value) & {*_SECTIONS}))


def _named(cases: Sequence[Node]) -> dict[str, list[str]]:
    """Return the columns that failure cases name, by check: a schema's message may not."""
    named: dict[str, list[str]] = {}
    for failure in map(_of_case, cases):
        if failure.check in _ABOUT_COLUMNS and failure.column is not None:
            named.setdefault(failure.check, []).append(failure.column)
    return named


def _of_item(
    item: Node, kind: Kind, reason: str, names: dict[str, list[str]]
) -> Iterator[_Failure]:
    check = item.need("check").text()
    column, schema = text_at(item, "column"), text_at(item, "schema")
    if check in _ABOUT_COLUMNS and column in (schema, None):
        # Here `column` is the schema's name; the text begins with the name of the column.
        begin = re.match(r"columns? '([^']+)'", text_at(item, "error") or "")
        found = [begin.group(1)] if begin else names.get(check, [])
        for name in found or [None]:
            yield _Failure(name, check, kind, item, reason)
    else:
        yield _Failure(None if column == schema else column, check, kind, item, reason)


def _of_case(case: Node) -> _Failure:
    check = case.need("check").text()
    kind: Kind = "schema_change" if _name(check) in _SCHEMA_CHECKS else "data_quality"
    column = _text(case.get("column"))
    if check in _ABOUT_COLUMNS:
        column = _text(case.get("failure_case")) or column
    elif text_at(case, "schema_context") == "DataFrameSchema":
        # Of a check on the whole frame, `column` is the schema's name.
        column = None
    return _Failure(column, check, kind, case)


def _single(report: Node) -> _Failure:
    """Return the failure of a `SchemaError`, which is not lazy and stops at the first."""
    reason = report.need("reason_code").text().rpartition(".")[2]
    written = _text(report.get("check")) or reason.lower()
    # `<Check in_range: in_range(0, 253)>`
    shown = re.fullmatch(r"<Check [^:]*: (.*)>|<Check (.*)>", written)
    check = next(filter(None, shown.groups()), written) if shown else written
    kind: Kind = "schema_change" if _name(check) in _SCHEMA_CHECKS else "data_quality"
    return _Failure(_text(report.get("column_name")), check, kind, report, reason)


def _judged(failure: _Failure, counts: Counter[tuple[str | None, str]]) -> NamedFinding:
    count = counts.get((failure.column, failure.check))
    return NamedFinding(
        finding(
            _name(failure.check),
            column=failure.column,
            verdict="error" if failure.reason in _DID_NOT_RUN else "breach",
            value=count,
            upper=0 if count else None,
            breach_when="gt" if count else "declared",
            native_id=failure.check,
        ),
        names=tuple(filter(None, (failure.check, _name(failure.check), failure.reason))),
        kind=failure.kind,
        at=failure.at,
    )


def _name(check: str) -> str:
    """Return the name of a check without its arguments: `in_range(1, 5000)` -> `in_range`."""
    return re.split(r"[(]", check, maxsplit=1)[0].strip() or check


def _text(node: Node | None) -> str | None:
    """Return the text of a name; a column's name may be a number, or be missing."""
    if node is None or node.value is None:
        return None
    return node.value if isinstance(node.value, str) else str(node.value)


def _schema(report: Node) -> str | None:
    """Return the schema's name: for pandera, that of the table."""
    message = report.get("message") or report
    for section in _SECTIONS:
        found = message.get(section)
        for _, items in found.fields() if found is not None else ():
            for item in items.items():
                return text_at(item, "schema")
    return None
