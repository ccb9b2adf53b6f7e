"""A person's word against the gate's: checks that need not hold for one alert, and why.

It changes the outcome, never a number. What made a comparison unsound cannot be overridden, and
neither can a hold-out that is used up: no check is named there.
"""

from __future__ import annotations

from collections.abc import Sequence

from retouch.gate.model import Check, GuardrailResult, Judgement, Override, Verdict


def overridden(judgement: Judgement, overrides: Sequence[Override]) -> Judgement:
    """Return the judgement as it stands once these checks need not hold.

    A candidate that was refused, or not judged for lack of data, passes when every required check
    and every blocking guardrail that stops it is named; harm alarms are checks. A guardrail that is
    named no longer ends the run. Done twice it changes nothing more.
    """
    if judgement.outcome not in ("reject", "not_enough_data"):
        return judgement
    named = {override.check for override in overrides}
    stopping = [found.name for found in stops(judgement)]
    if not stopping or not named.issuperset(stopping):
        if judgement.halted_by not in named:
            return judgement
        ending = (g.name for g in judgement.guardrails if _ends(g) and g.name not in named)
        return judgement.model_copy(update={"halted_by": next(ending, None)})
    telling = {override.check: override for override in overrides}  # the last word on each
    mattered = tuple(telling[name] for name in dict.fromkeys(stopping))
    people = " and ".join(dict.fromkeys(f"@{override.by}" for override in mattered))
    return judgement.model_copy(
        update={
            "outcome": "promote",
            "message": f"{judgement.message.rstrip('.')}, overridden by {people}.",
            "halted_by": None,
            "overridden": mattered,
        }
    )


def stops(judgement: Judgement) -> list[Check | GuardrailResult]:
    """Return what stands between a sound comparison and a promotion."""
    checks = [check for check in judgement.checks if check.required and check.result != "pass"]
    return [*checks, *(found for found in judgement.guardrails if found.stops)]


def would_change(verdict: Verdict, overrides: Sequence[Override]) -> bool:
    """Say whether a verdict that let nothing pass would be another under these overrides.

    A verdict that was reached under them already would not.
    """
    if verdict.outcome == "promote":
        return False
    return any(overridden(one, overrides) != one for one in verdict.judgements)


def _ends(found: GuardrailResult) -> bool:
    return found.stops and found.result == "fail" and found.then == "halt"
