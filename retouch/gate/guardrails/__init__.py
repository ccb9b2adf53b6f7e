"""Guardrails: what a candidate may not trade for accuracy. One function for each kind.

A guardrail compares one number of the candidate with its limit in the policy. A number that could
not be measured is `not_enough_data`, never a pass.
"""

from __future__ import annotations

from typing import assert_never

from retouch.gate.comparison import Measured
from retouch.gate.guardrails import calibration, fairness, flips, serving, synthetic
from retouch.gate.guardrails.results import undecided
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.policy.guardrails import (
    CalibrationLimit,
    Fairness,
    Guardrail,
    Latency,
    NegativeFlips,
    Size,
    Synthetic,
)
from retouch.policy.promotion import Promotion


def evaluate_guardrails(
    paired: Paired, policy: Promotion, measured: Measured | None
) -> tuple[GuardrailResult, ...]:
    """Evaluate every guardrail, in the order of the policy. What was not measured does not pass."""
    facts = Measured() if measured is None else measured
    return tuple(_evaluate(guardrail, paired, policy, facts) for guardrail in policy.guardrails)


def _evaluate(
    guardrail: Guardrail, paired: Paired, policy: Promotion, facts: Measured
) -> GuardrailResult:
    limits = policy.limits
    if guardrail.name in facts.failed:
        return undecided(guardrail, "not measured", facts.failed[guardrail.name])
    match guardrail:
        case Fairness():
            return fairness.evaluate(guardrail, paired, limits)
        case CalibrationLimit():
            return calibration.evaluate(guardrail, paired, limits)
        case NegativeFlips():
            return flips.evaluate(guardrail, paired, limits)
        case Latency():
            turns = facts.latency.get(guardrail.name)
            return serving.evaluate_latency(guardrail, turns, limits.confidence)
        case Size():
            return serving.evaluate_size(guardrail, facts.production_bytes, facts.candidate_bytes)
        case Synthetic():
            return synthetic.evaluate(
                guardrail, facts.probed, synthetic.cases_of(policy.guardrails)
            )
    assert_never(guardrail)
