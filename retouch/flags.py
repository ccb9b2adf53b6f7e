"""An alert in the flags of `retouch alert new`: from words to the fields of an alert. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from retouch.errors import BadInput

_FINDING = re.compile(
    r"(?P<metric>[a-z][a-z0-9_]*)(:(?P<column>[^=<>]+))?=(?P<value>[-+.\deE]+)"
    r"((?P<op>[<>]=?)(?P<limit>[-+.\deE]+))?"
)
_BREACH = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}


def finding(text: str) -> dict[str, Any]:
    """Return the finding in `METRIC[:COLUMN]=VALUE[>LIMIT]`. Raises BadInput.

    `psi:temp=0.31>0.2` says that the PSI of `temp` is 0.31, and that above 0.2 is a breach.
    """
    match = _FINDING.fullmatch(text.replace(" ", ""))
    if match is None:
        raise BadInput(
            f"--finding {text!r}: is not METRIC[:COLUMN]=VALUE[>LIMIT].",
            mend="For example: `--finding psi:temp=0.31>0.2`.",
        )
    found: dict[str, Any] = {"metric": match["metric"], "value": _number(match["value"], text)}
    if match["column"]:
        found["column"] = match["column"]
    if match["op"]:
        found["breach_when"] = _BREACH[match["op"]]
        bound = "upper" if match["op"].startswith(">") else "lower"
        found[bound] = _number(match["limit"], text)
    return found


def condition(text: str) -> dict[str, Any]:
    """Return the predicate in `COLUMN=VALUE` (or `COLUMN=A,B`). Raises BadInput."""
    column, equals, value = text.partition("=")
    if not equals or not column.strip() or not value.strip():
        raise BadInput(
            f"--where {text!r}: is not COLUMN=VALUE.", mend="For example: `--where origin=JFK`."
        )
    values = [one.strip() for one in value.split(",")]
    if len(values) > 1:
        return {"column": column.strip(), "op": "in", "value": values}
    return {"column": column.strip(), "value": values[0]}


def said_by_flags(
    flags: dict[str, Any], *, where: Sequence[str], findings: Sequence[str]
) -> dict[str, Any]:
    """Return the fields of an alert in short form; flags that were not given are left out."""
    said = {name: value for name, value in flags.items() if value not in (None, (), "")}
    if where:
        said["where"] = [condition(text) for text in where]
    if findings:
        said["findings"] = [finding(text) for text in findings]
    return said


def _number(digits: str, text: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise BadInput(f"--finding {text!r}: {digits!r} is no number.") from None
