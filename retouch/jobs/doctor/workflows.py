"""What the doctor looks at in `.github/workflows`: are ours there, with the powers they need?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retouch.errors import visible
from retouch.jobs.doctor.findings import Finding, fail, ok, warn
from retouch.system import files

FOLDER = Path(".github/workflows")
_READ = {"contents": "read"}
_RECEIVE = {"contents": "write", "pull-requests": "write", "statuses": "write"}
_ANSWER = {**_RECEIVE, "issues": "write"}
_RELEASE = {"contents": "write", "deployments": "write"}
_SETTLE = {**_RELEASE, "issues": "write", "pull-requests": "write"}
SHIPPED: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "alert": {
        "plan": _READ,
        "receive": _RECEIVE,
        "retrain": _ANSWER,
    },
    "canary": {"judge": _READ, "apply": _SETTLE},
    "commands": {"answer": {**_ANSWER, "actions": "write"}},
    "promote": {"promote": _RELEASE},
    "refresh": {
        "look": {"contents": "read", "pull-requests": "read"},
        "mark": {"contents": "read", "pull-requests": "read", "statuses": "write"},
        "retrain": _ANSWER,
    },
    "retrain": {
        "retrain": {"contents": "read", "pull-requests": "read", "statuses": "read"},
        "publish": _ANSWER,
    },
    "rollback": {"rollback": _SETTLE},
    "verify": {"lock": _READ},
}
"""The workflows as they are shipped: job -> the permissions of its token."""
_COPY = "Copy it from .github/workflows of Retouch: docs/workflows.md."
_BYTES = 500_000
"""GitHub takes no larger workflow."""


def workflow_finding(top: Path) -> Finding:
    """Return whether all of them are there with the permissions they were shipped with."""
    missing = [name for name in SHIPPED if not files.exists(top / FOLDER / f"{name}.yml")]
    if missing:
        names = ", ".join(f"{name}.yml" for name in missing)
        some = len(missing) < len(SHIPPED)
        message = f"{names} {'is' if len(missing) == 1 else 'are'} not in {FOLDER}."
        return fail("workflows", message if some else f"None of them is in {FOLDER}.", _COPY)
    wrong = [message for name in SHIPPED for message in _differences(top, name)]
    if wrong:
        more = f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""
        return warn("workflows", f"{wrong[0]}{more}", _COPY)
    return ok("workflows", f"All {len(SHIPPED)} are there, with the permissions they need.")


def base_branches(top: Path) -> frozenset[str]:
    """Return the branches that the workflow `alert` listens to."""
    triggers = _read(top, "alert").get("on")
    push = triggers.get("push") if isinstance(triggers, dict) else None
    branches = push.get("branches") if isinstance(push, dict) else None
    return frozenset(map(str, branches)) if isinstance(branches, list) else frozenset()


def _differences(top: Path, name: str) -> Iterator[str]:
    document, at = _read(top, name), FOLDER / f"{name}.yml"
    if not document:
        yield f"{at}: is no workflow."
        return
    if document.get("permissions") != {}:
        yield f"{at}: permissions: is not `{{}}`, so each job has more than it says."
    jobs = document.get("jobs")
    jobs = jobs if isinstance(jobs, dict) else {}
    for job, permissions in SHIPPED[name].items():
        if not isinstance(jobs.get(job), dict):
            yield f"{at}: jobs.{job}: is missing."
        elif jobs[job].get("permissions") != permissions:
            yield f"{at}: jobs.{job}.permissions: are not those it was shipped with."


def _read(top: Path, name: str) -> dict[Any, Any]:
    """Return a workflow with its triggers under `on`; nothing when it is none."""
    import yaml

    from retouch.errors import InputError

    path = top / FOLDER / f"{name}.yml"
    try:
        document = yaml.safe_load(files.read_text(path, limit=_BYTES))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = visible(str(error).splitlines()[0])
        raise InputError(f"{FOLDER / path.name}: is not YAML: {message}.", hint=_COPY) from None
    if not isinstance(document, dict):
        return {}
    # YAML 1.1 reads the key `on` as a truth value.
    return {"on" if key is True else key: value for key, value in document.items()}
