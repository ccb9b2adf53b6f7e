"""Workflows of the fake GitHub: how they are started, their runs' jobs and logs."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML

from tests.github.fake import LOGS, Call, FakeGitHub, Reply
from tests.github.site import Record
from tests.github.table import failed, page, route, said

_JOBS = "actions/runs/{run_id}/jobs"
_ATTEMPT = "actions/runs/{run_id}/attempts/{attempt_number}/jobs"
_JOB = "actions/jobs/{job_id}"


@route("POST", "actions/workflows/{workflow_id}/dispatches", "actions: write")
def run_workflow(github: FakeGitHub, call: Call) -> Reply:
    name, ref = call.params["workflow_id"], call.body["ref"]
    inputs = call.body.get("inputs", {})
    commit = github.git.resolve(ref)
    if commit is None:
        return failed(422, f"No ref found for: {ref}")
    text = github.git.file(commit, f".github/workflows/{name}")
    if text is not None:
        problem = _problem_of_inputs(text, inputs)
        if problem is not None:
            return failed(422, problem)
    elif github.git.entry(commit, ".github/workflows"):
        return failed(404, "Not Found")
    github.dispatched.append({"workflow": name, "ref": ref, "inputs": inputs})
    return Reply(204)


@route("GET", _JOBS, "actions: read")
def jobs(github: FakeGitHub, call: Call) -> Reply:
    run = int(call.params["run_id"])
    found = [job for job in github.jobs if job["run"] == run]
    if not found:
        return failed(404, "Not Found")
    if call.query.get("filter", "latest") == "latest":
        last = max(job["attempt"] for job in found)
        found = [job for job in found if job["attempt"] == last]
    example = said("GET", _JOBS, 200, {"total_count": len(found)})
    listed = page(github, call, found, lambda job: _job(github, job))
    return Reply(200, example | {"jobs": listed.body}, listed.headers)


@route("GET", _ATTEMPT, "actions: read")
def jobs_of_attempt(github: FakeGitHub, call: Call) -> Reply:
    wanted = int(call.params["run_id"]), int(call.params["attempt_number"])
    found = [job for job in github.jobs if (job["run"], job["attempt"]) == wanted]
    if not found:
        return failed(404, "Not Found")
    example = said("GET", _ATTEMPT, 200, {"total_count": len(found)})
    listed = page(github, call, found, lambda job: _job(github, job))
    return Reply(200, example | {"jobs": listed.body}, listed.headers)


@route("GET", _JOB, "actions: read")
def job(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    return Reply(200, _job(github, found)) if found else failed(404, "Not Found")


@route("GET", f"{_JOB}/logs", "actions: read")
def log(github: FakeGitHub, call: Call) -> Reply:
    found = _found(github, call)
    if found is None:
        return failed(404, "Not Found")
    # As on GitHub, on another server, which must not see the token.
    elsewhere = github.url.replace("127.0.0.1", "localhost")
    return Reply(302, None, {"Location": f"{elsewhere}{LOGS}{found['id']}"})


def _found(github: FakeGitHub, call: Call) -> Record | None:
    wanted = int(call.params["job_id"])
    return next((job for job in github.jobs if job["id"] == wanted), None)


def _job(github: FakeGitHub, job: Record) -> Any:
    facts = {
        "id": job["id"],
        "run_id": job["run"],
        "run_attempt": job["attempt"],
        "name": job["name"],
        "head_sha": job["sha"],
        "html_url": f"https://github.com/{github.name}/actions/runs/{job['run']}/job/{job['id']}",
        "status": "completed" if job["conclusion"] else "in_progress",
        "conclusion": job["conclusion"],
        "completed_at": job["at"] if job["conclusion"] else None,
    }
    return said("GET", _JOB, 200, facts)


def _problem_of_inputs(text: bytes, inputs: dict[str, Any]) -> str | None:
    """Return why a workflow is not started with these inputs, as GitHub says it."""
    # YAML 1.2, to which `on` is a word and no truth.
    triggers = YAML(typ="safe", pure=True).load(io.BytesIO(text)).get("on") or {}
    if "workflow_dispatch" not in triggers:
        return "Workflow does not have 'workflow_dispatch' trigger"
    trigger = triggers["workflow_dispatch"] if isinstance(triggers, dict) else None
    declared = (trigger or {}).get("inputs") or {}
    if unexpected := sorted(inputs.keys() - declared.keys()):
        return f"Unexpected inputs provided: {unexpected}"
    for name, facts in declared.items():
        if (facts or {}).get("required") and "default" not in facts and not inputs.get(name):
            return f"Required input '{name}' not provided"
    return None
