"""A guardrail's number held against its limit."""

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
"""So many groups, rows or turns go into a verdict; it is kept in git."""


class NoAnswer(Exception):
    """Why a guardrail has no answer: one sentence."""


@dataclass(frozen=True)
class Held:
    """One number held against the most it may be."""

    what: str
    """The number, in the words of a sentence: `the candidate's gap`."""
    compared: float
    limit: float
    lower: float | None = None
    """One-sided bounds; None where the number is exact, or nothing tells how sure it is."""
    upper: float | None = None
    unit: str = ""

    @property
    def result(self) -> Result:
        """Within the limit: pass. Shown to be beyond it: fail. Beyond it, but not shown: neither.

        Where nothing tells how sure the number is, the number itself decides.
        """
        # The noise of arithmetic breaks no limit.
        if self.compared <= self.limit + 1e-12 + 1e-14 * abs(self.limit):
            return "pass"
        shown = self.lower is None or self.lower > self.limit
        return "fail" if shown else "not_enough_data"

    def message(self, confidence: float) -> str:
        """Return a clause: the number, its limit, and how sure it is when it is beyond."""
        unit = f" {self.unit}" if self.unit else ""
        said = (
            f"{self.what} is {number(self.compared)}{unit}, where at most {number(self.limit)} is"
            " allowed"
        )
        if self.result == "pass" or self.lower is None:
            return said
        sure = f"at least {number(self.lower)} with {100 * confidence:.4g} % confidence"
        doubt = "" if self.result == "fail" else ": not shown to be beyond the limit"
        return f"{said} ({sure}{doubt})"


def deciding(held: Sequence[Held]) -> Held:
    """Return the number that decides: the first that fails, else that cannot be told, else that is
    nearest to its limit."""
    for result in ("fail", "not_enough_data"):
        for each in held:
            if each.result == result:
                return each
    return max(held, key=lambda each: each.compared - each.limit)


def found(
    guardrail: Guardrail,
    held: Held,
    measure: str,
    message: str,
    *,
    production: float | None,
    candidate: float | None,
    evidence: Sequence[Mapping[str, Any]] = (),
    result: Result | None = None,
) -> GuardrailResult:
    """Return what a guardrail found; `result` where it is not that of the deciding number alone."""
    return GuardrailResult(
        name=guardrail.name,
        kind=guardrail.kind,
        mode=guardrail.mode,
        then=guardrail.then,
        measure=measure,
        production=production,
        candidate=candidate,
        compared=held.compared,
        lower=held.lower,
        upper=held.upper,
        limit=held.limit,
        result=held.result if result is None else result,
        message=message,
        evidence=plain(evidence),
    )


def unknown(
    guardrail: Guardrail,
    measure: str,
    message: str,
    evidence: Sequence[Mapping[str, Any]] = (),
) -> GuardrailResult:
    """Return that a guardrail has no answer, which is never a pass."""
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
    """Return the first pieces of evidence as plain JSON; what is not finite becomes null."""
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
    """Return a number for a sentence: four digits, thousands set apart."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value + 0.0:.4g}"
