"""Receive an event: store an alert that was sent, list what to retrain, withdraw stale verdicts.

This job may write, so it runs no code of the repository. It reads alerts, policies and the
pipeline as data, and plans.
"""

from __future__ import annotations

from retouch.alerts.envelope import unseal_alert
from retouch.documents import Value
from retouch.engine.submit_alerts import open_for
from retouch.errors import InputError, RetouchError
from retouch.github.pulls import (
    PullRequest,
    changed_files,
    find_pull_request,
    get_pull,
    is_from_own_branch,
)
from retouch.github.records import latest_status, set_status, short_description
from retouch.github.repository import Repository
from retouch.jobs.packages.event import (
    DispatchEvent,
    PullRequestEvent,
    PushEvent,
    RetrainRequest,
)
from retouch.jobs.retrain.authorization import CommentAuthority, is_final
from retouch.jobs.retrain.branch_contents import LEFT_ALONE, is_retouch_pull
from retouch.jobs.retrain.compare import Comparison, PullStatus
from retouch.jobs.retrain.process_group import RetrainJob
from retouch.jobs.retrain.targets import MOST_TARGETS, RetrainTarget, targeted
from retouch.reporting.pull_request import alert_branch

RETRAINING = "retraining"


class ReceiveResult(Value):
    """The result of an event."""

    any: bool
    targets: tuple[RetrainTarget, ...] = ()
    message: tuple[str, ...] = ()
    """Sentences for the log."""


def receive(base_branch: str, job: RetrainJob) -> ReceiveResult:
    """Return what to retrain after an event; an alert that was sent is delivered first.

    `job.root` is a checkout of the base branch. Results that no longer fit it are marked as such.

    Raises InputError for an event without an alert, and CheckFailed when GitHub fails.
    """
    repo = job.repo
    match job.event:
        case DispatchEvent() as event:
            return _deliver(event, job)
        case PullRequestEvent(action="closed") as event:
            return _after_closing(event, base_branch, job)
        case PullRequestEvent() as event:
            return _of_pull(event, job)
        case PushEvent(branch=branch) if branch != base_branch:
            return _nothing("The push was not to the default branch.")
        case RetrainRequest(pull=int(number)):
            return _requested(number, repo)
        case RetrainRequest():
            return _compared(base_branch, job, None)
        case _:
            return _compared(base_branch, job)


def _deliver(event: DispatchEvent, job: RetrainJob) -> ReceiveResult:
    repo = job.repo
    alert, envelope = unseal_alert(event.payload, "client_payload")
    outcome = open_for(envelope.alert, envelope.signature, repo, f"alerts/{alert.alert_id}.json")
    if outcome.outcome == "on_base":
        return _base_branch(outcome.message)
    there = find_pull_request(repo, alert_branch(alert.alert_id))
    if there is None or there.status != "open":
        return ReceiveResult(any=False, message=(f"{outcome.file}: {outcome.message}",))
    return _target(there, job, outcome.message)


def _of_pull(event: PullRequestEvent, job: RetrainJob) -> ReceiveResult:
    repo = job.repo
    if event.action not in ("opened", "synchronize", "reopened"):
        return _nothing(f"#{event.number} was {event.action.replace('_', ' ')}.")
    if event.fork:
        return _nothing(f"#{event.number} is from a fork, so it is only planned.")
    there = get_pull(repo, event.number)
    if there is None or there.status != "open":
        return _nothing(f"#{event.number} is no longer open.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{event.number} adds no alert.")
    return _target(there, job)


def _after_closing(event: PullRequestEvent, base_branch: str, job: RetrainJob) -> ReceiveResult:
    there = get_pull(job.repo, event.number)
    if event.fork or there is None or not is_retouch_pull(job.repo, there):
        return _nothing(f"#{event.number} is not of Retouch.")
    if there.status != "closed":  # the merge is a push as well
        return _nothing(f"#{event.number} is {there.status}.")
    return _compared(base_branch, job)


def _requested(number: int, repo: Repository) -> ReceiveResult:
    there = get_pull(repo, number)
    if there is None:
        raise InputError(f"{repo.name}: there is no pull request {number}.")
    if there.status != "open" or not is_from_own_branch(repo, there):
        how = there.status if is_from_own_branch(repo, there) else "of a fork"
        return _nothing(f"#{number} is {how}.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{number} adds no alert.")
    _mark(there, repo)
    return ReceiveResult(any=True, targets=targeted([number]))


def _compared(base_branch: str, job: RetrainJob, *asked: int | None) -> ReceiveResult:
    """Return what no longer fits the base branch, what may go on, and what was never finished.

    `asked`: targets a person asks for.
    """
    comparison = Comparison.of(base_branch, job)
    targets: list[int | None] = [*asked]
    if None not in targets and _base_is_due(comparison, job):
        targets.append(None)
    message = []
    for status in comparison.statuses():
        message.append(f"#{status.pull}: {status.message}")
        if _is_due(status, job.repo):
            stale = status.state == "stale"
            _set_pending(job.repo, status.head, status.message if stale else RETRAINING)
            targets.append(status.pull)
    left = len(targets) - MOST_TARGETS
    if left > 0:
        message.append(f"{left} more wait for the next run.")
    return ReceiveResult(any=bool(targets), targets=targeted(targets), message=tuple(message))


def _base_is_due(comparison: Comparison, job: RetrainJob) -> bool:
    try:
        return comparison.base_is_due()
    except RetouchError as error:  # its retraining fails as well, and is reported
        job.log(str(error))
        return True


def _is_due(status: PullStatus, repo: Repository) -> bool:
    """Tell whether a pull request needs a retraining, or only to hear what one finds."""
    if status.state in ("stale", "due"):
        return True
    return status.reports and not is_final(repo, status.head)


def _target(there: PullRequest, job: RetrainJob, *message: str) -> ReceiveResult:
    """Return a pull request as target, marked pending, unless it has its result or is held."""
    if CommentAuthority(job.repo, there.number).result_commit(job.login) == there.head.sha:
        return _nothing(*message, f"#{there.number}: its newest commit is a retraining's.")
    if LEFT_ALONE.intersection(there.labels):
        return _nothing(*message, f"#{there.number} is on hold.")
    _mark(there, job.repo)
    return ReceiveResult(any=True, targets=targeted([there.number]), message=message)


def _mark(there: PullRequest, repo: Repository) -> None:
    """Mark a pull request of Retouch as pending: on others no result would follow."""
    if is_retouch_pull(repo, there):
        _set_pending(repo, there.head.sha, RETRAINING)


def _set_pending(repo: Repository, commit: str, message: str) -> None:
    if latest_status(repo, commit) != ("pending", short_description(message)):
        set_status(repo, commit, "pending", message)


def _brings_alerts(there: PullRequest, repo: Repository) -> bool:
    return is_retouch_pull(repo, there) or any(
        path.startswith("alerts/") for path in changed_files(repo, there.number)
    )


def _base_branch(*message: str) -> ReceiveResult:
    return ReceiveResult(any=True, targets=targeted([None]), message=message)


def _nothing(*message: str) -> ReceiveResult:
    return ReceiveResult(any=False, message=message)
