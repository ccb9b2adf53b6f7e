"""The event of a new comment: who said what under which pull request."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from retouch.errors import InputError
from retouch.jobs.packages.comment import Command, parse_comment


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _User(_Part):
    login: str = Field(max_length=100)
    type: str = ""


class _Comment(_Part):
    id: int = Field(ge=1)
    body: str | None = None
    created_at: AwareDatetime
    user: _User | None = None


class _Issue(_Part):
    number: int = Field(ge=1)
    pull_request: dict[str, object] | None = None


class _Event(_Part):
    action: str
    comment: _Comment
    issue: _Issue


class Asked(_Part):
    """A command somebody gave."""

    number: int
    """Of the pull request."""
    comment: int
    login: str
    at: datetime
    command: Command


def read_event(text: str) -> Asked | None:
    """Return what an `issue_comment` event asks of us; None when it asks nothing.

    Edited comments, issues and what bots say ask nothing. Raises InputError for what is no such
    event.
    """
    try:
        event = _Event.model_validate(json.loads(text))
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise InputError(
            f"--event: is no event of a comment: {place or 'not an object'}."
        ) from None
    except (ValueError, RecursionError):
        raise InputError("--event: is not JSON.") from None
    said, who = event.comment, event.comment.user
    if event.action != "created" or event.issue.pull_request is None or who is None:
        return None
    if who.type == "Bot" or who.login.endswith("[bot]"):
        return None
    command = parse_comment(said.body or "")
    if command is None:
        return None
    return Asked(
        number=event.issue.number,
        comment=said.id,
        login=who.login,
        at=said.created_at,
        command=command,
    )
