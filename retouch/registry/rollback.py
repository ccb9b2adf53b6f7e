"""Which version is rolled back and which stands in for it, from the tags alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from retouch.errors import InputError, visible
from retouch.registry.registry import Event, Registry, Version
from retouch.registry.tags import Tag

_PROD = "prod"


@dataclass(frozen=True)
class Rollback:
    """One rollback, and what of it is done."""

    bad: Version
    target: Version
    taken_out: Tag | None = None
    """The tag that took the bad one out; None: it is to be written."""
    put_in: Tag | None = None
    """The tag that put the other one in."""
    reason: str = ""
    """As the tag has it."""


def next_rollback(registry: Registry, to: str | None) -> Rollback:
    """Return the rollback to carry out: one begun before, else a new one.

    A rollback that has begun is gone on with, unless another version is asked for; one that is
    done is returned as done. So whoever names no version never rolls back a rollback. Raises
    InputError when nothing is in production, or there is no version to go back to.
    """
    begun = _begun(registry)
    if begun is not None and to in (None, begun.target.name):
        return begun
    bad = registry.in_stage(_PROD)
    if begun is not None and begun.put_in is None:
        raise InputError(
            f"A rollback from {begun.bad.name} to {begun.target.name} was cut short.",
            hint="Finish it first: `retouch rollback`.",
        )
    if bad is None:
        raise InputError(
            f"No version of {registry.model} is in {_PROD}, so there is none to roll back.",
            hint="See `retouch status`; tags come with `git fetch --tags`.",
        )
    return Rollback(bad, _before(registry, bad) if to is None else _named(registry, to, bad))


def _begun(registry: Registry) -> Rollback | None:
    """Return the rollback that the newest tags of the stage tell of; None: there is none."""
    history = registry.history(_PROD)
    for at in (len(history) - 1, len(history) - 2):
        if at < 0 or not _begins(history[at]):
            continue
        out, said = history[at], history[at].tag.said
        target = registry.find(str(said["to"]))
        rest = history[at + 1 :]
        ours = [e for e in rest if e.assigns and e.tag.said.get("rollback_of") == out.version.name]
        if target is None or not registry.is_up(target) or len(ours) != len(rest):
            return None
        if any(event.version.commit != target.commit for event in ours):
            return None
        put_in = ours[-1].tag if ours else None
        return Rollback(out.version, target, out.tag, put_in, str(said.get("reason") or ""))
    return None


def _begins(event: Event) -> bool:
    return not event.assigns and isinstance(event.tag.said.get("to"), str)


def _before(registry: Registry, bad: Version) -> Version:
    """Return the version that was in production before, of those that are up and not down."""
    for event in reversed(registry.history(_PROD)):
        version = event.version
        if event.assigns and version.commit != bad.commit and _may_stand_in(registry, version):
            return version
    raise InputError(
        f"No version was in {_PROD} before {bad.name} that could stand in for it.",
        hint="Name one: `retouch rollback --to VERSION`.",
    )


def _may_stand_in(registry: Registry, version: Version) -> bool:
    down = version.hash is not None and registry.blocked(version.hash) is not None
    return registry.is_up(version) and not down


def _named(registry: Registry, name: str, bad: Version) -> Version:
    found = registry.find(name)
    if found is None or not registry.is_up(found):
        known = ", ".join(version.name for version in registry.versions[-10:]) or "none"
        raise InputError(
            f"--to {visible(name)!r}: is no version of {registry.model} that is registered; there"
            f" are: {known}."
        )
    if found.commit == bad.commit:
        raise InputError(f"--to {found.name}: is in {_PROD} already.", hint="See `retouch status`.")
    return found
