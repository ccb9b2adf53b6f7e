"""How often a retraining was begun for a commit, and when it is begun again. Pure.

Counted are the statuses by which tries begin. GitHub keeps each of them, with its own time, and
nobody can change or remove one. Whoever may set statuses can add some, which delays a try, or asks
for one more, as `/retrain` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, Field

from retouch.documents import Value

MOST_TRIES = 3
"""Then a person decides."""
_PAUSES = {1: timedelta(hours=1), 2: timedelta(hours=6)}
"""After so many tries."""
_LONGEST_RUN = timedelta(hours=8)
"""A run that GitHub tells nothing about has ended by then: training, publishing and waiting."""
RETRAINING, AS_ASKED, STALE = "retraining", "retraining, as asked", "stale, being refreshed"
"""How a status begins that begins a try; a person who asks begins to count anew."""
FAILED = "failed"
"""How a status begins that ends one without a result."""


class PostedStatus(Protocol):
    """A commit status, as GitHub keeps it."""

    @property
    def state(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def target_url(self) -> str | None: ...
    @property
    def created_at(self) -> datetime: ...


@dataclass(frozen=True)
class Tries:
    """The tries for a commit since its last result, or since a person asked."""

    count: int = 0
    failed: bool = False
    """The last one ended without a result, and that was reported."""
    since: datetime | None = None
    """When it began, or was reported."""
    run: str | None = None
    """The address of its workflow run."""


NextTry = Literal["now", "running", "later", "hold"]


def tries_in(statuses: Iterable[PostedStatus]) -> Tries:
    """Return the tries among a commit's statuses of `retouch/verdict`, the newest first."""
    runs: list[str | None] = []
    first: PostedStatus | None = None
    for status in statuses:
        text = status.description or ""
        begun = status.state == "pending" and text.startswith((RETRAINING, STALE))
        if not begun and not (status.state in ("failure", "error") and text.startswith(FAILED)):
            break
        first = first or status
        if begun and (status.target_url is None or status.target_url not in runs):
            runs.append(status.target_url)
        if begun and text.startswith(AS_ASKED):
            break
    if first is None or not runs:
        return Tries()
    return Tries(len(runs), first.state != "pending", first.created_at, runs[0])


def next_try(tries: Tries, now: datetime, *, running: bool | None) -> NextTry:
    """Tell when a commit that lacks a result is tried next.

    `running`: the run of the last try is still at work; None: GitHub does not tell.
    """
    if tries.since is None:
        return "now"
    if tries.failed:  # after the last one `hold` was set: a person has removed it
        return "later" if now < (again_at(tries) or now) else "now"
    if running:
        return "running"
    if tries.count < MOST_TRIES:
        return "now"
    return "running" if running is None and now < tries.since + _LONGEST_RUN else "hold"


def again_at(tries: Tries) -> datetime | None:
    """Return when a failed try is repeated; None: by a person only."""
    pause = _PAUSES.get(tries.count)
    return tries.since + pause if tries.since and pause else None


class FailedBaseTries(Value):
    """The failed tries for the alerts on the base branch, as their issue records them."""

    subject: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Identifies the alerts without a receipt: with others, counting begins anew."""
    count: Annotated[int, Field(ge=0, le=1000)]
    at: AwareDatetime
    """When the last one was reported."""
    runs: Annotated[tuple[str, ...], Field(max_length=MOST_TRIES)] = ()

    def next(self, now: datetime) -> NextTry:
        """Tell when they are tried next."""
        if self.count >= MOST_TRIES:
            return "hold"
        # A time in the future is none of ours, and would delay for ever.
        tries = Tries(self.count, failed=True, since=min(self.at, now))
        return next_try(tries, now, running=False)


def failed_again(
    earlier: FailedBaseTries | None, subject: str, run: str, now: datetime
) -> FailedBaseTries:
    """Return the record with one more failed try, unless it has this run already."""
    if earlier is None or earlier.subject != subject:
        return FailedBaseTries(subject=subject, count=1, at=now, runs=(run,))
    if run in earlier.runs:
        return earlier
    runs = (*earlier.runs, run)[-MOST_TRIES:]
    return FailedBaseTries(subject=subject, count=min(earlier.count + 1, 1000), at=now, runs=runs)
