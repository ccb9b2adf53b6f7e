"""The plan alone, in the words of the report."""

from __future__ import annotations

from retouch.planning.model import Plan
from retouch.reporting.cost import forecast_in_words
from retouch.reporting.environment import fill
from retouch.reporting.escape import code, inline, write
from retouch.reporting.numbers import plural
from retouch.reporting.stages import counts, edits_table, stages_table
from retouch.reporting.status_labels import because_in_words

__all__ = ["because_in_words", "explain_plan"]


def explain_plan(plan: Plan) -> str:
    """Return the plan as Markdown: every tier, what it edits, and why each stage runs or not."""
    return fill(
        "plan.md.j2",
        model=code(plan.model),
        heading="held for a person"
        if plan.action == "hold"
        else plural(len(plan.tiers), "tier to try", "tiers to try, one after the other"),
        why=write(
            "{}{}", inline(plan.why), write(" Rule: {}.", inline(plan.rule)) if plan.rule else ""
        ),
        notes=[
            *(inline(note) for note in plan.touched.notes),
            *(
                write("Tier {} is skipped. {}", code(s.tier), inline(s.reason))
                for s in plan.skipped
            ),
        ],
        tiers=[
            {
                "name": code(tier.tier),
                "message": write("{}: {}.", inline(tier.message.rstrip(".")), counts(tier)),
                "edits": edits_table(tier.edits),
                "stages": stages_table(tier),
                "forecast": forecast_in_words(tier.forecast),
            }
            for tier in plan.tiers
        ],
    )
