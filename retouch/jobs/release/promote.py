"""`retouch promote`: the model a commit of main records becomes a version.

    lock integrity -> facts -> steps (`release.steps`) -> tags -> deployment -> release with bundle

What an earlier call did is found by its tags, its deployment and its release, and not done again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from retouch.documents import Document
from retouch.engine.base_branch import base_commit
from retouch.engine.project import Project
from retouch.engine.status import read_registry
from retouch.errors import CheckFailed, InputError, RetouchError
from retouch.git import branches, git, gto_tags
from retouch.github import records
from retouch.github.records import (
    create_deployment,
    create_release,
    set_deployment_status,
    upload_asset,
)
from retouch.github.repository import Repository
from retouch.jobs.release.announcements import record_deployment
from retouch.jobs.release.assignments import move
from retouch.jobs.release.bundle import write_bundle
from retouch.jobs.release.committed import Committed
from retouch.jobs.verify.verify import verify
from retouch.registry.bundle import bundle_name
from retouch.registry.promotion_plan import (
    CANARY,
    Assign,
    Deploy,
    Facts,
    OnGitHub,
    Promoting,
    Publish,
    Register,
    Step,
    Withdraw,
    promoting,
)
from retouch.registry.registry import Registry, Version
from retouch.registry.tags import tag_name
from retouch.reporting.release import release_body
from retouch.system import files


class Promoted(Document):
    """What came of a promotion."""

    promoting: Promoting
    """With every step that is taken marked as done."""
    newly: tuple[str, ...] = ()
    """What this call did, a sentence each."""
    failed: str | None = None
    """Why a step failed; the next call goes on there."""

    @property
    def exit_code(self) -> int:
        """1 when it is refused or not complete."""
        return int(self.promoting.outcome == "refused" or self.failed is not None)


@dataclass(frozen=True)
class Request:
    """What is asked for."""

    commit: str = "HEAD"
    dry: bool = False
    """Only say what would be done."""
    push: bool = True
    """Tags go to `origin`, and only those that are there count."""
    repo: Repository | None = None
    """GitHub, for the deployment and the release; None: neither."""


def promote(project: Project, request: Request) -> Promoted:
    """Take the steps that make a version of the model a commit records; those taken are kept.

    A step that fails ends the call; what is left is in the answer, and the next call goes on.
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
    flow = _Flow(project, Committed(project.root, commit), request)
    plan = flow.plan()
    if request.dry or not plan.left:
        return Promoted(promoting=plan)
    sound = verify(project, commit=commit)
    if not sound.sound:
        message = (
            f"The lock of {commit[:10]} is not sound, so nothing is promoted: {sound.message[0]}"
        )
        return Promoted(promoting=plan, failed=message)
    return flow.take(plan)


def _require_merged(project: Project, commit: str) -> None:
    """Raise CheckFailed for a commit that the base branch does not hold: nobody has reviewed it."""
    base = base_commit(project.root, None, {})
    if not branches.is_ancestor(project.root, commit, base.commit):
        raise CheckFailed(
            f"{commit[:10]} is not on {base.name}, and only what was merged is promoted.",
            hint="Merge it; or `git fetch`, should that have happened.",
        )


class _Flow:
    """One call: the facts, and what each step does."""

    def __init__(self, project: Project, committed: Committed, request: Request) -> None:
        self._project, self._request = project, request
        self._committed = committed

    def plan(self) -> Promoting:
        """Return the steps as they stand now. Raises InputError."""
        committed, repo = self._committed, self._request.repo
        found = committed.model
        facts = Facts(
            registry=self._registry,
            commit=committed.commit,
            hash=found.hash,
            kept=committed.kept(found.hash),
            policy=committed.promotion.release,
            shared=self._request.push,
        )
        plan = promoting(facts)
        if repo is None or plan.outcome == "refused" or not plan.steps:
            return plan
        return promoting(facts.model_copy(update={"github": self._on_github(plan, repo)}))

    def _on_github(self, plan: Promoting, repo: Repository) -> OnGitHub:
        asset = f"{bundle_name(plan.model, plan.version or '')}.tar.gz"
        return OnGitHub(
            released=records.release_has_asset(repo, _tag_of(plan), asset),
            environments=records.deployed_environments(repo, plan.commit),
        )

    def take(self, plan: Promoting) -> Promoted:
        """Take the steps that are left, up to the first that fails."""
        taken: list[Step] = []
        newly: list[str] = []
        for place, step in enumerate(plan.steps):
            if not step.done:
                try:
                    self._take(step, plan)
                except RetouchError as error:
                    rest = (*taken, *plan.steps[place:])
                    stopped = plan.model_copy(update={"steps": rest})
                    return Promoted(promoting=stopped, newly=tuple(newly), failed=str(error))
                newly.append(f"{step.message}.")
            taken.append(step.model_copy(update={"done": True}))
        done = plan.model_copy(update={"steps": tuple(taken)})
        return Promoted(promoting=done, newly=tuple(newly))

    def _take(self, step: Step, plan: Promoting) -> None:
        root, push = self._project.root, self._request.push
        match step:
            case Register():
                message = json.dumps(_facts_in(plan), sort_keys=True)
                gto_tags.write_tag(root, _tag_of(plan), plan.commit, message, push=push)
            case Assign():
                version = self._version(plan.version)
                said = {"reason": plan.reason} | _facts_in(plan)
                move(self._project, "assign", version, step.stage, said, push=push)
            case Withdraw():
                version = self._version(step.version)
                said = {"reason": _superseded_by(plan), "model": version.hash}
                move(self._project, "unassign", version, CANARY, said, push=push)
            case Deploy():
                self._deploy(step, plan)
            case Publish():
                self._publish(plan)

    @property
    def _registry(self) -> Registry:
        return read_registry(self._project, shared=self._request.push)

    def _version(self, name: str | None) -> Version:
        found = self._registry.find(name or "")
        if found is None:
            raise CheckFailed(f"{name}: its tag has gone meanwhile.", hint="Call again.")
        return found

    def _deploy(self, step: Deploy, plan: Promoting) -> None:
        repo = _given(self._request.repo)
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
                if not event.assigns and event.tag.said.get("reason") == _superseded_by(plan):
                    record_deployment(repo, event.version, CANARY, "inactive", _superseded_by(plan))

    def _publish(self, plan: Promoting) -> None:
        repo, version = _given(self._request.repo), self._version(plan.version)
        with files.temporary_folder("release") as folder:
            target = folder / f"{bundle_name(plan.model, version.name)}.tar.gz"
            bundled = write_bundle(self._project, version, target)
            body = release_body(
                version=version.name,
                model=plan.model,
                hash=plan.hash,
                commit=plan.commit,
                report=plan.kept_by.report_id if plan.kept_by else None,
                message=plan.kept_by.message if plan.kept_by else None,
                bundle=(target.name, bundled.sha256, bundled.size),
            )
            name = f"{plan.model} {version.name}"
            release = create_release(repo, tag=_tag_of(plan), name=name, body=body)
            raw = files.read_bytes(target, limit=2**31)
            asset = upload_asset(repo, release, target.name, raw, "application/gzip")
        if asset.digest not in (None, f"sha256:{bundled.sha256}"):
            raise CheckFailed(
                f"{release.html_url}: has another {asset.name} than this version's.",
                hint="Remove that file from the release, and call again.",
            )


def _tag_of(plan: Promoting) -> str:
    return tag_name("version", plan.model, version=plan.version)


def _superseded_by(plan: Promoting) -> str:
    return f"superseded by {plan.version}"


def _facts_in(plan: Promoting) -> dict[str, str | None]:
    """Return what the messages of a version's tags say."""
    kept = plan.kept_by
    return {
        "model": plan.hash,
        "report": kept.report_id if kept else None,
        "verdict": kept.outcome if kept else None,
        "plan_key": kept.plan_key if kept else None,
    }


def _given(repo: Repository | None) -> Repository:
    if repo is None:
        raise AssertionError("a step at GitHub without GitHub")
    return repo
