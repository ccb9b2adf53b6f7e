"""What an event of GitHub asks for. Fields are checked when read; unknown ones are ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from retouch.documents import Value
from retouch.errors import InputError
from retouch.schema_errors import bad_input, shown

Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(\[bot\])?$")]
"""An enterprise's logins have underscores, those of apps end in [bot]."""
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(\[bot\])?")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"(?!-)(?!.*(?:\.\.|//|/\.|@\{|/$))[^\x00-\x20\x7f~^:?*\[\\]+")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")
_LAST_PULL = 2**31


class PullRequestEvent(Value):
    """A pull request was opened, changed or closed."""

    action: str
    number: Annotated[int, Field(ge=1)]
    head_branch: str
    head_sha: str
    head_repo: str | None
    """`owner/name`; None once the fork is deleted."""
    base: str
    """The branch it targets."""
    fork: bool
    """Its branch is in another repository."""
    sender: str
    """Who did it, as GitHub authenticated them."""


class PushEvent(Value):
    """Commits were pushed to a branch."""

    branch: str | None
    """None: a tag was pushed."""
    after: str
    sender: str


class DispatchEvent(Value):
    """A monitor sent an alert."""

    payload: Any
    """The `client_payload`, unchanged."""
    sender: str


class ScheduleEvent(Value):
    """The schedule fired."""


class RetrainRequest(Value):
    """A person, or another job, asks for a retraining."""

    pull: Annotated[int, Field(ge=1)] | None
    """None: for the alerts on the base branch."""
    overwrite: bool = False
    """Discard what a person committed to the branch."""
    accepted_by: str | None = None
    """The person who approves unsigned alerts."""
    sender: str


Event = PullRequestEvent | PushEvent | DispatchEvent | ScheduleEvent | RetrainRequest
EventName = Literal["pull_request", "push", "repository_dispatch", "schedule", "workflow_dispatch"]


def read_event(name: str, payload: object) -> Event:
    """Return what an event asks for. Raises InputError that names an invalid field."""
    readers: dict[str, Callable[[_Fields], Event]] = {
        "pull_request": _pull_request,
        "push": _push,
        "repository_dispatch": _dispatch,
        "workflow_dispatch": _retrain_request,
    }
    if name == "schedule":
        return ScheduleEvent()
    if name not in readers:
        raise InputError(
            f"--event-name: {shown(name)} starts no job.",
            hint=f"It is one of {', '.join(sorted([*readers, 'schedule']))}.",
        )
    return readers[name](_Fields(payload, name))


def default_branch_of(payload: object) -> str | None:
    """Return the default branch an event names; None where it names none."""
    repository = payload.get("repository") if isinstance(payload, Mapping) else None
    branch = repository.get("default_branch") if isinstance(repository, Mapping) else None
    return branch if isinstance(branch, str) and _REF.fullmatch(branch) else None


class _Fields:
    """The fields of one payload, by their path."""

    def __init__(self, payload: object, name: str) -> None:
        self._payload, self._name = payload, name

    def get(self, *place: str) -> Any:
        """Return the value there; None without one."""
        value = self._payload
        for step in place:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def text(self, *place: str, form: re.Pattern[str], what: str) -> str:
        """Return a text of this form. Raises InputError."""
        value = self.get(*place)
        if not isinstance(value, str) or len(value) > 1_000 or not form.fullmatch(value):
            raise self.fault(place, f"{shown(value)} is not {what}")
        return value

    def sender(self) -> str:
        return self.text("sender", "login", form=_LOGIN, what="a login of GitHub")

    def number(self, *place: str) -> int:
        value = self.get(*place)
        if type(value) is not int or not 1 <= value < _LAST_PULL:
            raise self.fault(place, f"{shown(value)} is not the number of a pull request")
        return value

    def fault(self, place: tuple[str, ...], message: str) -> InputError:
        return bad_input(f"The event ({self._name})", place, message)


def _pull_request(fields: _Fields) -> PullRequestEvent:
    at = ("pull_request", "head")
    head_repo = None
    if fields.get(*at, "repo") is not None:
        head_repo = fields.text(*at, "repo", "full_name", form=_NAME, what="a repository's name")
    base = ("pull_request", "base")
    base_repo = fields.text(*base, "repo", "full_name", form=_NAME, what="a repository's name")
    return PullRequestEvent(
        action=fields.text("action", form=re.compile(r"[a-z_]{1,40}"), what="an action"),
        number=fields.number("pull_request", "number"),
        head_branch=fields.text(*at, "ref", form=_REF, what="the name of a branch"),
        head_sha=fields.text(*at, "sha", form=_COMMIT, what="the id of a commit"),
        head_repo=head_repo,
        base=fields.text(*base, "ref", form=_REF, what="the name of a branch"),
        fork=head_repo is None or head_repo.casefold() != base_repo.casefold(),
        sender=fields.sender(),
    )


def _push(fields: _Fields) -> PushEvent:
    ref = fields.text("ref", form=_REF, what="the name of a branch or a tag")
    heads = "refs/heads/"
    return PushEvent(
        branch=ref.removeprefix(heads) if ref.startswith(heads) else None,
        after=fields.text("after", form=_COMMIT, what="the id of a commit"),
        sender=fields.sender(),
    )


def _dispatch(fields: _Fields) -> DispatchEvent:
    payload = fields.get("client_payload")
    if not isinstance(payload, Mapping):
        raise fields.fault(("client_payload",), "must be a JSON object")
    return DispatchEvent(payload=payload, sender=fields.sender())


def _retrain_request(fields: _Fields) -> RetrainRequest:
    """Read the inputs, which GitHub passes as texts; a missing one is empty."""
    pull = fields.get("inputs", "pull")
    if pull in (None, ""):
        number = None
    elif isinstance(pull, str) and re.fullmatch(r"[1-9][0-9]{0,8}", pull):
        number = int(pull)
    else:
        number = fields.number("inputs", "pull")
    overwrite = fields.get("inputs", "overwrite")
    if overwrite not in (None, "", "true", "false", True, False):
        raise fields.fault(("inputs", "overwrite"), f"{shown(overwrite)} is neither true nor false")
    accepted_by = fields.get("inputs", "accepted_by") or None
    if accepted_by is not None:
        place = ("inputs", "accepted_by")
        accepted_by = fields.text(*place, form=_LOGIN, what="a login of GitHub")
    return RetrainRequest(
        pull=number,
        overwrite=overwrite in ("true", True),
        accepted_by=accepted_by,
        sender=fields.sender(),
    )
