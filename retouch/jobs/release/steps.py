"""Steps taken in order, each of which can be repeated; and those on GitHub for a failed version.

The first failure ends them: revert pull request, issue, deployment records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retouch.documents import Value
from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.github.issues import find_issue, open_issue
from retouch.github.records import DeploymentState, create_deployment, set_deployment_status
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.release.revert import VersionsBetween, open_revert, open_reverts
from retouch.registry.registry import ENVIRONMENTS, Stage, Version
from retouch.reporting.release import Notice, RolledBackVersion


class CompletedStep(Value):
    """A step that was taken."""

    message: str
    """One sentence."""
    new: bool = True
    """False: an earlier call took it."""


class StepsResult(Value):
    """The result of a sequence of steps."""

    message: str
    """One sentence."""
    steps: tuple[CompletedStep, ...] = ()
    failed: str | None = None
    """Why a step failed; the next call continues with it."""
    exit_code: int = 0


def run_steps(
    message: str, done: Sequence[CompletedStep], left: Sequence[Callable[[], CompletedStep | None]]
) -> StepsResult:
    """Take the steps that are left, up to the first that fails.

    `done`: those taken already. A step that returns None had nothing to do.
    """
    steps = list(done)
    for step in left:
        try:
            taken = step()
        except RetouchError as error:
            return StepsResult(
                message=message, steps=tuple(steps), failed=str(error), exit_code=_code(error)
            )
        if taken is not None:
            steps.append(taken)
    return StepsResult(message=message, steps=tuple(steps))


def _code(error: RetouchError) -> int:
    """Return 1 even for an InputError: something was done, and the next call continues."""
    return CheckFailed.exit_code if isinstance(error, InputError) else error.exit_code


Label = Literal["retouch:canary", "retouch:rollback"]


@dataclass
class Announcement:
    """The steps on GitHub after a version was taken down. Each can be repeated."""

    project: Project
    repo: Repository
    fall: RolledBackVersion
    revert_url: str | None = field(default=None, init=False)

    def revert(self, versions: VersionsBetween) -> CompletedStep | None:
        """Open the pull request that reverts versions."""
        base = repository_facts(self.repo).default_branch
        found = open_revert(self.project, self.repo, base, versions, self.fall)
        if found is None:
            return CompletedStep(
                message=f"{base} no longer has changes of {self.fall.version}.", new=False
            )
        pull, self.revert_url = found.pull, found.pull.html_url
        was = "was opened" if found.new else f"exists already ({pull.status})"
        return CompletedStep(
            message=f"Pull request {pull.number} reverts {self.fall.version}; it {was}:"
            f" {pull.html_url}",
            new=found.new,
        )

    def issue(self, words: Callable[[str | None], Notice], label: Label) -> CompletedStep:
        """Open the issue; its text is rendered once the pull request is known."""
        return open_notice(self.repo, words(self.revert_url), label)


def open_notice(repo: Repository, words: Notice, label: Label) -> CompletedStep:
    """Open an issue, unless it exists already, open or closed."""
    there = find_issue(repo, words.marker, label)
    found = there or open_issue(repo, words.title, words.body, [label], marker=words.marker)
    was = "was opened" if there is None else f"exists already ({found.state})"
    return CompletedStep(message=f"Issue {found.number} {was}: {found.html_url}", new=there is None)


def record_deployment(
    repo: Repository, version: Version, stage: Stage, state: DeploymentState, message: str
) -> CompletedStep:
    """Record where a version runs, or that it no longer does."""
    environment = ENVIRONMENTS[stage]
    payload = {"version": version.name, "model": version.hash or ""}
    number = create_deployment(
        repo, ref=version.commit, environment=environment, description=message, payload=payload
    )
    set_deployment_status(repo, number, state, message)
    return CompletedStep(
        message=f"GitHub records {version.name} in {environment}: {state}.", new=False
    )


def open_revert_of(repo: Repository, version: Version) -> CompletedStep | None:
    """Report an open pull request that would revert a restored version; None without one."""
    found = open_reverts(repo, version.name)
    if not found:
        return None
    which = ", ".join(f"{pull.number}: {pull.html_url}" for pull in found)
    message = f"Pull request {which} would revert {version.name}: close the pull request."
    return CompletedStep(message=message, new=False)
