"""What GitHub should hold about the versions, as the tags have it: each step can be repeated.

Pull requests and issues about versions that were taken down, deployment records, releases.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from retouch.engine.project import Project
from retouch.errors import CheckFailed
from retouch.gate.canary_model import CanaryVerdict
from retouch.git_remote.store import open_store, opened
from retouch.github import records
from retouch.github.records import create_release, upload_asset
from retouch.github.repository import Repository
from retouch.jobs.release.bundle import write_bundle
from retouch.jobs.release.committed import CommittedModel
from retouch.jobs.release.revert import versions_between
from retouch.jobs.release.steps import Announcement, CompletedStep, record_deployment
from retouch.registry.bundle_manifest import bundle_name
from retouch.registry.reconciliation import RECENT, RELEASES, Announce, Record, Release
from retouch.registry.registry import CANARY, PROD, ModelRegistry, Stage, StageEvent, Version
from retouch.registry.tags import tag_name
from retouch.reporting.release import (
    RolledBackVersion,
    canary_failed,
    release_body,
    version_rolled_back,
)
from retouch.system import files

Done = Callable[[], CompletedStep | None]


@dataclass(frozen=True)
class GitHubState:
    """What GitHub holds about the versions."""

    deployments: dict[str, str]
    """`COMMIT ENVIRONMENT` -> the newest state."""
    released: frozenset[str]
    """Versions whose release has the bundle."""
    judged: dict[str, str]
    """Commit of a canary -> the description of its record."""


def read_github(registry: ModelRegistry, repo: Repository) -> GitHubState:
    """Read what GitHub holds about the newest versions. Raises InputError, CheckFailed."""
    events = [e for stage in (CANARY, PROD) for e in registry.history(stage)[-RECENT:]]
    current = [e for stage in (CANARY, PROD) if (e := registry.assignment(stage)) is not None]
    deployments, judged = {}, {}
    for commit in sorted({event.version.commit for event in (*events, *current)}):
        for environment, (state, text) in records.deployment_states(repo, commit).items():
            deployments[f"{commit} {environment}"] = state
            if environment == CANARY:
                judged[commit] = text
    released = [
        version.name
        for version in registry.versions[-RELEASES:]
        if records.release_has_asset(repo, *_asset_of(registry.model, version.name))
    ]
    return GitHubState(deployments, frozenset(released), judged)


def _asset_of(model: str, version: str) -> tuple[str, str]:
    tag = tag_name("version", model, version=version)
    return tag, f"{bundle_name(model, version)}.tar.gz"


@dataclass(frozen=True)
class Completion:
    """Carries out the steps on GitHub."""

    project: Project
    registry: ModelRegistry
    repo: Repository
    at: datetime
    open_store: bool = False
    """Fetch the branch with the data, once a model has to be read."""

    def announce(self, step: Announce) -> list[Done]:
        """Return the steps about a version that was taken down: pull request, then issue."""
        event = next(
            e
            for stage in (CANARY, PROD)
            for e in self.registry.history(stage)
            if e.tag.name == step.tag
        )
        details = event.tag.details
        if event.tag.stage == CANARY:
            verdict = _verdict_in(details.get("verdict"))
            return [] if verdict is None else self._canary_failed(event, verdict)
        to = self.registry.find(str(details.get("to")))
        if to is None:
            return []
        announcement = Announcement(self.project, self.repo, self._fall(event, to))
        tell: Done = lambda: announcement.issue(  # noqa: E731
            lambda url: version_rolled_back(announcement.fall, revert_url=url), "retouch:rollback"
        )
        if isinstance(details.get("reverted"), str):  # the base branch is as it should be
            return [tell]
        versions = versions_between(self.project, self.registry, to, event.version)
        return [lambda: announcement.revert(versions), tell]

    def _canary_failed(self, event: StageEvent, verdict: CanaryVerdict) -> list[Done]:
        production = self.registry.find(verdict.production.version)
        if production is None:
            return []
        fall = self._fall(event, production)
        announcement = Announcement(self.project, self.repo, fall)
        versions = versions_between(self.project, self.registry, production, event.version)
        return [
            lambda: announcement.revert(versions),
            lambda: announcement.issue(
                lambda url: canary_failed(
                    verdict, message=verdict.message, counter=event.tag.counter, revert_url=url
                ),
                "retouch:canary",
            ),
        ]

    def _fall(self, event: StageEvent, to: Version) -> RolledBackVersion:
        return RolledBackVersion(
            model=self.registry.model,
            version=event.version.name,
            commit=event.version.commit,
            hash=event.version.hash or "",
            to=to.name,
            reason=str(event.tag.details.get("reason") or "No reason given."),
            counter=event.tag.counter,
            at=event.tag.at,
        )

    def record(self, step: Record) -> CompletedStep:
        """Record where a version runs, or that it no longer does."""
        found = self.registry.find(step.version)
        assert found is not None  # the step follows from this registry
        stage: Stage = CANARY if step.environment == "canary" else PROD
        return record_deployment(self.repo, found, stage, step.state, step.reason)

    def release(self, step: Release) -> CompletedStep:
        """Publish the release of a version, with its bundle."""
        version = self.registry.find(step.version)
        assert version is not None  # the step follows from this registry
        if self.open_store and opened(self.project.root) is None:
            open_store(self.project.root)
        publish_release(self.project, self.repo, self.registry.model, version)
        return CompletedStep(message=f"The release of {version.name} has its bundle.")


def publish_release(project: Project, repo: Repository, model: str, version: Version) -> None:
    """Publish the release of a version with its bundle; what is there already stays.

    Raises CheckFailed when the release has another bundle under that name.
    """
    committed = CommittedModel(project.root, version.commit)
    hash_ = version.hash or committed.model.hash
    kept = committed.kept(hash_)
    tag, asset_name = _asset_of(model, version.name)
    with files.temporary_folder("release") as folder:
        target = folder / asset_name
        bundled = write_bundle(project, version, target)
        body = release_body(
            version=version.name,
            model=model,
            hash=hash_,
            commit=version.commit,
            report=kept[-1].report_id if kept else None,
            message=kept[-1].message if kept else None,
            bundle=(target.name, bundled.sha256, bundled.size),
        )
        release = create_release(repo, tag=tag, name=f"{model} {version.name}", body=body)
        raw = files.read_bytes(target, limit=2**31)
        asset = upload_asset(repo, release, target.name, raw, "application/gzip")
    if asset.digest not in (None, f"sha256:{bundled.sha256}"):
        raise CheckFailed(
            f"{release.html_url}: its {asset.name} differs from this version's.",
            hint="Remove that file from the release, and run the command again.",
        )


def _verdict_in(details: object) -> CanaryVerdict | None:
    """Return the verdict that a tag's message carries; None for a tag of another kind."""
    try:
        return CanaryVerdict.model_validate_json(json.dumps(details))
    except ValueError:
        return None
