"""Which version is in which stage."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.registry.registry import (
    ModelRegistry,
    clock_warning,
    registry_from_tags,
    release_status,
)
from retouch.registry.tags import Tag
from tests.registry.histories import tag

V1, V2 = tag("churn@v1.0.0", "a", 0, model="one"), tag("churn@v1.1.0", "b", 10, model="two")
PROD_1, PROD_2 = tag("churn#prod#1", "a", 1), tag("churn#prod#2", "b", 11)


def _registry(*tags: Tag) -> ModelRegistry:
    return registry_from_tags("churn", tags)


def _in_prod(*tags: Tag) -> str | None:
    version = _registry(*tags).in_stage("prod")
    return None if version is None else version.name


def test_without_tags_there_is_nothing():
    registry = _registry()
    assert registry.versions == ()
    assert registry.in_stage("prod") is None
    assert registry.next_counter() == 1
    assert release_status(registry, "one").lines == ()


def test_the_newest_assignment_counts():
    assert _in_prod(V1, V2, PROD_1, PROD_2) == "v1.1.0"


def test_an_older_version_assigned_again_is_back():
    assert _in_prod(V1, V2, PROD_1, PROD_2, tag("churn#prod#3", "a", 20)) == "v1.0.0"


def test_what_is_taken_out_leaves_the_one_before():
    assert _in_prod(V1, V2, PROD_1, PROD_2, tag("churn#prod!#3", "b", 20)) == "v1.0.0"


def test_taken_out_of_one_stage_it_stays_in_the_other():
    tags = (V1, PROD_1, tag("churn#canary#2", "a", 2), tag("churn#canary!#3", "a", 3))
    assert _in_prod(*tags) == "v1.0.0"
    assert _registry(*tags).in_stage("canary") is None


def test_a_version_that_was_deregistered_is_in_no_stage():
    tags = (V1, V2, PROD_1, PROD_2, tag("churn@v1.1.0!", "b", 20))
    assert _in_prod(*tags) == "v1.0.0"
    assert [version.name for version in _registry(*tags).versions] == ["v1.0.0"]
    assert _in_prod(*tags, tag("churn@v1.1.0#9", "b", 30)) == "v1.1.0"


def test_a_model_given_up_has_nothing_until_somebody_tags_it_again():
    up = (V1, PROD_1, tag("churn@deprecated", "a", 20))
    assert _in_prod(*up) is None
    assert _registry(*up).versions == ()
    assert _in_prod(*up, tag("churn#prod#3", "a", 30)) == "v1.0.0"


def test_of_the_same_second_the_greater_counter_is_later():
    back = tag("churn#prod#3", "a", 11)
    assert _in_prod(V1, V2, PROD_1, PROD_2, back) == "v1.0.0"
    out, again = tag("churn#prod!#3", "b", 11), tag("churn#prod#4", "b", 11)
    assert _in_prod(V1, V2, PROD_1, PROD_2, out, again) == "v1.1.0"
    assert _in_prod(V1, V2, PROD_1, PROD_2, tag("churn#prod#5", "b", 11), out) == "v1.1.0"


def test_the_counter_is_one_more_than_that_of_any_tag_of_the_model():
    others = (tag("other#prod#90", "a"), tag("churn@v1.0.0!#7", "a"), PROD_2)
    assert _registry(*others).next_counter() == 8


def test_the_next_tag_is_dated_now_or_a_second_after_the_newest():
    tags = (tag("churn@v1.0.0", "a", 0), tag("churn#prod#1", "a", 100))
    registry, last = registry_from_tags("churn", tags), tags[-1].at
    second = timedelta(seconds=1)
    assert registry.next_moment(last + 7.5 * second) == last + 7 * second
    assert registry.next_moment(last) == last + second
    assert registry.next_moment(last - timedelta(days=9)) == last + second
    assert registry_from_tags("other", tags).next_moment(last) == last


def test_a_tag_dated_more_than_five_minutes_ahead_is_told():
    newest = tag("churn#prod#1", "a", 0)
    registry = registry_from_tags("churn", [newest])
    told = clock_warning(registry, newest.at - timedelta(minutes=6))
    assert told is not None and "churn#prod#1 is dated 2023-11-14 22:13:20 UTC" in told
    assert clock_warning(registry, newest.at - timedelta(minutes=5)) is None
    assert clock_warning(registry_from_tags("other", []), newest.at) is None


def test_another_models_tags_say_nothing_of_this_one():
    assert _in_prod(V1, PROD_1, tag("other@v2.0.0", "c", 30), tag("other#prod#9", "c", 40)) == (
        "v1.0.0"
    )


def test_a_commit_that_was_assigned_without_being_registered_goes_by_its_id():
    tags = (V1, PROD_1, tag("churn#prod#2", "c", 5))
    assert _in_prod(*tags) == "c" * 40
    assert [version.name for version in _registry(*tags).versions] == ["v1.0.0"]
    assert _in_prod(*tags, tag("churn#prod!#3", "c", 6)) == "v1.0.0"


def test_on_a_commit_of_two_versions_the_one_that_is_up_is_meant():
    renamed = (V1, tag("churn@v1.0.0!", "a", 1), tag("churn@v1.0.1", "a", 2))
    assert _in_prod(*renamed, tag("churn#prod#1", "a", 3)) == "v1.0.1"


def test_the_history_of_a_stage_tells_what_came_and_what_went():
    out = tag("churn#prod!#3", "b", 20)
    history = _registry(V1, V2, out, PROD_2, PROD_1).history("prod")
    assert [(event.version.name, event.assigns) for event in history] == [
        ("v1.0.0", True),
        ("v1.1.0", True),
        ("v1.1.0", False),
    ]


def test_the_hash_of_a_model_is_what_its_tag_says_or_else_its_commits_lock():
    silent = tag("churn@v1.1.0", "b", 10)
    registry = registry_from_tags("churn", [V1, silent], {"a" * 40: "not this", "b" * 40: "two"})
    assert [version.hash for version in registry.versions] == ["one", "two"]


@pytest.mark.parametrize("said", [{"failed": True}, {"rolled_back": True}])
def test_a_model_that_failed_is_blocked_until_it_is_assigned_again(said: dict[str, bool]):
    out = tag("churn#canary!#4", "b", 20, model="two", reason="loss went up", **said)
    tags = (V1, V2, PROD_1, tag("churn#canary#3", "b", 12), out)
    assert _registry(*tags).blocked("two") == "loss went up"
    assert _registry(*tags).blocked("one") is None
    assert _registry(*tags, tag("churn#prod#5", "a", 30)).blocked("two") == "loss went up"
    assert _registry(*tags, tag("churn#prod#5", "b", 30)).blocked("two") is None


def test_a_canary_that_passed_and_is_taken_out_is_not_blocked():
    out = tag("churn#canary!#4", "b", 20, model="two", reason="passed")
    assert _registry(V1, V2, out).blocked("two") is None


TAGS = st.lists(
    st.tuples(
        st.sampled_from(["@v{0}.0.0", "@v{0}.0.0!", "#prod", "#prod!", "#canary", "#canary!"]),
        st.integers(1, 4),
        st.integers(0, 5),
    ),
    max_size=14,
).map(
    lambda said: [
        tag(f"churn{what.format(of)}#{number}", "abcd"[of - 1], second)
        for number, (what, of, second) in enumerate(said, 1)
    ]
)


@given(TAGS, st.randoms(use_true_random=False))
def test_the_order_in_which_git_lists_tags_does_not_matter(tags: list[Tag], chance: random.Random):
    mixed = list(tags)
    chance.shuffle(mixed)
    assert _registry(*mixed) == _registry(*tags)


@given(TAGS)
def test_only_a_version_that_is_up_is_ever_in_a_stage(tags: list[Tag]):
    registry = _registry(*tags)
    for stage in ("prod", "canary"):
        found = registry.in_stage(stage)
        assert found is None or registry.is_up(found)
        assert (registry.assignment(stage) is None) == (found is None)


@given(TAGS, st.sampled_from("abcd"))
def test_assigning_what_is_up_last_of_all_puts_it_in_the_stage(tags: list[Tag], commit: str):
    before = _registry(*tags)
    late = max((t.at for t in tags), default=V1.at) + timedelta(seconds=1)
    name = f"churn#prod#{before.next_counter()}"
    now = _registry(*tags, tag(name, commit).model_copy(update={"at": late}))
    found = now.in_stage("prod")
    there = [v for v in now.known if v.commit == commit * 40 and now.is_up(v)]
    if there:
        assert found is not None
        assert found.commit == commit * 40
    else:
        assert found == before.in_stage("prod")


def test_status_says_whose_model_head_records():
    registry = _registry(V1, V2, PROD_1, tag("churn#canary#2", "b", 12))
    assert release_status(registry, "one").head == "prod"
    assert release_status(registry, "two").head == "canary"
    assert release_status(registry, "three").head == "neither"
    lines = "\n".join(release_status(registry, "one").lines)
    assert "prod: v1.0.0, one (commit aaaaaaaaaa), since 2023-11-14 22:13 UTC" in lines
    assert "canary: v1.1.0, two" in lines
