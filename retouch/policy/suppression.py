"""When an alert counts: the `suppression` section of `policies/retraining.yaml`.

Omitted keys have the defaults below, so a policy without the section is a cautious one.
`docs/suppression.md` explains every rule; `retouch.suppression` implements them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from retouch.documents import Value
from retouch.policy.conditions import Sentence, SeverityCondition, When

OTHERWISE = "otherwise"
"""The name of the persistence for alerts that no rule matches."""

_MINUTES_IN = {"minute": 1, "hour": 60, "day": 24 * 60}
_DURATION_PATTERN = r"^(1 (minute|hour|day)|(0|[2-9]|[1-9][0-9]{1,3}) (minutes|hours|days))$"


def _parsed_duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION_PATTERN, value):
        raise ValueError(
            "must be a duration in minutes, hours or days, like '15 minutes' or '1 day'"
        )
    number, unit = value.split()
    return timedelta(minutes=int(number) * _MINUTES_IN[unit.removesuffix("s")])


def duration_text(duration: timedelta) -> str:
    """Return a duration as policies write it, in the largest unit that divides it: `2 hours`."""
    minutes = duration // timedelta(minutes=1)
    units = ("day", "hour", "minute") if minutes else ("minute",)
    unit = next(unit for unit in units if minutes % _MINUTES_IN[unit] == 0)
    number = minutes // _MINUTES_IN[unit]
    return f"{number} {unit}{'' if number == 1 else 's'}"


Duration = Annotated[
    timedelta,
    BeforeValidator(_parsed_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN}),
    PlainSerializer(duration_text, return_type=str),
]
"""A duration in words: `15 minutes`, `12 hours`, `7 days`."""


def _not_empty(when: When) -> When:
    if when == When():
        raise ValueError("must name at least one condition, or it would match every alert")
    return when


SomeAlerts = Annotated[
    When, AfterValidator(_not_empty), Field(json_schema_extra={"minProperties": 1})
]
"""Conditions that do not hold for every alert."""


class Persistence(Value):
    """How long a problem must last before it counts, and be absent before it is over."""

    windows: Annotated[int, Field(alias="for", ge=1, le=100)]
    """In how many distinct windows the same problem must occur."""
    keep_firing: Annotated[int, Field(ge=1, le=100)]
    """How many distinct quiet windows close its incident."""


class PersistenceRule(Persistence):
    """The persistence required of some alerts: the first rule whose conditions hold applies."""

    name: Sentence
    when: When


SharedField = Literal["model", "dataset", "monitor", "where"]


class Inhibition(Value):
    """An open alert that meets `when` mutes those that meet `mutes`, if some fields are equal."""

    name: Sentence
    why: Sentence
    when: SomeAlerts
    mutes: SomeAlerts
    equal: Annotated[tuple[SharedField, ...], Field(min_length=1)] = ("dataset",)


class FlappingLimits(Value):
    """When a problem that comes and goes is left to a person."""

    windows: Annotated[int, Field(ge=3, le=100)] = 20
    """How many of its last windows are considered."""
    above: Annotated[float, Field(ge=0, le=1)] = 0.5
    """It is flapping when more than this share of the possible state changes occurred."""
    below: Annotated[float, Field(ge=0, le=1)] = 0.25
    """It stops flapping when less than this share occurred."""

    @model_validator(mode="after")
    def _in_order(self) -> FlappingLimits:
        if self.below > self.above:
            raise ValueError("'below' must not be higher than 'above'")
        return self


_AT_ONCE = {"for": 1, "keep_firing": 1}
_DEFAULT_PERSISTENCE = (
    PersistenceRule(
        name="Broken data counts at once", when=When(family="data quality"), **_AT_ONCE
    ),
    PersistenceRule(
        name="Governance alerts count at once", when=When(family="governance"), **_AT_ONCE
    ),
    PersistenceRule(
        name="Critical loss of performance counts at once",
        when=When(family="performance", severity=SeverityCondition(at_least="critical")),
        **{"for": 1, "keep_firing": 3},
    ),
)
_DEFAULT_INHIBITION = (
    Inhibition(
        name="Broken data mutes drift",
        why="Broken data looks like drift; repair it, then check again.",
        when=When(family="data quality"),
        mutes=When(family="distribution shift"),
    ),
)


def _durations_as_text(schema: dict[str, Any]) -> None:
    # Left to itself, pydantic writes the default of a duration as ISO 8601, which we do not read.
    for name, field in Suppression.model_fields.items():
        if isinstance(field.default, timedelta):
            schema["properties"][name]["default"] = duration_text(field.default)


class Suppression(Value):
    """The whole section."""

    model_config = ConfigDict(json_schema_extra=_durations_as_text)

    group_wait: Duration = timedelta(minutes=15)
    """How long the alerts about one model and data set are collected before one plan is made."""
    persistence: tuple[PersistenceRule, ...] = _DEFAULT_PERSISTENCE
    """The first rule whose conditions the alert meets says how long it must last."""
    otherwise: Persistence = Persistence(**{"for": 2, "keep_firing": 3})
    """For alerts that no such rule matches."""
    inhibit: tuple[Inhibition, ...] = _DEFAULT_INHIBITION
    """Applied from the top: an alert that is muted mutes nothing by a later rule."""
    cooldown: Duration = timedelta(days=7)
    """How long alerts are held whose stages have all just been retrained."""
    repeat_after: Duration = timedelta(days=30)
    """A problem that lasts this long after it was handled is handled again."""
    forget_after: Duration = timedelta(days=30)
    """An incident without alerts for this long is over."""
    flapping: FlappingLimits = FlappingLimits()

    @model_validator(mode="after")
    def _named_apart(self) -> Suppression:
        names = [*(rule.name for rule in self.persistence), *(rule.name for rule in self.inhibit)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two rules are named {name!r}; receipts refer to them by name")
        return self
