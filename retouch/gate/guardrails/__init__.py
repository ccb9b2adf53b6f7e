"""Guardrails: what no gain in accuracy may be paid with. One module per kind, each a function."""

from __future__ import annotations

from retouch.gate.guardrails import calibration, fairness, flips, latency, size, synthetic
from retouch.gate.guardrails.bounds import unknown
from retouch.gate.guardrails.cases import cases_of
from retouch.gate.measured import Measured
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.policy.guardrails import (
    CalibrationLimit,
    Fairness,
    Guardrail,
    Latency,
    NegativeFlips,
    Size,
)
from retouch.policy.promotion import Promotion


def ask_guardrails(
    paired: Paired, policy: Promotion, measured: Measured | None
) -> tuple[GuardrailResult, ...]:
    """Ask every guardrail of the policy, in its order. What was not measured is not passed."""
    facts = Measured() if measured is None else measured
    return tuple(_ask(guardrail, paired, policy, facts) for guardrail in policy.guardrails)


def _ask(
    guardrail: Guardrail, paired: Paired, policy: Promotion, facts: Measured
) -> GuardrailResult:
    limits = policy.limits
    if guardrail.name in facts.failed:
        return unknown(guardrail, "what could not be measured", facts.failed[guardrail.name])
    if isinstance(guardrail, Fairness):
        return fairness.ask(guardrail, paired, limits)
    if isinstance(guardrail, CalibrationLimit):
        return calibration.ask(guardrail, paired, limits)
    if isinstance(guardrail, NegativeFlips):
        return flips.ask(guardrail, paired, limits)
    if isinstance(guardrail, Latency):
        return latency.ask(guardrail, facts.latency.get(guardrail.name), limits.confidence)
    if isinstance(guardrail, Size):
        return size.ask(guardrail, facts.production_bytes, facts.candidate_bytes)
    return synthetic.ask(guardrail, facts.probed, cases_of(policy.guardrails))
