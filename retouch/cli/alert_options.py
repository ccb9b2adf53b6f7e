"""An alert in the flags of `retouch alert new`: from words to the fields of an alert. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from retouch.errors import InputError

_FINDING = re.compile(
    r"(?P<metric>[a-z][a-z0-9_]*)(:(?P<column>[^=<>]+?))?\s*=\s*(?P<value>[-+.\deE]+)"
    r"(\s*(?P<op>[<>]=?)\s*(?P<limit>[-+.\deE]+))?"
)
_CONDITION = re.compile(r"(?P<column>[^=<>!]+)(?P<op>!=|<=|>=|=|<|>)(?P<value>.+)", re.DOTALL)
_OPS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?", re.ASCII)
_BREACH = {">": "gt", ">=": "ge", "<": "lt", "<=": "le"}


def finding(text: str) -> dict[str, Any]:
    """Return the finding in `METRIC[:COLUMN]=VALUE[>LIMIT]`. Raises InputError.

    `psi:temp=0.31>0.2` says that the PSI of `temp` is 0.31, and that above 0.2 is a breach.
    """
    match = _FINDING.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"--finding {text!r}: is not METRIC[:COLUMN]=VALUE[>LIMIT].",
            hint="For example: `--finding psi:temp=0.31>0.2`.",
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
    """Return the predicate in `COLUMN=VALUE`, `COLUMN=A,B` or `COLUMN>=VALUE`. Raises InputError.

    What looks like a number, true or false is one, as in the policies; in quotes it is text.
    """
    match = _CONDITION.fullmatch(text)
    values = [one.strip() for one in match["value"].split(",")] if match else []
    column, op = (match["column"].strip(), _OPS[match["op"]]) if match else ("", "")
    if not column or not all(values) or (op != "eq" and len(values) > 1):
        raise InputError(
            f"--where {text!r}: is not COLUMN=VALUE, COLUMN=A,B or COLUMN>=VALUE.",
            hint="For example: `--where origin=JFK`.",
        )
    if len(values) > 1:
        return {"column": column, "op": "in", "value": [_scalar(one) for one in values]}
    said: dict[str, Any] = {"column": column, "value": _scalar(values[0])}
    return said if op == "eq" else {**said, "op": op}


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


def _scalar(text: str) -> str | int | float | bool:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.fullmatch(text) is None:
        return text
    return float(text) if "." in text else int(text)


def _number(digits: str, text: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise InputError(f"--finding {text!r}: {digits!r} is no number.") from None
