"""When to send a request to GitHub again, and after how long. No I/O: values in, seconds out.

What GitHub asks of clients stands in its documentation, "Best practices for using the REST API":
wait as long as `retry-after` says; else until `x-ratelimit-reset` when `x-ratelimit-remaining` is
0; else, at a secondary limit, at least a minute and longer each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_ATTEMPTS = 5
PATIENCE_SECONDS = 300.0
"""All waits for one request together."""
_SECONDARY_LIMIT_SECONDS = 60.0


@dataclass(frozen=True)
class Failed:
    """A request that came to nothing."""

    status: int | None
    """None when there was no answer."""
    message: str = ""
    """The answer's own, on one line; or what happened to the connection."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """With names in lower case."""
    arrived: bool = True
    """False when no connection came about, so that nobody can have acted on the request."""


def retry_after(
    attempt: int,
    failed: Failed,
    *,
    now: float,
    jitter: float,
    waited: float = 0.0,
    patience: float = PATIENCE_SECONDS,
) -> float | None:
    """Return how many seconds to wait before the next attempt; None when there is to be none.

    `attempt` counts from 1, `now` is Unix time, `jitter` is drawn evenly from 0 to 1, `waited` are
    the seconds waited for this request so far. Whether the request may be repeated at all is
    another question: see `surely_not_done`.
    """
    if attempt >= MAX_ATTEMPTS or not may_pass(failed):
        return None
    asked = seconds_asked(failed, now=now)
    if asked is not None:
        pause = asked + jitter
    elif is_limit(failed):
        pause = _SECONDARY_LIMIT_SECONDS * 2 ** (attempt - 1) + jitter
    else:
        pause = 2 ** (attempt - 1) * (0.5 + jitter / 2)
    return pause if waited + pause <= patience else None


def seconds_asked(failed: Failed, *, now: float) -> float | None:
    """Return how long GitHub's headers ask us to wait; None when they do not."""
    seconds = _number(failed.headers.get("retry-after"))
    if seconds is not None:
        return seconds
    reset = _number(failed.headers.get("x-ratelimit-reset"))
    if is_limit(failed) and _spent(failed) and reset is not None:
        return max(reset - now, 0.0) + 1.0
    return None


def may_pass(failed: Failed) -> bool:
    """Tell whether the same request may well succeed later."""
    return failed.status is None or failed.status >= 500 or is_limit(failed)


def is_limit(failed: Failed) -> bool:
    """Tell whether a rate limit refused the request; GitHub says so with 429 or with 403."""
    if failed.status == 429:
        return True
    message = failed.message.lower()
    return failed.status == 403 and (
        _spent(failed)
        or "retry-after" in failed.headers
        or "rate limit" in message
        or "abuse detection" in message
    )


def surely_not_done(failed: Failed) -> bool:
    """Tell whether nobody can have acted on the request: it never arrived, or was turned away.

    Of the errors of servers only 503 says so; behind a 500, 502 or 504 the work may be done.
    """
    return not failed.arrived or failed.status == 503 or is_limit(failed)


def _spent(failed: Failed) -> bool:
    return failed.headers.get("x-ratelimit-remaining") == "0"


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None
