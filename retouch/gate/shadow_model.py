"""The shadow: how far the candidate departs from production on rows without labels."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from retouch.documents import Document, Value


class Scores(Value):
    """How one model's scores of some rows lie."""

    mean: float
    low: float
    """10 % quantile."""
    median: float
    high: float
    """90 % quantile."""


class Shift(Value):
    """How the scores of some rows move from production to the candidate."""

    where: str
    """`all rows`, `region = central`."""
    rows: Annotated[int, Field(ge=1)]
    days: Annotated[int, Field(ge=1)]
    production: Scores
    candidate: Scores
    mean: float
    """Mean of candidate minus production."""
    lower: float | None
    """One-sided bounds of that mean, by day blocks; None on a single day."""
    upper: float | None
    difference: Annotated[float, Field(ge=0)]
    """Mean of |candidate - production|."""
    differing: Annotated[float, Field(ge=0, le=1)]
    """Share of the rows where that is above the tolerance."""


class ShadowDay(Value):
    """One day: what both models say of it on average, and how far apart they are."""

    day: str
    rows: int
    production: float
    candidate: float
    difference: float
    differing: float


class Shadow(Document):
    """Both models on the same unlabelled rows. It says how they differ, never which is right."""

    schema_version: Literal["1.0"] = "1.0"
    outcome: Literal["compared", "invalid"]
    """`invalid`: the score tables cannot be compared, and there are no numbers."""
    message: str
    """One sentence: how far apart they are and where most, or why that cannot be said."""
    production_model: str
    """Hash of the model artifact."""
    candidate_model: str
    start: str
    """First day, `YYYY-MM-DD`."""
    end: str
    """Day after the last."""
    production_seen_until: str | None = None
    """The first day the model has not looked at, in its own words; None: it does not say."""
    candidate_seen_until: str | None = None
    unit: str = ""
    """Of the scores; empty for probabilities."""
    tolerance: Annotated[float, Field(ge=0)]
    """Scores no further apart than this count as alike."""
    confidence: float
    """One-sided, of each bound of a shift."""
    overall: Shift | None = None
    largest: float | None = None
    """The largest |candidate - production| of a row."""
    days: tuple[ShadowDay, ...] = ()
    slices: tuple[Shift, ...] = ()
    """Each value of the required and the watched slices with rows enough, what moved most first."""
    min_rows: int
    """A slice with fewer is left out."""
    too_small: Annotated[int, Field(ge=0)] = 0
    """How many slices were left out so."""
    not_in_table: tuple[str, ...] = ()
    """Slice columns of the policy that the score tables do not both have."""
    compared_at: AwareDatetime

    @property
    def decimals(self) -> int:
        """The decimals a person is shown: two digits of the tolerance, and two at the least."""
        typical = self.tolerance or (self.overall.difference if self.overall else 0.0) or 1.0
        return min(6, max(2, 1 - math.floor(math.log10(typical))))
