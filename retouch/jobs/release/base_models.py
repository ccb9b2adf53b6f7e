"""Read which models the base branch recorded, from git's history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from retouch.errors import InputError
from retouch.git import branches, first_parents
from retouch.jobs.release.committed import CommittedModel
from retouch.registry.base_history import BaseHistory, ModelChange, judged_assignments
from retouch.registry.registry import ModelRegistry
from retouch.storage.documents import PROMOTION

_RECORDS = ("**/dvc.lock", "**/dvc.yaml", PROMOTION)
"""The files that say which model a commit records."""


def read_base_history(
    root: Path, head: str, registry: ModelRegistry, commits: Iterable[str] = ()
) -> BaseHistory:
    """Return the recorded models of a branch, back to before the versions in a stage.

    `commits`: others whose place on the branch matters. Raises InputError for a clone that lacks
    the commits.
    """
    line = first_parents.line_of(root, head)
    staged = {event.version.commit for event in judged_assignments(registry)}
    named = {*staged, *commits, *(v.commit for v in registry.known), *_named_in_tags(registry)}
    found = {commit: first_parents.place_on(root, line, commit) for commit in sorted(named)}
    places = {commit: place for commit, place in found.items() if place is not None}
    oldest = max((places[commit] for commit in staged if commit in places), default=0)
    changes = _changes(root, line, oldest)
    newer = {change.commit: line.index(change.commit) for change in changes}
    unplaced = {version.commit for version in registry.versions} - places.keys()
    return BaseHistory(
        head=head,
        ahead=frozenset(one for one in unplaced if branches.is_ancestor(root, head, one)),
        changes=changes,
        after={
            commit: frozenset(one for one, at in newer.items() if at < place)
            for commit, place in places.items()
        },
    )


def _named_in_tags(registry: ModelRegistry) -> set[str]:
    """Return the commits of the base branch that tags name."""
    details = [tag.details for tag in registry.tags]
    named = (one.get(key) for one in details for key in ("base", "reverted"))
    return {commit for commit in named if isinstance(commit, str) and commit.isalnum()}


def _changes(root: Path, line: Sequence[str], oldest: int) -> tuple[ModelChange, ...]:
    """Return the changes of the model, oldest first, down to the one before a place on the line.

    Of the oldest one the commit may be a later one that records the same model.
    """
    places = {commit: place for place, commit in enumerate(line)}
    walked: list[ModelChange] = []
    for commit, at in first_parents.touching(root, line[0], _RECORDS):
        found = ModelChange(commit=commit, at=at, hash=_recorded(root, commit))
        if walked and walked[-1].hash == found.hash:
            walked[-1] = found  # it was recorded earlier than the commit seen before
            continue
        walked.append(found)
        if sum(places[change.commit] >= oldest for change in walked) > 1:
            return tuple(reversed(walked))
    if first_parents.is_shallow(root):
        raise InputError(
            "This clone lacks older commits of the base branch, by which versions are decided.",
            hint="Fetch them: `git fetch --unshallow --tags`.",
        )
    return tuple(reversed(walked))


def _recorded(root: Path, commit: str) -> str | None:
    try:
        return CommittedModel(root, commit).model.hash
    except InputError:
        return None
