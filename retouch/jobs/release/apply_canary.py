"""Act on a canary's verdict: promote it, take it down, or ask a person.

    canary.json -> checked against tags, policy and reports -> decided anew from its days
        pass       assigned to prod -> removed from canary -> deployment records
        fail       removed from canary -> revert pull request -> issue -> deployment record
        undecided  as the policy says
        wait       nothing

Applying it twice does it once: what was done is found by its tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from retouch.engine.base_branch import base_commit
from retouch.engine.past_reports import judged_until
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.gate.canary_model import CanaryModel, CanaryVerdict
from retouch.github.repository import Repository
from retouch.jobs.release.assignments import load_registry, move_version
from retouch.jobs.release.base_models import read_base_history
from retouch.jobs.release.judge_canary import policy_of
from retouch.jobs.release.reconcile import complete, judged_until_text, take_move
from retouch.jobs.release.steps import (
    CompletedStep,
    StepsResult,
    open_notice,
    record_deployment,
    run_steps,
)
from retouch.registry.base_history import reverted_by
from retouch.registry.canary_decision import CanaryDecision, decide_canary, next_action
from retouch.registry.reconciliation import withdrawal
from retouch.registry.registry import CANARY, PROD, ModelRegistry, Stage, StageEvent, Version
from retouch.registry.rollback_plan import Move
from retouch.reporting.escape import plain
from retouch.reporting.release import DAYS_SHOWN, REASON_LIMIT, canary_undecided

CanaryAnswer = Literal["promote", "roll_back"]


def apply_canary(
    project: Project,
    verdict: CanaryVerdict,
    *,
    answer: CanaryAnswer | None = None,
    push: bool,
    repo: Repository | None,
    at: datetime,
) -> StepsResult:
    """Do what follows from a verdict on a canary. `repo`: None to leave GitHub alone.

    `answer`: a person's decision on an undecided canary. Raises InputError for a verdict that does
    not fit this repository, CheckFailed when tags cannot be written.
    """
    registry = load_registry(project, push=push)
    decision = _decide_anew(project, registry, verdict)
    action = next_action(decision.outcome, verdict.limits)
    if answer is not None:
        if decision.outcome != "undecided":
            raise InputError(
                f"--undecided {answer}: the canary is not undecided. {decision.message}",
                hint="Omit the option.",
            )
        action = answer
    steps = _CanarySteps(project, registry, verdict, decision, push, repo, at)
    match action:
        case "promote":
            return steps.promote()
        case "roll_back":
            return steps.roll_back()
        case "ask":
            return steps.ask()
        case "nothing":
            return steps.wait()


def _decide_anew(
    project: Project, registry: ModelRegistry, verdict: CanaryVerdict
) -> CanaryDecision:
    """Return the decision, made anew. Raises InputError for a verdict that does not fit."""
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
    decision = decide_canary(verdict)
    if decision.outcome != verdict.decision:
        raise InputError(
            f"The canary's decision, {verdict.decision}, does not follow from its days, which"
            f" lead to {decision.outcome}.",
            hint=again,
        )
    return decision


def _require_known(registry: ModelRegistry, one: CanaryModel) -> None:
    known = registry.find(one.version)
    if known is None or known.commit != one.commit or known.hash != one.model:
        raise InputError(
            f"{plain(one.version, 60)}: is not a version of {registry.model} with this commit and"
            " this model.",
            hint="Fetch the tags, and judge again: `git fetch --tags`.",
        )


@dataclass(frozen=True)
class _CanarySteps:
    """The steps for one verdict."""

    project: Project
    registry: ModelRegistry
    verdict: CanaryVerdict
    decision: CanaryDecision
    push: bool
    repo: Repository | None
    at: datetime

    @cached_property
    def candidate(self) -> Version:
        """The version that is the canary."""
        return self._version(self.verdict.candidate)

    @cached_property
    def production(self) -> Version:
        """The version it was compared with."""
        return self._version(self.verdict.production)

    def _version(self, one: CanaryModel) -> Version:
        found = self.registry.find(one.version)
        assert found is not None  # it was checked
        return found

    @cached_property
    def last_move(self) -> StageEvent | None:
        """The candidate's last assignment to, or removal from, the canary stage."""
        moves = [
            event
            for event in self.registry.history(CANARY)
            if event.version.commit == self.candidate.commit
        ]
        return moves[-1] if moves else None

    @property
    def in_canary(self) -> bool:
        """Whether the candidate is still the canary."""
        return self.registry.in_stage(CANARY) == self.candidate

    @property
    def in_prod(self) -> bool:
        """Whether it is already in production."""
        return self.registry.in_stage(PROD) == self.candidate

    def promote(self) -> StepsResult:
        """Assign the candidate to production, and remove it from the canary stage."""
        name, hash_ = self.candidate.name, self.candidate.hash
        if not self.in_prod and not self.in_canary:
            return self._settled_before()
        down = None if self.in_prod else self.registry.blocked(str(hash_))
        if down is not None:
            raise InputError(
                f"{name} passed as a canary, but its model was taken down ({down}) and stays so.",
                hint=f"To run it anyway: `retouch rollback --to {name}`.",
            )
        if (move := self._reverted()) is not None:
            tag = take_move(self.project, move, push=self.push)
            return self._complete([CompletedStep(message=f"{move.message}: {tag.name}.")])
        done = []
        details = {"reason": self._reason, "model": hash_, "passed": True}
        if self.in_prod:
            done.append(CompletedStep(message=f"{name} is already in {PROD}.", new=False))
        else:
            self._require_same_production()
            done.append(self._moved("assign", PROD, details))
        if self.in_canary:
            done.append(self._moved("unassign", CANARY, details))
        return self._complete(done)

    def _reverted(self) -> Move | None:
        """Return the removal that is due when the base branch has reverted the candidate since."""
        event, root = self.registry.assignment(CANARY), self.project.root
        if not self.in_canary or self.in_prod or event is None:
            return None
        head = base_commit(root, None, {}).commit
        change = reverted_by(self.registry, read_base_history(root, head, self.registry), event)
        return None if change is None else withdrawal(event, change.commit, head)

    def roll_back(self) -> StepsResult:
        """Remove the candidate from the canary stage for good; production is not touched.

        The tag carries the verdict, so that whoever comes next can write the issue.
        """
        last = self.last_move
        if self.in_canary:
            self._require_same_production()
            details = {
                "reason": self._reason,
                "model": self.candidate.hash,
                "failed": True,
                "verdict": self._evidence,
            }
            return self._complete([self._moved("unassign", CANARY, details)])
        if last is None or last.assigns or last.tag.details.get("failed") is not True:
            return self._settled_before()
        message = f"{self.candidate.name} was already removed from {CANARY}: {last.tag.name}."
        return self._complete([CompletedStep(message=message, new=False)])

    @property
    def _evidence(self) -> dict[str, object]:
        """The verdict with its newest days: as many as the issue shows."""
        update = {
            "days": self.verdict.days[-DAYS_SHOWN:],
            "message": self.decision.message[:1000],
            "decision": self.decision.outcome,
        }
        return self.verdict.model_copy(update=update).model_dump(mode="json")

    def _complete(self, done: list[CompletedStep]) -> StepsResult:
        return complete(
            self.project,
            self.decision.message,
            done,
            push=self.push,
            repo=self.repo,
            at=self.at,
        )

    def ask(self) -> StepsResult:
        """Ask a person, once."""
        if not self.in_canary:
            return self._settled_before()
        repo = self.repo
        if repo is None:
            message = (
                f"{self.decision.message} A person must decide: --undecided promote or roll_back."
            )
            return StepsResult(message=message)
        counter = self.last_move.tag.counter if self.last_move else None
        words = canary_undecided(self.verdict, message=self.decision.message, counter=counter)
        return run_steps(
            self.decision.message,
            [],
            [lambda: open_notice(repo, words, "retouch:canary"), self._judged],
        )

    def wait(self) -> StepsResult:
        """Record up to which day it was judged, so that it is judged again only after that."""
        if self.repo is None or not self.in_canary:
            return StepsResult(message=self.decision.message)
        return run_steps(self.decision.message, [], [self._judged])

    def _judged(self) -> CompletedStep | None:
        repo, text = self.repo, judged_until_text(self.verdict.end)
        assert repo is not None  # only then it is a step
        return record_deployment(repo, self.candidate, CANARY, "in_progress", text)

    @property
    def _reason(self) -> str:
        return plain(self.decision.message, REASON_LIMIT)

    def _moved(
        self, kind: Literal["assign", "unassign"], stage: Stage, details: Mapping[str, object]
    ) -> CompletedStep:
        base = {"base": base_commit(self.project.root, None, {}).commit}
        tag = move_version(
            self.project, kind, self.candidate, stage, {**details, **base}, push=self.push
        )
        how = "was assigned to" if kind == "assign" else "was removed from"
        return CompletedStep(message=f"{self.candidate.name} {how} {stage}: {tag.name}.")

    def _require_same_production(self) -> None:
        now = self.registry.in_stage(PROD)
        if now != self.production:
            raise InputError(
                f"{PROD} is {now.name if now else 'empty'} now, but the canary was compared with"
                f" {self.production.name}.",
                hint="Judge it again: `retouch canary judge`.",
            )

    def _settled_before(self) -> StepsResult:
        last = self.last_move
        by = f" by {last.tag.name}" if last else ""
        return StepsResult(
            message=f"{self.candidate.name} is no longer a canary{by}: nothing to do."
        )
