"""The fake refuses what GitHub refuses: workflow files, rulesets, pushes without permission.

Titles in the docstrings are those of GitHub's documentation, which each test follows.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import requests

from tests.github.bare import Bare
from tests.github.fake import REPOSITORY, TOKEN, Drop, FakeGitHub, Kill, Status
from tests.github.protection import ACTIONS, Actor, Ruleset
from tests.github.site import Record

FLOW, OLD, NEW = ".github/workflows/a.yml", b"on: push\n", b"on: pull_request\n"
APP = "retouch-app[bot]"
WRITES = {"contents": "write", "metadata": "read"}


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory, sealed: None) -> Bare:
    return Bare.create(tmp_path_factory.mktemp("bare") / "site.git", {FLOW: OLD, "a": b"1"})


@pytest.fixture
def clone(github: FakeGitHub, tmp_path: Path) -> Clone:
    return Clone(tmp_path / "clone", github)


class Clone:
    """A clone of the repository, which pushes under a token or as a person."""

    def __init__(self, folder: Path, github: FakeGitHub) -> None:
        self.folder, self.origin = folder, github.git.folder
        self.git("clone", "--quiet", self.origin, folder, where=self.origin)

    def git(self, *args: object, where: Path | None = None, token: str = "") -> str:
        done = self.run(*args, where=where, token=token)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(
        self, *args: object, where: Path | None = None, token: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *map(str, args)],
            cwd=where or self.folder,
            env=os.environ | {"GITHUB_TOKEN": token},
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self, path: str, raw: bytes) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(raw)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", f"Change {path}")

    def pushed(self, what: str, token: str = TOKEN) -> str:
        """Push; return nothing when it was taken, else why it was not."""
        done = self.run("push", "origin", what, token=token)
        return done.stderr if done.returncode else ""


def ask(github: FakeGitHub, method: str, rest: str, body: object, token: str = TOKEN) -> Record:
    headers = {"Authorization": f"token {token}"}
    url = f"{github.url}/repos/{REPOSITORY}/{rest}".rstrip("/")
    answer = requests.request(method, url, json=body, headers=headers, timeout=5)
    return {"status": answer.status_code, "headers": answer.headers, **(answer.json() or {})}


def test_no_push_of_a_workflow_file_without_the_permission(github: FakeGitHub, clone: Clone):
    """Permissions required for GitHub Apps: repository permissions for "Workflows"."""
    clone.commit(FLOW, NEW)
    said = clone.pushed("HEAD:refs/heads/other")
    assert (
        f"refusing to allow a GitHub App to create or update workflow `{FLOW}` without `workflows` "
        "permission" in said
    )
    assert github.git.head("other") is None
    assert clone.pushed("HEAD:refs/heads/other", token="") == "", "a person may"


def test_an_app_may_have_the_permission_and_the_token_of_a_workflow_never_has_it(
    github: FakeGitHub, clone: Clone
):
    """Workflow syntax for GitHub Actions: `permissions`."""
    clone.commit(FLOW, NEW)
    may = WRITES | {"workflows": "write"}
    github.actors |= {
        "app": Actor(APP, may),
        "less": Actor(APP, WRITES),
        "job": Actor(ACTIONS, may),
    }
    assert "without `workflows` permission" in clone.pushed("HEAD:refs/heads/a", "less")
    assert "without `workflows` permission" in clone.pushed("HEAD:refs/heads/a", "job")
    assert clone.pushed("HEAD:refs/heads/a", "app") == ""


def test_a_branch_may_lag_behind_but_not_catch_up_with_a_workflow_of_main(
    github: FakeGitHub, clone: Clone
):
    """Scopes for OAuth apps: `workflow`; of branches that merged main, see protection.py."""
    clone.git("push", "--quiet", "origin", "HEAD:refs/heads/answer")
    github.git.commit_on("main", {FLOW: NEW})
    clone.commit("b", b"2")
    assert clone.pushed("HEAD:answer") == ""
    clone.git("fetch", "--quiet", "origin", "main")
    clone.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
    assert "without `workflows` permission" in clone.pushed("HEAD:answer")
    github.takes_workflows_of_any_branch = True
    assert clone.pushed("HEAD:answer") == ""


def test_a_tag_on_an_older_commit_is_refused_once_main_changed_a_workflow(
    github: FakeGitHub, clone: Clone
):
    """REST API endpoints for Git references: Create a reference (reports: protection.py)."""
    clone.git("tag", "-a", "v1", "-m", "1")
    clone.git("tag", "-a", "v2", "-m", "2")
    assert clone.pushed("v1") == ""
    github.git.commit_on("main", {FLOW: NEW})
    assert f"workflow `{FLOW}`" in clone.pushed("v2")
    assert github.git.tag("v2") is None


def test_the_api_answers_403_where_a_push_is_refused(github: FakeGitHub):
    """REST API endpoints for Git references; REST API endpoints for releases."""
    old = github.git.head("main")
    github.git.commit_on("main", {FLOW: NEW})
    new = github.git.head("main")
    for method, rest, body in (
        ("POST", "git/refs", {"ref": "refs/heads/b", "sha": old}),
        ("POST", "releases", {"tag_name": "v1", "target_commitish": old}),
    ):
        said = ask(github, method, rest, body)
        assert (said["status"], said["message"]) == (403, "Resource not accessible by integration")
    wanted = ask(github, "POST", "git/refs", {"ref": "refs/heads/b", "sha": old})["headers"]
    assert "workflows=write" in wanted["X-Accepted-GitHub-Permissions"]
    assert github.git.tag("v1") is None
    assert ask(github, "POST", "git/refs", {"ref": "refs/heads/b", "sha": new})["status"] == 201
    made = github.git.commit_on("side", {FLOW: OLD, "b": b"2"})
    github.git.point("b", github.git.head("main") or "")
    assert ask(github, "PATCH", "git/refs/heads/b", {"sha": made, "force": True})["status"] == 403


def test_a_ruleset_on_tags_lets_apps_and_roles_pass_and_no_workflow(
    github: FakeGitHub, clone: Clone
):
    """About rulesets: bypass list. Available rules for rulesets: Restrict creations."""
    creation = frozenset({"creation"})
    bypass = frozenset({APP, "admin", ACTIONS})
    github.rulesets = [Ruleset("refs/tags/v*", creation, bypass)]
    github.collaborators = {"root": "admin", "alice": "write"}
    github.actors = {name: Actor(name, WRITES) for name in (APP, "root", "alice")}
    for number, token in enumerate((TOKEN, "alice", "root", APP)):
        clone.git("tag", f"v{number}")
        said = clone.pushed(f"v{number}", token)
        if token in (APP, "root"):
            assert said == ""
        else:
            assert f"GH013: Repository rule violations found for refs/tags/v{number}." in said
            assert "- Cannot create ref due to creations being restricted." in said
    clone.git("tag", "other")
    assert clone.pushed("other") == ""
    said = ask(github, "POST", "releases", {"tag_name": "v9"})
    assert said["status"] == 422
    assert said["errors"][0]["field"] == "pre_receive"


def test_a_ruleset_on_branches_wants_a_pull_request(github: FakeGitHub, clone: Clone):
    """Available rules for rulesets: Require a pull request before merging."""
    github.rulesets = [Ruleset("refs/heads/main", frozenset({"pull_request", "deletion"}))]
    clone.commit("b", b"2")
    assert "- Changes must be made through a pull request." in clone.pushed("HEAD:main")
    assert clone.pushed("HEAD:refs/heads/b") == ""
    sha = github.git.head("b")
    said = ask(github, "PATCH", "git/refs/heads/main", {"sha": sha})
    assert (said["status"], said["message"].split("\n")[0]) == (
        422,
        "Repository rule violations found",
    )


def test_who_may_only_read_pushes_nothing(github: FakeGitHub, clone: Clone):
    """Use GITHUB_TOKEN in workflows: permissions of a job."""
    github.actors = {"reads": Actor(ACTIONS, {"contents": "read"})}
    clone.commit("b", b"2")
    assert "not granted" in clone.pushed("HEAD:refs/heads/b", "reads")
    assert github.violations == ["reads: may not PUSH refs/heads/b"]
    github.violations.clear()
    assert "Invalid username" in clone.pushed("HEAD:refs/heads/b", "nobody")


def test_pushes_are_counted_with_the_calls_and_go_wrong_like_them(github: FakeGitHub, clone: Clone):
    clone.commit("b", b"2")
    killed: list[str] = []
    github.on_kill = lambda: killed.append(github.git.head("b") or "nothing")
    github.outgoing_fails_at(0, Status(403))
    github.outgoing_fails_at(1, Kill())
    github.outgoing_fails_at(2, Kill(after=True))
    assert "returned error: 403" in clone.pushed("HEAD:refs/heads/b")
    assert clone.pushed("HEAD:refs/heads/b")
    clone.pushed("HEAD:refs/heads/b")
    assert killed == ["nothing", github.git.head("b")]
    github.outgoing_fails_from(3, Drop())
    assert clone.pushed("HEAD:refs/heads/c")
    with pytest.raises(requests.ConnectionError):
        ask(github, "GET", "", None)
    github.heal()
    assert ask(github, "GET", "", None)["status"] == 200
    assert github.outgoing == [*["PUSH refs/heads/b"] * 3, "PUSH refs/heads/c", *["GET repo"] * 2]
    assert github.calls == ["GET repo"] * 2
