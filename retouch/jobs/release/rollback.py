"""Restore an earlier version in production, and revert the bad one on the base branch.

    the bad version and its replacement -> one removed from prod, the other assigned
        -> revert pull request -> issue -> deployment records

Nothing is scored or pulled. Each step finds what an earlier call left, so the next call finishes an
interrupted one. A rollback is only rolled back with `--to`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from retouch.engine.base_branch import base_commit
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.github.repository import Repository
from retouch.jobs.release.assignments import load_registry
from retouch.jobs.release.reconcile import complete, take_move
from retouch.jobs.release.revert import contains_commit
from retouch.jobs.release.steps import CompletedStep, StepsResult, open_revert_of
from retouch.registry.registry import PROD, ModelRegistry
from retouch.registry.rollback_plan import RollbackPlan, plan_rollback, rollback_moves
from retouch.reporting.escape import plain
from retouch.reporting.release import REASON_LIMIT


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
    planned = plan_rollback(registry, request.to)
    found = replace(
        planned,
        reason=planned.reason or plain(request.reason, REASON_LIMIT) or "No reason given.",
        forward=contains_commit(project, planned.target.commit, planned.bad.commit),
    )
    done = _restore(project, registry, found, push=push)
    if repo is not None and found.forward and (open_ := open_revert_of(repo, found.target)):
        done.append(open_)
    message = f"Production is {found.target.name}; it was {found.bad.name}."
    outcome = complete(project, message, done, push=push, repo=repo, at=at)
    if request.to is None and outcome.failed is None and not any(s.new for s in outcome.steps):
        raise InputError(
            f"Production is {found.target.name} since {found.bad.name} was rolled back, and a"
            " rollback is only rolled back on request.",
            hint="Name the version: `retouch rollback --to VERSION`.",
        )
    return outcome


def _restore(
    project: Project, registry: ModelRegistry, found: RollbackPlan, *, push: bool
) -> list[CompletedStep]:
    """Write the missing tags, and read back what they say. Raises CheckFailed."""
    done = []
    base = base_commit(project.root, None, {}).commit
    for move in rollback_moves(registry, found, base=base):
        tag = take_move(project, move, push=push)
        done.append(CompletedStep(message=f"{move.message}: {tag.name}."))
    if not done:
        message = f"{found.target.name} has already replaced {found.bad.name} in {PROD}."
        return [CompletedStep(message=message, new=False)]
    now = load_registry(project, push=push).in_stage(PROD)
    if now is None or now.commit != found.target.commit:
        raise CheckFailed(
            f"The tags are written, but {PROD} is {now.name if now else 'empty'}: another job wrote"
            " tags at the same time.",
            hint="See `retouch status`, and run the command again.",
        )
    return done
