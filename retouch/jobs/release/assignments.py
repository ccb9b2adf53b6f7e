"""Load the versions and their stages, and move a version, with the reason in the tag."""

from __future__ import annotations

import json
from collections.abc import Mapping
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

    It is later than any other tag by a second, which is all a tag can tell: some readers of GTO's
    tags go by time alone. Raises CheckFailed when the tag cannot be written or pushed.
    """
    registry = load_registry(project, push=push)
    if registry.tags:
        gto_tags.wait_for_next_second(registry.tags[-1].at)
    message, number = json.dumps(dict(details), sort_keys=True), registry.next_counter()
    for attempt in range(_TRIES):
        name = tag_name(kind, registry.model, stage=stage, counter=number + attempt)
        try:
            gto_tags.write_tag(project.root, name, version.commit, message, push=push)
        except gto_tags.TagConflict:
            if attempt == _TRIES - 1:
                raise
        else:
            return next(tag for tag in gto_tags.read_tags(project.root) if tag.name == name)
    raise AssertionError("unreachable")
