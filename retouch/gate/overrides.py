"""Overrides: checks that a maintainer has decided need not pass for one alert.

They change the outcome, never a number. An invalid comparison and a used-up hold-out cannot be
overridden: there is no check to name.
"""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import Check, GuardrailResult, Judgement, Override, Verdict


def apply_overrides(judgement: Judgement, overrides: Sequence[Override]) -> Judgement:
    """Return the judgement with these checks overridden.

    A candidate that was rejected, or undecided for lack of data, passes when every check and
    guardrail that blocks it is named; harm alarms are checks. A guardrail that is named no longer
    halts the run. Idempotent.
    """
    if judgement.outcome not in ("reject", "not_enough_data"):
        return judgement
    named = {override.check for override in overrides}
    names = [found.name for found in blocking(judgement)]
    if not names or not named.issuperset(names):
        if judgement.halted_by not in named:
            return judgement
        halting = (g.name for g in judgement.guardrails if _halts(g) and g.name not in named)
        return judgement.model_copy(update={"halted_by": next(halting, None)})
    latest = {override.check: override for override in overrides}
    applied = tuple(latest[name] for name in dict.fromkeys(names))
    people = " and ".join(dict.fromkeys(f"@{override.by}" for override in applied))
    return judgement.model_copy(
        update={
            "outcome": "promote",
            "message": f"{judgement.message.rstrip('.')}, overridden by {people}.",
            "halted_by": None,
            "overridden": applied,
        }
    )


def blocking(judgement: Judgement) -> list[Check | GuardrailResult]:
    """Return the checks and guardrails that block the promotion."""
    checks = [check for check in judgement.checks if check.required and check.result != "pass"]
    return [*checks, *(found for found in judgement.guardrails if found.blocks)]


def would_change(verdict: Verdict, overrides: Sequence[Override]) -> bool:
    """Tell whether these overrides would change a verdict that promotes nothing.

    They would not change one that was reached under them already.
    """
    if verdict.outcome == "promote":
        return False
    return any(apply_overrides(one, overrides) != one for one in verdict.judgements)


def _halts(found: GuardrailResult) -> bool:
    return found.blocks and found.result == "fail" and found.then == "halt"
