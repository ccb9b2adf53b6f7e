"""`policies/silences.yaml` as values: known alerts that are not acted on for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import model_validator

from retouch.alerts.model import Alert
from retouch.alerts.moments import Time
from retouch.documents import Document, Value
from retouch.policy.conditions import Sentence
from retouch.policy.decide import matches
from retouch.policy.strict_yaml import read_mapping
from retouch.policy.suppression import SomeAlerts
from retouch.schema_errors import validated

SILENCES_FILE = "policies/silences.yaml"


class Silence(Value):
    """Alerts that are not acted on between two moments. They still get their receipts."""

    name: Sentence
    why: Sentence
    author: Sentence
    """Who is responsible for it."""
    match: SomeAlerts
    starts: Time
    ends: Time
    """Required: a silence without an end would hide alerts for ever."""

    @model_validator(mode="after")
    def _in_order(self) -> Silence:
        if self.starts >= self.ends:
            raise ValueError("ends must be after starts")
        return self


class Silences(Document):
    """The whole of `policies/silences.yaml`."""

    version: Literal[1]
    silences: tuple[Silence, ...] = ()

    @model_validator(mode="after")
    def _named_apart(self) -> Silences:
        names = [silence.name for silence in self.silences]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two silences are named {name!r}; receipts refer to them by name")
        return self


def parse_silences(text: str, source: str) -> Silences:
    """Read `policies/silences.yaml`; `source` is the name errors give it.

    Raises InputError in one sentence: `<source>: <dotted key>: <what is wrong>`.
    """
    hint = "Correct it, then run `retouch policy check`."
    return validated(Silences, read_mapping(text, source, hint=hint), source, hint=hint)


def silence_of(alert: Alert, silences: Sequence[Silence], now: datetime) -> Silence | None:
    """Return the silence that holds an alert back at `now`: of several, the one that ends last."""
    holding = [s for s in silences if s.starts <= now < s.ends and matches(s.match, alert)]
    return max(holding, key=lambda silence: silence.ends, default=None)
