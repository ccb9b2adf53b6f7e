"""Receive an event: store an alert that was sent, list what to retrain, withdraw stale verdicts.

This job may write, so it runs no code of the repository. It reads alerts, policies and the
pipeline as data, and plans.
"""

from __future__ import annotations

from retouch.alerts.envelope import unseal_alert
from retouch.documents import Value
from retouch.engine.submit_alerts import open_for
from retouch.errors import InputError, RetouchError
from retouch.github.actions import is_running
from retouch.github.pulls import (
    PullRequest,
    changed_files,
    find_pull_request,
    get_pull,
    is_from_own_branch,
)
from retouch.github.records import latest_status, set_status, short_description, statuses_of
from retouch.github.repository import Repository
from retouch.jobs.packages.event import (
    DispatchEvent,
    PullRequestEvent,
    PushEvent,
    RetrainRequest,
)
from retouch.jobs.packages.tries import (
    AS_ASKED,
    RETRAINING,
    Tries,
    again_at,
    next_try,
    tries_in,
)
from retouch.jobs.publish.failed_try import DeadJob, base_subject, base_tries, report_try
from retouch.jobs.publish.pull_request import Site
from retouch.jobs.retrain.authorization import CommentAuthority, is_final
from retouch.jobs.retrain.branch_contents import LEFT_ALONE, is_retouch_pull
from retouch.jobs.retrain.compare import Comparison, PullStatus
from retouch.jobs.retrain.process_group import RetrainJob
from retouch.jobs.retrain.runners import with_runner
from retouch.jobs.retrain.targets import MOST_TARGETS, RetrainTarget, targeted
from retouch.reporting.pull_request import alert_branch


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
    found = _received(base_branch, job)
    targets = tuple(with_runner(target, base_branch, job) for target in found.targets)
    return found.model_copy(update={"targets": targets})


def _received(base_branch: str, job: RetrainJob) -> ReceiveResult:
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
            return _requested(number, job)
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


def _requested(number: int, job: RetrainJob) -> ReceiveResult:
    repo = job.repo
    there = get_pull(repo, number)
    if there is None:
        raise InputError(f"{repo.name}: there is no pull request {number}.")
    if there.status != "open" or not is_from_own_branch(repo, there):
        how = there.status if is_from_own_branch(repo, there) else "of a fork"
        return _nothing(f"#{number} is {how}.")
    if not _brings_alerts(there, repo):
        return _nothing(f"#{number} adds no alert.")
    if is_retouch_pull(repo, there):
        _set_pending(job, there.head.sha, AS_ASKED)
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
    for pull, status in zip(comparison.pulls, comparison.statuses(), strict=True):
        message.append(f"#{status.pull}: {status.message}")
        if _is_due(status, job.repo):
            waits = _begin(pull, status, job)
            if waits is None:
                targets.append(status.pull)
            else:
                message.append(f"#{status.pull}: {waits}")
    left = len(targets) - MOST_TARGETS
    if left > 0:
        message.append(f"{left} more wait for the next run.")
    return ReceiveResult(any=bool(targets), targets=targeted(targets), message=tuple(message))


def _base_is_due(comparison: Comparison, job: RetrainJob) -> bool:
    try:
        if not comparison.base_is_due():
            return False
    except RetouchError as error:  # its retraining fails as well, and is reported
        job.log(str(error))
    issue, record = base_tries(job.repo)
    if issue is None or record is None or record.subject != base_subject(job.root):
        return True
    when = record.next(job.settings.clock())
    if when != "now":
        job.log(f"The alerts on the base branch: see issue {issue.number}.")
    return when == "now"


def _begin(pull: PullRequest, status: PullStatus, job: RetrainJob) -> str | None:
    """Mark a pull request as being retrained; return why it is not, None when it is.

    After too many tries of which nothing came it is held for a person.
    """
    repo, now = job.repo, job.settings.clock()
    tries = tries_in(statuses_of(repo, status.head))
    running = False if tries.failed or _is_ours(tries, job) else is_running(repo, tries.run)
    match next_try(tries, now, running=running):
        case "running":
            return "an earlier run is at work on it."
        case "later":
            return f"the last try failed; again after {again_at(tries):%Y-%m-%d %H:%M} UTC."
        case "hold":
            dead = DeadJob(RetrainTarget(pull=pull.number), "success")
            return report_try(dead, pull, tries, Site(repo, job.login, run_url=tries.run), now)
    text = status.message if status.state == "stale" else RETRAINING
    _set_pending(job, status.head, text)
    return None


def _is_ours(tries: Tries, job: RetrainJob) -> bool:
    return job.run_url is not None and tries.run == job.run_url


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
    _mark(there, job)
    return ReceiveResult(any=True, targets=targeted([there.number]), message=message)


def _mark(there: PullRequest, job: RetrainJob) -> None:
    """Mark a pull request of Retouch as pending: on others no result would follow."""
    if not is_retouch_pull(job.repo, there):
        return
    if latest_status(job.repo, there.head.sha) != ("pending", RETRAINING):
        _set_pending(job, there.head.sha, RETRAINING)


def _set_pending(job: RetrainJob, commit: str, message: str) -> None:
    """Set the status by which a try begins; once for each run, as tries are counted by it."""
    last = next(statuses_of(job.repo, commit), None)
    wanted = ("pending", short_description(message), job.run_url)
    if last is None or (last.state, last.description, last.target_url) != wanted:
        set_status(job.repo, commit, "pending", message, job.run_url)


def _brings_alerts(there: PullRequest, repo: Repository) -> bool:
    return is_retouch_pull(repo, there) or any(
        path.startswith("alerts/") for path in changed_files(repo, there.number)
    )


def _base_branch(*message: str) -> ReceiveResult:
    return ReceiveResult(any=True, targets=targeted([None]), message=message)


def _nothing(*message: str) -> ReceiveResult:
    return ReceiveResult(any=False, message=message)
