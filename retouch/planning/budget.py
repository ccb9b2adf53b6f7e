"""May the next tier be tried? What it is forecast to cost, against what the policy allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from retouch.documents import Value
from retouch.planning.model import Forecast, TierPlan
from retouch.policy.model import Budget
from retouch.policy.suppression import duration_text

Seconds = Annotated[float, Field(ge=0)]


class Spent(Value):
    """What answering alerts has cost so far."""

    tiers: int = 0
    """Tried for this plan."""
    cpu_seconds: Seconds = 0.0
    """For this plan: stages, and the scoring of what they made."""
    wall_seconds: Seconds = 0.0
    today_cpu_seconds: Seconds = 0.0
    """By the other runs of the last 24 hours."""


def over_budget(tier: TierPlan, budget: Budget, spent: Spent) -> str | None:
    """Return why a tier may not be tried, None when it may.

    Stages without a recorded cost count as zero; the sentence says so.
    """
    if budget.tiers is not None and spent.tiers >= budget.tiers:
        return f"Not tried: {tier.tier}. budget.tiers allows {budget.tiers} for one alert."
    return next(_passed(tier, budget, spent), None)


def _passed(tier: TierPlan, budget: Budget, spent: Spent) -> Iterator[str]:
    cpu, wall = tier.forecast.cpu_seconds, tier.forecast.wall_seconds
    today = spent.cpu_seconds + spent.today_cpu_seconds
    for name, limit, needs, so_far, what in (
        ("cpu_per_alert", budget.cpu_per_alert, cpu, spent.cpu_seconds, "of CPU"),
        ("wall_per_alert", budget.wall_per_alert, wall, spent.wall_seconds, "on the clock"),
        ("cpu_per_day", budget.cpu_per_day, cpu, today, "of CPU"),
    ):
        if limit is not None and so_far + needs > limit / timedelta(seconds=1):
            on_top = f" after {seconds(so_far)} so far" if so_far else ""
            yield (
                f"Not tried: {tier.tier}. Its forecast of {seconds(needs)} {what}{on_top} would"
                f" pass budget.{name}, {duration_text(limit)}.{_unknown(tier.forecast)}"
            )


def _unknown(forecast: Forecast) -> str:
    if not forecast.unknown:
        return ""
    stages = "1 stage" if forecast.unknown == 1 else f"{forecast.unknown} stages"
    return f" The forecast lacks {stages} whose cost is not known."


def seconds(value: float) -> str:
    """Return seconds in words: `0.4 s`, `12 s`, `−1,200 s`."""
    text = f"{abs(value):,.0f}" if abs(value) >= 9.95 else f"{abs(value):.1f}"
    return f"{'−' if value < 0 and text != '0.0' else ''}{text} s"
