"""What GitHub's refusals mean, in one sentence each, and what to do about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.github.retry import Failed, is_limit, seconds_asked

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
"""What is said to end later than that is no time."""
_ACTIONS_MAY_NOT = "not permitted to create or approve pull requests"


class Refused(InputError):
    """GitHub answered, and the answer is no: the request or the settings are wrong."""

    def __init__(self, message: str, *, status: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Uncertain(CheckFailed):
    """The answer was lost: nobody knows whether the request was carried out."""


@dataclass(frozen=True)
class Request:
    """A request, as far as a sentence about it goes."""

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
        """The permission of a token it takes: `Contents: write`."""
        found = _REPOSITORY.fullmatch(self.path)
        area = found[2].partition("/")[0] if found else ""
        name = _PERMISSIONS.get(area, "Contents")
        return f"{name}: {'read' if self.method == 'GET' else 'write'}"


def refusal(request: Request, failed: Failed) -> RetouchError:
    """Return the error for an answer that will not change by waiting."""
    match failed.status:
        case 401:
            return Refused(
                f"GITHUB_TOKEN: {request.host} does not accept this token: it is wrong, expired or "
                "revoked.",
                hint="Make a new one and set GITHUB_TOKEN to it.",
                status=401,
            )
        case 403:
            return _forbidden(request, failed)
        case 404:
            return Refused(
                f"{request.subject}: {request.host} has nothing there, or the token may not see "
                "it.",
                hint="Check the name, and that GITHUB_TOKEN has access to this repository.",
                status=404,
            )
        case status if status is not None and 300 <= status < 400:
            return _moved(request, failed, status)
    status = failed.status or 0
    said = failed.message or "without a word"
    return Refused(f"{request.subject}: GitHub answers {status}: {said}.", status=status)


def gave_up(request: Request, failed: Failed, *, attempts: int, now: float) -> RetouchError:
    """Return the error for a request that waiting did not help, or would take too long to."""
    times = "once" if attempts == 1 else f"{attempts} times"
    if is_limit(failed):
        return _limited(request, failed, now)
    what = f"answers {failed.status}" if failed.status else failed.message
    return CheckFailed(
        f"{request.subject}: {request.host} {what}; tried {times}.",
        hint="Try again later: run the same command again.",
    )


def uncertain(request: Request, failed: Failed) -> Uncertain:
    """Return the error for a request that may have worked, and is not to be sent twice."""
    what = f"answers {failed.status}" if failed.status else failed.message
    return Uncertain(
        f"{request.subject}: {request.host} {what}, so it is not known whether the request was "
        "carried out."
    )


def no_api(request: Request, what: str) -> InputError:
    """Return the error for an answer that no GitHub API gives; `what` says what came instead."""
    return InputError(
        f"{request.subject}: {request.host} does not answer as GitHub's API does: {what}.",
        hint="Check GITHUB_API_URL, and whether a proxy stands in between.",
    )


def _forbidden(request: Request, failed: Failed) -> RetouchError:
    hint: str | None
    if "x-github-sso" in failed.headers:
        why = "the token is not authorised for the organisation's single sign-on"
        hint = "Authorise it: the organisation's name stands under Configure SSO of the token."
    elif _ACTIONS_MAY_NOT in failed.message:
        why = "workflows may not open pull requests here"
        hint = (
            'Turn on "Allow GitHub Actions to create and approve pull requests" in Settings, '
            "Actions, General; or use the token of a GitHub App."
        )
    elif "archived" in failed.message:
        why, hint = failed.message, None
    else:
        why = f"the token may not do this: {failed.message}"
        hint = f"Give it the permission {request.permission}."
    return Refused(f"{request.subject}: forbidden: {why}.", hint=hint, status=403)


def _moved(request: Request, failed: Failed, status: int) -> RetouchError:
    target = failed.headers.get("location", "elsewhere")
    return Refused(
        f"{request.subject}: GitHub answers {status}: the repository has a new name, and a "
        f"{request.method} is not sent on to {target}.",
        hint="Give the repository's new name with --repo.",
        status=status,
    )


def _limited(request: Request, failed: Failed, now: float) -> RetouchError:
    seconds = seconds_asked(failed, now=now)
    if seconds is None or seconds > _LONGEST_SECONDS:
        return CheckFailed(
            f"{request.subject}: GitHub limits the requests of this token for now.",
            hint="Run the same command again later.",
        )
    return CheckFailed(
        f"{request.subject}: GitHub's rate limit for this token is used up until "
        f"{datetime.fromtimestamp(now + seconds, UTC):%Y-%m-%d %H:%M:%S} UTC.",
        hint="Run the same command again then.",
    )
