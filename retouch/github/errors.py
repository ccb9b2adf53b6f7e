"""What a failed request means: whether to retry it and when, or which error to raise. No I/O.

GitHub's documentation, "Best practices for using the REST API", says how long to wait: as long as
`retry-after` says; else until `x-ratelimit-reset` when `x-ratelimit-remaining` is 0; else, at a
secondary limit, at least a minute and longer each time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from retouch.errors import CheckFailed, InputError, RetouchError

MAX_ATTEMPTS = 5
MAX_TOTAL_WAIT_SECONDS = 300.0
"""All waits for one request together."""
_SECONDARY_LIMIT_SECONDS = 60.0
_REPOSITORY = re.compile(r"repos/([^/]+/[^/]+)/?(.*)")
_PERMISSIONS = {
    "pulls": "Pull requests",
    "issues": "Issues",
    "statuses": "Commit statuses",
    "deployments": "Deployments",
    "check-runs": "Checks",
    "actions": "Actions",
    "commits": "Commit statuses",
    "collaborators": "Metadata",
}
"""By the first word of a path; all others are Contents."""
_LONGEST_SECONDS = 10**8
"""A rate limit that claims to last longer states no usable time."""
_WORKFLOWS_MAY_NOT = re.compile(r"refusing to allow .* workflow|`workflows?` (permission|scope)")
_ACTIONS_MAY_NOT = "not permitted to create or approve pull requests"


class Refused(InputError):
    """GitHub refused the request: the request or the settings are wrong."""

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class OutcomeUnknown(CheckFailed):
    """The response was lost, and the request may or may not have taken effect."""


@dataclass(frozen=True)
class Request:
    """The parts of a request that an error names."""

    method: str
    path: str
    """Without the address of the API: `repos/owner/name/pulls`."""
    host: str

    @property
    def subject(self) -> str:
        """What it was about: `owner/name`, or `owner/name: GET pulls`."""
        found = _REPOSITORY.fullmatch(self.path)
        if not found:
            return f"{self.host}: {self.method} {self.path}"
        return f"{found[1]}: {self.method} {found[2]}" if found[2] else found[1]

    @property
    def permission(self) -> str:
        """The token permission it needs: `Contents: write`."""
        found = _REPOSITORY.fullmatch(self.path)
        area = found[2].partition("/")[0] if found else ""
        name = _PERMISSIONS.get(area, "Contents")
        return f"{name}: {'read' if self.method == 'GET' else 'write'}"


@dataclass(frozen=True)
class Failure:
    """A request that did not succeed."""

    status: int | None
    """None when there was no response."""
    message: str = ""
    """GitHub's own, on one line; without a response, what happened to the connection."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """With names in lower case."""
    sent: bool = True
    """False when no connection was made, so that the request cannot have taken effect."""

    @property
    def is_rate_limit(self) -> bool:
        """Whether a rate limit refused the request; GitHub says so with 429 or with 403."""
        if self.status == 429:
            return True
        message = self.message.lower()
        return self.status == 403 and (
            self._budget_is_spent
            or "retry-after" in self.headers
            or "rate limit" in message
            or "abuse detection" in message
        )

    @property
    def is_transient(self) -> bool:
        """Whether the same request may well succeed later."""
        return self.status is None or self.status >= 500 or self.is_rate_limit

    @property
    def may_have_taken_effect(self) -> bool:
        """Whether the request may have been carried out all the same.

        Behind a 500, 502, 504 or a lost connection the work may be done; a 503 or a rate limit
        turns the request away.
        """
        return self.is_transient and self.sent and self.status != 503 and not self.is_rate_limit

    @property
    def event(self) -> str:
        """What happened, to follow the name of the server."""
        return f"returned {self.status}" if self.status else self.message

    def requested_wait(self, now: float) -> float | None:
        """Return how many seconds after `now`, Unix time, GitHub says to wait, if it does."""
        seconds = _number(self.headers.get("retry-after"))
        if seconds is not None:
            return seconds
        reset = _number(self.headers.get("x-ratelimit-reset"))
        if self.is_rate_limit and self._budget_is_spent and reset is not None:
            return max(reset - now, 0.0) + 1.0
        return None

    @property
    def _budget_is_spent(self) -> bool:
        return self.headers.get("x-ratelimit-remaining") == "0"


def retry_delay(
    attempt: int,
    failure: Failure,
    *,
    now: float,
    jitter: float,
    waited: float = 0.0,
    max_total_wait: float = MAX_TOTAL_WAIT_SECONDS,
) -> float | None:
    """Return how many seconds to wait before the next attempt; None when there should be none.

    `attempt` counts from 1, `now` is Unix time, `jitter` is drawn evenly from 0 to 1, `waited` are
    the seconds waited for this request so far. Whether it is safe to repeat the request is another
    question: see `Failure.may_have_taken_effect`.
    """
    if attempt >= MAX_ATTEMPTS or not failure.is_transient:
        return None
    requested = failure.requested_wait(now)
    if requested is not None:
        delay = requested + jitter
    elif failure.is_rate_limit:
        delay = _SECONDARY_LIMIT_SECONDS * 2 ** (attempt - 1) + jitter
    else:
        delay = 2 ** (attempt - 1) * (0.5 + jitter / 2)
    return delay if waited + delay <= max_total_wait else None


def refusal(request: Request, failure: Failure) -> RetouchError:
    """Return the error for a response that waiting will not change."""
    status = failure.status or 0
    if status == 401:
        return Refused(
            f"GITHUB_TOKEN: {request.host} does not accept this token: it is wrong, expired or "
            "revoked.",
            hint="Create a new token and set GITHUB_TOKEN to it.",
            status=status,
        )
    if status == 403:
        return _forbidden(request, failure)
    if status == 404:
        return Refused(
            f"{request.subject}: not found on {request.host}, or the token may not read it.",
            hint="Check the name, and that GITHUB_TOKEN has access to this repository.",
            status=status,
        )
    if 300 <= status < 400:
        target = failure.headers.get("location", "another address")
        return Refused(
            f"{request.subject}: GitHub returned {status}: the repository has a new name, and a "
            f"{request.method} is not redirected to {target}.",
            hint="Give the repository's new name with --repo.",
            status=status,
        )
    reason = failure.message or "no reason given"
    if _WORKFLOWS_MAY_NOT.search(reason):
        return _forbidden(request, failure)
    return Refused(f"{request.subject}: GitHub returned {status}: {reason}.", status=status)


def retries_exhausted(
    request: Request, failure: Failure, *, attempts: int, now: float
) -> RetouchError:
    """Return the error for a failure that retries did not get past, or that lasts too long."""
    if failure.is_rate_limit:
        return _rate_limited(request, failure, now)
    times = "once" if attempts == 1 else f"{attempts} times"
    return CheckFailed(
        f"{request.subject}: {request.host} {failure.event}; tried {times}.",
        hint="Try again later: run the same command again.",
    )


def outcome_unknown(request: Request, failure: Failure) -> OutcomeUnknown:
    """Return the error for a request that may have taken effect and must not be sent twice."""
    return OutcomeUnknown(
        f"{request.subject}: {request.host} {failure.event}, so it is unknown whether the request "
        "took effect."
    )


def not_github_api(request: Request, what: str) -> InputError:
    """Return the error for a response that GitHub's API would not give; `what` describes it."""
    return InputError(
        f"{request.subject}: {request.host} does not respond like GitHub's API: {what}.",
        hint="Check GITHUB_API_URL, and whether a proxy is in between.",
    )


def _forbidden(request: Request, failure: Failure) -> RetouchError:
    hint: str | None
    if "x-github-sso" in failure.headers:
        why = "the token is not authorised for the organisation's single sign-on"
        hint = "Authorise the organisation under Configure SSO in the token's settings."
    elif _ACTIONS_MAY_NOT in failure.message:
        why = "workflows may not open pull requests here"
        hint = (
            'Turn on "Allow GitHub Actions to create and approve pull requests" in Settings, '
            "Actions, General; or use the token of a GitHub App."
        )
    elif _WORKFLOWS_MAY_NOT.search(failure.message):
        why = f"the token may not change workflow files: {failure.message}"
        hint = "Make that change by hand; for a branch, press `Update branch` on its pull request."
    elif "archived" in failure.message:
        why, hint = failure.message, None
    else:
        why = f"the token may not do this: {failure.message}"
        hint = f"Give it the permission {request.permission}."
    status = failure.status or 403
    return Refused(f"{request.subject}: forbidden: {why}.", hint=hint, status=status)


def _rate_limited(request: Request, failure: Failure, now: float) -> RetouchError:
    seconds = failure.requested_wait(now)
    if seconds is None or seconds > _LONGEST_SECONDS:
        return CheckFailed(
            f"{request.subject}: GitHub is limiting the requests of this token.",
            hint="Run the same command again later.",
        )
    return CheckFailed(
        f"{request.subject}: GitHub's rate limit for this token is exhausted until "
        f"{datetime.fromtimestamp(now + seconds, UTC):%Y-%m-%d %H:%M:%S} UTC.",
        hint="Run the same command again then.",
    )


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
