"""Commits, branches, workflows and roles through the API."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.git_data import (
    branch_head,
    create_branch,
    create_commit,
    delete_branch,
    fast_forward_branch,
    get_commit,
    tag_exists,
)
from retouch.github.repository import permission_of, run_workflow
from tests.github.fake import Status


@pytest.fixture
def main(github):
    return github.git.commit_on("main", {"a/b.txt": b"b\n", "c.txt": b"c\n"})


def test_files_are_put_in_and_taken_out_and_the_rest_stays(github, site, main):
    made = create_commit(site, main, {"c.txt": None, "a/d.txt": "d ü\n"}, "Change")

    assert github.git.file(made, "a/b.txt") == b"b\n"
    assert github.git.file(made, "a/d.txt") == "d ü\n".encode()
    assert github.git.entry(made, "c.txt") is None
    assert github.git.parents(made) == [main]
    assert github.git.message(made).strip() == "Change"


def test_a_file_that_is_not_there_may_be_taken_out(github, site, main):
    made = create_commit(site, main, {"nowhere.txt": None}, "Nothing")

    assert github.git.tree_of(made) == github.git.tree_of(main)
    assert "POST git/trees" not in github.calls


def test_a_merge_takes_its_tree_from_the_base_and_its_parents_as_told(github, site, main):
    github.git.point("topic", f"{main}^")
    topic = github.git.commit_on("topic", {"c.txt": b"other\n"})

    made = create_commit(site, main, {"e.txt": "e\n"}, "Refresh", parents=[topic, main])

    assert github.git.parents(made) == [topic, main]
    assert github.git.file(made, "c.txt") == b"c\n"
    assert fast_forward_branch(site, "topic", made)


def test_a_text_that_is_not_utf8_is_not_sent(github, site, main):
    with pytest.raises(InputError, match=r"^bad\.svg: the text is not valid UTF-8"):
        create_commit(site, main, {"bad.svg": "\udcff"}, "Bad")
    assert github.writes == []


@pytest.mark.parametrize("path", ["../x", "/x", ".git/config", "a//b", ""])
def test_a_path_that_leads_out_is_refused(github, site, main, path):
    with pytest.raises(Refused, match="malformed path component"):
        create_commit(site, main, {path: "x"}, "Bad")


def test_a_branch_is_only_moved_forward(github, site, main):
    github.git.point("topic", f"{main}^")
    ahead = github.git.commit_on("topic", {"t.txt": b"t\n"})

    assert not fast_forward_branch(site, "main", ahead)
    assert branch_head(site, "main") == main
    assert fast_forward_branch(site, "topic", ahead)
    assert not fast_forward_branch(site, "topic", main)


@pytest.mark.parametrize(
    ("branch", "message"),
    [("nowhere", "Reference does not exist"), ("main", "must be made through a pull request")],
)
def test_a_branch_that_cannot_be_moved_at_all_is_said(github, site, main, branch, message):
    github.protected_branches = {"main"}

    with pytest.raises(Refused, match=message):
        fast_forward_branch(site, branch, main)


def test_a_deleted_branch_closes_its_pull_request(github, site, main):
    number = github.open_pull("topic", files={"t.txt": "t\n"})

    delete_branch(site, "topic")
    delete_branch(site, "topic")

    assert branch_head(site, "topic") is None
    github.sync()
    assert github.pull(number)["state"] == "closed"


def test_a_branch_that_may_not_be_deleted_is_said(github, site, main):
    github.fails("DELETE git/refs/{ref}", Status(422, {"message": "Cannot delete this branch"}))

    with pytest.raises(Refused, match="Cannot delete this branch"):
        delete_branch(site, "main")


def test_a_branch_within_a_branch_is_refused(github, site, main):
    with pytest.raises(Refused, match="cannot be created"):
        create_branch(site, "main/sub", main)


@pytest.mark.parametrize("name", ["m@v1.0.0", "dir=m#prod#1", "a/m@v1.0.0"])
def test_a_tag_of_any_name_is_seen(github, site, main, name):
    assert not tag_exists(site, name)
    github.git.git("-c", "user.name=a", "-c", "user.email=a@b", "tag", "-am", "-", name, main)
    assert tag_exists(site, name)


WORKFLOW = b"""on:
  workflow_dispatch:
    inputs:
      pull: {required: true, type: string}
      overwrite: {type: boolean}
"""


@pytest.mark.parametrize(
    ("name", "ref", "inputs", "message"),
    [
        ("alert.yml", "main", {"pull": "7"}, None),
        ("alert.yml", "main", {"pull": "7", "overwrite": "true"}, None),
        ("alert.yml", "main", {}, "Required input 'pull' not provided"),
        ("alert.yml", "main", {"pull": "7", "x": "1"}, "Unexpected inputs provided"),
        ("alert.yml", "nowhere", {"pull": "7"}, "No ref found for: nowhere"),
        ("push.yml", "main", {}, "does not have 'workflow_dispatch' trigger"),
        ("other.yml", "main", {}, "not found on"),
    ],
)
def test_a_workflow_is_started_as_its_file_allows(github, site, name, ref, inputs, message):
    folder = ".github/workflows"
    github.git.commit_on(
        "main", {f"{folder}/alert.yml": WORKFLOW, f"{folder}/push.yml": b"on: push\n"}
    )
    if message is None:
        run_workflow(site, name, ref, inputs)
        assert github.dispatched == [{"workflow": name, "ref": ref, "inputs": inputs}]
        return
    with pytest.raises(Refused, match=message):
        run_workflow(site, name, ref, inputs)
    assert github.dispatched == []


@pytest.mark.parametrize(
    ("role", "level"),
    [
        ("admin", "admin"),
        ("maintain", "write"),
        ("write", "write"),
        ("triage", "read"),
        ("read", "read"),
        ("none", "none"),
    ],
)
def test_a_role_is_told_as_what_it_allows(github, site, role, level):
    github.collaborators["alice"] = role

    assert permission_of(site, "alice") == level


@pytest.mark.parametrize("login", ["", "../../secret", "a/b", "a?b", "a b", "ghost", "-x", "a\n"])
def test_a_name_nobody_can_have_may_do_nothing(github, site, login):
    github.collaborators[login] = "admin"

    assert permission_of(site, login) == "none"


def test_a_level_we_do_not_know_allows_nothing(github, site):
    answer = {"permission": "owner", "role_name": "owner", "user": None}
    github.fails("GET collaborators/{username}/permission", Status(200, answer))

    assert permission_of(site, "alice") == "none"


def test_a_commit_tells_its_tree(github, site, main):
    tree = github.git.tree_of(main)
    made = github.git.commit(tree, [main], "One\n\nTwo: 3\n", "2024-03-05T06:07:08+02:00")

    found = get_commit(site, made)
    assert (found.sha, found.tree.sha) == (made, tree)
    with pytest.raises(Refused, match="not found on"):
        get_commit(site, "0" * 40)
