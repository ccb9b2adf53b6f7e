"""The canary's verdict: both models' loss on each day since the merge, and the decision."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from retouch.documents import Document, Value
from retouch.gate.holdout import is_day
from retouch.policy.promotion import Canary

CanaryOutcome = Literal["pass", "fail", "wait", "undecided"]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Loss = Annotated[float, Field(ge=-1e100, le=1e100)]
"""The range the gate accepts: beyond it sums overflow."""
_MOST_DAYS = 3660


class CanaryModel(Value):
    """One of the two models."""

    version: Annotated[str, StringConstraints(max_length=100)]
    """`v1.2.0`, as in its tag."""
    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    model: Annotated[str, StringConstraints(max_length=200)]
    """Hash of the model artifact."""
    seen_until: Day | None = None
    """The first day it has not seen, as its artifact records it."""


class CanaryDay(Value):
    """One whole day: the mean loss of both models over the same rows, and the bounds after it."""

    day: Day
    rows: Annotated[int, Field(ge=1)]
    production: Loss
    candidate: Loss
    lower: float
    """Bounds of the mean gain after this day, in the loss's unit."""
    upper: float

    @property
    def gain(self) -> float:
        """Production's loss minus the candidate's: above 0 the candidate is better."""
        return self.production - self.candidate


class CanaryVerdict(Document):
    """Both models on the days that arrived since the candidate was judged (`canary.json`)."""

    schema_version: Literal["1.0"] = "1.0"
    name: Annotated[str, StringConstraints(max_length=200)]
    """The artifact's name in `dvc.yaml`."""
    production: CanaryModel
    candidate: CanaryModel
    start: Day
    end: Day
    """Day after the last one considered."""
    loss: str
    unit: str = ""
    limits: Canary
    """The policy's limits at that time."""
    days: Annotated[tuple[CanaryDay, ...], Field(max_length=_MOST_DAYS)] = ()
    """The days that count, in order, each once."""
    invalid: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """Why the candidate's scores are unusable where production's are not; then the canary fails."""
    note: Annotated[str, StringConstraints(max_length=1000)] = ""
    """Why no more days count: production's scores are unusable, or a day is missing."""
    decision: CanaryOutcome
    message: Annotated[str, StringConstraints(max_length=1000)]
    """One sentence with the numbers."""
    judged_at: AwareDatetime

    @model_validator(mode="after")
    def _days_in_order(self) -> CanaryVerdict:
        days = [day.day for day in self.days]
        if not all(map(is_day, (self.start, self.end, *days))):
            raise ValueError("a day is not a calendar day written YYYY-MM-DD")
        if days != sorted(set(days)) or any(not self.start <= day < self.end for day in days):
            raise ValueError("'days' must lie from 'start' to 'end', in order, each once")
        return self

    @property
    def decimals(self) -> int:
        """The decimals shown to readers: two digits of the margin, and at least two."""
        return min(6, max(2, 1 - math.floor(math.log10(self.limits.margin))))
