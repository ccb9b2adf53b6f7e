"""The workflows that check and release the code of this repository."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.toy_project import ROOT
from tests.workflows.reading import FILES, GITHUB, OWN, workflow

PATHS = [GITHUB / "workflows" / f"{name}.yml" for name in OWN]
PINS = re.compile(r" uses: ([^.\s]\S*)@(\S+)(?: # (\S+))?")


def _jobs(name: str) -> dict[str, Any]:
    return workflow(name)["jobs"]


def _pins(paths) -> set[tuple[str, ...]]:
    return set(PINS.findall("\n".join(path.read_text() for path in paths)))


@pytest.mark.parametrize("name", OWN)
def test_a_workflow_gives_its_jobs_nothing_by_default(name):
    assert workflow(name)["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in _jobs(name).values())


def test_ci_writes_nothing_and_uses_no_secret():
    assert {str(job["permissions"]) for job in _jobs("ci").values()} <= {
        "{}",
        "{'contents': 'read'}",
    }
    assert "secrets." not in PATHS[0].read_text()


def test_ci_runs_what_the_ci_script_runs():
    commands = re.findall(r"^make \w+", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert commands
    for command in commands:
        assert f"run: {command}\n" in PATHS[0].read_text()


def test_the_last_job_of_ci_waits_for_all_others():
    assert {*_jobs("ci")["ci"]["needs"], "ci"} == set(_jobs("ci"))


def test_ci_tests_every_python_that_the_package_promises():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = [
        name.rsplit(" ", 1)[1] for name in project["classifiers"] if re.search(r":: 3\.\d+$", name)
    ]
    assert _jobs("ci")["test"]["strategy"]["matrix"]["python"] == promised
    assert project["requires-python"] == f">={promised[0]}"


def test_only_the_jobs_that_attest_and_publish_can_identify_themselves():
    granted = {name: job["permissions"] for name, job in _jobs("release").items()}
    assert granted == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
    }
    for name in ("attest", "publish"):
        assert all("run" not in step for step in _jobs("release")[name]["steps"])


def test_a_release_is_made_from_a_version_tag_only_and_needs_no_token():
    assert workflow("release")["on"] == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}
    text = PATHS[1].read_text()
    assert not any(word in text for word in ("secrets.", "password", "repository-url"))


def test_every_action_is_pinned_to_a_commit_that_says_its_version():
    for action, commit, version in _pins(PATHS):
        assert re.fullmatch(r"[0-9a-f]{40}", commit), action
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version), action


def test_an_action_is_pinned_to_the_same_commit_everywhere():
    pins = _pins([*PATHS, *FILES, *GITHUB.glob("actions/*/action.yml")])
    assert len(pins) == len({action for action, *_ in pins})


def test_no_checkout_leaves_a_token_behind():
    for name in OWN:
        for job in _jobs(name).values():
            for step in job["steps"]:
                if step.get("uses", "").startswith("actions/checkout@"):
                    assert step["with"]["persist-credentials"] is False


def test_no_script_is_made_of_an_expression():
    for name in OWN:
        for job in _jobs(name).values():
            assert all("${{" not in step.get("run", "") for step in job["steps"])
