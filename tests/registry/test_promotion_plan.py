"""What merging a model brings about, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.policy.promotion import Canary, Release
from retouch.registry.promotion_plan import (
    AcceptingOutcome,
    AcceptingVerdict,
    GitHubRecord,
    PromotionFacts,
    PromotionPlan,
    Publish,
    core_of,
    next_version,
    plan_promotion,
)
from retouch.registry.registry import registry_from_tags
from retouch.registry.tags import Tag
from tests.registry.histories import tag

CANARY = Release(on_merge="canary", canary=Canary(margin=1, scale=2))
V1, PROD_1 = tag("churn@v1.0.0", "a", 0, model="one"), tag("churn#prod#1", "a", 1)
V2, CANARY_2 = tag("churn@v1.1.0", "b", 10, model="two"), tag("churn#canary#2", "b", 11)
PASSED = (tag("churn#prod#3", "b", 20), tag("churn#canary!#4", "b", 21, model="two"))


def _kept(candidate: str, outcome: AcceptingOutcome = "promote") -> AcceptingVerdict:
    return AcceptingVerdict(
        report_id="01A",
        plan_key="key",
        outcome=outcome,
        candidate=candidate,
        production="one",
        message="It is better by 2.",
    )


def _plan(*tags: Tag, hash: str, commit: str = "c", **more: Any) -> PromotionPlan:
    facts = PromotionFacts(
        registry=registry_from_tags("churn", tags),
        commit=commit * 40,
        hash=hash,
        policy=more.pop("policy", CANARY),
        **more,
    )
    return plan_promotion(facts)


def _kinds(plan: PromotionPlan) -> list[tuple[str, bool]]:
    return [(step.kind, step.done) for step in plan.steps]


def test_the_first_version_ever_goes_straight_to_prod():
    plan = _plan(hash="one")
    assert (plan.outcome, plan.version) == ("promote", "v1.0.0")
    assert [getattr(step, "stage", None) for step in plan.steps] == [None, "prod"]
    assert "baseline" in plan.message


def test_a_kept_candidate_is_the_next_minor_version_and_goes_where_the_policy_says():
    plan = _plan(V1, PROD_1, hash="two", kept=(_kept("two"),))
    assert (plan.version, plan.commit) == ("v1.1.0", "c" * 40)
    assert "v1.1.0, in canary: It is better by 2." in plan.message
    straight = _plan(V1, PROD_1, hash="two", kept=(_kept("two"),), policy=Release())
    assert "v1.1.0, in prod" in straight.message


def test_a_repair_that_changes_no_score_is_a_patch():
    plan = _plan(V1, PROD_1, hash="two", kept=(_kept("two", "equivalent"),))
    assert plan.version == "v1.0.1"


def test_with_nothing_in_prod_there_is_nothing_to_hold_a_canary_against():
    plan = _plan(V1, hash="two", kept=(_kept("two"),))
    assert "v1.1.0, in prod" in plan.message


def test_a_model_no_verdict_kept_is_refused_by_its_hash():
    plan = _plan(V1, PROD_1, hash="by-hand")
    assert plan.outcome == "refused"
    assert plan.message == (
        "churn by-hand of commit cccccccccc has no accepting verdict in this commit."
    )
    assert plan.steps == ()


def test_nothing_new_is_nothing_to_do():
    plan = _plan(V1, PROD_1, hash="one")
    assert plan.outcome == "nothing"
    assert _kinds(plan) == [("register", True), ("assign", True)]
    assert plan.message == "churn is already v1.0.0: nothing to do."


def test_what_an_earlier_call_left_is_completed_on_its_commit():
    plan = _plan(V1, PROD_1, V2, hash="two", kept=(_kept("two"),))
    assert (plan.outcome, plan.version, plan.commit) == ("promote", "v1.1.0", "b" * 40)
    assert _kinds(plan) == [("register", True), ("assign", False)]


def test_the_records_give_the_same_reason_when_an_earlier_call_was_cut_short():
    kept = (_kept("two"),)
    whole = _plan(V1, PROD_1, hash="two", kept=kept)
    assert "v1.1.0, in canary: It is better by 2." in whole.reason
    assert _plan(V1, PROD_1, V2, hash="two", kept=kept).reason == whole.reason
    assert _plan(V1, PROD_1, V2, CANARY_2, hash="two", kept=kept).reason == whole.reason
    assert _plan(V1, hash="one").reason == _plan(hash="one").reason


def test_a_baseline_cut_short_is_completed_as_a_baseline():
    assert "prod" in _plan(V1, hash="one").left[0].message


def test_a_canary_that_passed_is_not_put_back():
    plan = _plan(V1, PROD_1, V2, CANARY_2, *PASSED, hash="two")
    assert (plan.outcome, plan.left) == ("nothing", ())


def test_a_version_a_person_took_out_is_not_put_back():
    out = tag("churn#prod!#2", "a", 5)
    assert _plan(V1, PROD_1, out, hash="one").left == ()


def test_an_undecided_canary_makes_way_for_the_next_version():
    before = (V1, PROD_1, V2, CANARY_2)
    plan = _plan(*before, hash="three", kept=(_kept("three"),))
    assert [step.kind for step in plan.steps] == ["register", "assign", "withdraw"]
    now = (*before, tag("churn@v1.2.0", "c", 30, model="three"), tag("churn#canary#3", "c", 31))
    assert [step.kind for step in _plan(*now, hash="three").left] == ["withdraw"]
    done = (*now, tag("churn#canary!#4", "b", 32, model="two", reason="superseded by v1.2.0"))
    assert _plan(*done, hash="three").left == ()


def test_a_canary_that_a_person_chose_later_is_left_alone():
    tags = (V1, PROD_1, V2, CANARY_2, tag("churn#canary#9", "a", 40))
    assert _plan(*tags, hash="two").left == ()


def test_a_revert_registers_nothing():
    plan = _plan(V1, PROD_1, V2, CANARY_2, hash="one", kept=(_kept("one"),))
    assert (plan.outcome, plan.steps, plan.hint) == ("nothing", (), None)
    assert "the model of v1.0.0" in plan.message


def test_a_revert_that_prod_did_not_follow_says_how_to_follow():
    plan = _plan(V1, PROD_1, V2, CANARY_2, *PASSED, hash="one")
    assert plan.outcome == "nothing"
    assert "but prod is v1.1.0" in plan.message
    assert "retouch rollback --to v1.0.0" in (plan.hint or "")


@pytest.mark.parametrize("said", [{"failed": True}, {"rolled_back": True}])
def test_a_model_that_was_taken_down_stays_down(said: dict[str, bool]):
    out = tag("churn#canary!#3", "b", 20, model="two", reason="loss\x1b went up", **said)
    plan = _plan(V1, PROD_1, V2, CANARY_2, out, hash="two", kept=(_kept("two"),))
    assert plan.outcome == "refused"
    assert "stays so" in plan.message
    again = _plan(V1, PROD_1, V2, CANARY_2, out, hash="two", commit="d", kept=(_kept("two"),))
    assert again.outcome == "refused"


def test_a_version_that_was_deregistered_stays_down():
    plan = _plan(V1, PROD_1, V2, tag("churn@v1.1.0!", "b", 20), hash="two", kept=(_kept("two"),))
    assert plan.outcome == "refused"
    assert "v1.1.0, which was deregistered" in plan.message


def test_a_name_that_was_deregistered_is_not_used_again():
    tags = (V1, PROD_1, V2, tag("churn@v1.1.0!", "b", 20))
    assert _plan(*tags, hash="three", kept=(_kept("three"),)).version == "v1.2.0"


def test_a_model_that_is_given_up_is_not_promoted():
    plan = _plan(V1, PROD_1, tag("churn@deprecated", "a", 9), hash="two", kept=(_kept("two"),))
    assert plan.outcome == "refused"
    assert "churn@deprecated" in plan.message


def _github(released: bool, *environments: str) -> GitHubRecord:
    return GitHubRecord(released=released, environments=environments)


def test_at_github_the_release_comes_last_and_vouches_for_what_is_before_it():
    new = _plan(V1, PROD_1, hash="two", kept=(_kept("two"),), github=_github(False))
    assert [s.kind for s in new.steps] == ["register", "assign", "deploy", "publish"]
    tags = (V1, PROD_1, V2, CANARY_2)
    cut_short = _plan(*tags, hash="two", github=_github(False, "canary"))
    assert [s.kind for s in cut_short.left] == ["deploy", "publish"]
    assert _plan(*tags, hash="two", github=_github(True, "canary")).left == ()


@pytest.mark.parametrize(
    ("tags", "environments"),
    [
        ((V1, PROD_1, V2, CANARY_2), ["canary"]),
        ((V1, PROD_1, V2, CANARY_2, *PASSED), ["production"]),
        ((V1, PROD_1, V2, CANARY_2, tag("churn#canary!#3", "b", 20)), []),
    ],
)
def test_a_version_is_deployed_where_it_is_now(tags: tuple[Tag, ...], environments: list[str]):
    plan = _plan(*tags, hash="two", github=_github(False))
    assert [s.environment for s in plan.left if s.kind == "deploy"] == environments
    assert isinstance(plan.left[-1], Publish)


VERSIONS = st.tuples(*[st.integers(0, 30)] * 3).map(lambda part: "v{}.{}.{}".format(*part))


@given(st.lists(VERSIONS, min_size=1), st.sampled_from(["minor", "patch"]))
def test_the_next_version_is_above_all_there_ever_were(versions: list[str], part: Any):
    assert core_of(next_version(versions, part)) > max(map(core_of, versions))


def test_the_versions_are_compared_as_numbers():
    assert next_version(["v1.9.0", "v1.10.0-rc.1"], "minor") == "v1.11.0"


def test_explaining_and_applying_read_the_same_list():
    plan = _plan(V1, PROD_1, hash="two", kept=(_kept("two"),), github=_github(False))
    assert PromotionPlan.model_validate_json(plan.to_json()) == plan
