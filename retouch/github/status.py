"""Commit statuses on GitHub: one word and one sentence on a commit, which a branch may require."""

from __future__ import annotations

from typing import Literal

from retouch.github.answer import one_line
from retouch.github.repository import Line, Login, Repository, Seen

State = Literal["pending", "success", "failure", "error"]
VERDICT = "retouch/verdict"
_LONGEST = 140
"""GitHub refuses longer descriptions, of deployments too."""


class _Status(Seen):
    state: State
    description: Line | None = None
    context: str
    creator: Login = "ghost"


def set_status(
    repo: Repository,
    commit: str,
    state: State,
    description: str,
    target_url: str | None = None,
    context: str = VERDICT,
) -> None:
    """Put a status on a commit; the newest of a context counts. A long description is cut short."""
    asked = {"state": state, "description": in_140(description), "context": context}
    if target_url is not None:
        asked["target_url"] = target_url
    repo.client.post(repo.path("statuses", commit), asked, repeatable=True)


def status_of(repo: Repository, commit: str, context: str = VERDICT) -> tuple[State, str] | None:
    """Return state and description of a context's newest status on a commit; None without one."""
    for item in repo.client.pages(repo.path("commits", commit, "statuses")):
        status = repo.read(_Status, item)
        if status.context == context:
            return status.state, status.description or ""
    return None


def was_set_by(
    repo: Repository, commit: str, login: str, state: State, context: str = VERDICT
) -> bool:
    """Tell whether somebody ever put this state on a commit; GitHub knows who sets a status."""
    for item in repo.client.pages(repo.path("commits", commit, "statuses")):
        status = repo.read(_Status, item)
        if (status.context, status.state, status.creator) == (context, state, login):
            return True
    return False


def in_140(text: str) -> str:
    """Return a text as one line of at most 140 characters."""
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1].rstrip()}…"
