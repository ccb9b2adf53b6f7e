"""What `retouch reconcile` plans from main, tags and GitHub: one example for each kind of step."""

from __future__ import annotations

import pytest

from retouch.policy.promotion import Release
from retouch.registry.reconciliation import Announce, Record
from retouch.registry.registry import CANARY, PROD
from tests.registry.release_world import World


@pytest.fixture
def world() -> World:
    """v1.0.0 (m0) is in production, v1.1.0 (m1) is its canary, and nothing is left to do."""
    world = World()
    world.commit("m0")
    world.reconcile()
    world.commit("m1", accept=True)
    world.reconcile()
    return world


def _stages(world: World) -> tuple[str | None, str | None]:
    return world.in_stage(PROD), world.in_stage(CANARY)


def _left(world: World) -> list[str]:
    """Return what is left to do, without notices that exist."""
    steps = world.plan().steps
    return [
        step.message
        for step in steps
        if not (isinstance(step, Announce) and step.tag in world.announced)
    ]


def test_a_merged_model_becomes_a_version_and_the_canary_and_is_published(world: World):
    assert _stages(world) == ("m0", "m1")
    assert world.released == {"v1.0.0", "v1.1.0"}
    assert sorted(world.deployments.values()) == ["in_progress", "success"]
    assert _left(world) == []


def test_the_version_is_registered_where_the_model_changed_though_commits_follow(world: World):
    brought = world.commit("m2", accept=True)
    world.commit()
    world.commit()
    assert world.plan().promotion.commit == brought


def test_it_is_registered_at_the_newest_commit_once_workflow_files_changed(world: World):
    """GitHub lets no workflow's own token tag a commit whose workflow files are older ones."""
    world.commit("m2", accept=True)
    newest = world.commit(workflows=True)
    assert world.plan().promotion.commit == newest


def test_of_two_models_merged_in_one_push_the_newer_is_promoted(world: World):
    older = world.commit("m2", accept=True)
    world.commit("m3", accept=True)
    world.reconcile()
    assert _stages(world) == ("m0", "m3")
    plan = world.promote(older)
    assert (plan.outcome, plan.steps) == ("nothing", ())
    assert "is superseded by v1.2.0" in plan.message
    assert _stages(world) == ("m0", "m3")


def test_a_job_of_an_older_commit_does_not_evict_what_is_in_production():
    world = World(policy=Release())
    world.commit("m0")
    world.reconcile()
    older = world.commit("m1", accept=True)
    world.commit("m2", accept=True)
    world.reconcile()
    world.promote(older)
    assert world.in_stage(PROD) == "m2"
    assert _left(world) == []


def test_a_promotion_that_died_after_the_version_tag_is_completed(world: World):
    world.commit("m2", accept=True)
    world.dying(1, world.reconcile)
    assert world.tags[-1].name == "churn@v1.2.0"
    world.reconcile()
    assert _stages(world) == ("m0", "m2")
    assert _left(world) == []


@pytest.mark.parametrize("verdict", [False, None])
def test_a_revert_on_main_withdraws_the_canary_whoever_made_it(world: World, verdict: bool | None):
    """GitHub's button takes the report too (False); Retouch's own pull request leaves it."""
    world.commit(accept=verdict)
    commit = world.commit("m0")
    world.reconcile()
    assert _stages(world) == ("m0", None)
    assert world.tags[-1].details["reverted"] == commit
    assert commit[:10] in world.tags[-1].details["reason"]
    assert world.deployments[f"{world.tags[-1].commit} canary"] == "inactive"
    assert _left(world) == []


def test_a_revert_on_main_takes_production_to_the_model_that_main_records(world: World):
    world.pass_canary()
    world.commit("m0", accept=False)
    world.reconcile()
    assert _stages(world) == ("m0", None)
    taken_down = next(tag for tag in world.tags if tag.details.get("reverted"))
    assert taken_down.details["to"] == "v1.0.0"
    assert taken_down.name in world.announced


def test_of_two_reverts_before_a_call_the_newer_one_says_what_production_is(world: World):
    world.pass_canary()
    world.commit("m2", accept=True)
    world.reconcile()
    world.pass_canary()
    world.reconcile()
    world.commit("m1", accept=False)
    world.commit("m0", accept=False)
    world.reconcile()
    assert _stages(world) == ("m0", None)


def test_a_revert_that_was_reverted_before_a_call_changes_nothing(world: World):
    world.pass_canary()
    world.reconcile()
    world.commit("m0", accept=False)
    world.commit("m1", accept=True)
    assert _left(world) == []
    assert world.in_stage(PROD) == "m1"


def test_a_revert_to_a_model_of_long_ago_is_seen(world: World):
    for model in ("m1", "m2", "m3"):
        if model != "m1":
            world.commit(model, accept=True)
        world.reconcile()
        world.pass_canary()
    assert [change.hash for change in world.history().changes] == ["m2", "m3"]
    world.commit("m0")
    world.reconcile()
    assert world.in_stage(PROD) == "m0"


def test_a_rollback_for_a_revert_that_died_blocks_the_model_no_more_than_a_whole_one(world: World):
    world.dying(1, world.pass_canary)
    world.commit("m0", accept=False)
    world.dying(1, world.reconcile)
    world.reconcile()
    assert world.registry.blocked("m1") is None
    assert _stages(world) == ("m0", None)


def test_a_later_retrain_does_not_bring_a_reverted_model_back(world: World):
    world.commit("m0", accept=False)
    world.commit("m2", accept=True)
    world.reconcile()
    assert _stages(world) == ("m0", "m2")
    world.fail_canary()
    world.reconcile()
    assert _stages(world) == ("m0", None)


def test_a_revert_of_the_revert_is_a_canary_again_and_not_in_production_at_once(world: World):
    world.pass_canary()
    world.commit("m0", accept=False)
    world.reconcile()
    world.commit("m1", accept=True)
    world.reconcile()
    assert _stages(world) == ("m0", "m1")
    assert [version.name for version in world.registry.versions] == ["v1.0.0", "v1.1.0"]


def test_a_model_that_failed_stays_down_though_main_records_it_again(world: World):
    world.fail_canary()
    world.commit("m0")
    world.commit("m1", accept=True)
    world.reconcile()
    assert _stages(world) == ("m0", None)
    assert world.plan().promotion.outcome == "refused"


def test_a_person_who_assigns_a_reverted_version_is_not_overruled(world: World):
    world.pass_canary()
    world.commit("m0", accept=False)
    world.reconcile()
    world.roll_back("v1.1.0")
    world.reconcile()
    assert world.in_stage(PROD) == "m1"
    assert _left(world) == []


def test_a_revert_to_a_model_that_is_no_version_is_left_to_a_person(world: World):
    world.commit("by hand")
    world.commit("m2", accept=True)
    world.reconcile()
    world.pass_canary()
    world.reconcile()
    commit = world.commit("by hand")
    world.reconcile()
    assert world.in_stage(PROD) == "m2"
    assert any(commit[:10] in note and "retouch rollback" in note for note in world.plan().notes)


def test_a_rollback_that_died_between_its_tags_is_completed(world: World):
    world.pass_canary()
    world.reconcile()
    world.dying(1, world.roll_back)
    assert world.in_stage(PROD) == "m0"
    assert world.tags[-1].kind == "unassign"
    world.reconcile()
    assert [tag.kind for tag in world.tags[-2:]] == ["unassign", "assign"]
    assert _stages(world) == ("m0", None)


def test_a_canary_that_passed_leaves_the_stage_though_the_job_died(world: World):
    world.dying(1, world.pass_canary)
    assert _stages(world) == ("m1", "m1")
    world.reconcile()
    assert _stages(world) == ("m1", None)
    assert _left(world) == []


def test_a_failed_canary_is_announced_by_whoever_comes_next(world: World):
    world.fail_canary()
    steps = world.plan().steps
    assert [type(step) for step in steps] == [Announce, Record]
    assert world.tags[-1].name == steps[0].tag  # type: ignore[union-attr]
    world.reconcile()
    assert world.announced == {world.tags[-1].name}
    assert world.deployments[f"{world.tags[-1].commit} canary"] == "failure"


def test_an_announcement_ends_when_a_person_assigns_the_version_again(world: World):
    world.pass_canary()
    world.roll_back()
    world.roll_back("v1.1.0")
    assert not [step for step in world.plan().steps if isinstance(step, Announce)]


def test_without_promotion_what_main_records_waits_and_the_rest_is_done(world: World):
    world.commit("m0", accept=False)
    world.commit("m2", accept=True)
    assert world.plan(promote=False).waits
    world.reconcile(promote=False)
    assert _stages(world) == ("m0", None)
    world.reconcile()
    assert _stages(world) == ("m0", "m2")
    assert not world.plan(promote=False).waits


def test_steps_on_github_do_not_depend_on_each_other_but_come_after_the_tags(world: World):
    world.commit("m2", accept=True)
    plan = world.plan()
    kinds = [step.kind for step in plan.steps]
    assert kinds == ["register", "assign", "withdraw", "record", "record", "release"]
    assert [*plan.on_tags, *plan.on_github] == list(plan.steps)


def test_a_failed_canary_that_another_job_brings_back_by_an_old_plan_goes_again():
    world = World()
    world.commit("m0")
    world.reconcile()
    world.commit("m1", accept=True)
    old = world.plan()
    world.reconcile()
    world.fail_canary()
    world.take_late(old)
    assert world.in_stage(CANARY) == "m1"
    assert world.registry.blocked("m1") is not None
    world.reconcile()
    assert _stages(world) == ("m0", None)
    assert _left(world) == []


def test_a_rolled_back_version_that_another_job_brings_back_by_an_old_plan_goes_again():
    world = World(policy=Release())
    world.commit("m0")
    world.reconcile()
    world.commit("m1", accept=True)
    old = world.plan()
    world.reconcile()
    world.roll_back()
    world.take_late(old)
    assert world.in_stage(PROD) == "m1"
    world.reconcile()
    assert world.in_stage(PROD) == "m0"
    assert _left(world) == []


@pytest.mark.parametrize("policy", [Release(), World().policy])
def test_an_older_version_that_a_late_job_assigns_over_a_newer_one_is_removed(policy: Release):
    world = World(policy=policy)
    world.commit("m0")
    world.reconcile()
    world.commit("m1", accept=True)
    old = world.plan()
    world.dying(1, world.reconcile)  # m1 is a version, and the job that assigns it sleeps
    world.commit("m2", accept=True)
    world.reconcile()
    stage = PROD if policy == Release() else CANARY
    assert world.in_stage(stage) == "m2"
    world.take_late(old)
    assert world.in_stage(stage) == "m1"
    world.reconcile()
    assert world.in_stage(stage) == "m2"
    assert _left(world) == []
