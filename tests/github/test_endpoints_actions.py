"""Runs, jobs and logs; comments that were edited; whose a status is."""

from __future__ import annotations

import requests

from tests.github.fake import REPOSITORY, TOKEN, FakeGitHub, rate_limited, slowed_down
from tests.github.protection import Actor
from tests.github.site import ACTIONS


def ask(github: FakeGitHub, method: str, rest: str, body=None, token=TOKEN, **options):
    headers = {"Authorization": f"token {token}"}
    url = f"{github.url}/repos/{REPOSITORY}/{rest}".rstrip("/")
    return requests.request(method, url, json=body, headers=headers, timeout=5, **options)


def test_jobs_of_a_run_are_those_of_its_last_attempt_unless_all_are_wanted(github: FakeGitHub):
    """REST API endpoints for workflow jobs: List jobs for a workflow run, `filter`."""
    first = github.ran(7, "retrain", "failure", "Killed")
    github.ran(7, "publish", "skipped")
    again = github.ran(7, "retrain", "success", attempt=2)
    last = ask(github, "GET", "actions/runs/7/jobs").json()
    assert [(job["id"], job["conclusion"]) for job in last["jobs"]] == [(again, "success")]
    every = ask(github, "GET", "actions/runs/7/jobs?filter=all").json()
    assert (every["total_count"], every["jobs"][0]["id"]) == (3, first)
    of_one = ask(github, "GET", "actions/runs/7/attempts/1/jobs").json()
    assert [job["name"] for job in of_one["jobs"]] == ["retrain", "publish"]
    assert ask(github, "GET", "actions/runs/8/jobs").status_code == 404
    assert ask(github, "GET", f"actions/jobs/{first}").json()["name"] == "retrain"


def test_a_log_lies_on_another_server_which_must_not_see_the_token(github: FakeGitHub):
    """REST API endpoints for workflow jobs: Download job logs: a redirect, for one minute."""
    job = github.ran(7, "retrain", "failure", "step 1\nKilled\n")
    answer = ask(github, "GET", f"actions/jobs/{job}/logs", allow_redirects=False)
    assert answer.status_code == 302
    where = answer.headers["Location"]
    assert not where.startswith(github.url)
    assert requests.get(where, timeout=5).text == "step 1\nKilled\n"
    assert github.violations == []
    assert requests.get(where, headers={"Authorization": "token x"}, timeout=5).status_code == 401
    assert github.violations.pop() == "the token was sent to the server of the logs"


def test_an_edit_is_told_by_a_later_time_and_a_reaction_is_none(github: FakeGitHub):
    """REST API endpoints for issue comments; REST API endpoints for reactions."""
    number = github.add_issue("It fails")["number"]
    comment = github.comment(number, "I looked.")
    here = f"issues/comments/{comment}"
    ask(github, "POST", f"{here}/reactions", {"content": "eyes"})
    said = ask(github, "GET", here).json()
    assert said["updated_at"] == said["created_at"]
    github.edit_comment(comment, "/retrain override overall I looked.", editor="mallory")
    said = ask(github, "GET", f"issues/{number}/comments").json()[0]
    assert said["updated_at"] > said["created_at"]
    assert (said["body"][:8], said["user"]["login"]) == ("/retrain", "alice")
    ask(github, "PATCH", here, {"body": "Another"})
    assert github.comments[0]["editor"] == ACTIONS


def test_a_status_is_by_whoever_the_token_belongs_to(github: FakeGitHub):
    """REST API endpoints for commit statuses: `creator`."""
    github.actors = {"app": Actor("retouch-app[bot]", {"statuses": "write"})}
    head = github.git.head("main")
    for token in (TOKEN, "app"):
        ask(github, "POST", f"statuses/{head}", {"state": "success", "context": token}, token)
    found = ask(github, "GET", f"commits/{head}/statuses").json()
    assert [one["creator"]["login"] for one in found] == ["retouch-app[bot]", ACTIONS]
    assert ask(github, "GET", "pulls", token="app").status_code == 403


def test_the_older_deployments_of_an_environment_become_inactive(github: FakeGitHub):
    """REST API endpoints for deployment statuses: `auto_inactive`."""

    def deploy(environment: str, **facts) -> int:
        body = {"ref": "main", "environment": environment, "required_contexts": [], **facts}
        made = ask(github, "POST", "deployments", body).json()["id"]
        ask(github, "POST", f"deployments/{made}/statuses", {"state": "success"})
        return made

    def states(deployment: int) -> list[str]:
        found = ask(github, "GET", f"deployments/{deployment}/statuses").json()
        return [one["state"] for one in found]

    first, transient = deploy("canary"), deploy("canary", transient_environment=True)
    real = deploy("prod", production_environment=True)
    deploy("prod")
    assert states(first) == ["inactive", "success"]
    assert states(transient) == states(real) == ["success"]
    deploy("canary")
    assert states(first) == ["inactive", "success"]
    assert states(transient) == ["success"]


def test_limits_are_told_as_github_tells_them(github: FakeGitHub):
    """Rate limits for the REST API: Exceeding the rate limit."""
    github.fails("GET repo", rate_limited(1_700_000_000), slowed_down(60), slowed_down())
    first, second, third = (ask(github, "GET", "") for _ in range(3))
    assert {first.status_code, second.status_code, third.status_code} == {403}
    assert first.headers["X-RateLimit-Remaining"] == "0"
    assert first.headers["X-RateLimit-Reset"] == "1700000000"
    assert (second.headers["Retry-After"], third.headers.get("Retry-After")) == ("60", None)
    assert "secondary rate limit" in third.json()["message"]


def test_no_text_longer_than_github_takes(github: FakeGitHub):
    """Reports of 422 "Body is too long (maximum is 65536 characters)"."""
    number = github.add_issue("It fails")["number"]
    longest = "x" * 65_536
    for rest, more in (("issues", {"title": "a"}), (f"issues/{number}/comments", {})):
        assert ask(github, "POST", rest, {"body": longest, **more}).status_code == 201
        assert ask(github, "POST", rest, {"body": longest + "x", **more}).status_code == 422


def test_what_happened_to_a_branch_is_told_by_githubs_own_clock(github: FakeGitHub):
    """REST API endpoints for repositories: List repository activities."""
    github.sync()
    comment = github.comment(github.add_issue("It fails")["number"], "Now")
    first = github.git.commit_on("b", {"a": b"1"})
    github.sync()
    second = github.git.commit_on("b", {"a": b"2"})
    found = ask(github, "GET", "activity?ref=refs/heads/b").json()
    facts = [(one["activity_type"], one["before"], one["after"]) for one in found]
    assert facts == [("push", first, second), ("branch_creation", "0" * 40, first)]
    said = next(one for one in github.comments if one["id"] == comment)
    assert found[-1]["timestamp"] > said["created_at"]
    page = ask(github, "GET", "activity?per_page=1")
    assert "after=1" in page.headers["Link"]
