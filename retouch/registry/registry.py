"""Which version is in which stage: what `gto show` says of the tags. Pure.

The newest assignment to a stage counts, of a version that is still registered and has not been
taken out of the stage since; where that leaves none, the one before. A model whose newest tag
deprecates it has nothing in any stage.

Where GTO's own readers differ we take the counter: of two tags of the same second, the later one
has the greater. An assignment on a commit that was never registered names that commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from retouch.documents import Value
from retouch.registry.tags import Tag


class Version(Value):
    """One version of a model."""

    name: str
    """`v1.2.0`; the commit's id where it was assigned to a stage without being registered."""
    commit: str
    at: datetime
    """When it was registered."""
    hash: str | None = None
    """Of the model it stands for, as `dvc.lock` writes it; None: nobody said."""


class Event(Value):
    """A version was assigned to a stage, or taken out of it."""

    tag: Tag
    version: Version

    @property
    def assigns(self) -> bool:
        """Whether it came into the stage."""
        return self.tag.kind == "assign"


class Registry(Value):
    """The versions of one model and where they are, as its tags tell."""

    model: str
    tags: tuple[Tag, ...]
    """Of this model, oldest first."""
    known: tuple[Version, ...]
    """All it has ever had, deregistered ones too, oldest first."""
    deprecated: bool
    """Its newest tag says so; then no version is up."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """The registered versions that were not deregistered since, oldest first."""
        return tuple(v for v in self.known if self.is_up(v) and v.name != v.commit)

    def is_up(self, version: Version) -> bool:
        """Say whether a version counts: registered last, not deregistered; the model not given up.

        One that was assigned without being registered cannot be deregistered.
        """
        if self.deprecated:
            return False
        newest = [t for t in self.tags if t.version == version.name and t.commit == version.commit]
        return newest[-1].kind == "version" if newest else version.name == version.commit

    def find(self, name: str) -> Version | None:
        """Return the version of this name, up or not; the newest should two commits have it."""
        return next((v for v in reversed(self.known) if v.name == name), None)

    def with_hash(self, model_hash: str) -> tuple[Version, ...]:
        """Return the versions that stand for this model, up or not, oldest first."""
        return tuple(v for v in self.known if v.hash == model_hash)

    def history(self, stage: str) -> tuple[Event, ...]:
        """Return what came into a stage and what was taken out, oldest first."""
        return tuple(
            Event(tag=tag, version=version)
            for tag in self.tags
            if tag.stage == stage and (version := self._at(tag.commit)) is not None
        )

    def active(self, stage: str) -> tuple[Event, ...]:
        """Return the assignments to a stage that nothing has taken back, one a version.

        Oldest first: the last one counts. Should its version be taken out, the one before does.
        """
        last: dict[str, Event] = {}
        for event in self.history(stage):
            last[event.version.commit] = event
        up = [event for event in last.values() if event.assigns and self.is_up(event.version)]
        return tuple(sorted(up, key=lambda event: event.tag.order))

    def assignment(self, stage: str) -> Event | None:
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

    def blocked(self, model_hash: str) -> str | None:
        """Return why a model must not be promoted again; None when it may be.

        A failed canary and a rollback say so in the message of the tag that takes the version out:
        `"model"` its hash, `"failed"` or `"rolled_back"` true, `"reason"` why. Assigning a version
        of that model afterwards is a person's word that it may run again.
        """
        reason = None
        for tag in self.tags:
            said = tag.said if tag.kind == "unassign" else {}
            down = said.get("failed") is True or said.get("rolled_back") is True
            if down and said.get("model") == model_hash:
                reason = str(said.get("reason") or "it was taken down")
            elif tag.kind == "assign" and (version := self._at(tag.commit)) is not None:
                reason = None if version.hash == model_hash else reason
        return reason

    def _at(self, commit: str) -> Version | None:
        """Return the version that a tag on this commit is about: one that is up, if there is one.

        GTO lets a commit have one version only; it stops with an error at a second one.
        """
        here = [version for version in self.known if version.commit == commit]
        return next((v for v in reversed(here) if self.is_up(v)), here[-1] if here else None)


def registry_of(
    model: str, tags: Iterable[Tag], hashes: Mapping[str, str] | None = None
) -> Registry:
    """Return the registry of one model out of all tags of a repository, in any order.

    `hashes`: commit -> the model its `dvc.lock` records, for versions whose tag does not say.
    """
    ours = tuple(sorted((t for t in tags if t.model == model), key=lambda tag: tag.order))
    known: dict[tuple[str, str], Version] = {}
    for tag in ours:
        if tag.version is not None:
            key = tag.version, tag.commit
            known.setdefault(key, _version(tag.version, tag, hashes or {}))
    registered = {commit for _, commit in known}
    for tag in ours:
        if tag.kind == "assign" and tag.commit not in registered:
            known.setdefault((tag.commit, tag.commit), _version(tag.commit, tag, hashes or {}))
    return Registry(
        model=model,
        tags=ours,
        known=tuple(sorted(known.values(), key=lambda version: (version.at, version.name))),
        deprecated=bool(ours) and ours[-1].kind == "deprecate",
    )


def _version(name: str, tag: Tag, hashes: Mapping[str, str]) -> Version:
    said = tag.said.get("model")
    found = said if isinstance(said, str) and said else hashes.get(tag.commit)
    return Version(name=name, commit=tag.commit, at=tag.at, hash=found)
