"""What the doctor looks at on GitHub: which token there is, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.github.pulls import list_open_pulls
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.doctor.checkout import NO_NETWORK
from retouch.jobs.doctor.findings import Finding, each, fail, look, ok, skipped, warn
from retouch.jobs.doctor.workflows import base_branches

Kind = Literal["none", "workflow", "app", "person", "unknown"]
_CLICK = (
    'Settings, Actions, General: turn on "Allow GitHub Actions to create and approve pull '
    'requests".'
)


@dataclass(frozen=True)
class Asking:
    """How GitHub is asked."""

    network: bool
    repository: Callable[[], Repository]
    """Raises InputError when no repository is named, or the token cannot be one."""


def kind_of(environment: Mapping[str, str]) -> Kind:
    """Return whose token GITHUB_TOKEN is. Only beginnings tell: lengths have changed."""
    token = environment.get("GITHUB_TOKEN", "")
    if not token:
        return "none"
    if token.startswith("ghs_"):
        by_an_app = environment.get("RETOUCH_APP_LOGIN") or environment.get("RETOUCH_APP_ID")
        return "app" if by_an_app or not environment.get("GITHUB_ACTIONS") else "workflow"
    return "person" if token.startswith(("ghp_", "github_pat_", "gho_", "ghu_")) else "unknown"


def github_findings(top: Path, environment: Mapping[str, str], asking: Asking) -> Iterator[Finding]:
    """Yield what is found of the token, of what it may do, and of the repository's settings."""
    kind = kind_of(environment)
    yield from each(("token", lambda: _token(kind)), ("opening pull requests", lambda: _mode(kind)))
    reason = None if asking.network else NO_NETWORK
    if kind == "none":
        reason = reason or "There is no token to ask with."
    if reason is None:
        reached = look("GitHub", lambda: _reached(top, asking.repository()))
        yield reached
        reason = None if reached.standing in ("ok", "warn") else "GitHub could not be asked."
    else:
        yield skipped("GitHub", reason)
    if reason is None:
        yield look("reading pull requests", lambda: _pulls(asking.repository()))
    else:
        yield skipped("reading pull requests", reason)


def _token(kind: Kind) -> Finding:
    match kind:
        case "none":
            message = "GITHUB_TOKEN is not set here; the workflows have one of their own."
            return skipped(
                "token", message, "To look at GitHub too: `GITHUB_TOKEN=... retouch doctor`."
            )
        case "workflow":
            return ok("token", "The workflow's own GITHUB_TOKEN.")
        case "app":
            return ok("token", "An installation token of a GitHub App.")
        case "person":
            return ok("token", "A person's token: what it does is done in their name.")
    message = "GITHUB_TOKEN begins like none of GitHub's tokens."
    return warn("token", message, "Check that it is whole, and for this server.")


def _mode(kind: Kind) -> Finding:
    """Say what it takes to open pull requests; only administrators may read the setting."""
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


def _reached(top: Path, repo: Repository) -> Finding:
    try:
        facts = repository_facts(repo)
    except CheckFailed as error:  # nobody answers, or not now
        return skipped("GitHub", error.message, error.hint)
    branch = facts.default_branch
    try:
        listened = base_branches(top)
    except RetouchError:
        listened = frozenset()
    if listened and branch not in listened:
        message = f"The default branch is {branch}; the workflow alert listens to "
        hint = "Write the default branch under `branches:` of the workflows."
        return fail("GitHub", f"{message}{', '.join(sorted(listened))}.", hint)
    return ok("GitHub", f"{facts.full_name} answers; its default branch is {branch}.")


def _pulls(repo: Repository) -> Finding:
    try:
        count = len(list_open_pulls(repo))
    except CheckFailed as error:
        return skipped("reading pull requests", error.message, error.hint)
    except InputError as error:
        return fail("reading pull requests", error.message, error.hint)
    return ok("reading pull requests", f"{count} {'is' if count == 1 else 'are'} open.")
