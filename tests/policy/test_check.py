"""A policy is checked by its own examples, for unreachable rules and for unused tiers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.alerts.model import SEVERITIES
from retouch.alerts.new import new_alert
from retouch.errors import InputError
from retouch.policy.check import check_policy, covers, lint_policy
from retouch.policy.decide import matches
from retouch.policy.model import Policy, When

TIER = {
    "description": "Do.",
    "module": "train",
    "must": "improve",
    "edits": [{"set": "k", "to": 1}],
}


def rule(name, when, examples=({"given": {"kind": "manual"}, "expect": {"hold": "x"}},)):
    return {"name": name, "why": "So.", "when": when, "try": ["refit"], "examples": list(examples)}


def policy(*rules, tiers=("refit",)):
    return Policy.model_validate(
        {"version": 1, "model": "m", "tiers": dict.fromkeys(tiers, TIER), "rules": list(rules)}
    )


def test_every_example_is_run_under_the_whole_policy():
    examples = [
        {"given": {"kind": "performance", "severity": "info"}, "expect": {"try": ["refit"]}},
        {"given": {"kind": "performance"}, "expect": {"hold": "no rule matched"}},
        {"given": {"kind": "manual"}, "expect": {"hold": "no rule matched"}},
    ]

    results = check_policy(
        policy(
            rule(
                "first",
                {"severity": {"at_least": "critical"}},
                [
                    {
                        "given": {"kind": "manual", "severity": "critical"},
                        "expect": {"try": ["refit"]},
                    }
                ],
            ),
            rule("second", {"family": "performance"}, examples),
        )
    )

    assert [(r.rule, r.number, r.expected, r.got, r.decided_by, r.passed) for r in results] == [
        ("first", 1, "try refit", "try refit", "first", True),
        ("second", 1, "try refit", "try refit", "second", True),
        ("second", 2, "hold: no rule matched", "try refit", "second", False),
        ("second", 3, "hold: no rule matched", "hold: no rule matched", None, True),
    ]


def test_an_example_that_is_no_alert_is_bad_input_with_its_place():
    broken = [{"given": {"kind": "dream"}, "expect": {"try": ["refit"]}}]

    with pytest.raises(InputError) as caught:
        check_policy(policy(rule("first", {}, broken)), "p.yaml")

    assert caught.value.message.startswith(
        "p.yaml: rules[0].examples[0].given: kind: 'dream' is unknown"
    )
    assert caught.value.hint == "Correct the example, then run `retouch policy check`."


def test_a_rule_behind_one_that_always_matches_first_is_reported():
    sentences = lint_policy(
        policy(
            rule("drift", {"family": "distribution shift"}),
            rule("data drift", {"kind": "data_drift", "columns": ["temp"]}),
            rule("all else", {}),
        )
    )

    assert sentences == (
        "rules[1] ('data drift') is unreachable: "
        "rules[0] ('drift') matches every alert it matches.",
    )


def test_a_rule_whose_kind_is_not_of_its_family_is_reported():
    sentences = lint_policy(policy(rule("odd", {"family": "performance", "kind": "data_drift"})))

    assert sentences == ("rules[0] ('odd') is unreachable: no kind is of its family.",)


def test_a_tier_that_is_never_tried_is_reported():
    sentences = lint_policy(policy(rule("one", {}), tiers=["refit", "full"]))

    assert sentences == ("tiers.full is unused: no rule names it.",)


@pytest.mark.parametrize(
    ("earlier", "later", "covered"),
    [
        ({"kind": ["volume", "freshness"]}, {"kind": "volume"}, True),
        ({"kind": "volume"}, {"family": "data quality"}, False),
        ({"family": "data quality"}, {"kind": "volume"}, True),
        ({"family": "governance"}, {"kind": ["manual", "policy_change"]}, True),
        ({"severity": {"at_least": "warning"}}, {"severity": {"at_least": "critical"}}, True),
        ({"severity": {"at_least": "warning"}}, {"severity": {"at_least": "info"}}, False),
        ({"dataset": "flights"}, {}, False),
        ({"columns": ["temp", "precip"]}, {"columns": ["temp"]}, True),
        ({"columns": ["temp"]}, {"columns": ["temp", "precip"]}, False),
        ({"confidence": {"at_least": 0.5}}, {"confidence": {"at_least": 0.6}}, True),
        ({"confidence": {"at_least": 0.5}}, {"confidence": {"at_least": 0.4}}, False),
        ({"confidence": {"at_most": 0.5}}, {"confidence": {"at_most": 0.6}}, False),
        ({"confidence": {"at_most": 0.5}}, {}, False),
        (
            {"findings": {"metric": "psi", "at_least": 0.1}},
            {"findings": {"metric": "mae", "at_least": 0.2}},
            False,
        ),
    ],
)
def test_a_rule_covers_another_when_its_conditions_are_no_narrower(earlier, later, covered):
    assert covers(When.model_validate(earlier), When.model_validate(later)) is covered


words = st.sampled_from(["a", "b", "c"])
kinds = st.sampled_from(["performance", "concept_drift", "data_drift"])
some_words = words | st.lists(words, min_size=1, max_size=2)
limits = st.sampled_from([{"at_least": 0.1}, {"at_least": 0.5}, {"at_most": 0.5}, {"at_most": 0.9}])
conditions = {
    "family": st.sampled_from(["performance", "distribution shift"]),
    "kind": kinds | st.lists(kinds, min_size=1, max_size=2),
    "severity": st.fixed_dictionaries({"at_least": st.sampled_from(SEVERITIES)}),
    "dataset": some_words,
    "columns": st.lists(words, min_size=1, max_size=2),
    "monitor": some_words,
    "confidence": limits,
    "findings": st.builds(lambda metric, limit: {"metric": metric} | limit, words, limits),
}


@st.composite
def whens(draw):
    names = draw(st.lists(st.sampled_from(sorted(conditions)), max_size=2))
    return {name: draw(conditions[name]) for name in names}


alerts = st.fixed_dictionaries(
    {
        "kind": kinds,
        "dataset": words,
        "monitor": words,
        "severity": st.sampled_from(SEVERITIES),
        "columns": st.lists(words, max_size=2),
        "confidence": st.floats(0, 1),
        "findings": st.lists(
            st.fixed_dictionaries({"metric": words, "value": st.floats(0, 1)}), max_size=2
        ),
    }
)


@settings(max_examples=500)
@given(whens(), whens(), alerts)
def test_a_rule_matches_whatever_the_rules_it_covers_match(some, more, said):
    earlier, later = When.model_validate(some), When.model_validate(some | more)
    now = datetime(2013, 7, 1, tzinfo=UTC)
    alert = new_alert({"model": "m"} | said, now=now, randomness=bytes(10))

    assert not (covers(earlier, later) and matches(later, alert)) or matches(earlier, alert)


@given(whens())
def test_every_condition_covers_itself_and_none_at_all_covers_every_one(conditions):
    when = When.model_validate(conditions)

    assert covers(when, when)
    assert covers(When(), when)


def with_settings(rules, tiers=("one", "two"), **said):
    """Return a policy with settings of its own; `said` may hold those of tiers as well."""
    of_tiers = said.pop("of_tiers", {})
    plain = policy(*rules, tiers=list(tiers)).model_dump(by_alias=True, exclude_none=True)
    for name, more in of_tiers.items():
        plain["tiers"][name] |= more
    return Policy.model_validate(plain | said)


def two_tiers():
    return rule("both", {}) | {"try": ["one", "two"]}


def test_a_repair_that_is_to_bring_the_loss_back_is_reported():
    asks = {"must": "not_get_worse", "restores": 1.1}

    assert lint_policy(with_settings([two_tiers()], of_tiers={"one": asks})) == (
        "tiers.one: 'restores' requires the loss to recover, 'must: not_get_worse' only that it"
        " does not rise; on a slice that stays bad no repair can pass.",
    )


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"tiers": 1}, "budget.tiers is 1: rules[0] ('both') never reaches two."),
        ({"cpu_per_day": "0 days"}, "budget.cpu_per_day is zero: no tier with a known cost"),
        (
            {"cpu_per_alert": "2 hours", "cpu_per_day": "1 hour"},
            "budget.cpu_per_alert, 2 hours, is never reached: cpu_per_day allows 1 hour.",
        ),
    ],
)
def test_a_budget_that_leaves_something_out_is_reported(budget, message):
    (sentence,) = lint_policy(with_settings([two_tiers()], budget=budget))

    assert sentence.startswith(message)


def test_a_budget_with_room_for_every_ladder_is_not_reported():
    roomy = {"tiers": 2, "cpu_per_alert": "1 hour", "cpu_per_day": "1 hour"}

    assert lint_policy(with_settings([two_tiers()], budget=roomy)) == ()


def test_a_value_rule_that_cannot_weigh_a_full_run_or_any_gain_is_reported():
    value = {"worth_of_one": 1, "predictions_per_day": 1, "horizon": "1 day"}
    full = {"two": {"whole_model": True}}

    assert lint_policy(with_settings([two_tiers()], value=value, of_tiers=full)) == ()
    (no_full,) = lint_policy(with_settings([two_tiers()], value=value))
    assert no_full.startswith("value: no tier has whole_model")
    never = value | {"horizon": "0 days"}
    assert lint_policy(with_settings([two_tiers()], value=never, of_tiers=full)) == (
        "value.horizon is zero: no gain is ever worth its cost.",
    )
