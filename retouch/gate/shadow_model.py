"""The shadow document: how the candidate's scores differ from production's without labels."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from retouch.documents import Document, Value


class Scores(Value):
    """The distribution of one model's scores of some rows."""

    mean: float
    low: float
    """10 % quantile."""
    median: float
    high: float
    """90 % quantile."""


class Shift(Value):
    """How the scores of some rows differ between production and the candidate."""

    where: str
    """`all rows`, `region = central`."""
    rows: Annotated[int, Field(ge=1)]
    days: Annotated[int, Field(ge=1)]
    production: Scores
    candidate: Scores
    mean: float
    """Mean of candidate minus production."""
    lower: float | None
    """One-sided bounds of that mean, by jackknife over days; None on a single day."""
    upper: float | None
    difference: Annotated[float, Field(ge=0)]
    """Mean of |candidate - production|."""
    differing: Annotated[float, Field(ge=0, le=1)]
    """Share of the rows where that is above the tolerance."""


class ShadowDay(Value):
    """One day: both models' mean scores, and their mean absolute difference."""

    day: str
    rows: int
    production: float
    candidate: float
    difference: float
    differing: float


class Shadow(Document):
    """Both models on the same unlabelled rows: how they differ, never which is right."""

    schema_version: Literal["1.0"] = "1.0"
    outcome: Literal["compared", "invalid"]
    """`invalid`: the score tables cannot be compared, and there are no numbers."""
    message: str
    """One sentence: how far apart they are and where most, or why that is unknown."""
    production_model: str
    """Hash of the model artifact."""
    candidate_model: str
    start: str
    """First day, `YYYY-MM-DD`."""
    end: str
    """Day after the last."""
    production_seen_until: str | None = None
    """The first day the model has not seen, as its artifact records it; None: not recorded."""
    candidate_seen_until: str | None = None
    unit: str = ""
    """The unit of the scores; empty for probabilities."""
    tolerance: Annotated[float, Field(ge=0)]
    """Scores no further apart than this count as equal."""
    confidence: float
    """One-sided, of each bound of a shift."""
    overall: Shift | None = None
    largest: float | None = None
    """The largest |candidate - production| of a row."""
    days: tuple[ShadowDay, ...] = ()
    slices: tuple[Shift, ...] = ()
    """Each value of the required and watched slices with enough rows, largest shift first."""
    min_rows: int
    """A slice with fewer is left out."""
    too_small: Annotated[int, Field(ge=0)] = 0
    """How many slices were left out for this."""
    not_in_table: tuple[str, ...] = ()
    """Slice columns of the policy that the score tables do not both have."""
    compared_at: AwareDatetime

    @property
    def decimals(self) -> int:
        """The decimals shown to readers: two digits of the tolerance, and at least two."""
        typical = self.tolerance or (self.overall.difference if self.overall else 0.0) or 1.0
        return min(6, max(2, 1 - math.floor(math.log10(typical))))


def shadow_message(shadow: Shadow) -> str:
    """Return how far apart the two models are, on how many rows, and where most.

    The days shown are inclusive at both ends.
    """
    found = shadow.overall
    assert found is not None
    of_days = f"On {found.rows:,} row{'s' * (found.rows != 1)} of {date_range(shadow)}"
    if found.difference == 0:
        return f"{of_days} the candidate's scores equal production's exactly."
    parts = [
        f"{of_days} the candidate differs from production by {_amount(found.difference, shadow)}"
        " on average",
        _beyond(found.differing, shadow),
    ]
    if shadow.slices and shadow.slices[0].mean:
        most = shadow.slices[0]
        parts.append(f"most where {most.where} ({_shifted(most.mean, shadow)})")
    return f"{'; '.join(parts)}."


def date_range(shadow: Shadow) -> str:
    """Return `2013-07-01 to 2013-07-08`, both included, or a single day."""
    last = (date.fromisoformat(shadow.end) - timedelta(days=1)).isoformat()
    return shadow.start if shadow.start == last else f"{shadow.start} to {last}"


def tolerance_text(shadow: Shadow) -> str:
    """Return the tolerance with its unit, rounded only where that loses nothing."""
    text = f"{shadow.tolerance:,.{shadow.decimals}f}"
    if float(text.replace(",", "")) != shadow.tolerance:
        text = f"{shadow.tolerance:.4g}"
    return _with_unit(text, shadow)


def share_text(share: float) -> str:
    """Return a share in percent that is 0 % or 100 % only where it is none or all."""
    percent = 100 * share
    if 0 < percent < 1:
        return f"{percent:.2g} %" if percent >= 0.01 else "less than 0.01 %"
    if 99 < percent < 100:
        return "more than 99 %"
    return f"{percent:.0f} %"


def _beyond(share: float, shadow: Shadow) -> str:
    """`by more than 1.00 minutes on 41 % of rows`."""
    of_rows = "every row" if share == 1 else f"{share_text(share)} of rows"
    if not shadow.tolerance:
        return f"they differ on {of_rows}"
    by = f"by more than {tolerance_text(shadow)}"
    return f"{by} on {of_rows}" if share else f"nowhere {by}"


def _amount(value: float, shadow: Shadow) -> str:
    smallest = 10.0**-shadow.decimals
    if value < smallest / 2:
        return f"less than {_with_unit(f'{smallest:.{shadow.decimals}f}', shadow)}"
    return _with_unit(f"{value:,.{shadow.decimals}f}", shadow)


def _shifted(value: float, shadow: Shadow) -> str:
    sign = "−" if value < 0 else "+"
    return sign + _amount(abs(value), shadow).replace("less than ", "<")


def _with_unit(text: str, shadow: Shadow) -> str:
    return f"{text} {shadow.unit}" if shadow.unit else text
