"""A guardrail's number compared with its limit, and the result it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import JsonValue

from retouch.gate.model import GuardrailResult
from retouch.policy.guardrails import Guardrail

Result = Literal["pass", "fail", "not_enough_data"]
MOST_EVIDENCE = 50
"""The most groups, rows or measurements kept in a verdict, which is committed to git."""


class CannotEvaluate(Exception):
    """A guardrail is undefined on these rows; its text is one sentence that says why."""


@dataclass(frozen=True)
class LimitCheck:
    """One number and its upper limit."""

    what: str
    """What messages call the number: `the candidate's gap`."""
    compared: float
    limit: float
    lower: float | None = None
    """One-sided bounds; None where the number is exact or no standard error exists."""
    upper: float | None = None
    unit: str = ""

    @property
    def result(self) -> Result:
        """Within the limit: pass. Lower bound above it: fail. Only the estimate above: neither.

        Without bounds the estimate itself decides.
        """
        # Tolerance for rounding error.
        if self.compared <= self.limit + 1e-12 + 1e-14 * abs(self.limit):
            return "pass"
        shown = self.lower is None or self.lower > self.limit
        return "fail" if shown else "not_enough_data"

    def message(self, confidence: float) -> str:
        """Return a clause: the number, its limit, and its lower bound where it is beyond."""
        unit = f" {self.unit}" if self.unit else ""
        clause = (
            f"{self.what} is {number(self.compared)}{unit}, where at most {number(self.limit)} is"
            " allowed"
        )
        if self.result == "pass" or self.lower is None:
            return clause
        bound = f"at least {number(self.lower)} with {100 * confidence:.4g} % confidence"
        doubt = "" if self.result == "fail" else ": not significantly above the limit"
        return f"{clause} ({bound}{doubt})"


def deciding(checks: Sequence[LimitCheck]) -> LimitCheck:
    """Return the check that decides: the first that fails, else the first undecided, else the one
    nearest to its limit."""
    for result in ("fail", "not_enough_data"):
        for each in checks:
            if each.result == result:
                return each
    return max(checks, key=lambda each: each.compared - each.limit)


def decided(
    guardrail: Guardrail,
    check: LimitCheck,
    measure: str,
    message: str,
    *,
    production: float | None,
    candidate: float | None,
    evidence: Sequence[Mapping[str, Any]] = (),
    result: Result | None = None,
) -> GuardrailResult:
    """Return the result of a guardrail; `result` overrides that of the deciding check."""
    return GuardrailResult(
        name=guardrail.name,
        kind=guardrail.kind,
        mode=guardrail.mode,
        then=guardrail.then,
        measure=measure,
        production=production,
        candidate=candidate,
        compared=check.compared,
        lower=check.lower,
        upper=check.upper,
        limit=check.limit,
        result=check.result if result is None else result,
        message=message,
        evidence=plain(evidence),
    )


def undecided(
    guardrail: Guardrail,
    measure: str,
    message: str,
    evidence: Sequence[Mapping[str, Any]] = (),
) -> GuardrailResult:
    """Return that a guardrail could not be decided, which is never a pass."""
    return GuardrailResult(
        name=guardrail.name,
        kind=guardrail.kind,
        mode=guardrail.mode,
        then=guardrail.then,
        measure=measure,
        result="not_enough_data",
        message=message,
        evidence=plain(evidence),
    )


def plain(evidence: Sequence[Mapping[str, Any]]) -> tuple[dict[str, JsonValue], ...]:
    """Return the first pieces of evidence as plain JSON; non-finite numbers become null."""
    return tuple(
        {key: _plain(value) for key, value in piece.items()} for piece in evidence[:MOST_EVIDENCE]
    )


def _plain(value: Any) -> JsonValue:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def number(value: float) -> str:
    """Return a number with four significant digits and thousands separators."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value + 0.0:.4g}"
