"""One decision for a group of alerts: the first rule that matches, rather none than a wrong one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.model import FAMILY_OF
from retouch.alerts.new import new_alert
from retouch.policy.decide import decide, matches
from retouch.policy.model import Policy, When

TIER = {
    "description": "Do.",
    "module": "train",
    "must": "improve",
    "edits": [{"set": "k", "to": 1}],
}


def rule(name, when, **answer):
    example = {"given": {}, "expect": {"hold": "x"}}
    return {"name": name, "why": f"{name}, because.", "when": when, "examples": [example]} | answer


POLICY = Policy.model_validate(
    {
        "version": 1,
        "model": "block-time",
        "tiers": {"repair": TIER, "refit": TIER, "full": TIER},
        "rules": [
            rule("repair", {"kind": "data_quality"}, **{"try": ["repair"]}),
            rule("critical", {"severity": {"at_least": "critical"}}, **{"try": ["full"]}),
            rule("wait", {"kind": ["volume", "freshness"]}, hold="Wait."),
            rule("refit", {"family": "performance"}, **{"try": ["refit", "full"]}),
        ],
    }
)


def alert(number=0, **said):
    words = {"kind": "performance", "model": "block-time", "monitor": "m", "dataset": "flights"}
    now = datetime(2013, 7, 1, tzinfo=UTC)
    return new_alert(words | said, now=now, randomness=number.to_bytes(10))


def test_the_first_rule_that_matches_decides():
    decision = decide([alert(severity="critical", kind="data_quality")], POLICY)

    assert (decision.action, decision.rule, decision.ladder) == ("retrain", "repair", ("repair",))
    assert (decision.why, decision.hold) == ("repair, because.", None)


def test_a_rule_may_hold():
    decision = decide([alert(kind="volume")], POLICY)

    assert (decision.action, decision.rule, decision.hold) == ("hold", "wait", "Wait.")
    assert decision.ladder == ()


def test_an_alert_that_no_rule_matches_is_held_for_a_person():
    decision = decide([alert(kind="manual")], POLICY)

    assert (decision.action, decision.rule, decision.hold) == ("hold", None, "no rule matched")


@pytest.mark.parametrize("status", ["resolved", "no_data"])
def test_an_alert_that_is_not_firing_never_retrains(status):
    decision = decide([alert(status=status)], POLICY)

    assert (decision.action, decision.rule, decision.hold) == ("hold", None, "nothing is firing")


def test_an_alert_about_another_model_is_held():
    decision = decide([alert(model="other")], POLICY)

    assert decision.hold == "the policy is for another model"


def test_what_is_not_firing_has_no_say_beside_what_is():
    decision = decide([alert(1), alert(2, kind="volume", status="resolved")], POLICY)

    assert decision.rule == "refit"
    assert len(decision.alert_ids) == 2


def test_holding_beats_retraining():
    assert decide([alert(1), alert(2, kind="volume")], POLICY).rule == "wait"
    assert decide([alert(1), alert(2, kind="manual")], POLICY).hold == "no rule matched"
    assert decide([alert(1, kind="volume"), alert(2, kind="manual")], POLICY).rule == "wait"


def test_among_ladders_the_rule_that_stands_first_wins():
    assert decide([alert(1), alert(2, kind="data_quality")], POLICY).rule == "repair"


def test_there_is_nothing_to_decide_about_nothing():
    with pytest.raises(ValueError, match="no alerts"):
        decide([], POLICY)


groups = st.lists(
    st.builds(
        alert,
        number=st.integers(0, 99),
        kind=st.sampled_from(sorted(FAMILY_OF)),
        severity=st.sampled_from(["info", "warning", "critical"]),
        status=st.sampled_from(["firing", "firing", "resolved", "no_data"]),
    ),
    min_size=1,
    max_size=5,
)


@given(groups, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(group, random):
    shuffled = [*group, *group]
    random.shuffle(shuffled)

    assert decide(shuffled, POLICY) == decide(group, POLICY)


@given(groups)
def test_a_group_retrains_only_if_each_firing_alert_would(group):
    alone = [decide([each], POLICY) for each in group if each.status == "firing"]
    together = decide(group, POLICY)

    assert (together.action == "retrain") == (
        alone != [] and all(decision.action == "retrain" for decision in alone)
    )
    assert together.rule is None or together.rule in {decision.rule for decision in alone}


@pytest.mark.parametrize(
    ("when", "said", "holds"),
    [
        ({}, {}, True),
        ({"dataset": "flights"}, {}, True),
        ({"dataset": ["weather", "planes"]}, {}, False),
        ({"monitor": ["m", "n"]}, {}, True),
        ({"columns": ["temp", "precip"]}, {"columns": ["wind", "temp"]}, True),
        ({"columns": ["temp"]}, {}, False),
        ({"columns": ["temp"]}, {"findings": [{"metric": "psi", "column": "temp"}]}, True),
        (
            {"columns": ["temp"]},
            {"findings": [{"metric": "psi", "column": "temp", "verdict": "ok"}]},
            False,
        ),
        ({"severity": {"at_least": "warning"}}, {"severity": "info"}, False),
        ({"severity": {"at_least": "warning"}}, {"severity": "critical"}, True),
        ({"confidence": {"at_least": 0.5}}, {"confidence": 0.5}, True),
        ({"confidence": {"at_least": 0.5}}, {"confidence": 0.4}, False),
        ({"confidence": {"at_most": 0.5}}, {}, False),
        (
            {"findings": {"metric": "psi", "at_least": 0.2}},
            {"findings": [{"metric": "psi", "value": 0.2}]},
            True,
        ),
        (
            {"findings": {"metric": "psi", "at_least": 0.2}},
            {"findings": [{"metric": "psi"}, {"metric": "mae", "value": 9}]},
            False,
        ),
        (
            {"findings": {"metric": "psi", "at_least": 0.2}},
            {"findings": [{"metric": "psi", "value": 0.3, "verdict": "warn"}]},
            False,
        ),
        ({"dataset": "flights", "columns": ["temp"]}, {}, False),
    ],
)
def test_a_condition_says_what_it_looks_like(when, said, holds):
    assert matches(When.model_validate(when), alert(**said)) is holds
