"""What the doctor checks on GitHub: the workflows, the token, and what the token may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from retouch.errors import CheckFailed, InputError, visible
from retouch.github.pulls import list_open_pulls
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.doctor.findings import (
    NO_NETWORK,
    SetupFinding,
    fail,
    ok,
    run_check,
    run_checks,
    skipped,
    warn,
)
from retouch.system import files

FOLDER = Path(".github/workflows")
_READ = {"contents": "read"}
_ANSWER = {
    "actions": "read",
    "contents": "write",
    "issues": "write",
    "pull-requests": "write",
    "statuses": "write",
}
_SETTLE = {
    "contents": "write",
    "deployments": "write",
    "issues": "write",
    "pull-requests": "write",
}
SHIPPED: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "alert": {
        "plan": _READ,
        "receive": _ANSWER,
        "retrain": _ANSWER,
    },
    "canary": {"judge": _READ, "apply": _SETTLE},
    "commands": {"answer": {**_ANSWER, "actions": "write"}},
    "reconcile": {
        "reconcile": {**_ANSWER, **_SETTLE},
        "approval": {},
        "promote": _SETTLE,
        "canary": _SETTLE,
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
FORMER: Mapping[str, str] = {"promote": "retouch promote", "refresh": "retouch ci refresh"}
"""Workflows that were shipped once -> the command by which they are known."""
_COPY = "Copy it from .github/workflows of Retouch: docs/workflows.md."
_BYTES = 500_000
"""GitHub takes no larger workflow."""


def workflow_finding(top: Path) -> SetupFinding:
    """Check that all workflows are there with the permissions they were shipped with."""
    missing = [name for name in SHIPPED if not files.exists(top / FOLDER / f"{name}.yml")]
    if missing:
        names = ", ".join(f"{name}.yml" for name in missing)
        some = len(missing) < len(SHIPPED)
        message = f"{names} {'is' if len(missing) == 1 else 'are'} not in {FOLDER}."
        return fail(
            "workflows", message if some else f"No workflow of Retouch is in {FOLDER}.", _COPY
        )
    left_over = _left_over(top)
    if left_over is not None:
        return warn("workflows", left_over, "Delete it: docs/workflows.md.")
    wrong = [message for name in SHIPPED for message in _differences(top, name)]
    if wrong:
        more = f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""
        return warn("workflows", f"{wrong[0]}{more}", _COPY)
    return ok(
        "workflows", f"All {len(SHIPPED)} workflows are there, with the permissions they need."
    )


def _left_over(top: Path) -> str | None:
    """Return what a former workflow of Retouch would do beside those that replaced it."""
    for name, command in FORMER.items():
        path = top / FOLDER / f"{name}.yml"
        if files.exists(path) and command in files.read_text(path, limit=_BYTES):
            return f"{FOLDER / path.name}: runs `{command}`, which reconcile.yml does now."
    return None


def _differences(top: Path, name: str) -> Iterator[str]:
    document, at = _read(top, name), FOLDER / f"{name}.yml"
    if not document:
        yield f"{at}: is not a workflow."
        return
    if document.get("permissions") != {}:
        yield f"{at}: permissions: is not `{{}}`, so jobs have more permissions than they declare."
    jobs = document.get("jobs")
    jobs = jobs if isinstance(jobs, dict) else {}
    for job, permissions in SHIPPED[name].items():
        if not isinstance(jobs.get(job), dict):
            yield f"{at}: jobs.{job}: is missing."
        elif jobs[job].get("permissions") != permissions:
            yield f"{at}: jobs.{job}.permissions: differ from those it was shipped with."


def _read(top: Path, name: str) -> dict[Any, Any]:
    """Return a workflow with its triggers under `on`; empty when it is none."""
    import yaml

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


Kind = Literal["none", "workflow", "app", "person", "unknown"]
_CLICK = (
    'Settings, Actions, General: turn on "Allow GitHub Actions to create and approve pull '
    'requests".'
)


@dataclass(frozen=True)
class GitHubAccess:
    """Whether and how GitHub may be asked."""

    network: bool
    repository: Callable[[], Repository]
    """Raises InputError when no repository is named, or the token cannot be one."""


def kind_of(environment: Mapping[str, str]) -> Kind:
    """Return whose token GITHUB_TOKEN is, by its prefix: lengths have changed."""
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        return "none"
    if token.startswith("ghs_"):
        by_an_app = environment.get("RETOUCH_APP_LOGIN") or environment.get("RETOUCH_APP_ID")
        return "app" if by_an_app or not environment.get("GITHUB_ACTIONS") else "workflow"
    return "person" if token.startswith(("ghp_", "github_pat_", "gho_", "ghu_")) else "unknown"


def github_findings(
    top: Path, environment: Mapping[str, str], asking: GitHubAccess
) -> Iterator[SetupFinding]:
    """Yield the findings on the token, its permissions, and the repository's settings."""
    kind = kind_of(environment)
    yield from run_checks(
        ("token", lambda: _token(kind)), ("opening pull requests", lambda: _opening_pulls(kind))
    )
    reason = None if asking.network else NO_NETWORK
    if kind == "none":
        reason = reason or "There is no token."
    if reason is None:
        reached = run_check("GitHub", lambda: _repository(asking.repository()))
        yield reached
        reason = None if reached.status in ("ok", "warn") else "GitHub did not answer."
    else:
        yield skipped("GitHub", reason)
    if reason is None:
        yield run_check("reading pull requests", lambda: _pulls(asking.repository()))
    else:
        yield skipped("reading pull requests", reason)


def _token(kind: Kind) -> SetupFinding:
    match kind:
        case "none":
            message = "GITHUB_TOKEN is not set; the workflows have their own."
            return skipped(
                "token", message, "To check GitHub too: `GITHUB_TOKEN=... retouch doctor`."
            )
        case "workflow":
            return ok("token", "The workflow's own GITHUB_TOKEN.")
        case "app":
            return ok("token", "An installation token of a GitHub App.")
        case "person":
            return ok("token", "A person's token: everything happens in their name.")
    message = "GITHUB_TOKEN has no known prefix of GitHub's tokens."
    return warn("token", message, "Check that it is whole, and for this server.")


def _opening_pulls(kind: Kind) -> SetupFinding:
    """Tell what opening pull requests takes; only administrators may read the setting."""
    about = "opening pull requests"
    match kind:
        case "app":
            return ok(
                about, "As an App: other workflows run on its pull requests as on a person's."
            )
        case "person":
            return ok(about, "As a person, with `Contents` and `Pull requests`: write.")
    message = (
        "With a workflow's own token one setting is needed, which only administrators see; and "
        'other checks wait for one click on them, "Approve workflows to run".'
    )
    return skipped(about, message, f"{_CLICK} Or use a GitHub App: docs/workflows.md.")


def _repository(repo: Repository) -> SetupFinding:
    try:
        facts = repository_facts(repo)
    except CheckFailed as error:  # GitHub does not answer now
        return skipped("GitHub", error.message, error.hint)
    branch = facts.default_branch
    return ok("GitHub", f"{facts.full_name} answers; its default branch is {branch}.")


def _pulls(repo: Repository) -> SetupFinding:
    try:
        count = len(list_open_pulls(repo))
    except CheckFailed as error:
        return skipped("reading pull requests", error.message, error.hint)
    except InputError as error:
        return fail("reading pull requests", error.message, error.hint)
    return ok("reading pull requests", f"{count} {'is' if count == 1 else 'are'} open.")
