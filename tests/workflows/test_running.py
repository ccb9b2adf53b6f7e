"""When a workflow runs, what runs beside it, how long, and what it hands on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.toy_project import ROOT
from tests.workflows.reading import ACTIONS, FILES, NAMES, job, jobs, read, workflow

TRIGGERS = {
    "alert": {
        "pull_request": {
            "types": ["opened", "synchronize", "reopened"],
            "paths": ["alerts/**"],
        },
        "repository_dispatch": {"types": ["model-alert"]},
    },
    "commands": {"issue_comment": {"types": ["created", "edited"]}},
    "reconcile": {
        "push": {"branches-ignore": ["retouch/**", "dvc-store"]},
        "pull_request": {"types": ["closed"]},
        "schedule": [{"cron": "17 */3 * * *"}],
    },
    "verify": {
        "pull_request": None,
        "merge_group": {"types": ["checks_requested"]},
    },
}
BY_HAND = {"alert": {"pull", "overwrite", "accepted_by"}}
"""What a person is asked for who starts it."""
ONE_AT_A_TIME = {
    "alert": (
        "retouch-alert-${{ github.event.pull_request.number || inputs.pull || github.run_id }}"
    ),
    "canary/apply": "retouch-release",
    "canary/judge": "retouch-canary",
    "commands/answer": "retouch-commands-${{ github.event.issue.number }}",
    "reconcile/promote": "retouch-release",
    "reconcile/reconcile": "retouch-release",
    "retrain/publish": "retouch-publish",
    "retrain/retrain": "retouch-retrain-${{ fromJSON(inputs.target).pull || 'main' }}",
    "rollback/rollback": "retouch-release",
}
OF_THEIR_OWN = {
    "reconcile": "retouch-reconcile-${{ github.run_id }}",
    "reconcile/approval": "retouch-approval",
    "verify/lock": "retouch-verify-lock-${{ github.ref }}",
}
"""Groups without a queue: nothing of theirs can be lost."""
JOBS = list(jobs())
WITH_STEPS = [one for one in JOBS if not one.calls]


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_workflow_is_started_by(name):
    triggers = dict(workflow(name)["on"])
    by_hand = triggers.pop("workflow_dispatch", None) or {}
    assert set(by_hand.get("inputs", ())) == BY_HAND.get(name, set())
    assert triggers == TRIGGERS[name]


def test_a_rollback_is_started_by_a_person_and_retraining_by_another_workflow():
    assert set(workflow("rollback")["on"]) == {"workflow_dispatch"}
    assert set(workflow("rollback")["on"]["workflow_dispatch"]["inputs"]) == {"version", "reason"}
    assert set(workflow("retrain")["on"]) == {"workflow_call"}
    assert set(workflow("canary")["on"]) == {"workflow_call", "workflow_dispatch"}
    assert set(workflow("canary")["on"]["workflow_dispatch"]["inputs"]) == {"undecided"}
    assert sorted([*TRIGGERS, "canary", "rollback", "retrain"]) == NAMES


def test_there_is_one_schedule():
    assert [name for name in NAMES if "schedule" in workflow(name)["on"]] == ["reconcile"]


def test_no_workflow_names_the_default_branch():
    for path in FILES:
        text = path.read_text()
        assert not re.search(r"\b(main|master)\b(?!')", re.sub(r"#.*", "", text)), path.name
    assert "github.event.repository.default_branch" in job("reconcile/reconcile").body["if"]


def test_what_must_not_run_twice_at_a_time_queues_and_nothing_in_the_queue_is_lost():
    found = {name: workflow(name).get("concurrency") for name in NAMES}
    found |= {one.at: one.body.get("concurrency") for one in JOBS}
    given = {at: group for at, group in found.items() if group}
    assert {at: one["group"] for at, one in given.items()} == ONE_AT_A_TIME | OF_THEIR_OWN
    queued = {at: one for at, one in given.items() if at in ONE_AT_A_TIME}
    for at, given in queued.items():
        assert given["queue"] == "max", at
        assert "cancel-in-progress" not in given, at


def test_a_check_of_a_pull_request_makes_way_for_a_newer_one():
    given = job("verify/lock").body["concurrency"]
    assert given["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


@pytest.mark.parametrize("at", [one.at for one in WITH_STEPS])
def test_a_job_ends_before_its_token_does_unless_a_variable_says_otherwise(at):
    given = str(job(at).body["timeout-minutes"])
    if at == "reconcile/approval":
        assert given == "5"
        return
    variable, minutes = re.fullmatch(
        r"\$\{\{ (?:fromJSON\(inputs\.target\)\.minutes \|\| )?"
        r"fromJSON\(vars\.(\w+) \|\| '(\d+)'\) \}\}",
        given,
    ).groups()
    longer = {
        "retrain/retrain": "RETOUCH_RETRAIN_MINUTES",
        "canary/judge": "RETOUCH_CANARY_MINUTES",
    }
    assert variable == longer.get(at, "RETOUCH_MINUTES")
    assert 5 <= int(minutes) < 360
    if job(at).using("actions/create-github-app-token"):
        assert int(minutes) <= 60, "the token of an App is good for an hour"


@pytest.mark.parametrize("at", [one.at for one in WITH_STEPS])
def test_a_job_runs_on_a_machine_of_github_unless_a_variable_or_its_target_names_another(at):
    chosen = """fromJSON(vars.RETOUCH_RUNS_ON || '"ubuntu-latest"')"""
    if at == "retrain/retrain":
        chosen = f"fromJSON(inputs.target).runs_on || {chosen}"
    assert job(at).body["runs-on"] == f"${{{{ {chosen} }}}}"


@pytest.mark.parametrize(
    "path", [*FILES, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_every_action_is_pinned_to_a_commit_that_says_its_version(path):
    for line in path.read_text().splitlines():
        used = re.match(r"[ -]+uses: (\S+)(.*)", line)
        if used and not used[1].startswith("./"):
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", used[1]), line
            assert re.fullmatch(r" # v\d+\.\d+\.\d+", used[2]), line


def test_an_action_is_pinned_to_the_same_commit_everywhere():
    pins = re.findall(r" uses: (\S+)@(\w+)", "\n".join(p.read_text() for p in (*FILES, *ACTIONS)))
    assert len(set(pins)) == len({name for name, _ in pins})


def test_no_script_and_no_condition_is_made_of_what_somebody_else_wrote():
    scripts = {one.at: one.scripts for one in WITH_STEPS}
    scripts["setup"] = re.findall(r"run: .*(?:\n {8}.*)*", ACTIONS[0].read_text())
    for at, texts in scripts.items():
        assert texts
        assert all("${{" not in text for text in texts), at


def test_a_matrix_is_never_empty():
    for caller, source in (("alert/retrain", "receive"), ("reconcile/retrain", "reconcile")):
        one = job(caller)
        assert f"needs.{source}.outputs.any == 'true'" in one.body["if"]
        assert one.body["with"] == {"target": "${{ toJSON(matrix.target) }}"}
        assert one.body["needs"] == source
        listed, known = f"needs.{source}.outputs.targets", f"needs.{source}.outputs.any == 'true'"
        assert one.body["strategy"] == {
            "fail-fast": False,
            "matrix": {"target": f"${{{{ fromJSON({known} && {listed} || '[]') }}}}"},
        }
    for at in ("retrain/retrain", "retrain/publish"):
        assert "strategy" not in job(at).body, "a slow target keeps no other waiting"


def test_a_job_that_died_is_published_as_an_outcome_with_its_log():
    assert job("retrain/retrain").body["name"] == (
        "retrain ${{ fromJSON(inputs.target).pull || 'main' }}"
    )
    [step] = [step for step in job("retrain/publish").steps if "run" in step]
    assert step["env"]["RESULT"] == "${{ needs.retrain.result }}"
    assert step["env"]["TARGET"] == "${{ inputs.target }}"
    assert job("retrain/publish").body["needs"] == "retrain"
    assert job("retrain/publish").body["if"] == "${{ !cancelled() }}"


def test_artifacts_go_from_what_judges_to_what_writes_and_nowhere_else():
    up = {one.at: one.using("actions/upload-artifact") for one in WITH_STEPS}
    down = {one.at: one.using("actions/download-artifact") for one in WITH_STEPS}
    names = {at: step["with"]["name"] for at, steps in up.items() for step in steps}
    patterns = {at: step["with"]["pattern"] for at, steps in down.items() for step in steps}
    package = "retouch-package-${{ fromJSON(inputs.target).pull || 'main' }}"
    assert names == {"retrain/retrain": package, "canary/judge": "retouch-canary"}
    assert patterns == {"retrain/publish": package, "canary/apply": "retouch-canary"}
    for steps in up.values():
        for step in steps:
            assert step["with"]["if-no-files-found"] == "ignore"
            assert step["with"]["overwrite"] is True
    for steps in down.values():
        for step in steps:
            assert step["with"]["merge-multiple"] is True


def test_approving_a_release_is_a_setting_of_the_repository_and_nothing_else_waits_for_it():
    waits = job("reconcile/approval").body
    assert waits["environment"] == "${{ vars.RETOUCH_ENVIRONMENT }}"
    assert "vars.RETOUCH_ENVIRONMENT != ''" in waits["if"]
    assert all("environment" not in one.body for one in JOBS if one.at != "reconcile/approval")
    others = [one for one in JOBS if one.at != "reconcile/approval"]
    assert waits["concurrency"] not in [one.body.get("concurrency") for one in others]
    assert [one.at for one in JOBS if "approval" in str(one.body.get("needs"))] == [
        "reconcile/promote"
    ]
    steps = job("reconcile/reconcile").steps
    [acts] = [step for step in steps if step.get("id") == "releases"]
    assert acts["env"]["APPROVAL"] == "${{ vars.RETOUCH_ENVIRONMENT }}"
    assert "${APPROVAL:+--without-promotion}" in acts["run"]


def test_a_release_that_fails_keeps_no_alert_waiting():
    steps = job("reconcile/reconcile").steps
    [compares] = [step for step in steps if step.get("id") == "receive"]
    [verifies] = [step for step in steps if step.get("run") == "retouch verify"]
    assert compares["if"] == "${{ !cancelled() }}"
    assert verifies["if"] == "${{ !cancelled() && github.event_name == 'push' }}"
    for name in ("approval", "canary", "retrain"):
        assert job(f"reconcile/{name}").body["if"].startswith("${{ !cancelled() && ")


def test_the_set_up_finds_retouch_builds_it_or_says_in_one_message_what_is_missing(tmp_path):
    [find] = [s for s in read(ACTIONS[0])["runs"]["steps"] if s.get("id") == "retouch"]
    output = tmp_path / "output"
    output.touch()
    for name in ("elsewhere", "bin"):
        (tmp_path / name).mkdir()

    def set_up(folder: Path, *path: Path) -> subprocess.CompletedProcess[str]:
        search = ":".join(map(str, (*path, "/usr/bin", "/bin")))
        environment = {"PATH": search, "GITHUB_OUTPUT": str(output)}
        command = ["bash", "-e", "-o", "pipefail", "-c", find["run"]]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    assert set_up(ROOT).returncode == 0
    missing = set_up(tmp_path / "elsewhere")
    assert missing.returncode == 1
    assert len(missing.stdout.splitlines()) == 1
    assert missing.stdout.startswith("::error title=Retouch is not installed::")
    assert output.read_text() == ""
    tool = tmp_path / "bin/retouch"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    assert set_up(tmp_path / "elsewhere", tmp_path / "bin").returncode == 0
    assert output.read_text() == "installed=yes\n"
