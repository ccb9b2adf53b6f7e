"""Receive an event: store an alert that was sent, and list what to retrain.

This job may write, so it runs no code of the repository, and reads of it only what GitHub reports
and which alerts there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from retouch.alerts.envelope import unseal_alert
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
from retouch.jobs.packages.event import (
    DispatchEvent,
    Event,
    PullRequestEvent,
    PushEvent,
    RetrainRequest,
)
from retouch.jobs.retrain.branch_contents import LEFT_ALONE, is_retouch_pull, retouch_pulls
from retouch.reporting.pull_request import alert_branch
from retouch.storage import documents

RETRAINING = "retraining"
MOST_TARGETS = 200
"""GitHub runs at most 256 jobs of one matrix."""


class RetrainTarget(Value):
    """The subject of one retraining."""

    pull: Annotated[int, Field(ge=1)] | None
    """None: the alerts on the base branch."""


class ReceiveResult(Value):
    """The result of an event."""

    any: bool
    targets: tuple[RetrainTarget, ...] = ()
    message: tuple[str, ...] = ()
    """Sentences for the log."""


def receive(event: Event, repo: Repository, root: Path) -> ReceiveResult:
    """Return what to retrain after an event; an alert that was sent is delivered first.

    `root` is a checkout of the base branch.

    Raises InputError for an event without an alert, and CheckFailed when GitHub fails.
    """
    match event:
        case DispatchEvent():
            return _deliver(event, repo)
        case PullRequestEvent():
            return _of_pull(event, repo)
        case PushEvent():
            return _of_push(event, repo, root)
        case RetrainRequest(pull=None):
            return _base_branch()
        case RetrainRequest(pull=int(number)):
            return _requested(number, repo)
        case _:
            return _scheduled(repo)


def _deliver(event: DispatchEvent, repo: Repository) -> ReceiveResult:
    alert, envelope = unseal_alert(event.payload, "client_payload")
    outcome = open_for(envelope.alert, envelope.signature, repo, f"alerts/{alert.alert_id}.json")
    if outcome.outcome == "on_base":
        return _base_branch(outcome.message)
    there = find_pull_request(repo, alert_branch(alert.alert_id))
    if there is None or there.status != "open":
        return ReceiveResult(any=False, message=(f"{outcome.file}: {outcome.message}",))
    return _target(there, repo, outcome.message)


def _of_pull(event: PullRequestEvent, repo: Repository) -> ReceiveResult:
    if event.action not in ("opened", "synchronize", "reopened"):
        return _nothing(f"#{event.number} was {event.action.replace('_', ' ')}.")
    if event.fork:
        return _nothing(f"#{event.number} is from a fork, so it is only planned.")
    there = get_pull(repo, event.number)
    if there is None or there.status != "open":
        return _nothing(f"#{event.number} is no longer open.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{event.number} adds no alert.")
    return _target(there, repo)


def _of_push(event: PushEvent, repo: Repository, root: Path) -> ReceiveResult:
    if event.branch != repository_facts(repo).default_branch:
        return _nothing("The push was not to the default branch.")
    alert_ids = [path.stem for path in documents.alert_files(root)]
    if len(documents.receipt_files(root, alert_ids)) == len(alert_ids):
        return _nothing("It added no alert without a receipt.")  # merged with its retraining
    return _base_branch()


def _requested(number: int, repo: Repository) -> ReceiveResult:
    there = get_pull(repo, number)
    if there is None:
        raise InputError(f"{repo.name}: there is no pull request {number}.")
    if there.status != "open" or not is_from_own_branch(repo, there):
        how = there.status if is_from_own_branch(repo, there) else "of a fork"
        return _nothing(f"#{number} is {how}.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{number} adds no alert.")
    _set_pending(there, repo)
    return ReceiveResult(any=True, targets=(RetrainTarget(pull=number),))


def _scheduled(repo: Repository) -> ReceiveResult:
    """Return what may have waited: the base branch, and pull requests without a result."""
    base = repository_facts(repo).default_branch
    waiting = [
        one.number
        for one in retouch_pulls(repo, base)
        if not LEFT_ALONE.intersection(one.labels) and _waits(one, repo)
    ]
    left = len(waiting) - MOST_TARGETS
    message = (f"{left} more wait for the next run.",) if left > 0 else ()
    targets = (RetrainTarget(pull=None), *(RetrainTarget(pull=n) for n in waiting[:MOST_TARGETS]))
    return ReceiveResult(any=True, targets=targets, message=message)


def _waits(there: PullRequest, repo: Repository) -> bool:
    has_report = any(path.startswith("reports/") for path in changed_files(repo, there.number))
    return not has_report or "waiting" in there.labels


def _target(there: PullRequest, repo: Repository, *message: str) -> ReceiveResult:
    """Return a pull request as target, marked pending, unless a retraining made its head."""
    if proposal_of(get_commit(repo, there.head.sha).message) is not None:
        return _nothing(*message, f"#{there.number}: its newest commit is a retraining's.")
    if LEFT_ALONE.intersection(there.labels):
        return _nothing(*message, f"#{there.number} is on hold.")
    _set_pending(there, repo)
    return ReceiveResult(any=True, targets=(RetrainTarget(pull=there.number),), message=message)


def _set_pending(there: PullRequest, repo: Repository) -> None:
    """Mark a pull request of Retouch as pending: on others no result would follow."""
    wanted = ("pending", RETRAINING)
    if is_retouch_pull(repo, there) and latest_status(repo, there.head.sha) != wanted:
        set_status(repo, there.head.sha, "pending", RETRAINING)


def _brings_alerts(there: PullRequest, repo: Repository) -> bool:
    return is_retouch_pull(repo, there) or any(
        path.startswith("alerts/") for path in changed_files(repo, there.number)
    )


def _base_branch(*message: str) -> ReceiveResult:
    return ReceiveResult(any=True, targets=(RetrainTarget(pull=None),), message=message)


def _nothing(*message: str) -> ReceiveResult:
    return ReceiveResult(any=False, message=message)


class StalePull(Value):
    """A pull request whose result no longer fits the base branch."""

    pull: Annotated[int, Field(ge=1)]
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
    message: Annotated[str, Field(max_length=500)]


def post_stale(stale: Sequence[StalePull], repo: Repository) -> tuple[str, ...]:
    """Mark each pull request as being refreshed; return what was skipped.

    One whose branch changed since, or that is not of Retouch, is skipped.
    """
    left = []
    for one in stale:
        there = get_pull(repo, one.pull)
        if there is None or not is_retouch_pull(repo, there) or there.status != "open":
            left.append(f"#{one.pull} is not an open pull request of Retouch.")
        elif there.head.sha != one.head:
            left.append(f"#{one.pull} has new commits.")
        elif latest_status(repo, one.head) != ("pending", short_description(one.message)):
            set_status(repo, one.head, "pending", one.message)
    return tuple(left)
