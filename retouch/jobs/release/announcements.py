"""GitHub is told that a version was taken down: revert pull request, issue, deployment records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retouch.engine.project import Project
from retouch.github.issues import find_issue, open_issue
from retouch.github.records import DeploymentState, create_deployment, set_deployment_status
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.release.assignments import CANARY, PROD
from retouch.jobs.release.revert import open_revert, reverts_of
from retouch.jobs.release.steps import Step
from retouch.registry.registry import Version
from retouch.reporting.release import Notice, RolledBackVersion

ENVIRONMENTS = {PROD: "production", CANARY: "canary"}
Label = Literal["retouch:canary", "retouch:rollback"]


@dataclass
class Announcement:
    """The steps on GitHub after a version was taken down. Each can be taken again."""

    project: Project
    repo: Repository
    fall: RolledBackVersion
    revert_url: str | None = field(default=None, init=False)

    def revert(self, versions: Sequence[Version]) -> Step | None:
        """Open the pull request that takes versions back, the newest first."""
        base = repository_facts(self.repo).default_branch
        found = open_revert(self.project, self.repo, base, versions, self.fall)
        if found is None:
            return Step(
                message=f"{base} records nothing of {self.fall.version} any more.", new=False
            )
        pull, self.revert_url = found.pull, found.pull.html_url
        was = "was opened" if found.new else f"is there already ({pull.status})"
        return Step(
            message=f"Pull request {pull.number} takes {self.fall.version} back; it {was}:"
            f" {pull.html_url}",
            new=found.new,
        )

    def issue(self, words: Callable[[str | None], Notice], label: Label) -> Step:
        """Open the issue; its words are made once the pull request is known."""
        return open_notice(self.repo, words(self.revert_url), label)


def open_notice(repo: Repository, words: Notice, label: Label) -> Step:
    """Open an issue, unless it is there already, open or closed."""
    there = find_issue(repo, words.marker, label)
    found = there or open_issue(repo, words.title, words.body, [label], marker=words.marker)
    was = "was opened" if there is None else f"is there already ({found.state})"
    return Step(message=f"Issue {found.number} {was}: {found.html_url}", new=there is None)


def record_deployment(
    repo: Repository, version: Version, stage: str, state: DeploymentState, message: str
) -> Step:
    """Record where a version runs, or that it does no longer."""
    environment = ENVIRONMENTS.get(stage, stage)
    payload = {"version": version.name, "model": version.hash or ""}
    number = create_deployment(
        repo, ref=version.commit, environment=environment, description=message, payload=payload
    )
    set_deployment_status(repo, number, state, message)
    return Step(message=f"GitHub records {version.name} in {environment}: {state}.", new=False)


def open_revert_of(repo: Repository, version: Version) -> Step | None:
    """Say which open pull request would take back a version that is wanted again; None: none."""
    found = reverts_of(repo, version.name)
    if not found:
        return None
    which = ", ".join(f"{pull.number}: {pull.html_url}" for pull in found)
    message = f"Pull request {which} would take {version.name} back: close it."
    return Step(message=message, new=False)
