"""What is released, and how a commit stands to it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from retouch.documents import Value
from retouch.registry.registry import Event, Registry

Head = Literal["prod", "canary", "neither"]
_HEAD: dict[Head, str] = {
    "prod": "HEAD records the model that is in prod.",
    "canary": "HEAD records the canary's model.",
    "neither": "HEAD records a model that is in no stage: see `retouch promote --dry`.",
}


class InStage(Value):
    """The version in one stage, as the tags tell."""

    version: str
    commit: str
    since: datetime
    hash: str | None
    """Of its model; None: nobody says."""
    tag: str
    """The one that put it there."""


class Standing(Value):
    """What is in prod and in canary, and whose model the checked-out commit records."""

    prod: InStage | None = None
    canary: InStage | None = None
    newest: str | None = None
    """The version registered last; None: there is none."""
    head: Head = "neither"
    fault: str | None = None
    """Why the tags could not be read."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What there is to say of it, a line each; nothing where nothing was ever released."""
        if self.fault is not None:
            return (f"Versions: {self.fault}",)
        if self.newest is None and self.prod is None and self.canary is None:
            return ()
        newest = f"Newest version: {self.newest or 'none'}"
        return _line("prod", self.prod), _line("canary", self.canary), newest, _HEAD[self.head]


def standing_of(registry: Registry, model_hash: str) -> Standing:
    """Return what is in the stages, beside the hash of the model that HEAD records."""
    prod, canary = (_in_stage(registry.assignment(stage)) for stage in ("prod", "canary"))
    head: Head = "neither"
    if canary is not None and canary.hash == model_hash:
        head = "canary"
    if prod is not None and prod.hash == model_hash:
        head = "prod"
    newest = registry.versions[-1].name if registry.versions else None
    return Standing(prod=prod, canary=canary, newest=newest, head=head)


def _in_stage(event: Event | None) -> InStage | None:
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
