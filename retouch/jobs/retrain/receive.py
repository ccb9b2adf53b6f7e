"""Receive an event: put an alert that was sent where it is safe, and say what is to be retrained.

This job may write, so it runs nothing of the repository's, and reads of it only what GitHub says,
and which alerts lie there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from retouch.alerts.envelope import unseal
from retouch.alerts.parse import parse_alert
from retouch.documents import Value
from retouch.engine.submit_alerts import open_for
from retouch.errors import InputError
from retouch.git.branches import proposal_of
from retouch.github.git_data import get_commit
from retouch.github.pulls import (
    PullRequest,
    changed_files,
    find_pull_request,
    get_pull,
    is_from_own_branch,
)
from retouch.github.records import latest_status, set_status, short_description
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.packages.event import AlertPull, Asked, Dispatch, Event, Push
from retouch.jobs.retrain.open_pulls import LEFT_ALONE, is_ours, our_pulls
from retouch.reporting.pull_request import alert_branch
from retouch.storage import documents

RETRAINING = "retraining"
MOST_TARGETS = 200
"""GitHub runs at most 256 jobs of one matrix."""


class Target(Value):
    """What one retraining is about."""

    pull: Annotated[int, Field(ge=1)] | None
    """None: what lies on the base branch."""


class Received(Value):
    """What an event came to."""

    any: bool
    targets: tuple[Target, ...] = ()
    message: tuple[str, ...] = ()
    """Sentences for the log."""


def receive(event: Event, repo: Repository, root: Path) -> Received:
    """Return what is to be retrained after an event; an alert that was sent is delivered first.

    `root` is a checkout of the base branch.

    Raises InputError for an event that carries no alert, and CheckFailed when GitHub does not do
    it.
    """
    match event:
        case Dispatch():
            return _sent(event, repo)
        case AlertPull():
            return _of_pull(event, repo)
        case Push():
            return _of_push(event, repo, root)
        case Asked(pull=None):
            return _main()
        case Asked(pull=int(number)):
            return _asked(number, repo)
        case _:
            return _woken(repo)


def _sent(event: Dispatch, repo: Repository) -> Received:
    source = "client_payload"
    envelope = unseal(event.payload, source)
    alert = parse_alert(envelope.alert, f"{source}.alert_b64")
    if envelope.principal not in (None, alert.monitor.id):
        raise InputError(f"{source}: principal: is not the monitor of the alert.")
    outcome = open_for(envelope.alert, envelope.signature, repo, f"alerts/{alert.alert_id}.json")
    if outcome.outcome == "on_base":
        return _main(outcome.message)
    there = find_pull_request(repo, alert_branch(alert.alert_id))
    if there is None or there.status != "open":
        return Received(any=False, message=(f"{outcome.file}: {outcome.message}",))
    return _target(there, repo, outcome.message)


def _of_pull(event: AlertPull, repo: Repository) -> Received:
    if event.action not in ("opened", "synchronize", "reopened"):
        return _nothing(f"#{event.number} was {event.action.replace('_', ' ')}.")
    if event.fork:
        return _nothing(f"#{event.number} is of a fork, so it is planned and not retrained.")
    there = get_pull(repo, event.number)
    if there is None or there.status != "open":
        return _nothing(f"#{event.number} is open no more.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{event.number} brings no alert.")
    return _target(there, repo)


def _of_push(event: Push, repo: Repository, root: Path) -> Received:
    if event.branch != repository_facts(repo).default_branch:
        return _nothing("The push was not to the default branch.")
    alert_ids = [path.stem for path in documents.alert_files(root)]
    if len(documents.receipt_files(root, alert_ids)) == len(alert_ids):
        return _nothing("It brought no alert that has not been taken in.")  # merged with its answer
    return _main()


def _asked(number: int, repo: Repository) -> Received:
    there = get_pull(repo, number)
    if there is None:
        raise InputError(f"{repo.name}: there is no pull request {number}.")
    if there.status != "open" or not is_from_own_branch(repo, there):
        how = there.status if is_from_own_branch(repo, there) else "of a fork"
        return _nothing(f"#{number} is {how}.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{number} brings no alert.")
    _set_pending(there, repo)
    return Received(any=True, targets=(Target(pull=number),))


def _woken(repo: Repository) -> Received:
    """Return what may have waited: the base branch, and pull requests without an answer yet."""
    base = repository_facts(repo).default_branch
    waiting = [
        one.number
        for one in our_pulls(repo, base)
        if not LEFT_ALONE.intersection(one.labels) and _waits(one, repo)
    ]
    left = len(waiting) - MOST_TARGETS
    message = (f"{left} more wait for the next time.",) if left > 0 else ()
    targets = (Target(pull=None), *(Target(pull=n) for n in waiting[:MOST_TARGETS]))
    return Received(any=True, targets=targets, message=message)


def _waits(there: PullRequest, repo: Repository) -> bool:
    answered = any(path.startswith("reports/") for path in changed_files(repo, there.number))
    return not answered or "waiting" in there.labels


def _target(there: PullRequest, repo: Repository, *message: str) -> Received:
    """Return a pull request as target, and say so there, unless its newest commit is our answer."""
    if proposal_of(get_commit(repo, there.head.sha).message) is not None:
        return _nothing(*message, f"#{there.number}: its newest commit is an answer of ours.")
    if LEFT_ALONE.intersection(there.labels):
        return _nothing(*message, f"#{there.number} is held by a person.")
    _set_pending(there, repo)
    return Received(any=True, targets=(Target(pull=there.number),), message=message)


def _set_pending(there: PullRequest, repo: Repository) -> None:
    """Say that it is being retrained, on a branch of ours: on others no answer would follow."""
    wanted = ("pending", RETRAINING)
    if is_ours(repo, there) and latest_status(repo, there.head.sha) != wanted:
        set_status(repo, there.head.sha, "pending", RETRAINING)


def _brings_alerts(there: PullRequest, repo: Repository) -> bool:
    return is_ours(repo, there) or any(
        path.startswith("alerts/") for path in changed_files(repo, there.number)
    )


def _main(*message: str) -> Received:
    return Received(any=True, targets=(Target(pull=None),), message=message)


def _nothing(*message: str) -> Received:
    return Received(any=False, message=message)


class Stale(Value):
    """A pull request whose answer no longer fits the base branch."""

    pull: Annotated[int, Field(ge=1)]
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    message: Annotated[str, Field(max_length=500)]


def post_stale(stale: Sequence[Stale], repo: Repository) -> tuple[str, ...]:
    """Say on each pull request that its answer is being refreshed; return what was left alone.

    One whose branch moved since, or that is no pull request of ours, is left alone.
    """
    left = []
    for one in stale:
        there = get_pull(repo, one.pull)
        if there is None or not is_ours(repo, there) or there.status != "open":
            left.append(f"#{one.pull} is no open pull request of ours.")
        elif there.head.sha != one.head:
            left.append(f"#{one.pull} moved on.")
        elif latest_status(repo, one.head) != ("pending", short_description(one.message)):
            set_status(repo, one.head, "pending", one.message)
    return tuple(left)
