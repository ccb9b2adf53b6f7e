"""All past alerts decided again: the same as if every moment had been lived through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.pipeline.costs import Cost
from retouch.policy.decide import decide
from retouch.policy.model import Policy
from retouch.suppression.records import Answered
from retouch.suppression.replay import UNTRUSTED, replay
from retouch.suppression.replay_diff import difference
from retouch.suppression.state import alert_states
from tests.suppression import histories
from tests.suppression.histories import (
    FEW,
    SETTINGS,
    SILENCES,
    at,
    columns_as_stages,
    daily,
    silence,
    taken,
)

TIER = {
    "description": "Do.",
    "module": "train",
    "must": "improve",
    "edits": [{"set": "k", "to": 1}],
}
EXAMPLE = {"given": {}, "expect": {"hold": "x"}}
AT_ONCE = {"group_wait": "0 minutes", "persistence": [], "otherwise": {"for": 1, "keep_firing": 1}}


def policy(*, hold="performance", attempt=("recalibrate", "refit"), **suppression):
    return Policy.model_validate(
        {
            "version": 1,
            "model": "m",
            "tiers": {"recalibrate": TIER, "refit": TIER},
            "suppression": suppression,
            "rules": [
                {
                    "name": "ask",
                    "why": "So.",
                    "when": {"family": hold},
                    "hold": "Ask.",
                    "examples": [EXAMPLE],
                },
                {
                    "name": "fit",
                    "why": "So.",
                    "when": {},
                    "try": list(attempt),
                    "examples": [EXAMPLE],
                },
            ],
        }
    )


def replayed(alerts, rules, hours=10_000, *, silences=(), since=None, cost=None):
    return replay(
        alerts,
        rules,
        silences,
        columns_as_stages,
        lambda decision, group: cost,
        at(hours),
        since if since is None else at(since),
    )


def lived_through(alerts, rules, silences, hours):
    """Ask at every half hour where the alerts stand, and answer what is due: slow and plain."""
    answers = []
    for half in range(2 * hours + 1):
        now = at(half / 2)
        # An answer may free what its alerts have muted, which is then due in the same moment.
        while groups := alert_states(
            alerts, answers, silences, rules.suppression, columns_as_stages, now
        ).groups:
            group = groups[0]
            members = [one.alert for one in alerts if one.alert.alert_id in group.alert_ids]
            retrains = group.trusted and decide(members, rules).action == "retrain"
            windows = [one.slice.current.window for one in members]
            answers.append(
                Answered(
                    report_id=group.alert_ids[0],
                    alert_ids=group.alert_ids,
                    at=now,
                    action="retrain" if retrains else "hold",
                    kept=retrains,
                    stages=sorted(set().union(*map(columns_as_stages, members)))
                    if retrains
                    else (),
                    window={
                        "start": min(w.start for w in windows),
                        "end": max(w.end for w in windows),
                    },
                )
            )
    return answers


@FEW
@given(histories.histories(), SETTINGS, SILENCES)
def test_one_pass_finds_what_living_through_every_moment_finds(alerts, settings, silences):
    rules = policy().model_copy(update={"suppression": settings})

    told = replay(alerts, rules, silences, columns_as_stages, lambda d, a: None, at(40))
    answers = lived_through(alerts, rules, silences, 40)

    assert [(p.at, p.action, p.alert_ids) for p in sorted(told.plans, key=order)] == [
        (a.at, a.action, a.alert_ids) for a in sorted(answers, key=order)
    ]


def order(plan):
    return plan.at, plan.report_id


def fates(told):
    return [
        (one.disposition.fate, one.disposition.state, one.disposition.rule, one.disposition.tier)
        for one in told.alerts
    ]


def test_a_signal_that_lasts_is_planned_once_and_then_answered():
    told = replayed(daily("FFFFF"), policy())

    assert [(p.at, p.action, p.ladder, p.stages) for p in told.plans] == [
        (at(24.25), "retrain", ("recalibrate", "refit"), ("all",))
    ]
    assert fates(told)[:3] == [
        ("retrain", "acts", "fit", "recalibrate"),
        ("retrain", "acts", "fit", "recalibrate"),
        ("suppressed", "answered", "repeat_after", None),
    ]


def test_a_retrain_lets_other_signals_of_its_stages_rest():
    other = taken(9, 30, columns=["a"], monitor="other")

    told = replayed([taken(1, columns=["a"]), other], policy(**AT_ONCE), hours=40)

    assert fates(told)[1] == ("suppressed", "cooldown", "cooldown", None)


def test_untrusted_alerts_are_held():
    told = replayed([taken(1, trusted=False)], policy(**AT_ONCE))

    assert [(p.action, p.message) for p in told.plans] == [("hold", UNTRUSTED)]


def test_only_what_came_since_is_told_but_all_of_it_counts():
    told = replayed(daily("FFFFF"), policy(), since=40)

    assert told.plans == ()
    assert {fate[1] for fate in fates(told)} == {"answered"}
    assert len(told.alerts) == 3


def test_a_group_that_is_not_due_when_the_replay_ends_waits():
    told = replayed([taken(1)], policy(otherwise={"for": 1, "keep_firing": 1}), hours=0.1)

    assert (fates(told), told.plans) == ([("waiting", "waiting", "group_wait", None)], ())


@pytest.mark.parametrize(
    ("rules", "silences", "changes"),
    [
        (policy(**AT_ONCE), (), []),
        (
            policy(**AT_ONCE, attempt=["refit"]),
            (),
            [(("retrain", "fit", "recalibrate"), ("retrain", "fit", "refit"))],
        ),
        (
            policy(**AT_ONCE, hold="distribution shift"),
            (),
            [(("retrain", "fit", "recalibrate"), ("hold", "ask", None))],
        ),
        (
            policy(**AT_ONCE),
            [silence("Known", kind="data_drift")],
            [(("retrain", "fit", "recalibrate"), ("suppressed", "Known", None))],
        ),
    ],
)
def test_a_difference_tells_who_would_fare_otherwise(rules, silences, changes):
    cost = Cost(cpu_seconds=7.0, wall_seconds=9.0)
    before = replayed([taken(1)], policy(**AT_ONCE), hours=1, cost=cost)
    after = replayed([taken(1)], rules, hours=1, silences=silences, cost=cost)

    told = difference(before, after)

    assert [
        tuple((side.fate, side.rule, side.tier) for side in (one.before, one.after))
        for one in told.changes
    ] == changes
    assert (told.before.retrains, told.before.acted, told.before.cpu_seconds) == (1, 1, 7.0)
    assert told.after.cpu_seconds == (7.0 if told.after.retrains else 0.0)


def test_a_cost_that_is_not_known_is_counted_and_not_guessed():
    told = replayed([taken(1)], policy(**AT_ONCE))

    after = difference(told, told).after
    assert (after.cpu_seconds, after.unknown_costs) == (0.0, 1)


def test_replays_of_other_alerts_are_not_compared():
    with pytest.raises(ValueError, match="different alerts"):
        difference(replayed([taken(1)], policy()), replayed([taken(2)], policy()))


@FEW
@given(histories.histories(), SETTINGS, st.integers(0, 20))
def test_every_alert_is_told_once_and_totals_add_up(alerts, settings, hours):
    rules = policy().model_copy(update={"suppression": settings})

    told = replay(alerts, rules, (), columns_as_stages, lambda d, a: None, at(hours))
    totals = difference(told, told).before

    came = [one.alert.alert_id for one in alerts if one.received_at <= at(hours)]
    assert sorted(one.alert_id for one in told.alerts) == sorted(came)
    assert totals.acted + totals.held + totals.suppressed + totals.waiting == len(came)
    planned = [name for plan in told.plans for name in plan.alert_ids]
    assert len(planned) == len(set(planned))
