"""What the budget lets a tier cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.planning.budget import Spent, over_budget, seconds
from retouch.policy.model import Budget
from tests.planning.test_value import tier


def budget(**said):
    return Budget.model_validate(said)


def test_without_a_budget_everything_may_be_tried():
    assert over_budget(tier("full", 1e9), Budget(), Spent(tiers=99, cpu_seconds=1e9)) is None


@pytest.mark.parametrize(
    ("allowed", "spent", "message"),
    [
        ({"tiers": 2}, {"tiers": 2}, "budget.tiers allows 2 for one alert."),
        (
            {"cpu_per_alert": "3 minutes"},
            {"cpu_seconds": 81},
            "Its forecast of 100 s of CPU after 81 s so far would pass budget.cpu_per_alert,"
            " 3 minutes.",
        ),
        (
            {"wall_per_alert": "1 minute"},
            {},
            "Its forecast of 100 s on the clock would pass budget.wall_per_alert, 1 minute.",
        ),
        (
            {"cpu_per_day": "1 hour"},
            {"cpu_seconds": 1000, "today_cpu_seconds": 2501},
            "Its forecast of 100 s of CPU after 3,501 s so far would pass budget.cpu_per_day,"
            " 1 hour.",
        ),
    ],
)
def test_what_would_go_beyond_is_not_tried_and_says_why(allowed, spent, message):
    assert over_budget(tier("refit"), budget(**allowed), Spent(**spent)) == (
        f"Not tried: refit. {message}"
    )


@pytest.mark.parametrize(
    ("allowed", "spent"),
    [
        ({"tiers": 2}, {"tiers": 1}),
        ({"cpu_per_alert": "3 minutes"}, {"cpu_seconds": 80, "today_cpu_seconds": 999}),
        ({"wall_per_alert": "2 minutes"}, {"wall_seconds": 20, "cpu_seconds": 999}),
        ({"cpu_per_day": "1 hour"}, {"cpu_seconds": 1000, "today_cpu_seconds": 2500}),
    ],
)
def test_what_just_fits_may_be_tried(allowed, spent):
    assert over_budget(tier("refit"), budget(**allowed), Spent(**spent)) is None


def test_a_stage_without_a_recorded_cost_counts_as_zero_and_is_named():
    cost = tier("refit", 0.0).forecast.model_copy(update={"unknown": 2})
    unknown = tier("refit").model_copy(update={"forecast": cost})

    assert over_budget(unknown, budget(cpu_per_alert="1 minute"), Spent()) is None
    message = over_budget(unknown, budget(cpu_per_alert="1 minute"), Spent(cpu_seconds=61))
    assert message is not None
    assert message.endswith(" The forecast lacks 2 stages whose cost is not known.")


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 600))
def test_spending_more_never_allows_more(cpu, spent, more, minutes):
    allowed = budget(cpu_per_alert=f"{minutes} minutes" if minutes != 1 else "1 minute")
    before = over_budget(tier("t", cpu), allowed, Spent(cpu_seconds=spent))
    after = over_budget(tier("t", cpu), allowed, Spent(cpu_seconds=spent + more))

    assert before is None or after is not None
    assert (before is None) == (spent + cpu <= minutes * 60)


def test_seconds_are_said_with_as_many_digits_as_help():
    told = [seconds(x) for x in (0.0, -0.01, 0.36, 9.94, 9.96, -1234.5, 1e300)]
    assert told[:6] == ["0.0 s", "0.0 s", "0.4 s", "9.9 s", "10 s", "−1,234 s"]
