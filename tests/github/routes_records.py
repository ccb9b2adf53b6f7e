"""Statuses, deployments and releases of the fake GitHub."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.github.fake import Call, FakeGitHub, Reply
from tests.github.protection import Move
from tests.github.site import Record
from tests.github.table import failed, invalid, not_moved, page, route, said, user

_MOST_STATUSES = 1000
"""Of one commit and context."""
_LONGEST_DESCRIPTION = 140
_ASSETS = "releases/{release_id}/assets"


@route("POST", "statuses/{sha}", "statuses: write")
def new_status(github: FakeGitHub, call: Call) -> Reply:
    sha, context = call.params["sha"], call.body.get("context", "default")
    if github.git.kind(sha) != "commit":
        return failed(422, f"No commit found for SHA: {sha}")
    refused = _too_long("Status", call.body.get("description"))
    if refused:
        return refused
    same = [s for s in github.statuses if (s["sha"], s["context"]) == (sha, context)]
    if len(same) >= _MOST_STATUSES:
        message = "This SHA and context has reached the maximum number of statuses."
        return invalid("Status", "custom", message=message)
    facts = {n: call.body.get(n) for n in ("state", "description", "target_url")}
    made = {"id": github.new_id(), "sha": sha, "context": context, **facts, "by": github.login}
    made["created_at"] = github.now()
    github.statuses.append(made)
    return Reply(201, _status("POST", "statuses/{sha}", 201, made))


@route("GET", "commits/{ref}/statuses", "statuses: read")
def statuses(github: FakeGitHub, call: Call) -> Reply:
    commit = github.git.resolve(call.params["ref"])
    if commit is None:
        return failed(404, "Not Found")
    found = [status for status in github.statuses[::-1] if status["sha"] == commit]
    return page(github, call, found, lambda s: _status("GET", "commits/{ref}/statuses", 200, s))


@route("GET", "deployments", "deployments: read")
def deployments(github: FakeGitHub, call: Call) -> Reply:
    wanted = {n: call.query[n] for n in ("sha", "ref", "task", "environment") if n in call.query}
    found = [d for d in github.deployments[::-1] if wanted.items() <= d.items()]
    return page(github, call, found, lambda d: said("GET", "deployments", 200, _deployment(d)))


@route("POST", "deployments", "deployments: write")
def new_deployment(github: FakeGitHub, call: Call) -> Reply:
    ref = call.body["ref"]
    commit = github.git.resolve(ref)
    if commit is None:
        return failed(422, f"No ref found for: {ref}")
    refused = _too_long("Deployment", call.body.get("description"))
    if refused:
        return refused
    newest = {s["context"]: s["state"] for s in github.statuses if s["sha"] == commit}
    for context in call.body.get("required_contexts", newest):
        if newest.get(context) != "success":
            return failed(409, f"Conflict: Commit status checks failed for {ref}.")
    made = {
        "id": github.new_id(),
        "sha": commit,
        "ref": ref,
        "task": call.body.get("task", "deploy"),
        "environment": call.body.get("environment", "production"),
        "description": call.body.get("description"),
        "payload": call.body.get("payload", {}),
        "transient_environment": call.body.get("transient_environment", False),
        "statuses": [],
    }
    is_production = made["environment"] == "production"
    made["production_environment"] = call.body.get("production_environment", is_production)
    github.deployments.append(made)
    return Reply(201, said("POST", "deployments", 201, _deployment(made)))


@route("GET", "deployments/{deployment_id}/statuses", "deployments: read")
def deployment_statuses(github: FakeGitHub, call: Call) -> Reply:
    rest, wanted = "deployments/{deployment_id}/statuses", int(call.params["deployment_id"])
    deployment = next((d for d in github.deployments if d["id"] == wanted), None)
    if deployment is None:
        return failed(404, "Not Found")
    return page(github, call, deployment["statuses"][::-1], lambda s: said("GET", rest, 200, s))


@route("POST", "deployments/{deployment_id}/statuses", "deployments: write")
def new_deployment_status(github: FakeGitHub, call: Call) -> Reply:
    wanted = int(call.params["deployment_id"])
    deployment = next((d for d in github.deployments if d["id"] == wanted), None)
    if deployment is None:
        return failed(404, "Not Found")
    refused = _too_long("DeploymentStatus", call.body.get("description"))
    if refused:
        return refused
    asked = {n: call.body[n] for n in ("state", "description", "environment_url") if n in call.body}
    deployment["statuses"].append(asked)
    if asked["state"] == "success" and call.body.get("auto_inactive", True):
        _retire_others(github, deployment)
    return Reply(201, said("POST", "deployments/{deployment_id}/statuses", 201, asked))


@route("GET", "releases/tags/{tag}", "contents: read")
def release_of_tag(github: FakeGitHub, call: Call) -> Reply:
    found = next((r for r in github.releases if r["tag"] == call.params["tag"]), None)
    if found is None:
        return failed(404, "Not Found")
    return Reply(200, _release("GET", "releases/tags/{tag}", 200, github, found))


@route("POST", "releases", "contents: write")
def new_release(github: FakeGitHub, call: Call) -> Reply:
    tag = call.body["tag_name"]
    if any(release["tag"] == tag for release in github.releases):
        return invalid("Release", "already_exists", field="tag_name")
    if github.git.tag(tag) is None:
        start = call.body.get("target_commitish", github.default_branch)
        move = Move(f"refs/tags/{tag}", None, github.git.resolve(start) or "")
        refused = not_moved(github, move)
        if refused and refused.status == 422:
            message = f"pre_receive {refused.body['message']}"
            return invalid("Release", "custom", field="pre_receive", message=message)
        if refused:
            return refused
        github.git.refer(move.ref, move.new or "")
    made: Record = {"id": github.new_id(), "tag": tag, "assets": []}
    made |= {name: call.body.get(name) for name in ("name", "body")}
    github.releases.append(made)
    return Reply(201, _release("POST", "releases", 201, github, made))


@route("GET", _ASSETS, "contents: read")
def assets(github: FakeGitHub, call: Call) -> Reply:
    release = _found(github, call)
    if release is None:
        return failed(404, "Not Found")
    return page(github, call, release["assets"], lambda a: _asset("GET", _ASSETS, 200, a))


@route("POST", _ASSETS, "contents: write")
def new_asset(github: FakeGitHub, call: Call) -> Reply:
    release = _found(github, call)
    if release is None:
        return failed(404, "Not Found")
    name = call.query["name"]
    if any(asset["name"] == name for asset in release["assets"]):
        return invalid("ReleaseAsset", "already_exists", field="name")
    made = {
        "id": github.new_id(),
        "name": name,
        "state": "uploaded",
        "content_type": call.content_type,
        "size": len(call.body),
        "digest": f"sha256:{hashlib.sha256(call.body).hexdigest()}",
        "content": call.body,
    }
    release["assets"].append(made)
    return Reply(201, _asset("POST", _ASSETS, 201, made))


@route("DELETE", "releases/assets/{asset_id}", "contents: write")
def delete_asset(github: FakeGitHub, call: Call) -> Reply:
    for release in github.releases:
        for asset in release["assets"]:
            if asset["id"] == int(call.params["asset_id"]):
                release["assets"].remove(asset)
                return Reply(204)
    return failed(404, "Not Found")


def _found(github: FakeGitHub, call: Call) -> Record | None:
    wanted = int(call.params["release_id"])
    return next((release for release in github.releases if release["id"] == wanted), None)


def _too_long(resource: str, description: str | None) -> Reply | None:
    if len(description or "") <= _LONGEST_DESCRIPTION:
        return None
    message = f"description is too long (maximum is {_LONGEST_DESCRIPTION} characters)"
    return invalid(resource, "custom", field="description", message=message)


def _retire_others(github: FakeGitHub, deployment: Record) -> None:
    """Mark older ones inactive ("REST API endpoints for deployment statuses", `auto_inactive`).

    Of the same environment, those that succeeded and are neither transient nor of production.
    """
    for other in github.deployments:
        states = [status["state"] for status in other["statuses"]]
        same = other["environment"] == deployment["environment"]
        kept = other["transient_environment"] or other["production_environment"]
        if other["id"] < deployment["id"] and same and not kept and states[-1:] == ["success"]:
            other["statuses"].append({"state": "inactive"})


def _status(method: str, rest: str, status: int, facts: Record) -> Any:
    names = ("id", "state", "description", "target_url", "context", "created_at")
    shown = {n: facts[n] for n in names if n in facts}
    return said(method, rest, status, shown | {"creator": user(facts["by"])})


def _deployment(facts: Record) -> Record:
    return {name: value for name, value in facts.items() if name != "statuses"}


def _release(method: str, rest: str, status: int, github: FakeGitHub, release: Record) -> Any:
    page = f"https://github.com/{github.name}/releases/tag/{release['tag']}"
    uploads = f"{github.url}/uploads/repos/{github.name}/releases/{release['id']}/assets"
    facts = {
        "id": release["id"],
        "tag_name": release["tag"],
        "name": release["name"],
        "html_url": page,
        "upload_url": f"{uploads}{{?name,label}}",
        "author": user(github.login),
    }
    return said(method, rest, status, facts)


def _asset(method: str, rest: str, status: int, asset: Record) -> Any:
    shown = ("id", "name", "state", "content_type", "size", "digest")
    return said(method, rest, status, {name: asset[name] for name in shown})
