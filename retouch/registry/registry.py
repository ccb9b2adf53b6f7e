"""Which version is in which stage, as `gto show` reads the tags. Pure.

The newest assignment to a stage counts, of a version that is still registered and has not been
taken out of the stage since; where that leaves none, the one before. A model whose newest tag
deprecates it has nothing in any stage.

Where GTO's own readers differ we take the counter: of two tags of the same second, the later one
has the greater. An assignment on a commit that was never registered names that commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from retouch.documents import Value
from retouch.registry.tags import Tag

PROD: Final = "prod"
CANARY: Final = "canary"
Stage = Literal["prod", "canary"]
Environment = Literal["production", "canary"]
ENVIRONMENTS: dict[Stage, Environment] = {PROD: "production", CANARY: "canary"}
"""The deployment environment on GitHub of each stage."""
_SECOND = timedelta(seconds=1)
_FAR = timedelta(minutes=5)
"""By this much clocks of different machines may differ without anybody being told."""


class Version(Value):
    """One version of a model."""

    name: str
    """`v1.2.0`; the commit's id where it was assigned to a stage without being registered."""
    commit: str
    at: datetime
    """When it was registered."""
    hash: str | None = None
    """Of its model, as `dvc.lock` records it; None: unknown."""


class StageEvent(Value):
    """A version was assigned to a stage, or taken out of it."""

    tag: Tag
    version: Version

    @property
    def assigns(self) -> bool:
        """Whether it was assigned to the stage."""
        return self.tag.kind == "assign"


class ModelRegistry(Value):
    """The versions of one model and their stages, by its tags."""

    model: str
    tags: tuple[Tag, ...]
    """Of this model, oldest first."""
    known: tuple[Version, ...]
    """All it ever had, deregistered ones too, oldest first."""
    deprecated: bool
    """By its newest tag; then no version counts."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """The registered versions that were not deregistered since, oldest first."""
        return tuple(v for v in self.known if self.is_up(v) and v.name != v.commit)

    def is_up(self, version: Version) -> bool:
        """Tell whether a version is active: not deregistered since, its model not deprecated.

        One that was assigned without being registered cannot be deregistered.
        """
        if self.deprecated:
            return False
        newest = [t for t in self.tags if t.version == version.name and t.commit == version.commit]
        return newest[-1].kind == "version" if newest else version.name == version.commit

    def find(self, name: str) -> Version | None:
        """Return the version of this name, active or not; the newest if two commits have it."""
        return next((v for v in reversed(self.known) if v.name == name), None)

    def with_hash(self, model_hash: str) -> tuple[Version, ...]:
        """Return the versions of this model hash, active or not, oldest first."""
        return tuple(v for v in self.known if v.hash == model_hash)

    def history(self, stage: str) -> tuple[StageEvent, ...]:
        """Return the assignments to a stage and the removals from it, oldest first."""
        return tuple(
            StageEvent(tag=tag, version=version)
            for tag in self.tags
            if tag.stage == stage and (version := self._at(tag.commit)) is not None
        )

    def active(self, stage: str) -> tuple[StageEvent, ...]:
        """Return the assignments to a stage that were not reverted, one per version.

        Oldest first: the last one counts. If its version is removed, the one before does.
        """
        last: dict[str, StageEvent] = {}
        for event in self.history(stage):
            last[event.version.commit] = event
        up = [event for event in last.values() if event.assigns and self.is_up(event.version)]
        return tuple(sorted(up, key=lambda event: event.tag.order))

    def assignment(self, stage: str) -> StageEvent | None:
        """Return the assignment that counts for a stage; None when nothing is in it."""
        active = self.active(stage)
        return active[-1] if active else None

    def in_stage(self, stage: str) -> Version | None:
        """Return the version in a stage; None when there is none."""
        found = self.assignment(stage)
        return None if found is None else found.version

    def next_counter(self) -> int:
        """Return the number of the next tag: one more than the greatest of all of this model's."""
        return 1 + max((tag.counter or 0 for tag in self.tags), default=0)

    def next_moment(self, now: datetime) -> datetime:
        """Return the date of the next tag: now, and later than every other tag of this model.

        A second is all that a tag can tell. So the next tag counts even after one that is dated
        ahead, for every reader that goes by time.
        """
        now = now.replace(microsecond=0)
        return max([now, *(tag.at + _SECOND for tag in self.tags[-1:])])

    def blocked(self, model_hash: str) -> str | None:
        """Return why a model must not be promoted again; None when it may be.

        A failed canary and a rollback are recorded by the tag that removes the version:
        `"model"` its hash, `"failed"` or `"rolled_back"` true, `"reason"` why. Assigning a version
        of that model afterwards means that a person allows it again; not so the assignment of a
        promotion, which another job had planned before.
        """
        reason = None
        for tag in self.tags:
            details = tag.details if tag.kind == "unassign" else {}
            down = details.get("failed") is True or details.get("rolled_back") is True
            if down and details.get("model") == model_hash:
                reason = str(details.get("reason") or "it was taken down")
            elif (
                tag.kind == "assign"
                and not tag.is_automatic
                and (version := self._at(tag.commit)) is not None
            ):
                reason = None if version.hash == model_hash else reason
        return reason

    def _at(self, commit: str) -> Version | None:
        """Return the version of a commit's tag: an active one, if there is one.

        GTO allows one version per commit, and fails on a second one.
        """
        here = [version for version in self.known if version.commit == commit]
        return next((v for v in reversed(here) if self.is_up(v)), here[-1] if here else None)


def registry_from_tags(
    model: str, tags: Iterable[Tag], hashes: Mapping[str, str] | None = None
) -> ModelRegistry:
    """Return the registry of one model out of all tags of a repository, in any order.

    `hashes`: commit -> the model its `dvc.lock` records, for versions whose tag has none.
    """
    own = tuple(sorted((t for t in tags if t.model == model), key=lambda tag: tag.order))
    known: dict[tuple[str, str], Version] = {}
    for tag in own:
        if tag.version is not None:
            key = tag.version, tag.commit
            known.setdefault(key, _version(tag.version, tag, hashes or {}))
    registered = {commit for _, commit in known}
    for tag in own:
        if tag.kind == "assign" and tag.commit not in registered:
            known.setdefault((tag.commit, tag.commit), _version(tag.commit, tag, hashes or {}))
    return ModelRegistry(
        model=model,
        tags=own,
        known=tuple(sorted(known.values(), key=lambda version: (version.at, version.name))),
        deprecated=bool(own) and own[-1].kind == "deprecate",
    )


def _version(name: str, tag: Tag, hashes: Mapping[str, str]) -> Version:
    details = tag.details.get("model")
    found = details if isinstance(details, str) and details else hashes.get(tag.commit)
    return Version(name=name, commit=tag.commit, at=tag.at, hash=found)


def clock_warning(registry: ModelRegistry, now: datetime) -> str | None:
    """Return a sentence when the newest tag is dated far ahead of `now`; None else."""
    newest = registry.tags[-1] if registry.tags else None
    if newest is None or newest.at - now <= _FAR:
        return None
    return (
        f"The tag {newest.name} is dated {newest.at:%Y-%m-%d %H:%M:%S} UTC, ahead of this machine's"
        f" clock ({now:%Y-%m-%d %H:%M:%S} UTC); new tags are dated after it, so that they count."
    )


Head = Literal["prod", "canary", "neither"]
_HEAD: dict[Head, str] = {
    "prod": "HEAD records the model that is in prod.",
    "canary": "HEAD records the canary's model.",
    "neither": "HEAD records a model that is in no stage: see `retouch promote --dry`.",
}


class InStage(Value):
    """The version in one stage, by the tags."""

    version: str
    commit: str
    since: datetime
    hash: str | None
    """Of its model; None: unknown."""
    tag: str
    """The one that put it there."""


class ReleaseStatus(Value):
    """The versions in prod and canary, and whose model the checked-out commit records."""

    prod: InStage | None = None
    canary: InStage | None = None
    newest: str | None = None
    """The version registered last; None: there is none."""
    head: Head = "neither"
    fault: str | None = None
    """Why the tags could not be read."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The status, line by line; empty where nothing was ever released."""
        if self.fault is not None:
            return (f"Versions: {self.fault}",)
        if self.newest is None and self.prod is None and self.canary is None:
            return ()
        newest = f"Newest version: {self.newest or 'none'}"
        return _line(PROD, self.prod), _line(CANARY, self.canary), newest, _HEAD[self.head]


def release_status(registry: ModelRegistry, model_hash: str) -> ReleaseStatus:
    """Return what is in the stages, compared with the hash of the model that HEAD records."""
    prod, canary = (_in_stage(registry.assignment(stage)) for stage in (PROD, CANARY))
    head: Head = "neither"
    if canary is not None and canary.hash == model_hash:
        head = CANARY
    if prod is not None and prod.hash == model_hash:
        head = PROD
    newest = registry.versions[-1].name if registry.versions else None
    return ReleaseStatus(prod=prod, canary=canary, newest=newest, head=head)


def _in_stage(event: StageEvent | None) -> InStage | None:
    if event is None:
        return None
    version, tag = event.version, event.tag
    return InStage(
        version=version.name, commit=version.commit, since=tag.at, hash=version.hash, tag=tag.name
    )


def _line(stage: str, found: InStage | None) -> str:
    if found is None:
        return f"{stage}: nothing"
    model = (found.hash or "an unknown model")[:12]
    since = f"{found.since:%Y-%m-%d %H:%M} UTC"
    return f"{stage}: {found.version}, {model} (commit {found.commit[:10]}), since {since}"
