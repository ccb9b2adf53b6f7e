"""Compare the base branch's alerts and every open pull request of Retouch with the base branch.

Which results no longer fit, which are missing, which may go on? It plans, and runs no stage and no
code of the repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from retouch.documents import Value
from retouch.engine.project import Project
from retouch.errors import InputError, RetouchError
from retouch.execution.clean_checkout import added_files
from retouch.github.pulls import PullRequest
from retouch.jobs.packages.overlap import Claim, certain, waits_for
from retouch.jobs.packages.tries import STALE
from retouch.jobs.retrain.authorization import authorized
from retouch.jobs.retrain.base_alerts import BaseRetrain
from retouch.jobs.retrain.branch_contents import (
    LEFT_ALONE,
    BaseBranch,
    BranchContents,
    Destination,
    checked_base,
    claims_in,
    fetch_branch,
    retouch_pulls,
)
from retouch.jobs.retrain.branch_intake import AlertSource, IntakeResult, intake_all
from retouch.jobs.retrain.process_group import (
    GroupTask,
    RetrainJob,
    is_settled,
    plan_of,
    with_approval,
)
from retouch.planning.model import Plan

PullState = Literal["fresh", "stale", "due", "waiting", "edited", "held", "faulty"]
MOST_STAGES = 4


class PullStatus(Value):
    """The state of one pull request against the base branch."""

    pull: int
    state: PullState
    message: str
    head: str
    """The commit of its branch that was compared."""
    reports: bool = False
    """A retraining would at least report this state on the pull request."""


@dataclass(frozen=True)
class Comparison:
    """The base branch and all open pull requests of Retouch onto it, compared."""

    base: BaseBranch
    pulls: tuple[PullRequest, ...]
    job: RetrainJob

    @classmethod
    def of(cls, base_branch: str, job: RetrainJob) -> Comparison:
        """Raises InputError for a checkout that is not of the base branch."""
        base = checked_base(job.root, base_branch)
        return cls(base, retouch_pulls(job.repo, base_branch), job)

    def statuses(self) -> tuple[PullStatus, ...]:
        """Return the state of each pull request."""
        return tuple(map(self._status_of, self.pulls))

    def base_is_due(self) -> bool:
        """Tell whether a group of alerts on the base branch is to be planned or run now.

        Raises InputError for a fault of the base branch.
        """
        retrain = BaseRetrain.of(self.base, self.pulls, self._contents, self.job)
        return any(not self._is_done(task) for task in retrain.tasks())

    def _is_done(self, task: GroupTask) -> bool:
        with added_files(self.job.root, task.overlay):
            try:
                project = Project(self.job.root)
                fresh = plan_of(project, task.alert_ids, with_approval(task, self.job))
            except RetouchError:
                return False
        runs = certain(fresh) if fresh.action == "retrain" else frozenset()
        waits = waits_for(runs, task.destination.branch, task.claims)
        return is_settled(task, fresh, waits=bool(waits))

    @cached_property
    def _read(self) -> tuple[dict[int, BranchContents], dict[int, str]]:
        contents: dict[int, BranchContents] = {}
        unreadable: dict[int, str] = {}
        for one in self.pulls:
            try:
                found = fetch_branch(self.base, one.head.ref)
                if found is not None:
                    contents[one.number] = authorized(
                        found, self.job.repo, one.number, self.job.login, self.job.root
                    )
            except InputError as error:
                unreadable[one.number] = str(error)
        return contents, unreadable

    @property
    def _contents(self) -> dict[int, BranchContents]:
        return self._read[0]

    def _status_of(self, pull: PullRequest) -> PullStatus:
        if pull.number not in self._contents:
            message = self._read[1].get(pull.number, "Its branch was deleted.")
            return PullStatus(pull=pull.number, state="faulty", message=message, head=pull.head.sha)
        claims = claims_in(self._contents)
        return _PullComparison(
            pull, self._contents[pull.number], self.base, claims, self.job
        ).status()


@dataclass(frozen=True)
class _PullComparison:
    """One pull request, compared with the base branch."""

    pull: PullRequest
    contents: BranchContents
    base: BaseBranch
    claims: tuple[Claim, ...]
    """Of all open pull requests."""
    job: RetrainJob

    def status(self) -> PullStatus:
        """Return its state and the reason; of a stale one, the text of its commit status."""
        if LEFT_ALONE.intersection(self.pull.labels):
            return self._status("held", "A person holds it.")
        if self.contents.faults:
            return self._status("faulty", self.contents.faults[0])
        if self.contents.edited:
            return self._status("edited", "A person committed to its branch.")
        try:
            fresh, ids = self._plan_now()
        except RetouchError as error:
            return self._status("faulty", error.message)
        if fresh is None and not self.contents.plans:
            if not self.contents.published:  # else each look would take its alerts for new
                return self._status("due", "Its alerts are not recorded yet.")
            return self._status("fresh", "Its alerts are not due.")
        if fresh is None:
            return self._status("stale", f"{STALE}: its alerts are no longer due")
        waits = self._waits(fresh)
        ran = bool(self.contents.runs)
        if is_settled(self._task(ids), fresh, waits=bool(waits)):
            if waits and not ran:
                return self._status("waiting", f"It waits for #{waits[0]}.")
            return self._status("fresh", "Unchanged.")
        if ran:
            return self._status("stale", _stale_message(fresh))
        return self._status("due", "It need not wait any longer.")

    def _status(self, state: PullState, message: str) -> PullStatus:
        told = bool(self.contents.faults) if state == "faulty" else bool(self.contents.alerts)
        return PullStatus(
            pull=self.pull.number,
            state=state,
            message=message,
            head=self.contents.head,
            reports=told and state in ("faulty", "edited"),
        )

    def _waits(self, fresh: Plan) -> tuple[int, ...]:
        others = tuple(claim for claim in self.claims if claim.pull != self.pull.number)
        runs = certain(fresh) if fresh.action == "retrain" else frozenset()
        return waits_for(runs, self.contents.branch, others)

    def _task(self, ids: tuple[str, ...]) -> GroupTask:
        contents = self.contents
        destination = Destination(
            contents.branch, self.base.commit, contents.head, self.pull.number
        )
        return GroupTask(ids, destination, previous=contents)

    def _plan_now(self) -> tuple[Plan | None, tuple[str, ...]]:
        """Return the plan as it would be made now, and its alerts; None when none is due."""
        contents, job = self.contents, self.job
        wanted = set(contents.subject_ids)
        with added_files(job.root, contents.overlay):
            project = Project(job.root)
            intake = self._intake(project)
            due = [group.alert_ids for group in intake.outcome.groups]
            ids = next((ids for ids in due if wanted.intersection(ids)), None)
            if ids is None:
                return None, ()
            return plan_of(project, ids, with_approval(self._task(ids), job)), ids

    def _intake(self, project: Project) -> IntakeResult:
        contents, job = self.contents, self.job
        source = AlertSource(contents.head, frozenset(contents.alert_ids), self.pull.author)
        trust, now = job.settings.trust, job.settings.clock()
        return intake_all(project, source, contents.receipts, trust, job.event, now)


def _stale_message(fresh: Plan) -> str:
    """Return the text of a commit status: which stages will run again."""
    names = fresh.tiers[0].named("run") if fresh.tiers else ()
    if not names:
        return STALE
    shown = ", ".join(f"`{name}`" for name in names[:MOST_STAGES])
    more = f" and {len(names) - MOST_STAGES} more" if len(names) > MOST_STAGES else ""
    return f"{STALE}: {shown}{more} will run again"
