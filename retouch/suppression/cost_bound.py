"""What an answer costs at most, before any plan is made: the bound that a replay adds up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from retouch.alerts.model import Alert
from retouch.pipeline.costs import Cost
from retouch.pipeline.graph import downstream
from retouch.pipeline.model import Pipeline
from retouch.policy.model import Decision, Policy, Tier
from retouch.suppression.records import CachedTouches, Touches

CostOf = Callable[[Decision, Sequence[Alert]], Cost | None]
"""The cost of a decision about a group; None: not known."""


def cost_at_most(
    tier: Tier, touched: Collection[str], pipeline: Pipeline, costs: Mapping[str, Cost]
) -> Cost | None:
    """Return the cost, one stage after another, of a tier's stages and all that depend on them.

    An upper bound: what the edits leave unchanged, or what comes out identical, does not run. The
    edited stages are the touched ones of the tier's module, or all of that module for a tier of the
    whole model. None when there is no such stage, or when one of them has no recorded cost.
    """
    edited = {
        stage.name
        for stage in pipeline.stages
        if stage.meta is not None
        and stage.meta.module == tier.module
        and (tier.whole_model or stage.name in touched)
    }
    running = edited | downstream(pipeline, edited)
    if not edited or not running <= costs.keys():
        return None
    return Cost(
        cpu_seconds=round(sum(costs[name].cpu_seconds for name in sorted(running)), 2),
        wall_seconds=round(sum(costs[name].wall_seconds for name in sorted(running)), 2),
    )


def cost_of_first_tier(
    policy: Policy, pipeline: Pipeline, costs: Mapping[str, Cost], touches: Touches
) -> CostOf:
    """Return the function that gives the cost of the first tier a decision would try."""
    cached_touches = CachedTouches(touches)

    def cost(decision: Decision, alerts: Sequence[Alert]) -> Cost | None:
        if not decision.ladder:
            return None
        touched = frozenset().union(*map(cached_touches, alerts))
        return cost_at_most(policy.tiers[decision.ladder[0]], touched, pipeline, costs)

    return cost
