"""`retouch reconcile`: bring versions, stages and GitHub into line with the base branch.

    tags, base branch, GitHub -> `registry.reconciliation` -> tags -> read again -> GitHub

Every release workflow calls it, and so does a schedule: what a job left when it died is found in
the world and completed, whatever starts the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retouch.documents import Document
from retouch.engine.base_branch import base_commit
from retouch.engine.past_reports import judged_until
from retouch.engine.project import Project
from retouch.engine.status import read_registry
from retouch.errors import CheckFailed, RetouchError
from retouch.git import first_parents, gto_tags
from retouch.github.repository import Repository
from retouch.jobs.release.assignments import load_registry, move_version, register_version
from retouch.jobs.release.base_models import read_base_history
from retouch.jobs.release.committed import CommittedModel
from retouch.jobs.release.completion import Completion, Done, GitHubState, read_github
from retouch.jobs.release.steps import CompletedStep, StepsResult
from retouch.jobs.verify.verify import verify
from retouch.registry.base_history import BaseHistory
from retouch.registry.promotion_plan import (
    Assign,
    PromotionFacts,
    Register,
    Withdraw,
)
from retouch.registry.reconciliation import (
    Announce,
    ReconcileFacts,
    ReconcileStep,
    Reconciliation,
    Record,
    Release,
    plan_reconciliation,
)
from retouch.registry.registry import CANARY, PROD, ModelRegistry, Version, clock_warning
from retouch.registry.rollback_plan import Move
from retouch.registry.tags import Tag, tag_name

_ROUNDS = 4
"""How often the tags are planned again: each round may lose a race against another job."""
_WORKFLOWS = ".github/workflows"


@dataclass(frozen=True)
class ReconcileRequest:
    """What may be changed."""

    at: datetime
    push: bool = True
    """Tags go to `origin`, and only those that are there count."""
    repo: Repository | None = None
    """None: leave GitHub alone."""
    promote: bool = True
    """False: new versions wait for another job."""
    open_store: bool = False
    """The data are on the branch of the store, which is fetched once a model has to be read."""


class ReconcileResult(Document):
    """What was done, and what is left."""

    steps: tuple[CompletedStep, ...] = ()
    failed: tuple[str, ...] = ()
    """Why steps failed, a sentence each; the next call takes them up."""
    notes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """With --dry: what would be done."""
    prod: str | None
    canary: str | None
    judge: bool = False
    """A canary is in place, and days have arrived that it was not judged on."""
    waits: bool = False
    """A promotion is due, and was left to another job."""

    @property
    def exit_code(self) -> int:
        """1 when a step failed."""
        return int(bool(self.failed))


@dataclass(frozen=True)
class _World:
    registry: ModelRegistry
    history: BaseHistory
    committed: CommittedModel
    github: GitHubState | None
    plan: Reconciliation


def reconcile(project: Project, request: ReconcileRequest, *, dry: bool = False) -> ReconcileResult:
    """Take the steps that are left; a failure does not stop those that do not depend on it.

    Raises InputError when the base branch, the tags or GitHub cannot be read.
    """
    job = _Reconcile(project, request)
    world = job.look()
    if dry:
        left = tuple(step.message for step in world.plan.steps)
        return job.result(world, left=left)
    steps: list[CompletedStep] = []
    failed: list[str] = []
    for _ in range(_ROUNDS):
        if not world.plan.on_tags or failed:
            break
        failed += job.write_tags(world, steps)
        world = job.look()
    if world.plan.on_tags:
        if not failed:
            rest = "; ".join(step.message for step in world.plan.on_tags)
            failed.append(
                f"The tags were written, and still to be done: {rest}. Something else writes tags,"
                " or deletes them: see `retouch status`."
            )
        world = job.look(move=False)
    job.on_github(world, steps, failed)
    return job.result(world, steps=tuple(steps), failed=tuple(failed))


def complete(
    project: Project,
    message: str,
    done: Sequence[CompletedStep],
    *,
    push: bool,
    repo: Repository | None,
    at: datetime,
) -> StepsResult:
    """Take the steps on GitHub after a command has written its tags; `done`: what it wrote."""
    if repo is None:
        return StepsResult(message=message, steps=tuple(done))
    steps, failed = list(done), list[str]()
    job = _Reconcile(project, ReconcileRequest(at, push, repo))
    try:
        job.on_github(job.look(move=False), steps, failed)
    except RetouchError as error:
        failed.append(str(error))
    return StepsResult(
        message=message,
        steps=tuple(steps),
        failed=" ".join(failed) or None,
        exit_code=CheckFailed.exit_code if failed else 0,
    )


class _Reconcile:
    def __init__(self, project: Project, request: ReconcileRequest) -> None:
        self._project, self._request = project, request

    def look(self, *, move: bool = True) -> _World:
        """Read the world, and plan what is left; not `move`: on GitHub only, as the tags are."""
        root, request = self._project.root, self._request
        registry = load_registry(self._project, push=request.push)
        head = base_commit(root, None, {}).commit
        history = read_base_history(root, head, registry)
        committed = CommittedModel(root, _commit_to_tag(self._project, history))
        model = committed.model.hash
        facts = PromotionFacts(
            registry=registry,
            commit=committed.commit,
            hash=model,
            kept=committed.kept(model),
            policy=committed.promotion.release,
            history=history,
            shared=request.push,
        )
        github = None if request.repo is None else read_github(registry, request.repo)
        plan = plan_reconciliation(
            ReconcileFacts(
                history=history,
                promotion=facts,
                deployments=None if github is None else github.deployments,
                released=frozenset() if github is None else github.released,
                promote=request.promote,
                move=move,
            )
        )
        return _World(registry, history, committed, github, plan)

    def write_tags(self, world: _World, steps: list[CompletedStep]) -> list[str]:
        """Take the steps that write tags, up to the first that fails; return why it failed.

        Ends early when another job has written tags since: the steps are planned again then.
        """
        known = {tag.name for tag in world.registry.tags}
        for step in world.plan.on_tags:
            try:
                now = load_registry(self._project, push=self._request.push)
                if {tag.name for tag in now.tags} != known:
                    return []
                known.add(self._write(step, world))
            except gto_tags.TagConflict:
                return []
            except RetouchError as error:
                return [str(error)]
            steps.append(CompletedStep(message=f"{step.message}."))
        return []

    def _write(self, step: ReconcileStep, world: _World) -> str:
        """Write the tag of a step, and return its name."""
        project, push = self._project, self._request.push
        plan, base = world.plan.promotion, {"base": world.history.head}
        match step:
            case Move():
                return take_move(project, step, push=push).name
            case Register():
                self._require_sound(plan.commit)
                register_version(project, step.version, plan.commit, plan.details, push=push)
                return tag_name("version", plan.model, version=step.version)
            case Assign():
                version = self._version(plan.version)
                details = {"reason": plan.reason, **plan.details, **base}
                return move_version(project, "assign", version, step.stage, details, push=push).name
            case Withdraw():
                version = self._version(step.version)
                details = {"reason": plan.supersedes, "model": version.hash, **base}
                return move_version(project, "unassign", version, CANARY, details, push=push).name
        raise AssertionError(f"{step.kind} writes no tag")

    def _require_sound(self, commit: str) -> None:
        """Raise CheckFailed when the commit's lock is the result of no run."""
        found = verify(self._project, commit=commit)
        if not found.sound:
            raise CheckFailed(
                f"The lock of {commit[:10]} is not sound, so nothing is promoted:"
                f" {found.message[0]}",
                hint=f"See all of it: `retouch verify --commit {commit[:10]}`.",
            )

    def _version(self, name: str | None) -> Version:
        return find_version(self._project, name or "", push=self._request.push)

    def on_github(self, world: _World, steps: list[CompletedStep], failed: list[str]) -> None:
        """Take the steps on GitHub, each for itself; add what was done, and why others failed."""
        repo = self._request.repo
        if repo is None:
            return
        request = self._request
        job = Completion(self._project, world.registry, repo, request.at, request.open_store)
        for step in world.plan.on_github:
            try:
                steps += [done for act in _actions(job, step) if (done := act()) is not None]
            except RetouchError as error:
                failed.append(f"{step.message}: {error}")

    def result(self, world: _World, **more: object) -> ReconcileResult:
        """Return the result, with what is in the stages now."""
        prod, canary = (world.registry.in_stage(stage) for stage in (PROD, CANARY))
        return ReconcileResult.model_validate(
            {
                "prod": prod and prod.name,
                "canary": canary and canary.name,
                "judge": self._is_judging_due(world, prod, canary),
                "waits": world.plan.waits,
                "notes": (*world.plan.notes, *self._clock(world)),
                **more,
            }
        )

    def _clock(self, world: _World) -> tuple[str, ...]:
        warning = clock_warning(world.registry, self._request.at)
        return (warning,) if warning else ()

    def _is_judging_due(self, world: _World, prod: Version | None, canary: Version | None) -> bool:
        """Tell whether days have arrived on which the canary was not judged yet."""
        if prod is None or canary is None or prod == canary:
            return False
        until = self._project.data_until.isoformat()
        text = world.github.judged.get(canary.commit, "") if world.github else ""
        looked = judged_until(self._project.root, canary.hash or "")
        return text != judged_until_text(until) and (looked is None or looked < until)


def judged_until_text(day: str) -> str:
    """Return how a canary's deployment record says up to which day it was judged."""
    return f"judged on the days before {day}"


def _actions(job: Completion, step: ReconcileStep) -> list[Done]:
    match step:
        case Announce():
            return job.announce(step)
        case Record():
            return [lambda: job.record(step)]
        case Release():
            return [lambda: job.release(step)]
    raise AssertionError(f"{step.kind} is no step on GitHub")


def find_version(project: Project, name: str, *, push: bool) -> Version:
    """Return a version as the tags are now. Raises CheckFailed when it is gone."""
    found = read_registry(project, shared=push).find(name)
    if found is None:
        raise CheckFailed(
            f"{name}: its tag was deleted in the meantime.", hint="Run the command again."
        )
    return found


def take_move(project: Project, move: Move, *, push: bool) -> Tag:
    """Write the tag of a move. Raises CheckFailed."""
    version = find_version(project, move.version, push=push)
    return move_version(project, move.action, version, move.stage, move.details, push=push)


def _commit_to_tag(project: Project, history: BaseHistory) -> str:
    """Return the commit on which a new version would be registered.

    It is the one that brought the model. Where workflow files have changed since, it is the newest
    one, which records the same model: GitHub lets no workflow's own token tag a commit whose
    workflow files differ from those of the branch.
    """
    now = history.current
    if now is None:
        return history.head
    trees = [
        first_parents.tree_of(project.root, commit, _WORKFLOWS)
        for commit in (now.commit, history.head)
    ]
    return now.commit if trees[0] == trees[1] else history.head
