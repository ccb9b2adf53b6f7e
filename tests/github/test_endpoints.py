"""Every endpoint that changes something: it works, twice is once, a lost answer is no second one.

`ACTS` holds a call of each. What is particular to one is in `test_endpoints_*.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from retouch.github import git_data, issues, pulls, records, repository
from retouch.github.errors import OutcomeUnknown, Refused
from retouch.github.repository import Repository, run_workflow, send_repository_dispatch
from tests.github.contract import templates
from tests.github.fake import Drop, FakeGitHub, Kill, Killed, Status
from tests.github.routes import ROUTES

MODULES = (repository, git_data, pulls, issues, records)
QUESTIONS = {
    "repository_facts",
    "branch_head",
    "get_commit",
    "release_has_asset",
    "deployed_environments",
    "deployment_states",
    "tag_exists",
    "pushes_after",
    "file_at",
    "permission_of",
    "get_pull",
    "list_open_pulls",
    "find_pull_request",
    "changed_files",
    "is_from_own_branch",
    "list_comments",
    "get_labels",
    "find_issue",
    "latest_status",
    "statuses_of",
}
MARK = "<!-- retouch:one -->"
US = "github-actions[bot]"
BODY = f"{MARK}\nKept.\n"
TAG = "m@v1.0.0"


@dataclass(frozen=True)
class Act:
    """One change: how it is made, by which route, how to see what came of it, and what should."""

    does: Callable[[FakeGitHub, Repository], Any]
    route: str
    seen: Callable[[FakeGitHub], Any]
    comes_to: Any
    permission: str = "Contents: write"


def committed(github: FakeGitHub, site: Repository) -> None:
    files = {"new.txt": "x\n", "topic.txt": None}
    made = git_data.create_commit(site, "start", files, "Further")
    git_data.fast_forward_branch(site, "topic", made)


def moved(github: FakeGitHub, site: Repository) -> None:
    tree, start = github.git.tree_of("start"), github.git.resolve("start") or ""
    assert git_data.fast_forward_branch(site, "topic", github.git.commit(tree, [start], "Further"))


def uploaded(github: FakeGitHub, site: Repository) -> None:
    release = records.create_release(site, tag=TAG, name="m", body="-")
    records.upload_asset(site, release, "a.tar", b"\x00\xff", "application/x-tar")


def own_commits(github: FakeGitHub) -> list[str]:
    made = github.git.new_commits("main", "topic")
    return [github.git.message(commit).strip() for commit in made]


def branches(github: FakeGitHub) -> list[str]:
    return sorted(github.git.branches())


ACTS = {
    "create_commit": Act(
        committed, "POST git/trees", lambda g: g.git.file("topic", "new.txt"), b"x\n"
    ),
    "create_branch": Act(
        lambda g, s: git_data.create_branch(s, "fresh", g.git.head("topic")),
        "POST git/refs",
        branches,
        ["fresh", "main", "topic"],
    ),
    "fast_forward_branch": Act(
        moved, "PATCH git/refs/{ref}", own_commits, ["Further", "Add topic.txt"]
    ),
    "delete_branch": Act(
        lambda g, s: git_data.delete_branch(s, "topic"), "DELETE git/refs/{ref}", branches, ["main"]
    ),
    "run_workflow": Act(
        lambda g, s: run_workflow(s, "alert.yml", "main", {"pull": "1"}),
        "POST actions/workflows/{workflow_id}/dispatches",
        lambda g: g.dispatched[:1],  # once more does no harm
        [{"workflow": "alert.yml", "ref": "main", "inputs": {"pull": "1"}}],
        "Actions: write",
    ),
    "open_pull_request": Act(
        lambda g, s: pulls.open_pull_request(s, branch="topic", base="main", title="T", body="B"),
        "POST pulls",
        lambda g: [(p["number"], p["title"], p["author"]) for p in g.pulls],
        [(1, "T", "github-actions[bot]")],
        "Pull requests: write",
    ),
    "edit_pull": Act(
        lambda g, s: pulls.edit_pull(s, 1, title="New", body=BODY, state="closed"),
        "PATCH pulls/{pull_number}",
        lambda g: [(p["title"], p["body"], p["state"]) for p in g.pulls],
        [("New", BODY, "closed")],
        "Pull requests: write",
    ),
    "add_comment": Act(
        lambda g, s: issues.add_comment(s, 1, BODY, marker=MARK, author=US),
        "POST issues/{issue_number}/comments",
        lambda g: [(c["author"], c["body"]) for c in g.comments],
        [("github-actions[bot]", BODY)],
        "Issues: write",
    ),
    "edit_comment": Act(
        lambda g, s: issues.edit_comment(s, g.comments[0]["id"], "New"),
        "PATCH issues/comments/{comment_id}",
        lambda g: [c["body"] for c in g.comments],
        ["New"],
        "Issues: write",
    ),
    "add_reaction": Act(
        lambda g, s: issues.add_reaction(s, g.comments[0]["id"], "+1"),
        "POST issues/comments/{comment_id}/reactions",
        lambda g: [(r["content"], r["user"]) for r in g.reactions],
        [("+1", "github-actions[bot]")],
        "Issues: write",
    ),
    "set_labels": Act(
        lambda g, s: issues.set_labels(s, 1, ["retouch", "kept"]),
        "PUT issues/{issue_number}/labels",
        lambda g: g.pull(1)["labels"],
        ["retouch", "kept"],
        "Issues: write",
    ),
    "open_issue": Act(
        lambda g, s: issues.open_issue(s, "T", BODY, ["canary", "m"], marker=MARK),
        "POST issues",
        lambda g: [(i["title"], i["body"], i["labels"]) for i in g.issues],
        [("T", BODY, ["canary", "m"])],
        "Issues: write",
    ),
    "edit_issue": Act(
        lambda g, s: issues.edit_issue(s, 1, body=BODY, state="closed"),
        "PATCH issues/{issue_number}",
        lambda g: [(i["body"], i["state"]) for i in (*g.pulls, *g.issues)],
        [(BODY, "closed")],
        "Issues: write",
    ),
    "set_status": Act(
        lambda g, s: records.set_status(s, g.git.head("main"), "pending", "retraining"),
        "POST statuses/{sha}",
        lambda g: {(t["state"], t["description"], t["context"]) for t in g.statuses},
        {("pending", "retraining", "retouch/verdict")},
        "Commit statuses: write",
    ),
    "create_deployment": Act(
        lambda g, s: records.create_deployment(
            s, ref=TAG, environment="canary", description="-", payload={"model": "a"}
        ),
        "POST deployments",
        lambda g: [(d["ref"], d["environment"], d["payload"]) for d in g.deployments],
        [(TAG, "canary", {"model": "a"})],
        "Deployments: write",
    ),
    "set_deployment_status": Act(
        lambda g, s: records.set_deployment_status(s, 7, "success", "-"),
        "POST deployments/{deployment_id}/statuses",
        lambda g: [d["statuses"][-1:] for d in g.deployments],
        [[{"state": "success", "description": "-"}]],
        "Deployments: write",
    ),
    "create_release": Act(
        lambda g, s: records.create_release(s, tag=TAG, name="m", body="-"),
        "POST releases",
        lambda g: [(r["tag"], r["name"], r["body"]) for r in g.releases],
        [(TAG, "m", "-")],
    ),
    "upload_asset": Act(
        uploaded,
        "POST releases/{release_id}/assets",
        lambda g: [(a["name"], a["content"]) for r in g.releases for a in r["assets"]],
        [("a.tar", b"\x00\xff")],
    ),
}
NAMED = pytest.mark.parametrize("name", ACTS)


@pytest.fixture
def ready(github, name):
    """A branch and a tag; and what an act changes: a pull request, an issue, a comment..."""
    route = ACTS[name].route
    github.git.point("topic", github.git.head("main"))
    github.git.commit_on("topic", {"topic.txt": b"t\n"})
    github.git.git("tag", TAG, "main")
    github.git.git("tag", "start", "topic")
    if "issues/" in route or name == "edit_pull":
        github.open_pull("topic")
    if "issues/comments" in route:
        github.comment(1, "/retrain", "alice")
    if name == "set_deployment_status":
        facts = {"environment": "canary", "transient_environment": True, "statuses": []}
        github.deployments.append({"id": 7, "production_environment": False, **facts})
    return github


@NAMED
def test_it_works_and_twice_is_once(ready, site, name):
    act = ACTS[name]

    first = act.does(ready, site)
    assert act.seen(ready) == act.comes_to
    assert act.does(ready, site) == first
    assert act.seen(ready) == act.comes_to


@NAMED
@pytest.mark.parametrize("fault", [Status(502), Drop(after=True)], ids=["undone", "done"])
def test_a_fault_that_goes_on_leaves_one(ready, site, name, fault):
    act = ACTS[name]
    ready.fails(act.route, *[fault] * 4)

    act.does(ready, site)

    assert act.seen(ready) == act.comes_to


@NAMED
def test_who_is_killed_after_the_work_and_comes_back_leaves_one(ready, site, name):
    act = ACTS[name]
    ready.fails(act.route, Kill(after=True))

    with pytest.raises(Killed):
        act.does(ready, site)
    act.does(ready, site)

    assert act.seen(ready) == act.comes_to


@NAMED
def test_a_token_that_may_not_is_told_the_permission(ready, site, name):
    act = ACTS[name]
    area = act.permission.removesuffix(": write")
    key = {"Commit statuses": "statuses"}.get(area, area.lower().replace(" ", "_"))
    ready.permissions |= {key: "read", "pull_requests": "read"}
    before = act.seen(ready)

    with pytest.raises(Refused) as refused:
        act.does(ready, site)

    assert refused.value.status == 403
    assert str(refused.value).startswith("acme/site: ") or name == "upload_asset"
    assert "forbidden: the token may not do this" in str(refused.value)
    assert str(refused.value).endswith(f"Give it the permission {act.permission}.")
    assert act.seen(ready) == before


def test_every_endpoint_is_tried_here_and_described_by_github():
    functions = [
        function
        for module in MODULES
        for function in inspect.getmembers(module, inspect.isfunction)
    ]
    asking = {
        name
        for name, function in functions
        if not name.startswith("_") and "repo" in inspect.signature(function).parameters
    }

    assert asking == {*ACTS, *QUESTIONS, "send_repository_dispatch"}
    assert {(route.method, route.template) for route in ROUTES} <= set(templates())


def test_an_event_is_the_one_thing_nobody_can_look_up(github, site):
    github.fails("POST dispatches", Drop(after=True))

    with pytest.raises(OutcomeUnknown):
        send_repository_dispatch(site, "model-alert", {})
    assert len(github.events) == 1


@pytest.mark.parametrize(
    "name", ["create_release", "upload_asset", "open_pull_request", "create_deployment"]
)
@pytest.mark.parametrize("status", [409, 422])
def test_another_refusal_of_a_creation_is_passed_on(ready, site, name, status):
    ready.fails(ACTS[name].route, Status(status, {"message": "No such thing."}))

    with pytest.raises(Refused, match="No such thing"):
        ACTS[name].does(ready, site)
    assert ACTS[name].seen(ready) == []
