"""Load the versions and their stages, and move a version, with the reason in the tag."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from retouch.engine.project import Project
from retouch.engine.status import read_registry
from retouch.git import gto_tags
from retouch.registry.registry import ModelRegistry, Version
from retouch.registry.tags import Tag, tag_name

_TRIES = 5
"""Attempts at the next number when somebody else was quicker."""


def load_registry(project: Project, *, push: bool) -> ModelRegistry:
    """Return the versions of the project's model. Raises InputError.

    With `push` only tags of `origin` count: one that was written here and never pushed is written
    again, which pushes it.
    """
    if push:
        gto_tags.fetch_tags(project.root)
    return read_registry(project, shared=push)


def register_version(
    project: Project, version: str, commit: str, details: Mapping[str, Any], *, push: bool
) -> None:
    """Make a commit a version of the project's model. Raises CheckFailed."""
    registry = load_registry(project, push=push)
    name = tag_name("version", registry.model, version=version)
    at, message = registry.next_moment(datetime.now(UTC)), _message(details)
    gto_tags.write_tag(project.root, name, commit, message, at=at, push=push)


def move_version(
    project: Project,
    kind: Literal["assign", "unassign"],
    version: Version,
    stage: str,
    details: Mapping[str, Any],
    *,
    push: bool,
) -> Tag:
    """Assign a version to a stage or remove it, with the reason in the tag; return the tag.

    It is dated later than any other tag of the model (`ModelRegistry.next_moment`): some readers
    of GTO's tags go by time alone. Raises CheckFailed when the tag cannot be written or pushed.
    """
    number = 0
    for attempt in range(_TRIES):
        registry = load_registry(project, push=push)
        number = max(number + 1, registry.next_counter())
        name = tag_name(kind, registry.model, stage=stage, counter=number)
        at, message = registry.next_moment(datetime.now(UTC)), _message(details)
        try:
            gto_tags.write_tag(project.root, name, version.commit, message, at=at, push=push)
        except gto_tags.TagConflict:
            if attempt == _TRIES - 1:
                raise
        else:
            return next(tag for tag in gto_tags.read_tags(project.root) if tag.name == name)
    raise AssertionError("unreachable")


def _message(details: Mapping[str, Any]) -> str:
    return json.dumps(dict(details), sort_keys=True)
