"""Records on GitHub about a commit or a version: statuses, deployments, releases with files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from retouch.errors import InputError
from retouch.github.client import one_line
from retouch.github.git_data import tag_exists
from retouch.github.repository import Line, Repository, ResponseModel

StatusState = Literal["pending", "success", "failure", "error"]
DeploymentState = Literal[
    "error", "failure", "inactive", "in_progress", "queued", "pending", "success"
]
VERDICT_CONTEXT = "retouch/verdict"
"""The commit status that a protected branch may require."""
_MAX_DESCRIPTION = 140
"""GitHub refuses longer descriptions of statuses and deployments."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


class CommitStatus(ResponseModel):
    """A commit status. GitHub keeps every one that was set, with the time it was set at."""

    state: StatusState
    description: Line | None = None
    context: str
    target_url: str | None = None
    created_at: Annotated[AwareDatetime, Field(strict=False)]


class _Deployment(ResponseModel):
    id: int
    ref: str
    environment: str


class Release(ResponseModel):
    """A release."""

    id: int
    html_url: Line
    upload_url: str
    """Where its files are uploaded: an address that ends in a template of a query."""


class Asset(ResponseModel):
    """A file of a release."""

    id: int
    name: Line
    size: int
    state: str = "uploaded"
    """Another one when an upload was interrupted."""
    digest: str | None = None
    """`sha256:...`; older servers have none."""


def set_status(
    repo: Repository,
    commit: str,
    state: StatusState,
    description: str,
    target_url: str | None = None,
    context: str = VERDICT_CONTEXT,
) -> None:
    """Set a status on a commit; the newest of a context counts. A long description is shortened."""
    fields = {"state": state, "description": short_description(description), "context": context}
    if target_url is not None:
        fields["target_url"] = target_url
    repo.client.post(repo.path("statuses", commit), fields, repeatable=True)


def latest_status(
    repo: Repository, commit: str, context: str = VERDICT_CONTEXT
) -> tuple[StatusState, str] | None:
    """Return state and description of a context's newest status on a commit; None without one."""
    status = next(statuses_of(repo, commit, context), None)
    return (status.state, status.description or "") if status else None


def statuses_of(
    repo: Repository, commit: str, context: str = VERDICT_CONTEXT
) -> Iterator[CommitStatus]:
    """Yield all statuses of a context that were ever set on a commit, the newest first."""
    listed = repo.list(CommitStatus, "commits", commit, "statuses")
    return (status for status in listed if status.context == context)


def short_description(text: str) -> str:
    """Return a text as one line of at most 140 characters."""
    line = one_line(text)
    if len(line) <= _MAX_DESCRIPTION:
        return line
    return f"{line[: _MAX_DESCRIPTION - 1].rstrip()}…"


def create_deployment(
    repo: Repository, *, ref: str, environment: str, description: str, payload: Mapping[str, Any]
) -> int:
    """Record the deployment of a tag or commit to an environment, and return its number.

    The newest record of the same two is reused, if there is one. GitHub merges nothing and waits
    for no check: what is deployed is on the base branch.
    """

    def found() -> _Deployment | None:
        listed = repo.list(_Deployment, "deployments", ref=ref, environment=environment)
        same = [one for one in listed if (one.ref, one.environment) == (ref, environment)]
        return max(same, key=lambda one: one.id, default=None)

    fields = {
        "ref": ref,
        "environment": environment,
        "description": short_description(description),
        "payload": dict(payload),
        "auto_merge": False,
        "required_contexts": [],
        "transient_environment": environment == "canary",
    }
    return (found() or repo.create(_Deployment, "deployments", body=fields, found=found)).id


def set_deployment_status(
    repo: Repository,
    deployment: int,
    state: DeploymentState,
    description: str,
    environment_url: str | None = None,
) -> None:
    """Set the state of a deployment.

    By its documentation, GitHub makes older ones of the environment inactive at a success, except
    those of production and of transient environments, such as `canary`.
    """
    fields = {"state": state, "description": short_description(description)}
    if environment_url is not None:
        fields["environment_url"] = environment_url
    path = repo.path("deployments", str(deployment), "statuses")
    repo.client.post(path, fields, repeatable=True)


def deployed_environments(repo: Repository, ref: str) -> tuple[str, ...]:
    """Return the environments with a deployment record of a commit or tag. Raises InputError."""
    found = repo.list(_Deployment, "deployments", ref=ref)
    return tuple(sorted({one.environment for one in found if one.ref == ref}))


class _DeploymentStatus(ResponseModel):
    id: int
    state: str
    description: Line | None = None


def deployment_states(repo: Repository, ref: str) -> dict[str, tuple[str, str]]:
    """Return what GitHub records of a commit: environment -> its newest state, its description.

    Raises InputError.
    """
    newest: dict[str, int] = {}
    for one in repo.list(_Deployment, "deployments", ref=ref):
        if one.ref == ref:
            newest[one.environment] = max(one.id, newest.get(one.environment, 0))
    states = {}
    for environment, number in newest.items():
        listed = repo.list(_DeploymentStatus, "deployments", str(number), "statuses")
        last = max(listed, key=lambda one: one.id, default=None)
        states[environment] = (last.state, last.description or "") if last else ("pending", "")
    return states


def create_release(repo: Repository, *, tag: str, name: str, body: str) -> Release:
    """Publish a release of a tag, or return the one that exists.

    Raises InputError when GitHub does not have the tag: it would create it on the default branch.
    """

    def found() -> Release | None:
        return repo.get_or_none(Release, "releases/tags", tag)

    if existing := found():
        return existing
    if not tag_exists(repo, tag):
        raise InputError(
            f"{repo.name}: GitHub has no tag {tag} to make a release of.",
            hint=f"Push it: git push origin {tag}",
        )
    fields = {"tag_name": tag, "name": name, "body": body}
    return repo.create(Release, "releases", body=fields, found=found)


def upload_asset(
    repo: Repository, release: Release, name: str, content: bytes, content_type: str
) -> Asset:
    """Attach a file to a release, and return it as GitHub has it.

    An existing one of that name stays: what was published is not replaced; its `digest` shows
    whether it is the same. The remainder of an interrupted upload is deleted. Characters that
    GitHub does not keep in a name become a dot.
    """
    name = _NOT_IN_NAMES.sub(".", name).strip(".")

    def found() -> Asset | None:
        for asset in _assets(repo, release):
            if asset.name == name and asset.state == "uploaded":
                return asset
            if asset.name == name:
                repo.client.delete(repo.path("releases/assets", str(asset.id)))
        return None

    def send() -> Any:
        url = release.upload_url.partition("{")[0]
        return repo.client.upload(url, name, content, content_type, found=found)

    return found() or repo.create_by(Asset, send, found)


def release_has_asset(repo: Repository, tag: str, asset: str) -> bool:
    """Return whether a release of the tag has the file, completely uploaded. Raises InputError."""
    release = repo.get_or_none(Release, "releases/tags", tag)
    return release is not None and any(
        one.name == asset and one.state == "uploaded" for one in _assets(repo, release)
    )


def _assets(repo: Repository, release: Release) -> Iterator[Asset]:
    return repo.list(Asset, "releases", str(release.id), "assets")
