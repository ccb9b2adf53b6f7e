"""Bytes of the model artifact."""

from __future__ import annotations

from retouch.gate.guardrails.bounds import Held, deciding, found, number, unknown
from retouch.gate.model import GuardrailResult
from retouch.policy.guardrails import Size

MEASURE = "bytes of the model artifact"


def evaluate(guardrail: Size, production: int | None, candidate: int | None) -> GuardrailResult:
    """Hold the candidate's bytes, and how they compare with production's, against the limits."""
    if candidate is None or production is None:
        return unknown(guardrail, MEASURE, "The size of the model was not measured.")
    if candidate <= 0:
        return unknown(guardrail, MEASURE, "The candidate's artifact is empty or not there.")
    held = []
    if guardrail.bytes_at_most is not None:
        held.append(
            Held("the candidate's size", float(candidate), guardrail.bytes_at_most, unit="bytes")
        )
    if guardrail.ratio_at_most is not None:
        if production <= 0:
            message = "The artifact of the model in production is empty or not there."
            return unknown(guardrail, MEASURE, message)
        held.append(
            Held("its ratio to production's", candidate / production, guardrail.ratio_at_most)
        )
    clauses = "; ".join(each.message(0.0) for each in held)
    return found(
        guardrail,
        deciding(held),
        MEASURE if deciding(held) is held[0] and guardrail.bytes_at_most else f"{MEASURE}, ratio",
        f"The candidate takes {number(candidate)} bytes, the model in production"
        f" {number(production)}; {clauses}.",
        production=float(production),
        candidate=float(candidate),
    )
