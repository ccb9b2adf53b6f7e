"""Put production back to a version it had before, and take the bad one back on the base branch.

    which version is bad, and which one stands in -> the bad one is taken out, the other one put in
        -> revert pull request -> issue -> deployment records

Nothing is scored and nothing is pulled. Each step finds what an earlier call left, so that a call
that was cut short is finished by the next one. A rollback is never rolled back by itself: that
takes `--to`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from retouch.engine.project import Project
from retouch.errors import CheckFailed, InputError
from retouch.github.repository import Repository
from retouch.jobs.release.announcements import Announcement, open_revert_of, record_deployment
from retouch.jobs.release.assignments import CANARY, PROD, move, registry_at
from retouch.jobs.release.revert import holds, versions_between
from retouch.jobs.release.steps import Outcome, Step, take
from retouch.registry.registry import Event, Registry
from retouch.registry.rollback import Rollback, next_rollback
from retouch.reporting.escape import plain
from retouch.reporting.release import REASON_LIMIT, RolledBackVersion, version_rolled_back


@dataclass(frozen=True)
class Wish:
    """What is asked for."""

    to: str | None = None
    """A version; None: the one before."""
    reason: str = ""


def rollback(
    project: Project, wish: Wish, *, push: bool, repo: Repository | None, at: datetime
) -> Outcome:
    """Put production back. `repo`: None when GitHub is to be left alone.

    What fails once the tags are there is in the outcome, with exit code 1: the next call goes on.
    Raises InputError for a wish that cannot be met, CheckFailed when the tags cannot be written.
    """
    registry = registry_at(project, push=push)
    found = next_rollback(registry, wish.to)
    reason = found.reason or plain(wish.reason, REASON_LIMIT) or "No reason was given."
    course = _Course(project, found, reason, push, at)
    done = course.put_back()
    outcome = take(
        f"Production is {found.target.name}; it was {found.bad.name}.",
        done,
        course.on_github(repo) if repo is not None else (),
    )
    if wish.to is None and outcome.failed is None and not any(s.new for s in outcome.steps):
        raise InputError(
            f"Production is {found.target.name} since {found.bad.name} was rolled back, and a"
            " rollback is not rolled back by itself.",
            hint="Name the version: `retouch rollback --to VERSION`.",
        )
    return outcome


@dataclass(frozen=True)
class _Course:
    """The steps of one rollback."""

    project: Project
    found: Rollback
    reason: str
    push: bool
    at: datetime

    @cached_property
    def forward(self) -> bool:
        """Whether it goes to a newer version, as when a rollback is undone: nothing is bad then."""
        return holds(self.project, self.found.target.commit, self.found.bad.commit)

    def put_back(self) -> list[Step]:
        """Write the tags that are not there yet; the one that takes out comes first.

        Readers that take the newest tag for the answer then find the version that stands in.
        """
        bad, target, done = self.found.bad, self.found.target, []
        why = {"reason": self.reason}
        if self.found.taken_out is None:
            said = {**why, "model": bad.hash, "rolled_back": not self.forward, "to": target.name}
            tag = move(self.project, "unassign", bad, PROD, said, push=self.push)
            done.append(Step(message=f"{bad.name} was taken out of {PROD}: {tag.name}."))
        if self.found.put_in is None:
            said = {**why, "model": target.hash, "rollback_of": bad.name}
            tag = move(self.project, "assign", target, PROD, said, push=self.push)
            done.append(Step(message=f"{target.name} was put into {PROD}: {tag.name}."))
        if not self.forward and bad in [event.version for event in self._canaries]:
            # Otherwise it would go to production again once it passes.
            said = {**why, "model": bad.hash, "rolled_back": True}
            tag = move(self.project, "unassign", bad, CANARY, said, push=self.push)
            done.append(Step(message=f"{bad.name} was taken out of {CANARY}: {tag.name}."))
        if not done:
            message = f"{bad.name} is out of {PROD} and {target.name} in its place already."
            return [Step(message=message, new=False)]
        now = self.registry.in_stage(PROD)
        if now is None or now.commit != target.commit:
            raise CheckFailed(
                f"The tags are written, yet {PROD} is {now.name if now else 'empty'}: a tag there"
                " is of a later time than this machine's.",
                hint="Set the clock, and see `retouch status`.",
            )
        return done

    @property
    def _canaries(self) -> tuple[Event, ...]:
        return self.registry.active(CANARY)

    @property
    def registry(self) -> Registry:
        """The versions as the tags are now."""
        return registry_at(self.project, push=self.push)

    def on_github(self, repo: Repository) -> list[Callable[[], Step | None]]:
        """Return what is to be told to GitHub."""
        bad, target = self.found.bad, self.found.target
        message = f"{bad.name} gave way to {target.name}"
        records: list[Callable[[], Step | None]] = [
            lambda: record_deployment(repo, bad, PROD, "inactive", message),
            lambda: record_deployment(repo, target, PROD, "success", message),
        ]
        if self.forward:
            return [lambda: open_revert_of(repo, target), *records]
        fall = self._fall()
        told = Announcement(self.project, repo, fall)
        versions = versions_between(self.project, self.registry, target, bad)
        return [
            lambda: told.revert(versions),
            lambda: told.issue(
                lambda url: version_rolled_back(fall, revert_url=url), "retouch:rollback"
            ),
            *records,
        ]

    def _fall(self) -> RolledBackVersion:
        registry, bad, target = self.registry, self.found.bad, self.found.target
        taken_out = next_rollback(registry, target.name).taken_out
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
