"""`policies/monitors.yaml`: the registered monitors, and what each may report on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from retouch.alerts.model import Kind, Name, Repository
from retouch.documents import Document, Value
from retouch.policy.strict_yaml import read_mapping
from retouch.schema_errors import bad_input, validated

MONITORS = "policies/monitors.yaml"

Login = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*(\[bot\])?$", max_length=64)
]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class RegisteredMonitor(Value):
    """One monitor."""

    description: _Text
    """A sentence: what it looks at."""
    owner: _Text
    """Whom to ask about it."""
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = None
    """The kinds of alert it may raise; any when omitted."""
    datasets: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """The datasets it may report on; any when omitted."""
    unsigned: Literal["hold", "retrain"] = "hold"
    """What its unsigned alerts may cause: a plan for a person to review, or a retraining."""
    senders: Annotated[tuple[Login, ...], Field(min_length=1)] | None = None
    """The GitHub logins that may submit its alerts; anyone when omitted."""


class Monitors(Document):
    """The registry of monitors."""

    # An empty registry has no file; a file must state its version.
    model_config = ConfigDict(json_schema_extra={"required": ["version"]})

    version: Literal[1] = 1
    repository: Repository | None = None
    """This repository's `owner/name`, where GITHUB_REPOSITORY is not set."""
    monitors: dict[Name, RegisteredMonitor] = {}
    """By the id that their alerts carry as `monitor.id`."""


def parse_monitors(text: str, source: str = MONITORS) -> Monitors:
    """Read the registry; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    hint = "Correct it; docs/provenance.md shows an example."
    data = read_mapping(text, source, hint=hint)
    if "version" not in data:
        raise bad_input(source, ("version",), "missing; write `version: 1`", hint=hint)
    return validated(Monitors, data, source, hint=hint)
