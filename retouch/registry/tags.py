"""GTO's tags: what their names mean, and which name to write. Pure.

| Name | Meaning |
|---|---|
| `churn@v1.2.0` | this commit is version v1.2.0 of churn |
| `churn@v1.2.0!` | it is no longer a version |
| `churn#prod#7` | the version of this commit is in prod |
| `churn#prod!#8` | it is no longer in prod |
| `churn@deprecated#9` | churn is deprecated |

The number at the end is optional. In a name `=` stands for the `:` of an artifact in a folder:
`models=churn@v1.0.0` is `models:churn`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Literal

from retouch.documents import Value
from retouch.errors import InputError

Kind = Literal["version", "deregister", "assign", "unassign", "deprecate"]

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9-/_]*[a-zA-Z0-9])?"
_ARTIFACT = rf"(?:[a-zA-Z0-9-_./]+=)?{_NAME}"
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = r"[0-9a-zA-Z-]+"
_VERSION = (
    rf"v{_NUMBER}\.{_NUMBER}\.{_NUMBER}"
    rf"(?:-{_PRE}(?:\.{_PRE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?"
)
_TAG = re.compile(
    rf"(?P<model>{_ARTIFACT})"
    rf"(?:(?:#(?P<stage>{_NAME})|@(?P<version>{_VERSION}))(?P<cancel>!?)|@(?P<deprecated>deprecated))"
    r"(?:#(?P<counter>[0-9]+))?"
)
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 500
"""Of a name, in characters; git's own limit is little more."""


class Tag(Value):
    """One annotated tag that GTO reads."""

    name: str
    """In git: `churn#prod#7`."""
    model: str
    """The artifact: `churn`, or `models:churn`."""
    kind: Kind
    version: str | None = None
    """Of `version` and `deregister`: `v1.2.0`."""
    stage: str | None = None
    """Of `assign` and `unassign`: `prod`."""
    counter: int | None = None
    commit: str
    at: datetime
    """When it was tagged, to the second."""
    message: str = ""

    @property
    def order(self) -> tuple[datetime, int, bool, str]:
        """The sort key: time; within a second the counter, and removals last.

        GTO itself sorts by time alone, and its readers differ within a second.
        """
        takes_back = self.kind in ("deregister", "unassign", "deprecate")
        return self.at, self.counter or 0, takes_back, self.name

    @property
    def details(self) -> dict[str, Any]:
        """The message as a JSON object, as Retouch writes it; empty for any other message."""
        try:
            value = json.loads(self.message)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def is_automatic(self) -> bool:
        """Whether a promotion, or a canary that passed, wrote it; no person decided it."""
        details = self.details
        return "plan_key" in details or details.get("passed") is True


def parse_tag(name: str, *, commit: str, at: datetime, message: str = "") -> Tag | None:
    """Return what a tag means; None when its name is not one of GTO's."""
    found = _TAG.fullmatch(name) if len(name) <= _LONGEST else None
    if found is None:
        return None
    kind: Kind = "deprecate"
    if found["version"]:
        kind = "deregister" if found["cancel"] else "version"
    elif found["stage"]:
        kind = "unassign" if found["cancel"] else "assign"
    return Tag(
        name=name,
        model=found["model"].replace("=", ":"),
        kind=kind,
        version=found["version"],
        stage=found["stage"],
        counter=int(found["counter"]) if found["counter"] else None,
        commit=commit,
        at=at,
        message=message.strip(),
    )


def tag_name(
    kind: Kind,
    model: str,
    *,
    version: str | None = None,
    stage: str | None = None,
    counter: int | None = None,
) -> str:
    """Return the name of the tag with this meaning.

    Raises InputError for what no name can express.
    """
    suffix = {
        "version": f"@{version}",
        "deregister": f"@{version}!",
        "assign": f"#{stage}",
        "unassign": f"#{stage}!",
        "deprecate": "@deprecated",
    }[kind]
    name = model.replace(":", "=") + suffix + ("" if counter is None else f"#{counter}")
    # The name must parse to what was meant: `prod!` is not a stage, but a removal.
    read = parse_tag(name, commit="", at=_ANY_TIME)
    meant = (kind, model, version, stage, counter)
    if read is None or (read.kind, read.model, read.version, read.stage, read.counter) != meant:
        raise InputError(
            f"{name!r} is not a tag GTO can read: models and stages have letters, digits, '-', '/'"
            " and '_', versions are written 'v1.2.3'.",
            hint="Name the artifact in dvc.yaml, and `model:` in policies/, accordingly.",
        )
    return name
