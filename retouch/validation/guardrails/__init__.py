"""Guardrails: what no gain in accuracy may be paid with. One module per kind, each a function."""

from __future__ import annotations

from retouch.policy.promotion import Promotion
from retouch.validation.measured import Measured
from retouch.validation.model import GuardrailResult
from retouch.validation.pairing import Paired


def ask_guardrails(
    paired: Paired, policy: Promotion, measured: Measured | None
) -> tuple[GuardrailResult, ...]:
    """Ask every guardrail of the policy, in its order. What was not measured is not passed."""
    return ()
