"""Restore an earlier version in production, and revert the bad one on the base branch.

    the bad version and its replacement -> one removed from prod, the other assigned
        -> revert pull request -> issue -> deployment records

Nothing is scored or pulled. Each step finds what an earlier call left, so the next call finishes an
interrupted one. A rollback is only rolled back with `--to`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.github.repository import Repository
from retouch.jobs.release.assignments import load_registry, move_version
from retouch.jobs.release.revert import contains_commit, versions_between
from retouch.jobs.release.steps import (
    Announcement,
    CompletedStep,
    StepsResult,
    open_revert_of,
    record_deployment,
    run_steps,
)
from retouch.registry.registry import CANARY, PROD, ModelRegistry, StageEvent
from retouch.registry.rollback_plan import RollbackPlan, plan_rollback
from retouch.reporting.escape import plain
from retouch.reporting.release import REASON_LIMIT, RolledBackVersion, version_rolled_back


@dataclass(frozen=True)
class RollbackRequest:
    """Which version to restore, and why."""

    to: str | None = None
    """A version; None: the one before."""
    reason: str = ""


def rollback(
    project: Project,
    request: RollbackRequest,
    *,
    push: bool,
    repo: Repository | None,
    at: datetime,
) -> StepsResult:
    """Roll production back. `repo`: None to leave GitHub alone.

    A failure after the tags were written is in the result, with exit code 1; the next call
    continues.
    Raises InputError for an impossible request, CheckFailed when the tags cannot be written.
    """
    registry = load_registry(project, push=push)
    found = plan_rollback(registry, request.to)
    reason = found.reason or plain(request.reason, REASON_LIMIT) or "No reason given."
    steps = _RollbackSteps(project, found, reason, push, at)
    done = steps.restore()
    outcome = run_steps(
        f"Production is {found.target.name}; it was {found.bad.name}.",
        done,
        steps.on_github(repo) if repo is not None else (),
    )
    if request.to is None and outcome.failed is None and not any(s.new for s in outcome.steps):
        raise InputError(
            f"Production is {found.target.name} since {found.bad.name} was rolled back, and a"
            " rollback is only rolled back on request.",
            hint="Name the version: `retouch rollback --to VERSION`.",
        )
    return outcome


@dataclass(frozen=True)
class _RollbackSteps:
    """The steps of one rollback."""

    project: Project
    found: RollbackPlan
    reason: str
    push: bool
    at: datetime

    @cached_property
    def forward(self) -> bool:
        """Whether it restores a newer version, which undoes a rollback: nothing is bad then."""
        return contains_commit(self.project, self.found.target.commit, self.found.bad.commit)

    def restore(self) -> list[CompletedStep]:
        """Write the missing tags; the removal comes first.

        Readers that only look at the newest tag then find the restored version.
        """
        bad, target, done = self.found.bad, self.found.target, []
        why = {"reason": self.reason}
        if self.found.taken_out is None:
            details = {**why, "model": bad.hash, "rolled_back": not self.forward, "to": target.name}
            tag = move_version(self.project, "unassign", bad, PROD, details, push=self.push)
            done.append(CompletedStep(message=f"{bad.name} was removed from {PROD}: {tag.name}."))
        if self.found.put_in is None:
            details = {**why, "model": target.hash, "rollback_of": bad.name}
            tag = move_version(self.project, "assign", target, PROD, details, push=self.push)
            done.append(CompletedStep(message=f"{target.name} was assigned to {PROD}: {tag.name}."))
        if not self.forward and bad in [event.version for event in self._canaries]:
            # Otherwise it would return to production once it passes.
            details = {**why, "model": bad.hash, "rolled_back": True}
            tag = move_version(self.project, "unassign", bad, CANARY, details, push=self.push)
            done.append(CompletedStep(message=f"{bad.name} was removed from {CANARY}: {tag.name}."))
        if not done:
            message = f"{target.name} has already replaced {bad.name} in {PROD}."
            return [CompletedStep(message=message, new=False)]
        now = self.registry.in_stage(PROD)
        if now is None or now.commit != target.commit:
            raise CheckFailed(
                f"The tags are written, but {PROD} is {now.name if now else 'empty'}: one of its"
                " tags is later than this machine's clock.",
                hint="Correct the clock, and see `retouch status`.",
            )
        return done

    @property
    def _canaries(self) -> tuple[StageEvent, ...]:
        return self.registry.active(CANARY)

    @property
    def registry(self) -> ModelRegistry:
        """The versions as the tags are now."""
        return load_registry(self.project, push=self.push)

    def on_github(self, repo: Repository) -> list[Callable[[], CompletedStep | None]]:
        """Return the steps on GitHub."""
        bad, target = self.found.bad, self.found.target
        message = f"{bad.name} was replaced by {target.name}"
        records: list[Callable[[], CompletedStep | None]] = [
            lambda: record_deployment(repo, bad, PROD, "inactive", message),
            lambda: record_deployment(repo, target, PROD, "success", message),
        ]
        if self.forward:
            return [lambda: open_revert_of(repo, target), *records]
        fall = self._fall()
        announcement = Announcement(self.project, repo, fall)
        versions = versions_between(self.project, self.registry, target, bad)
        return [
            lambda: announcement.revert(versions),
            lambda: announcement.issue(
                lambda url: version_rolled_back(fall, revert_url=url), "retouch:rollback"
            ),
            *records,
        ]

    def _fall(self) -> RolledBackVersion:
        registry, bad, target = self.registry, self.found.bad, self.found.target
        taken_out = plan_rollback(registry, target.name).taken_out
        return RolledBackVersion(
            model=registry.model,
            version=bad.name,
            commit=bad.commit,
            hash=bad.hash or "",
            to=target.name,
            reason=self.reason,
            counter=taken_out.counter if taken_out else None,
            at=self.at,
        )
