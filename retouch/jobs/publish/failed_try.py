"""A retraining that ended without a result is one: say so, try again a few times, then hold.

A job may run out of memory or time, lose its runner, or be cancelled. On a pull request the tries
are counted by their commit statuses (`packages.tries`); for the base branch's alerts in one issue.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from retouch.documents import digest_of
from retouch.github import issues
from retouch.github.actions import Job, jobs_of_run, log_of_job
from retouch.github.issues import Issue
from retouch.github.pulls import PullRequest, get_pull
from retouch.github.records import statuses_of
from retouch.github.repository import Repository
from retouch.jobs.packages.tries import (
    MOST_TRIES,
    FailedBaseTries,
    Tries,
    again_at,
    failed_again,
    tries_in,
)
from retouch.jobs.publish.pull_request import Site, set_labels, set_verdict_status
from retouch.jobs.retrain.authorization import CommentAuthority, is_final
from retouch.jobs.retrain.branch_contents import is_retouch_pull
from retouch.jobs.retrain.targets import JobResult, RetrainTarget
from retouch.reporting.escape import Markdown
from retouch.reporting.failed_try import (
    BASE_LABEL,
    BASE_MARKER,
    FAILED_MARKER,
    FailedTry,
    read_base_record,
    resolved_comment,
    resolved_issue,
)
from retouch.reporting.pull_request import HOLD
from retouch.storage import documents

_WHY: dict[JobResult, str] = {
    "failure": "the job failed, or its machine was lost",
    "cancelled": "the job was cancelled, or exceeded its time limit",
    "skipped": "the job did not run",
    "success": "the job ended without a package",
}
_RESUME = Markdown("Remove the cause, then comment `/retrain`, or remove the label `hold`.")
_RESUME_BY_HAND = Markdown("Remove the cause, then start the workflow `alert` by hand with `pull`")
_RESUME_BASE = Markdown(
    "Remove the cause, then close this issue, or start the scheduled workflow by hand."
)
_BASE_TITLE = "Retraining for the alerts on the base branch fails"


@dataclass(frozen=True)
class DeadJob:
    """How the retraining job of a target ended."""

    target: RetrainTarget
    result: JobResult

    @property
    def name(self) -> str:
        """How the job's name ends."""
        return f"retrain {self.target.pull or 'main'}"


def report_failed_try(dead: DeadJob, site: Site, root: Path, now: datetime | None = None) -> str:
    """Report that nothing came of a target, where it concerns people; return one sentence.

    `root`: a checkout of the base branch. Reported twice, it is written once.
    """
    now = now or datetime.now(UTC)
    if dead.target.pull is None:
        return _report_base(dead, site, root, now)
    pull = get_pull(site.repo, dead.target.pull)
    if pull is None or pull.status != "open":
        return f"#{dead.target.pull} is no longer open."
    if not is_retouch_pull(site.repo, pull):
        return _report_on_other(dead, pull, site)
    head = pull.head.sha
    if CommentAuthority(site.repo, pull.number).result_commit(site.login) == head and is_final(
        site.repo, head
    ):
        return f"#{pull.number}: the retraining job died, but the result is there."
    tries = tries_in(statuses_of(site.repo, head))
    if tries.failed and tries.count:
        return f"#{pull.number}: the failed try is reported already."
    return report_try(dead, pull, tries, site, now)


def report_try(dead: DeadJob, pull: PullRequest, tries: Tries, site: Site, now: datetime) -> str:
    """Report a failed try on a pull request of Retouch: comment, label, and last the status."""
    count = max(tries.count, 1)
    again = again_at(Tries(count, failed=True, since=now))
    failed = _failed(dead, site, count, again)
    set_failed_comment(site, pull.number, failed.comment(_RESUME))
    if again is None:
        set_labels(site, pull, tuple(sorted({*pull.labels, HOLD})))
    set_verdict_status(site, pull.head.sha, "failure", failed.status)
    return f"#{pull.number}: {failed.status}."


def hold_after_failures(number: int, site: Site) -> str | None:
    """Hold a pull request whose packages could not be published too often; None otherwise.

    Why they could not, is reported there by whoever tried.
    """
    pull = get_pull(site.repo, number)
    if pull is None or pull.status != "open" or not is_retouch_pull(site.repo, pull):
        return None
    if HOLD in pull.labels or tries_in(statuses_of(site.repo, pull.head.sha)).count < MOST_TRIES:
        return None
    set_labels(site, pull, tuple(sorted({*pull.labels, HOLD})))
    return f"#{number}: tried {MOST_TRIES} times; on hold: /retrain continues."


def resolve_failed_tries(site: Site, number: int) -> None:
    """Say in the comment about failed tries, if there is one, that a later one has a result."""
    there = _our_comment(site, number)
    if there is not None and there.body.split() != resolved_comment().split():
        issues.edit_comment(site.repo, there.id, resolved_comment())


def _report_on_other(dead: DeadJob, pull: PullRequest, site: Site) -> str:
    """Report on a person's pull request: no status, which would stand in the way of a merge."""
    failed = _failed(dead, site, 1, None)
    resume = Markdown(f"{_RESUME_BY_HAND} {pull.number}.")
    set_failed_comment(site, pull.number, failed.comment(resume))
    return f"#{pull.number}: {failed.status}."


def _failed(dead: DeadJob, site: Site, count: int, again: datetime | None) -> FailedTry:
    return FailedTry(
        why=_WHY[dead.result],
        count=count,
        most=MOST_TRIES,
        again_at=again,
        run_url=site.run_url,
        log=_log(dead, site),
    )


def _log(dead: DeadJob, site: Site) -> str | None:
    """Return the end of the job's log; None where it cannot be had."""
    jobs = jobs_of_run(site.repo, site.run_url) if site.run_url else None
    job = next((job for job in jobs or () if _is_of(job, dead)), None)
    return log_of_job(site.repo, job.id) if job else None


def _is_of(job: Job, dead: DeadJob) -> bool:
    return f" / {job.name}".endswith(f" / {dead.name}") and job.conclusion != "success"


def _our_comment(site: Site, number: int) -> issues.Comment | None:
    found = issues.list_comments(site.repo, number)
    return next(
        (c for c in found if c.author == site.login and c.body.startswith(FAILED_MARKER)), None
    )


def set_failed_comment(site: Site, number: int, text: str) -> None:
    """Keep one comment about failed tries, changed in place."""
    there = _our_comment(site, number)
    if there is None:
        issues.add_comment(site.repo, number, text, marker=FAILED_MARKER, author=site.login)
    elif there.body.split() != text.split():
        issues.edit_comment(site.repo, there.id, text)


def _report_base(dead: DeadJob, site: Site, root: Path, now: datetime) -> str:
    there, earlier = base_tries(site.repo)
    subject = base_subject(root)
    record = failed_again(earlier, subject, site.run_url or "unknown", now)
    if record == earlier:
        return "The failed try is reported already."
    tries = Tries(record.count, failed=True, since=record.at)
    failed = _failed(dead, site, record.count, again_at(tries))
    body = failed.issue(_RESUME_BASE, record.model_dump_json())
    if there is None:
        issues.open_issue(site.repo, _BASE_TITLE, body, [BASE_LABEL], marker=BASE_MARKER)
    else:
        issues.edit_issue(site.repo, there.number, body=body, state="open")
    return f"The alerts on the base branch: {failed.status}."


def resolve_base_tries(site: Site) -> None:
    """Close the issue about failed tries for the base branch's alerts, if it is open."""
    there, _ = base_tries(site.repo)
    if there is not None and there.state == "open":
        issues.edit_issue(site.repo, there.number, body=resolved_issue(), state="closed")


def base_tries(repo: Repository) -> tuple[Issue | None, FailedBaseTries | None]:
    """Return the issue about failed tries for the base branch's alerts, and what it records.

    A closed one records nothing: whoever closes it starts anew.
    """
    there = issues.find_issue(repo, BASE_MARKER, BASE_LABEL)
    record = read_base_record(there.body) if there is not None and there.state == "open" else None
    try:
        return there, FailedBaseTries.model_validate(record) if record is not None else None
    except ValidationError:
        return there, None


def base_subject(root: Path) -> str:
    """Return what identifies the alerts of the base branch that have no receipt."""
    alerts = {path.stem for path in documents.alert_files(root)}
    received = documents.receipt_files(root, sorted(alerts))
    return digest_of(sorted(i for i in alerts if documents.receipt_path(i) not in received))
