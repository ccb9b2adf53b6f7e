"""`retouch promote`: the model a commit of main records becomes a version.

    lock integrity -> facts -> `registry.promotion_plan` -> tags -> deployment -> release

What an earlier call did is found by its tags, its deployment and its release, and not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from retouch.documents import Document
from retouch.engine.base_branch import base_commit
from retouch.engine.project import Project
from retouch.engine.status import read_registry
from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.git import branches, git, gto_tags
from retouch.github import records
from retouch.github.records import create_deployment, set_deployment_status
from retouch.github.repository import Repository
from retouch.jobs.release.assignments import move_version, register_version
from retouch.jobs.release.base_models import read_base_history
from retouch.jobs.release.committed import CommittedModel
from retouch.jobs.release.completion import publish_release
from retouch.jobs.release.reconcile import find_version
from retouch.jobs.release.steps import record_deployment
from retouch.jobs.verify.verify import verify
from retouch.registry.base_history import BaseHistory
from retouch.registry.bundle_manifest import bundle_name
from retouch.registry.promotion_plan import (
    Assign,
    Deploy,
    GitHubRecord,
    PromotionFacts,
    PromotionPlan,
    PromotionStep,
    Publish,
    Register,
    Withdraw,
    plan_promotion,
)
from retouch.registry.registry import CANARY, ModelRegistry, Version
from retouch.registry.tags import tag_name


class PromotionResult(Document):
    """The result of a promotion."""

    plan: PromotionPlan
    """With every finished step marked as done."""
    newly: tuple[str, ...] = ()
    """What this call did, a sentence each."""
    failed: str | None = None
    """Why a step failed; the next call continues there."""

    @property
    def exit_code(self) -> int:
        """1 when it is refused or not complete."""
        return int(self.plan.outcome == "refused" or self.failed is not None)


@dataclass(frozen=True)
class PromotionRequest:
    """What to promote, and where to record it."""

    commit: str = "HEAD"
    dry: bool = False
    """Only plan."""
    push: bool = True
    """Tags go to `origin`, and only those that are there count."""
    repo: Repository | None = None
    """GitHub, for the deployment and the release; None: neither."""


def promote(project: Project, request: PromotionRequest) -> PromotionResult:
    """Take the steps that make a version of the model a commit records; finished ones are kept.

    A step that fails ends the call; the result has what is left, and the next call continues.
    Raises InputError, and CheckFailed before anything is written when the lock is not sound.
    """
    commit = git.commit_of(project.root, request.commit)
    if commit is None:
        raise InputError(
            f"--commit {request.commit!r}: git knows no such commit.",
            hint="Fetch it first: `git fetch`.",
        )
    if request.push:
        _require_merged(project, commit)
        gto_tags.fetch_tags(project.root)
    flow = _Promotion(project, CommittedModel(project.root, commit), request)
    plan = flow.plan()
    if request.dry or not plan.left:
        return PromotionResult(plan=plan)
    sound = verify(project, commit=commit)
    if not sound.sound:
        message = (
            f"The lock of {commit[:10]} is not sound, so nothing is promoted: {sound.message[0]}"
        )
        return PromotionResult(plan=plan, failed=message)
    return flow.take(plan)


def _require_merged(project: Project, commit: str) -> None:
    """Raise CheckFailed for a commit that the base branch does not hold: it was not reviewed."""
    base = base_commit(project.root, None, {})
    if not branches.is_ancestor(project.root, commit, base.commit):
        raise CheckFailed(
            f"{commit[:10]} is not on {base.name}, and only merged commits are promoted.",
            hint="Merge it; if it is merged, `git fetch`.",
        )


class _Promotion:
    """One call: the facts, and what each step does."""

    def __init__(
        self, project: Project, committed: CommittedModel, request: PromotionRequest
    ) -> None:
        self._project, self._request = project, request
        self._committed = committed

    def plan(self) -> PromotionPlan:
        """Return the steps as they stand now. Raises InputError."""
        committed, repo = self._committed, self._request.repo
        found = committed.model
        registry = self._registry
        facts = PromotionFacts(
            registry=registry,
            commit=committed.commit,
            hash=found.hash,
            kept=committed.kept(found.hash),
            policy=committed.promotion.release,
            history=self._history(registry),
            shared=self._request.push,
        )
        plan = plan_promotion(facts)
        if repo is None or plan.outcome == "refused" or not plan.steps:
            return plan
        return plan_promotion(facts.model_copy(update={"github": self._on_github(plan, repo)}))

    def _history(self, registry: ModelRegistry) -> BaseHistory | None:
        """Return the base branch's models; None where the commit is not on it."""
        root, commit = self._project.root, self._committed.commit
        if not branches.is_ancestor(root, commit, self._head):
            return None
        return read_base_history(root, self._head, registry, [commit])

    @cached_property
    def _head(self) -> str:
        return base_commit(self._project.root, None, {}).commit

    def _on_github(self, plan: PromotionPlan, repo: Repository) -> GitHubRecord:
        asset = f"{bundle_name(plan.model, plan.version or '')}.tar.gz"
        return GitHubRecord(
            released=records.release_has_asset(repo, _tag_of(plan), asset),
            environments=records.deployed_environments(repo, plan.commit),
        )

    def take(self, plan: PromotionPlan) -> PromotionResult:
        """Take the steps that are left, up to the first that fails."""
        taken: list[PromotionStep] = []
        newly: list[str] = []
        for place, step in enumerate(plan.steps):
            if not step.done:
                try:
                    self._take(step, plan)
                except RetouchError as error:
                    rest = (*taken, *plan.steps[place:])
                    stopped = plan.model_copy(update={"steps": rest})
                    return PromotionResult(plan=stopped, newly=tuple(newly), failed=str(error))
                newly.append(f"{step.message}.")
            taken.append(step.model_copy(update={"done": True}))
        done = plan.model_copy(update={"steps": tuple(taken)})
        return PromotionResult(plan=done, newly=tuple(newly))

    def _take(self, step: PromotionStep, plan: PromotionPlan) -> None:
        push = self._request.push
        match step:
            case Register():
                name = plan.version or ""
                register_version(self._project, name, plan.commit, plan.details, push=push)
            case Assign():
                version = self._version(plan.version)
                details = {"reason": plan.reason, **plan.details, "base": self._head}
                move_version(self._project, "assign", version, step.stage, details, push=push)
            case Withdraw():
                version = self._version(step.version)
                details = {"reason": plan.supersedes, "model": version.hash, "base": self._head}
                move_version(self._project, "unassign", version, CANARY, details, push=push)
            case Deploy():
                self._deploy(step, plan)
            case Publish():
                repo = _require_repository(self._request.repo)
                publish_release(self._project, repo, plan.model, self._version(plan.version))

    @property
    def _registry(self) -> ModelRegistry:
        return read_registry(self._project, shared=self._request.push)

    def _version(self, name: str | None) -> Version:
        return find_version(self._project, name or "", push=self._request.push)

    def _deploy(self, step: Deploy, plan: PromotionPlan) -> None:
        repo = _require_repository(self._request.repo)
        number = create_deployment(
            repo,
            ref=plan.commit,
            environment=step.environment,
            description=plan.reason,
            payload={"version": plan.version, "model": plan.hash},
        )
        set_deployment_status(repo, number, step.state, plan.reason)
        if step.environment == CANARY:  # GitHub does this for none that is marked as transient
            for event in self._registry.history(CANARY):
                if not event.assigns and event.tag.details.get("reason") == plan.supersedes:
                    record_deployment(repo, event.version, CANARY, "inactive", plan.supersedes)


def _tag_of(plan: PromotionPlan) -> str:
    return tag_name("version", plan.model, version=plan.version)


def _require_repository(repo: Repository | None) -> Repository:
    if repo is None:
        raise AssertionError("a step at GitHub without GitHub")
    return repo
