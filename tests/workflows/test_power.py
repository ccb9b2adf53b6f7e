"""Who may write what: a job that runs the repository's code can write nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.reading import ACTIONS, FILES, GITHUB, NAMES, job, jobs, workflow

READ = {"contents": "read"}
ANSWER = {
    "actions": "read",  # the log of a job that died, and whether a run still works
    "contents": "write",
    "issues": "write",  # to make a label, to a token for pull requests alone GitHub says no
    "pull-requests": "write",
    "statuses": "write",
}
RELEASE = {
    "contents": "write",
    "deployments": "write",
    "issues": "write",
    "pull-requests": "write",
}
PERMISSIONS = {
    "alert/plan": READ,
    "alert/receive": ANSWER,
    "alert/retrain": ANSWER,
    "canary/apply": RELEASE,
    "canary/judge": READ,
    "commands/answer": {
        "actions": "write",
        "contents": "write",
        "issues": "write",
        "pull-requests": "write",
        "statuses": "write",
    },
    "reconcile/approval": {},
    "reconcile/canary": RELEASE,
    "reconcile/promote": RELEASE,
    "reconcile/reconcile": {**ANSWER, **RELEASE},
    "reconcile/retrain": ANSWER,
    "retrain/publish": ANSWER,
    "retrain/retrain": {"contents": "read", "pull-requests": "read", "statuses": "read"},
    "rollback/rollback": RELEASE,
    "verify/lock": READ,
}
ALLOWED_TO_WRITE = {
    "ci command",
    "ci publish",
    "ci receive",
    "canary apply",
    "reconcile",
    "rollback",
    "verify",
}
"""Commands that run no stage, no scoring and nothing else of the repository."""
RUNS_THE_REPOSITORY = {"ci retrain", "canary judge"}
JOBS = list(jobs())
WITH_STEPS = [one for one in JOBS if not one.calls]
SET_UP = [one for one in WITH_STEPS if one.at != "reconcile/approval"]
WRITERS = [one for one in WITH_STEPS if one.writes]


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_gives_its_jobs_nothing(name):
    assert workflow(name)["permissions"] == {}


def test_every_job_has_just_the_permissions_it_needs():
    assert {one.at: one.body["permissions"] for one in JOBS} == PERMISSIONS


@pytest.mark.parametrize("at", [one.at for one in WRITERS])
def test_a_job_that_writes_runs_only_our_engine(at):
    one = job(at)
    assert one.scripts
    assert one.commands <= ALLOWED_TO_WRITE
    for script in one.scripts:
        assert script.startswith("retouch ")
        assert script.count("retouch ") == 1
        assert not any(part in script for part in (";", "|", "&", "`", "$("))
    assert {step["uses"].split("@")[0] for step in one.steps if "uses" in step} <= {
        "./.github/actions/setup",
        "actions/checkout",
        "actions/create-github-app-token",
        "actions/download-artifact",
    }


def test_what_runs_the_repository_can_write_nothing_and_knows_no_secret():
    runners = [one for one in WITH_STEPS if one.commands & RUNS_THE_REPOSITORY]
    assert {one.at for one in runners} == {"alert/plan", "retrain/retrain", "canary/judge"}
    for one in [*runners, job("verify/lock")]:
        assert not one.writes
        assert "secrets" not in str(one.body)
        assert not one.using("actions/create-github-app-token")


@pytest.mark.parametrize("at", [one.at for one in WRITERS])
def test_the_token_of_an_app_may_do_what_that_of_the_job_may_and_only_where_there_is_an_app(at):
    one = job(at)
    [mint] = one.using("actions/create-github-app-token")
    assert mint["if"] == "vars.RETOUCH_APP_ID != ''"
    asked = {
        key.removeprefix("permission-"): level
        for key, level in mint["with"].items()
        if key.startswith("permission-")
    }
    assert asked == one.body["permissions"]
    for step in one.steps:
        if "run" in step and step["run"] != "retouch verify":
            assert step["env"]["GITHUB_TOKEN"] == "${{ steps.app.outputs.token || github.token }}"


def test_a_fork_gets_a_plan_and_nothing_else():
    ours = "github.event.pull_request.head.repo.full_name"
    event, base = "github.event_name", "github.base_ref == github.event.repository.default_branch"
    assert job("alert/plan").body["if"] == (
        f"{event} == 'pull_request' && {base} && {ours} != github.repository"
    )
    assert (
        job("alert/receive")
        .body["if"]
        .startswith(f"{event} != 'pull_request' || ({base} && {ours} == github.repository && (")
    )
    assert job("alert/retrain").body["needs"] == "receive"
    assert "--plan-only" in job("alert/plan").scripts[0]
    assert f"{ours} == github.repository" in job("reconcile/reconcile").body["if"]
    assert all("pull_request_target" not in path.read_text() for path in FILES)


def test_every_checkout_leaves_no_token_behind():
    for one in WITH_STEPS:
        for step in one.using("actions/checkout"):
            assert step["with"]["persist-credentials"] is False, one.at
    assert all("actions/checkout" not in path.read_text() for path in ACTIONS)


def test_what_comes_from_outside_is_answered_with_the_code_of_the_base_branch():
    # The payload of a schedule names no repository; its reference is the default branch.
    base = "${{ github.event.repository.default_branch || github.ref_name }}"
    approved = "${{ github.sha }}"
    others = {"reconcile/promote": approved, "verify/lock": None}
    for one in SET_UP:
        [checkout] = one.using("actions/checkout")
        assert one.steps[0] == checkout, one.at
        assert "fetch-depth" not in checkout["with"], "the store branch would come along"
        assert checkout["with"].get("ref") == others.get(one.at, base), one.at


def test_setting_up_stands_on_what_was_checked_out():
    for one in SET_UP:
        assert one.steps[1]["uses"] == "./.github/actions/setup", one.at


def test_no_job_that_writes_restores_a_cache():
    texts = [path.read_text() for path in (*FILES, *GITHUB.glob("actions/*/action.yml"))]
    assert all("actions/cache" not in text and "cache:" not in text for text in texts)


def test_the_store_is_opened_where_data_are_read_or_written():
    opens = {
        one.at
        for one in WITH_STEPS
        for step in one.using("./.github/actions/setup")
        if step.get("with", {}).get("store") == "${{ vars.RETOUCH_STORE || 'open' }}"
    }
    assert opens == {"canary/judge", "retrain/publish", "retrain/retrain"}
    asks = {
        one.at
        for one in WITH_STEPS
        for step in one.steps
        if "--store=$STORE" in step.get("run", "")
    }
    assert asks == {"reconcile/promote", "reconcile/reconcile"}  # only once a release needs it


def test_a_called_workflow_gets_one_secret_and_not_all():
    for one in JOBS:
        if one.calls:
            name = "RETOUCH_APP_PRIVATE_KEY"
            assert one.body["secrets"] == {name: f"${{{{ secrets.{name} }}}}"}, one.at
    for called in ("canary", "retrain"):
        declared = workflow(called)["on"]["workflow_call"]["secrets"]
        assert list(declared) == ["RETOUCH_APP_PRIVATE_KEY"]


def test_a_job_that_is_called_is_given_all_that_the_jobs_it_consists_of_need():
    for one in JOBS:
        if one.calls:
            called = workflow(Path(one.calls).stem)["jobs"].values()
            for permissions in (body["permissions"] for body in called):
                for what, level in permissions.items():
                    assert one.body["permissions"].get(what) in ("write", level), one.at
