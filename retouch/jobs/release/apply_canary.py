"""Act on what a look at a canary found: promote it, take it down, or ask a person.

    canary.json -> held against tags, policy and reports -> decided anew from its days
        pass       put into prod -> taken out of canary -> deployment records
        fail       taken out of canary -> revert pull request -> issue -> deployment record
        undecided  as the policy says
        wait       nothing

Applied twice is once: what is settled is found by its tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.gate.canary_model import CanaryModel, CanaryVerdict
from retouch.github.repository import Repository
from retouch.jobs.release.announcements import Announcement, open_notice, record_deployment
from retouch.jobs.release.assignments import CANARY, PROD, move, registry_at
from retouch.jobs.release.canary import judged_until, policy_of
from retouch.jobs.release.revert import versions_between
from retouch.jobs.release.steps import Outcome, Step, take
from retouch.registry.canary import Decision, decide, next_action
from retouch.registry.registry import Event, Registry, Version
from retouch.reporting.escape import plain
from retouch.reporting.release import (
    REASON_LIMIT,
    RolledBackVersion,
    canary_failed,
    canary_undecided,
)

Answer = Literal["promote", "roll_back"]
Todo = Callable[[], Step | None]


def settle(
    project: Project,
    verdict: CanaryVerdict,
    *,
    answer: Answer | None = None,
    push: bool,
    repo: Repository | None,
    at: datetime,
) -> Outcome:
    """Do what follows from a verdict on a canary. `repo`: None when GitHub is to be left alone.

    `answer`: a person's, to an undecided canary. Raises InputError for a verdict that does not fit
    this repository, CheckFailed when tags cannot be written.
    """
    registry = registry_at(project, push=push)
    decision = _checked(project, registry, verdict)
    action = next_action(decision.outcome, verdict.limits)
    if answer is not None:
        if decision.outcome != "undecided":
            raise InputError(
                f"--undecided {answer}: the canary is not undecided. {decision.message}",
                hint="Leave the option out.",
            )
        action = answer
    course = _Course(project, registry, verdict, decision, push, repo, at)
    match action:
        case "promote":
            return course.promote()
        case "roll_back":
            return course.take_down()
        case "ask":
            return course.ask()
        case "nothing":
            return Outcome(message=decision.message)


def _checked(project: Project, registry: Registry, verdict: CanaryVerdict) -> Decision:
    """Return the decision, made anew. Raises InputError for a verdict that does not belong here."""
    again = "Judge it again: `retouch canary judge`."
    limits = project.promotion.limits
    if (verdict.name, verdict.limits, verdict.loss) != (
        registry.model,
        policy_of(project),
        limits.loss,
    ):
        raise InputError(
            "The canary was judged for another model, or by another policy than release.canary of"
            " this commit.",
            hint=again,
        )
    for one in (verdict.production, verdict.candidate):
        _require_known(registry, one)
    seen = (verdict.production.seen_until, verdict.candidate.seen_until)
    until = project.data_until.isoformat()
    looked = judged_until(project.root, verdict.candidate.model)
    if None in seen or verdict.end > until or verdict.start < max(filter(None, (*seen, looked))):
        raise InputError(
            f"The days from {verdict.start} to {verdict.end} (exclusive) are not all new to both"
            f" models and to the gate, or have not arrived by {until}.",
            hint=again,
        )
    decision = decide(verdict)
    if decision.outcome != verdict.decision:
        raise InputError(
            f"The canary's decision, {verdict.decision}, does not follow from its days, which say"
            f" {decision.outcome}.",
            hint=again,
        )
    return decision


def _require_known(registry: Registry, one: CanaryModel) -> None:
    known = registry.find(one.version)
    if known is None or known.commit != one.commit or known.hash != one.model:
        raise InputError(
            f"{plain(one.version, 60)}: is no version of {registry.model} with this commit and"
            " this model.",
            hint="Bring the tags, and judge again: `git fetch --tags`.",
        )


@dataclass(frozen=True)
class _Course:
    """What is done with one verdict."""

    project: Project
    registry: Registry
    verdict: CanaryVerdict
    decision: Decision
    push: bool
    repo: Repository | None
    at: datetime

    @cached_property
    def candidate(self) -> Version:
        """The version that is the canary."""
        return self._version(self.verdict.candidate)

    @cached_property
    def production(self) -> Version:
        """The version it was held against."""
        return self._version(self.verdict.production)

    def _version(self, one: CanaryModel) -> Version:
        found = self.registry.find(one.version)
        assert found is not None  # it was checked
        return found

    @cached_property
    def last_move(self) -> Event | None:
        """What became of the candidate in the canary stage last."""
        moves = [
            event
            for event in self.registry.history(CANARY)
            if event.version.commit == self.candidate.commit
        ]
        return moves[-1] if moves else None

    @property
    def in_canary(self) -> bool:
        """Whether the candidate is the canary still."""
        return self.registry.in_stage(CANARY) == self.candidate

    @property
    def in_prod(self) -> bool:
        """Whether it is in production already."""
        return self.registry.in_stage(PROD) == self.candidate

    def promote(self) -> Outcome:
        """Put the candidate into production, and take it out of the canary stage."""
        name, hash_ = self.candidate.name, self.candidate.hash
        if not self.in_prod and not self.in_canary:
            return self._settled_before()
        down = None if self.in_prod else self.registry.blocked(str(hash_))
        if down is not None:
            raise InputError(
                f"{name} passed as a canary, but its model was taken down ({down}) and stays down.",
                hint=f"If it is meant to run: `retouch rollback --to {name}`.",
            )
        done = [Step(message=f"{name} is in {PROD} already.", new=False)] if self.in_prod else []
        left: list[Todo] = []
        said = {"reason": self._reason, "model": hash_, "passed": True}
        if not self.in_prod:
            self._require_same_production()
            left.append(lambda: self._moved("assign", PROD, said))
        if self.in_canary:
            left.append(lambda: self._moved("unassign", CANARY, said))
        repo = self.repo
        if repo is not None:
            message = f"{name} passed as a canary"
            left += [
                lambda: record_deployment(repo, self.candidate, PROD, "success", message),
                lambda: record_deployment(repo, self.candidate, CANARY, "inactive", message),
            ]
        return take(self.decision.message, done, left)

    def take_down(self) -> Outcome:
        """Take the candidate out of the canary stage for good; production is not touched."""
        last = self.last_move
        left: list[Todo] = []
        done = []
        if self.in_canary:
            self._require_same_production()
            said = {"reason": self._reason, "model": self.candidate.hash, "failed": True}
            tag = move(self.project, "unassign", self.candidate, CANARY, said, push=self.push)
            done.append(
                Step(message=f"{self.candidate.name} was taken out of {CANARY}: {tag.name}.")
            )
            counter = tag.counter
        elif last is not None and not last.assigns and last.tag.said.get("failed") is True:
            message = f"{self.candidate.name} is out of {CANARY} already: {last.tag.name}."
            done.append(Step(message=message, new=False))
            counter = last.tag.counter
        else:
            return self._settled_before()
        if self.repo is not None:
            left = self._told(self.repo, counter)
        return take(self.decision.message, done, left)

    def _told(self, repo: Repository, counter: int | None) -> list[Todo]:
        """Return the steps on GitHub after the canary was taken down."""
        fall = RolledBackVersion(
            model=self.registry.model,
            version=self.candidate.name,
            commit=self.candidate.commit,
            hash=self.verdict.candidate.model,
            to=self.production.name,
            reason=self.decision.message,
            counter=counter,
            at=self.at,
        )
        told = Announcement(self.project, repo, fall)
        versions = versions_between(self.project, self.registry, self.production, self.candidate)
        message = self.decision.message

        def failed() -> Step:
            return record_deployment(repo, self.candidate, CANARY, "failure", plain(message, 140))

        return [
            lambda: told.revert(versions),
            lambda: told.issue(
                lambda url: canary_failed(
                    self.verdict, message=message, counter=counter, revert_url=url
                ),
                "retouch:canary",
            ),
            failed,
        ]

    def ask(self) -> Outcome:
        """Ask a person, once."""
        if not self.in_canary:
            return self._settled_before()
        repo = self.repo
        if repo is None:
            message = (
                f"{self.decision.message} A person decides: give --undecided promote or roll_back."
            )
            return Outcome(message=message)
        counter = self.last_move.tag.counter if self.last_move else None
        words = canary_undecided(self.verdict, message=self.decision.message, counter=counter)
        return take(self.decision.message, [], [lambda: open_notice(repo, words, "retouch:canary")])

    @property
    def _reason(self) -> str:
        return plain(self.decision.message, REASON_LIMIT)

    def _moved(
        self, kind: Literal["assign", "unassign"], stage: str, said: Mapping[str, object]
    ) -> Step:
        tag = move(self.project, kind, self.candidate, stage, said, push=self.push)
        how = "was put into" if kind == "assign" else "was taken out of"
        return Step(message=f"{self.candidate.name} {how} {stage}: {tag.name}.")

    def _require_same_production(self) -> None:
        now = self.registry.in_stage(PROD)
        if now != self.production:
            raise InputError(
                f"{PROD} is {now.name if now else 'empty'} now, and the canary was held against"
                f" {self.production.name}.",
                hint="Judge it again: `retouch canary judge`.",
            )

    def _settled_before(self) -> Outcome:
        last = self.last_move
        by = f" by {last.tag.name}" if last else ""
        return Outcome(
            message=f"{self.candidate.name} is no canary any more{by}: there is nothing to do."
        )
