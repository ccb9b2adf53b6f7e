"""Retrain for a pull request, for the base branch, or only plan for a fork; pack the result.

It happens in a checkout of the base branch. Of a pull request only alerts, their signatures and
recorded overrides are laid in, as data; its code, policies and params are never run and never
trusted. Nothing is written but packages: the publishing job decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from retouch.alerts.fingerprint import group_key
from retouch.alerts.identifiers import ULID
from retouch.alerts.parse import parse_alert
from retouch.engine.admission import Transport
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings
from retouch.engine.run import plan_alerts
from retouch.errors import CheckFailed, InputError
from retouch.execution.clean_checkout import added_files
from retouch.git import branches
from retouch.github.pulls import PullRequest, get_pull, is_from_own_branch
from retouch.jobs.packages.event import Event, PullRequestEvent
from retouch.jobs.packages.overlap import Claim
from retouch.jobs.retrain.authorization import authorized
from retouch.jobs.retrain.base_alerts import BaseRetrain
from retouch.jobs.retrain.branch_contents import (
    BaseBranch,
    BranchContents,
    Destination,
    checked_base,
    claims_in,
    fetch_branch,
    is_retouch_pull,
    read_branch,
    readable_pulls,
    retouch_pulls,
    retrain_branch,
)
from retouch.jobs.retrain.branch_intake import AlertSource, IntakeResult, intake_all
from retouch.jobs.retrain.process_group import (
    EDITED_MESSAGE,
    GroupTask,
    RetrainJob,
    pack,
    process_group,
)
from retouch.reporting.escape import inline
from retouch.reporting.report import render_report

_ID = re.compile(ULID)


def retrain_pull(number: int, job: RetrainJob) -> tuple[Path, ...]:
    """Retrain for the alerts of a pull request; return the folders of the packages.

    Raises InputError for an unknown pull request, and a checkout that is not of its base.
    """
    found = _pull(number, job)
    repo = job.repo
    if found.status != "open" or not is_from_own_branch(repo, found):
        how = found.status if is_from_own_branch(repo, found) else "of a fork, and only planned"
        job.log(f"#{number} is {how}.")
        return ()
    retrain = _PullRetrain.of(found, job)
    contents, destination = retrain.contents, retrain.destination
    if contents.faults:
        ids = tuple(filter(_ID.fullmatch, contents.alert_ids))
        return (pack(job.out, destination.proposal(ids, faults=contents.faults)),)
    if contents.edited and not job.overwrites:
        job.log(f"#{number}: {EDITED_MESSAGE}")
        return _edited(contents, destination, job)
    if not contents.subject_ids:
        job.log(f"#{number} adds no alert.")
        return ()
    return retrain.packages()


def pull_tasks(number: int, job: RetrainJob) -> tuple[GroupTask, ...]:
    """Return what `retrain_pull` would process: its groups of alerts that are due.

    Raises InputError and CheckFailed as `retrain_pull` does.
    """
    return _PullRetrain.of(_pull(number, job), job).tasks()


def base_tasks(base_branch: str, job: RetrainJob) -> tuple[GroupTask, ...]:
    """Return what `retrain_base` would process. Raises InputError as it does."""
    base = checked_base(job.root, base_branch)
    pulls = retouch_pulls(job.repo, base_branch)
    return tuple(BaseRetrain.of(base, pulls, readable_pulls(base, pulls), job).tasks())


def _pull(number: int, job: RetrainJob) -> PullRequest:
    found = get_pull(job.repo, number)
    if found is None:
        raise InputError(f"{job.repo.name}: there is no pull request {number}.")
    return found


def _edited(
    contents: BranchContents, destination: Destination, job: RetrainJob
) -> tuple[Path, ...]:
    """Pack only the alerts: the publishing job sees for itself who committed, and reports it."""
    if not contents.alerts:
        return ()
    proposal = destination.proposal(contents.alert_ids, message=EDITED_MESSAGE)
    return (pack(job.out, proposal, contents.alerts),)


def _destination(
    found: PullRequest, contents: BranchContents, base: BaseBranch, job: RetrainJob
) -> Destination:
    """Return where the result goes: the pull request's branch, if it is one of Retouch.

    The branch of a person is never written to; the result for their alert gets one of its own.
    """
    if is_retouch_pull(job.repo, found):
        return Destination(found.head.ref, base.commit, contents.head, found.number)
    if contents.faults or not contents.alert_ids:
        return Destination(f"retouch/alert/pull-{found.number}", base.commit)
    return retrain_branch(job.repo, contents.alert_ids[0], base)


@dataclass(frozen=True)
class _PullRetrain:
    """The retraining for one pull request."""

    job: RetrainJob
    base: BaseBranch
    found: PullRequest
    contents: BranchContents
    """Of its branch."""
    destination: Destination
    """Of the first group's result."""

    @classmethod
    def of(cls, found: PullRequest, job: RetrainJob) -> _PullRetrain:
        """Raises InputError for a checkout of another base, CheckFailed without its branch."""
        base = checked_base(job.root, found.base.ref)
        contents = fetch_branch(base, found.head.ref)
        if contents is None:
            message = f"{job.repo.name}#{found.number}: its branch was deleted."
            raise CheckFailed(message, hint="Close the pull request.")
        contents = authorized(contents, job.repo, found.number, job.login, job.root)
        return cls(job, base, found, contents, _destination(found, contents, base, job))

    def packages(self) -> tuple[Path, ...]:
        """Process its groups of alerts that are due; return the folders of the packages."""
        job, intake = self.job, self.intake
        if intake.faults:
            added = self.contents.alert_ids
            return (pack(job.out, self.destination.proposal(added, faults=intake.faults)),)
        tasks = self.tasks()
        if not tasks:
            return self._record_only(intake)
        written = [process_group(task, job) for task in tasks]
        return tuple(path for path in written if path is not None)

    def tasks(self) -> tuple[GroupTask, ...]:
        """Return a task for each group of alerts that is due; none where the intake has faults."""
        intake = self.intake
        groups = [] if intake.faults else self._groups(intake)
        if not groups:
            return ()
        grouped = {alert_id for group in groups for alert_id in group}
        alone = tuple(one for one in self.contents.alert_ids if one not in grouped)
        first = self._task(groups[0], alone, self.destination, self.previous, intake)
        return (first, *(self._further_task(ids, intake) for ids in groups[1:]))

    @cached_property
    def previous(self) -> BranchContents:
        """What the destination has of an earlier retraining."""
        destination = self.destination
        if destination.branch == self.contents.branch or destination.head is None:
            return self.contents
        previous = read_branch(self.base, destination.branch, destination.head)
        return self._authorized(previous, destination)

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """Those of all other open pull requests."""
        pulls = retouch_pulls(self.job.repo, self.found.base.ref)
        others = [one for one in pulls if one.number != self.found.number]
        return claims_in(readable_pulls(self.base, others))

    def _authorized(self, contents: BranchContents, destination: Destination) -> BranchContents:
        job = self.job
        return authorized(contents, job.repo, destination.pull, job.login, job.root)

    @cached_property
    def intake(self) -> IntakeResult:
        """What its alerts are, with what is on the base branch."""
        job, contents = self.job, self.contents
        source = AlertSource(contents.head, frozenset(contents.alert_ids), self._sender())
        receipts = self.previous.receipts
        with added_files(job.root, contents.overlay):
            trust, now = job.settings.trust, job.settings.clock()
            return intake_all(Project(job.root), source, receipts, trust, job.event, now)

    def _sender(self) -> str:
        """Return the sender of its alerts: whoever pushed them, or the author."""
        match self.job.event:
            case PullRequestEvent(
                action="opened" | "synchronize" | "reopened", number=number, sender=sender
            ) if number == self.found.number:
                return sender
        return self.found.author

    def _groups(self, intake: IntakeResult) -> list[tuple[str, ...]]:
        """Return the due groups with one of its alerts; a request by a person need not wait."""
        wanted = set(self.contents.subject_ids)
        due = [group.alert_ids for group in intake.outcome.groups]
        found = [ids for ids in due if not wanted.isdisjoint(ids)]
        return found or ([tuple(sorted(wanted))] if self.job.on_request else [])

    def _record_only(self, intake: IntakeResult) -> tuple[Path, ...]:
        """Pack the receipts of alerts that are not due, unless the branch has them."""
        job, previous, ids = self.job, self.previous, self.contents.subject_ids
        receipts = intake.receipts_of(ids)
        present = branches.read_files(job.root, previous.head, list(receipts))
        if present == receipts and previous.published and not previous.documents:
            job.log(f"{self.destination.branch}: nothing new.")
            return ()
        proposal = self.destination.proposal(ids, message=intake.reason_for(ids))
        return (pack(job.out, proposal, {**self.contents.files_of(ids), **receipts}),)

    def _further_task(self, ids: tuple[str, ...], intake: IntakeResult) -> GroupTask:
        """Return the task of another group, on a branch of its own: one branch, one result."""
        destination = retrain_branch(self.job.repo, ids[0], self.base)
        previous = fetch_branch(self.base, destination.branch)
        if previous is None:
            return self._task(ids, (), destination, self.contents, intake)
        return self._task(ids, (), destination, self._authorized(previous, destination), intake)

    def _task(
        self,
        ids: tuple[str, ...],
        alone: tuple[str, ...],
        destination: Destination,
        previous: BranchContents,
        intake: IntakeResult,
    ) -> GroupTask:
        recorded = (*ids, *alone)
        return GroupTask(
            alert_ids=ids,
            destination=destination,
            commit_files={**self.contents.files_of(recorded), **intake.receipts_of(recorded)},
            overlay={**self.contents.overlay, **previous.overrides, **intake.receipts},
            previous=previous if previous.branch == destination.branch else None,
            record_only=alone,
            claims=self.claims,
        )


def retrain_base(base_branch: str, job: RetrainJob) -> tuple[Path, ...]:
    """Retrain for the groups of alerts on the base branch that are due; return the packages.

    Raises InputError for a checkout that is not of the base branch.
    """
    tasks = base_tasks(base_branch, job)
    return tuple(path for task in tasks if (path := process_group(task, job)) is not None)


def fork_plans(
    root: Path, number: int, base_branch: str, event: Event, trust: TrustSettings, now: datetime
) -> str:
    """Return the plans for a pull request's alerts as Markdown; a fork's too.

    Raises InputError for an unknown one. Faults of its files are part of the text.
    """
    base = checked_base(root, base_branch)
    head = branches.fetch(root, f"refs/pull/{number}/head")
    if head is None:
        raise InputError(f"origin has no pull request {number}.")
    contents = read_branch(base, f"pull/{number}", head)
    if contents.faults:
        return "".join(f"- {inline(fault)}\n" for fault in contents.faults)
    if not contents.alerts:
        return f"Pull request {number} adds no alert.\n"
    sender = event.sender if isinstance(event, PullRequestEvent) else None
    trust = replace(trust, transport=Transport("commit", sender, head, trust.transport.run_id))
    return "\n".join(_plans(root, contents, trust, now))


def _plans(root: Path, contents: BranchContents, trust: TrustSettings, now: datetime) -> list[str]:
    """Return a text for each group of alerts about one model and data set."""
    groups: dict[str, list[str]] = {}
    for path, raw in contents.alerts.items():
        if path.endswith(".json"):
            groups.setdefault(group_key(parse_alert(raw, path)), []).append(path)
    texts = []
    with added_files(root, contents.overlay):
        for paths in groups.values():
            try:
                names = [root / path for path in paths]
                plan = plan_alerts(Project(root), names, now, jobs=1, trust=trust)
                texts.append(render_report(plan, None, None, figures={}))
            except InputError as error:
                texts.append(f"- {inline(str(error))}\n")
    return texts
