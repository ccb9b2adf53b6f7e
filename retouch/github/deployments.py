"""Deployments on GitHub: the record of what runs where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from retouch.github.repository import Repository, Seen
from retouch.github.status import in_140

DeploymentState = Literal[
    "error", "failure", "inactive", "in_progress", "queued", "pending", "success"
]


class _Deployment(Seen):
    id: int
    sha: str
    ref: str
    environment: str


def deploy(
    repo: Repository, *, ref: str, environment: str, description: str, payload: Mapping[str, Any]
) -> int:
    """Record that a tag or commit goes to an environment, and return the record's number.

    The newest record of the same two is taken up again, if there is one. Nothing is merged, and no
    check is waited for: what is deployed lies on the base branch.
    """

    def found() -> _Deployment | None:
        query = {"ref": ref, "environment": environment}
        listed = repo.client.pages(repo.path("deployments"), **query)
        read = [repo.read(_Deployment, item) for item in listed]
        same = [one for one in read if (one.ref, one.environment) == (ref, environment)]
        return max(same, key=lambda one: one.id, default=None)

    there = found()
    if there is not None:
        return there.id
    asked = {
        "ref": ref,
        "environment": environment,
        "description": in_140(description),
        "payload": dict(payload),
        "auto_merge": False,
        "required_contexts": [],
        "transient_environment": environment == "canary",
    }
    made = repo.client.post(repo.path("deployments"), asked, found=found)
    return repo.read(_Deployment, made).id


def set_deployment_status(
    repo: Repository,
    deployment: int,
    state: DeploymentState,
    description: str,
    environment_url: str | None = None,
) -> None:
    """Say how a deployment goes.

    By its documentation, GitHub makes older ones of the environment inactive at a success, but for
    those of production and of environments that pass, as `canary` is.
    """
    asked = {"state": state, "description": in_140(description)}
    if environment_url is not None:
        asked["environment_url"] = environment_url
    path = repo.path("deployments", str(deployment), "statuses")
    repo.client.post(path, asked, repeatable=True)
