"""The alerts on the base branch: which groups are due, and where their results go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.engine.project import Project
from retouch.execution.clean_checkout import added_files
from retouch.git import branches
from retouch.github.pulls import PullRequest, find_pull_request
from retouch.jobs.packages.overlap import Claim, claimed_by
from retouch.jobs.retrain.authorization import authorized
from retouch.jobs.retrain.branch_contents import (
    LEFT_ALONE,
    BaseBranch,
    BranchContents,
    Destination,
    claims_in,
    fetch_branch,
)
from retouch.jobs.retrain.branch_intake import IntakeResult, intake_all
from retouch.jobs.retrain.process_group import EDITED_MESSAGE, GroupTask, RetrainJob
from retouch.planning.model import Plan


@dataclass(frozen=True)
class BaseRetrain:
    """The retraining for alerts on the base branch."""

    job: RetrainJob
    base: BaseBranch
    pulls: tuple[PullRequest, ...]
    """Retouch's open ones."""
    claims: tuple[Claim, ...]
    intake: IntakeResult

    @classmethod
    def of(
        cls,
        base: BaseBranch,
        pulls: tuple[PullRequest, ...],
        contents: Mapping[int, BranchContents],
        job: RetrainJob,
    ) -> BaseRetrain:
        """Take in the alerts of the base branch; `contents`: of the open pull requests, by number.

        Raises InputError for a fault of the base branch.
        """
        recorded = {i: r for one in contents.values() for i, r in one.receipts.items()}
        with added_files(job.root, {}):
            trust, now = job.settings.trust, job.settings.clock()
            intake = intake_all(Project(job.root), None, recorded, trust, job.event, now)
        for fault in intake.others:
            job.log(fault)
        return cls(job, base, pulls, claims_in(contents), intake)

    def tasks(self) -> Iterator[GroupTask]:
        """Yield a task for each group that is due."""
        for group in self.intake.outcome.groups:
            if (task := self._task(group.alert_ids)) is not None:
                yield task

    def _task(self, group: tuple[str, ...]) -> GroupTask | None:
        """Return the task of a group; None where another branch has it, or a person stopped it."""
        ids = self._not_discarded(group)
        if not ids:
            return None
        job, branch = self.job, f"retouch/retrain/{ids[0]}"
        existing = next((one for one in self.pulls if one.head.ref == branch), None)
        held = existing is not None and bool(LEFT_ALONE.intersection(existing.labels))
        if held or claimed_by(ids, branch, self.claims):
            return None
        number, previous = existing.number if existing else None, fetch_branch(self.base, branch)
        if previous is not None:
            if previous.edited and not job.overwrites:
                job.log(f"{branch}: {EDITED_MESSAGE}")
                return None
            previous = authorized(previous, job.repo, number, job.login, job.root)
        head = previous.head if previous else None
        return GroupTask(
            alert_ids=ids,
            destination=Destination(branch, self.base.commit, head, number),
            commit_files=self.intake.receipts_of(ids),
            overlay={**self.intake.receipts, **(previous.overrides if previous else {})},
            previous=previous,
            claims=self.claims,
        )

    def _not_discarded(self, alert_ids: tuple[str, ...]) -> tuple[str, ...]:
        """Return the alerts of a group but those whose pull request a person closed."""
        left, job = alert_ids, self.job
        while left:
            closed = find_pull_request(job.repo, f"retouch/retrain/{left[0]}")
            if closed is None or closed.status != "closed" or job.on_request:
                return left
            job.log(f"#{closed.number} was closed, so its alerts are not retrained.")
            discarded = {left[0], *_alerts_of(closed, job.root)}
            left = tuple(alert_id for alert_id in left if alert_id not in discarded)
        return left


def _alerts_of(closed: PullRequest, root: Path) -> set[str]:
    """Return the alerts a closed pull request was about; GitHub keeps its commits."""
    head = branches.fetch(root, f"refs/pull/{closed.number}/head")
    if head is None:
        return set()
    paths = branches.paths_below(root, head, [f"reports/{closed.head.ref.rpartition('/')[2]}"])
    plans = branches.read_files(root, head, [p for p in paths if p.endswith("plan.json")])
    found: set[str] = set()
    for raw in plans.values():
        try:
            found |= {alert.alert_id for alert in Plan.model_validate_json(raw).alerts}
        except ValueError:
            continue
    return found
