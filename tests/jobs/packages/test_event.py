"""What an event of GitHub asks, and that no shape of it is a traceback."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.errors import InputError
from retouch.jobs.packages.event import (
    DispatchEvent,
    PullRequestEvent,
    PushEvent,
    RetrainRequest,
    ScheduleEvent,
    default_branch_of,
    read_event,
)

SHA = "a" * 40
SENDER = {"sender": {"login": "alice"}}
NAMES = ("pull_request", "push", "repository_dispatch", "schedule", "workflow_dispatch")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def pull_request(**changes: Any) -> dict[str, Any]:
    head = {"ref": "retouch/alert/x", "sha": SHA, "repo": {"full_name": "acme/site"}}
    base = {"ref": "main", "repo": {"full_name": "acme/site"}}
    told = {"number": 3, "head": head | changes.pop("head", {}), "base": base}
    return {"action": "opened", "pull_request": told, **SENDER, **changes}


def test_a_pull_request_is_read_and_the_rest_is_left():
    found = read_event("pull_request", pull_request(more={"x": 1}))
    assert found == PullRequestEvent(
        action="opened",
        number=3,
        head_branch="retouch/alert/x",
        head_sha=SHA,
        head_repo="acme/site",
        base="main",
        fork=False,
        sender="alice",
    )


@pytest.mark.parametrize("repo", [None, {"full_name": "mallory/site"}])
def test_a_branch_of_another_repository_is_a_forks(repo):
    found = read_event("pull_request", pull_request(head={"repo": repo}))
    assert isinstance(found, PullRequestEvent)
    assert found.fork


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("head.sha", "main; rm -rf /"),
        ("head.ref", "a b"),
        ("head.ref", "-x"),
        ("head.ref", "a/../b"),
        ("number", "3"),
        ("number", True),
        ("number", 0),
    ],
)
def test_a_field_of_another_shape_is_named(field, wrong):
    event = pull_request()
    *way, last = field.split(".")
    place = event["pull_request"]
    for step in way:
        place = place[step]
    place[last] = wrong
    with pytest.raises(InputError, match=rf"pull_request\.{field}: "):
        read_event("pull_request", event)


def test_a_push_names_its_branch_and_a_tag_names_none():
    branch = read_event("push", {"ref": "refs/heads/main", "after": SHA, **SENDER})
    tag = read_event("push", {"ref": "refs/tags/v1", "after": SHA, **SENDER})
    assert isinstance(branch, PushEvent)
    assert isinstance(tag, PushEvent)
    assert (branch.branch, tag.branch) == ("main", None)


def test_a_dispatch_carries_its_payload_and_its_sender():
    found = read_event("repository_dispatch", {"client_payload": {"v": 1}, **SENDER})
    assert found == DispatchEvent(payload={"v": 1}, sender="alice")


@pytest.mark.parametrize(
    ("inputs", "asked"),
    [
        (None, RetrainRequest(pull=None, sender="alice")),
        ({"pull": "", "accepted_by": ""}, RetrainRequest(pull=None, sender="alice")),
        (
            {"pull": "12", "overwrite": "true"},
            RetrainRequest(pull=12, overwrite=True, sender="alice"),
        ),
        ({"pull": 12, "overwrite": False}, RetrainRequest(pull=12, sender="alice")),
        (
            {"pull": "12", "accepted_by": "bob"},
            RetrainRequest(pull=12, accepted_by="bob", sender="alice"),
        ),
    ],
)
def test_inputs_are_read_as_github_writes_them(inputs, asked):
    assert read_event("workflow_dispatch", {"inputs": inputs, **SENDER}) == asked


@pytest.mark.parametrize(
    "inputs", [{"pull": "1 2"}, {"pull": "-1"}, {"overwrite": "yes"}, {"accepted_by": "a b"}]
)
def test_inputs_of_another_shape_are_refused(inputs):
    with pytest.raises(InputError, match="inputs"):
        read_event("workflow_dispatch", {"inputs": inputs, **SENDER})


def test_time_wakes_and_an_unknown_event_is_refused():
    assert read_event("schedule", None) == ScheduleEvent()
    with pytest.raises(InputError, match="starts no job"):
        read_event("issues", {})


def test_the_default_branch_is_read_where_the_event_has_it():
    assert default_branch_of({"repository": {"default_branch": "trunk"}}) == "trunk"
    assert default_branch_of({"repository": {"default_branch": "--upload-pack=x"}}) is None
    assert default_branch_of(None) is None


@given(name=st.sampled_from(NAMES) | st.text(), payload=JSON)
def test_no_payload_is_a_traceback(name, payload):
    try:
        read_event(name, payload)
    except InputError as error:
        assert str(error)
