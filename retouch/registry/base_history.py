"""Which models the base branch recorded, one after the other, and which of them it reverted. Pure.

A merged model becomes a version at the newest commit in which the recorded model changed, whether
it came by a squash, a rebase, a merge queue, or with another one in the same push. A version is
reverted when a later commit records a model from before it again, whoever wrote that commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from retouch.documents import Value
from retouch.registry.registry import CANARY, PROD, ModelRegistry, StageEvent, Version


class ModelChange(Value):
    """A commit on the base branch in which the recorded model changed."""

    commit: str
    at: datetime
    """When it was committed."""
    hash: str | None
    """Of the model it records; None: it records none."""


class BaseHistory(Value):
    """The recorded models of the base branch, by its first parents."""

    head: str
    """The branch's newest commit."""
    changes: tuple[ModelChange, ...] = ()
    """Oldest first. They reach back to before the versions that are in a stage."""
    after: Mapping[str, frozenset[str]] = {}
    """Commit of the branch -> the `changes` that came after it. No other commits are listed."""

    ahead: frozenset[str] = frozenset()
    """Commits of versions that come after `head`: an older commit of the branch is looked at."""

    @property
    def current(self) -> ModelChange | None:
        """The change that brought the model which the branch records now."""
        return self.changes[-1] if self.changes else None

    def is_after(self, change: ModelChange, commit: str) -> bool:
        """Tell whether a change came after a commit; False for a commit of another branch."""
        return change.commit in self.after.get(commit, frozenset())

    def is_newer(self, commit: str, than: str) -> bool:
        """Tell whether a commit of the branch brought a later model than another one."""
        nothing: frozenset[str] = frozenset()
        known = commit in self.after and than in self.after
        return known and self.after.get(commit, nothing) < self.after.get(than, nothing)


def judged_assignments(registry: ModelRegistry) -> tuple[StageEvent, ...]:
    """Return the assignments that a revert may end: production's, and those of all canaries.

    Versions that were in production before stay assigned; how they came there no longer matters.
    """
    prod = registry.assignment(PROD)
    return (*((prod,) if prod is not None else ()), *registry.active(CANARY))


def reverted_by(
    registry: ModelRegistry, history: BaseHistory, event: StageEvent
) -> ModelChange | None:
    """Return the newest change that reverted the version of an assignment; None when none has.

    Only a change that whoever assigned the version did not know of: a version that a person assigns
    after the revert stays.
    """
    version, found = event.version, None
    earlier = models_before(registry, history, version)
    for change in history.changes:
        if not history.is_after(change, version.commit):
            continue
        if change.hash == version.hash:
            found = None
        elif change.hash in earlier:
            found = change
    return found if found is not None and _is_news(history, event, found) else None


def is_back(history: BaseHistory, reverted: str) -> bool:
    """Tell whether the branch's model came after a commit that reverted a version."""
    return history.current is not None and history.is_after(history.current, reverted)


def models_before(
    registry: ModelRegistry, history: BaseHistory, version: Version
) -> frozenset[str | None]:
    """Return the hashes of the models the branch recorded before a version."""
    recorded = {c.hash for c in history.changes if not history.is_after(c, version.commit)}
    versions = {
        one.hash
        for one in registry.known
        if one.commit in history.after
        and version.commit in history.after
        and history.after[version.commit] < history.after[one.commit]
    }
    return frozenset((recorded | versions) - {version.hash})


def _is_news(history: BaseHistory, event: StageEvent, change: ModelChange) -> bool:
    known = event.tag.details.get("base")
    if isinstance(known, str) and known in history.after:
        return history.is_after(change, known)
    return change.at > event.tag.at
