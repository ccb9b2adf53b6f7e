"""The closed set of conditions on an alert, for `when`, `match` and `mutes`."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import StringConstraints, model_validator

from retouch.alerts.model import Family, Kind, Severity
from retouch.documents import Value

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class Between(Value):
    """A lower limit, an upper limit, or both, inclusive."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Between:
        if self.at_least is None and self.at_most is None:
            raise ValueError("give 'at_least' or 'at_most'")
        if self.lowest > self.highest:
            raise ValueError("'at_least' must not be above 'at_most'")
        return self

    @property
    def lowest(self) -> float:
        """The lower limit; minus infinity when there is none."""
        return -math.inf if self.at_least is None else self.at_least

    @property
    def highest(self) -> float:
        """The upper limit; infinity when there is none."""
        return math.inf if self.at_most is None else self.at_most

    def holds(self, value: float | None) -> bool:
        """Tell whether a value is within the limits; a missing one is not."""
        return value is not None and self.lowest <= value <= self.highest


class FindingCondition(Between):
    """A finding in breach of this metric has a value within the limits."""

    metric: str


class SeverityCondition(Value):
    """A lowest severity."""

    at_least: Severity


class When(Value):
    """Conditions on an alert; all that are given must hold."""

    family: Family | None = None
    kind: Kind | tuple[Kind, ...] | None = None
    severity: SeverityCondition | None = None
    dataset: str | tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    """The alert names at least one of these columns."""
    monitor: str | tuple[str, ...] | None = None
    confidence: Between | None = None
    """The alert's confidence score within the limits; a missing score does not satisfy it."""
    findings: FindingCondition | None = None
