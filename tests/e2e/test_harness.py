"""What the stories stand on: a run is what it says it is."""

from __future__ import annotations

import pytest
import yaml

from tests.e2e.scene import Scene
from tests.e2e.workflows import (
    FOLDER,
    for_act,
    read_workflow,
    starts,
    stubs,
    token_of,
    workflow_files,
)

PULL = {"action": "opened", "pull_request": {"base": {"ref": "main"}}}


@pytest.mark.parametrize(
    ("name", "event", "payload", "changed", "expected"),
    [
        ("alert", "pull_request", PULL, ["alerts/a.json"], True),
        ("alert", "pull_request", PULL, ["README.md"], False),
        ("alert", "pull_request", {**PULL, "action": "labeled"}, ["alerts/a.json"], False),
        ("reconcile", "push", {"ref": "refs/heads/main"}, ["alerts/a.json"], True),
        ("reconcile", "push", {"ref": "refs/heads/retouch/alert/x"}, ["alerts/a.json"], False),
        ("reconcile", "push", {"ref": "refs/heads/dvc-store"}, ["files/x"], False),
        ("reconcile", "push", {"ref": "refs/tags/means@v1.0.0"}, [], False),
        ("alert", "repository_dispatch", {"action": "model-alert"}, [], True),
        ("alert", "repository_dispatch", {"action": "other"}, [], False),
        ("reconcile", "pull_request", {**PULL, "action": "closed"}, ["x"], True),
        ("retrain", "push", {"ref": "refs/heads/main"}, ["dvc.lock"], False),
    ],
)
def test_an_event_starts_what_it_starts_on_github(name, event, payload, changed, expected):
    assert starts(read_workflow(FOLDER / f"{name}.yml"), event, payload, changed) is expected


def test_act_is_given_the_workflows_without_what_it_cannot_parse_and_nothing_else_is_taken():
    for path in workflow_files():
        given = yaml.safe_load(for_act(path.stem, path.read_text()))
        real = read_workflow(path)
        for part in (real, *real["jobs"].values()):
            part.get("concurrency", {}).pop("queue", None)
        for job, body in real["jobs"].items():
            for step in body.get("steps", []):
                env = step.get("env", {})
                if "GITHUB_TOKEN" in env:
                    own = f"'{token_of(path.stem, job)}'"
                    env["GITHUB_TOKEN"] = env["GITHUB_TOKEN"].replace("github.token", own)
        assert given == real


def test_every_action_has_a_stub():
    assert {pin.split("@")[0] for pin in stubs()} == {
        f"actions/{name}"
        for name in (
            "checkout",
            "create-github-app-token",
            "download-artifact",
            "setup-python",
            "upload-artifact",
        )
    }


def test_a_job_that_fails_is_seen(scene: Scene):
    [ran] = scene.start("rollback", version="v9.9.9", reason="there is no such version")
    assert ran.jobs == {"rollback": "failure"}
