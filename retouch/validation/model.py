"""The verdict: candidate against the model in production, check by check."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from retouch.documents import Document, Value

Outcome = Literal["promote", "reject", "not_enough_data", "equivalent", "invalid"]
OUTCOMES: tuple[Outcome, ...] = ("promote", "reject", "not_enough_data", "equivalent", "invalid")


class Check(Value):
    """One question put to the hold-out, with its evidence and its limit.

    `gain` is loss of production minus loss of candidate: above 0 the candidate is better.
    """

    name: str
    """`overall`, `alerted slice`, `origin = EWR`."""
    asks: Literal["not_worse", "improve"]
    required: bool = True
    rows: int
    days: int
    production: float | None = None
    """Mean loss of the model in production; None when it could not be worked out."""
    candidate: float | None = None
    gain: float | None = None
    gain_lower: float | None = None
    """One-sided lower bound of the mean gain, by day blocks."""
    gain_upper: float | None = None
    limit: float
    """`not_worse`: gain_lower must be above it (minus the margin). `improve`: above 0."""
    detectable: float | None = None
    """Smallest gain this hold-out would show with 80 % power."""
    result: Literal["pass", "fail", "not_enough_data"]
    says: str
    """One sentence with the numbers."""


class HoldoutUsed(Value):
    """The rows both models were scored on."""

    start: str
    """First day, `YYYY-MM-DD`."""
    end: str
    """Day after the last."""
    rows: int
    days: int
    digest: str
    """sha256 over ids and labels, in id order: names the hold-out whatever the models."""
    production_seen_until: str
    candidate_seen_until: str


class DayLoss(Value):
    """Mean loss of both models on one day, overall or within the alerted slice."""

    day: str
    rows: int
    production: float
    candidate: float


class Judgement(Value):
    """What the gate says of one tier's candidate."""

    tier: str
    outcome: Outcome
    says: str
    """One sentence with the number that decided."""
    checks: tuple[Check, ...] = ()
    holdout: HoldoutUsed | None = None
    days: tuple[DayLoss, ...] = ()
    """Per day, within the alerted slice; overall when no slice was alerted."""
    production_model: str
    """Hash of the model artifact in production."""
    candidate_model: str


class Verdict(Document):
    """What the gate says in the end, and of every tier it was asked about."""

    schema_version: Literal["1.0"] = "1.0"
    plan_key: str
    alert_ids: tuple[str, ...]
    outcome: Outcome
    says: str
    loss: str
    unit: str
    judgements: Annotated[tuple[Judgement, ...], Field(min_length=1)]
    """In the order tried; the last one decided."""
    judged_at: AwareDatetime

    @property
    def deciding(self) -> Judgement:
        """The judgement the verdict stands on."""
        return self.judgements[-1]
