"""The verdict: candidate against the model in production, check by check."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from retouch.documents import Document, Value

Outcome = Literal["promote", "reject", "not_enough_data", "equivalent", "invalid"]
OUTCOMES: tuple[Outcome, ...] = ("promote", "reject", "not_enough_data", "equivalent", "invalid")


class Check(Value):
    """One question put to the hold-out, with its evidence and its limit.

    `gain` is loss of production minus loss of candidate: above 0 the candidate is better.
    """

    name: str
    """`overall`, `alerted slice`, `origin = EWR`, `restored`; of a harm alarm `carrier = UA`."""
    family: Literal["gate", "harm_alarm"] = "gate"
    """`gate`: all required ones must pass, an intersection-union test. `harm_alarm`: passes unless
    harm is shown, after Holm's correction for their number."""
    asks: Literal["not_worse", "improve", "restored"]
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
    """`not_worse`: gain_lower must be above it (minus the margin). `improve`: above 0.
    `restored`: gain must reach it, production's loss less what the reference window allows."""
    reference: float | None = None
    """`restored`: production's mean loss in the alert's reference window."""
    p_value: float | None = None
    """One-sided: how likely so great a gain is at the limit; of a harm alarm, so great a loss."""
    p_adjusted: float | None = None
    """Of a harm alarm: Holm's, over all of them."""
    q_value: float | None = None
    """Of a slice: Benjamini and Hochberg's, two-sided against no change; shown, never decides."""
    detectable: float | None = None
    """Smallest gain this hold-out would show with 80 % power."""
    result: Literal["pass", "fail", "not_enough_data"]
    message: str
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
    learned_rows_compared: int | None = None
    """How many rows the two models have learned from, none of them in the hold-out; None: the
    policy does not say where they are."""
    candidate_number: Annotated[int, Field(ge=1)] = 1
    """The how-manieth candidate this hold-out judges for the alerted slice."""
    candidates_allowed: Annotated[int, Field(ge=1)] = 1
    confidence: float | None = None
    """One-sided, of each bound, after the correction for the number of candidates."""


class GuardrailResult(Value):
    """What one guardrail found."""

    name: str
    kind: str
    mode: Literal["observe", "block"]
    then: Literal["halt", "next_tier"]
    measure: str
    """What the numbers are: `largest gap of mean absolute error by carrier, minutes`."""
    production: float | None = None
    candidate: float | None = None
    compared: float | None = None
    """What is held against the limit: the candidate's number, a ratio, or a growth."""
    lower: float | None = None
    """One-sided bounds of `compared`, where there are repetitions to tell them by."""
    upper: float | None = None
    limit: float | None = None
    result: Literal["pass", "fail", "not_enough_data"]
    message: str
    """One sentence with the numbers."""
    evidence: tuple[dict[str, JsonValue], ...] = ()
    """What a person looks at first for the root cause: groups, rows, turns; at most 50."""

    @property
    def stops(self) -> bool:
        """Whether a promotion is stopped: a missing number is never a pass."""
        return self.mode == "block" and self.result != "pass"


class CalibrationOf(Value):
    """How one model's scores lie about the labels."""

    bias: float
    """Mean of score minus label."""
    coverage: float | None = None
    """Share of labels within the interval, its one-sided bounds by days beside it."""
    coverage_lower: float | None = None
    coverage_upper: float | None = None


class Calibration(Value):
    """Both models' calibration on the same rows."""

    where: str
    """`all rows`, `region = central`."""
    rows: int
    days: int
    production: CalibrationOf
    candidate: CalibrationOf


class ReliabilityBin(Value):
    """Probabilities about as large as one another, and how often the label was 1."""

    model: Literal["production", "candidate"]
    rows: int
    mean_score: float
    mean_label: float


class DriftDay(Value):
    """One day of the alerted column."""

    day: str
    rows: int
    median: float
    low: float
    """10 % quantile."""
    high: float
    """90 % quantile."""


class Drift(Value):
    """How the alerted column moved: the days of the reference window and of the alert's own."""

    column: str
    where: str
    reference: tuple[DriftDay, ...] = ()
    current: tuple[DriftDay, ...] = ()


class DayLoss(Value):
    """Mean loss of both models on one day, overall or within the alerted slice."""

    day: str
    rows: int
    production: float
    candidate: float


class Override(Value):
    """A person's word that a check need not hold for one alert, and why."""

    check: Annotated[str, Field(min_length=1, max_length=200)]
    """The name of a check or of a guardrail, as the report has it."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(\[bot\])?$")]
    """A login of GitHub, who had write permission then."""
    at: AwareDatetime


class Overrides(Document):
    """`reports/<alert-id>/overrides.json`: what people have said of one report's checks."""

    schema_version: Literal["1.0"] = "1.0"
    overrides: Annotated[tuple[Override, ...], Field(max_length=50)] = ()


class Judgement(Value):
    """What the gate says of one tier's candidate."""

    tier: str
    outcome: Outcome
    message: str
    """One sentence with the number that decided."""
    checks: tuple[Check, ...] = ()
    holdout: HoldoutUsed | None = None
    days: tuple[DayLoss, ...] = ()
    """Per day, within the alerted slice; overall when no slice was alerted."""
    guardrails: tuple[GuardrailResult, ...] = ()
    calibration: tuple[Calibration, ...] = ()
    """All rows first, then the alerted slice and the required ones; empty without an interval."""
    reliability: tuple[ReliabilityBin, ...] = ()
    """Of probabilities: both models' bins."""
    halted_by: str | None = None
    """The name of the guardrail that ends the run, whatever tiers are left."""
    overridden: tuple[Override, ...] = ()
    """The checks that did not hold and that a person overrode; without them it would not have
    passed."""
    production_model: str
    """Hash of the model artifact in production."""
    candidate_model: str


class Verdict(Document):
    """What the gate says in the end, and of every tier it was asked about."""

    schema_version: Literal["1.0"] = "1.0"
    plan_key: str
    alert_ids: tuple[str, ...]
    outcome: Outcome
    message: str
    loss: str
    unit: str
    judgements: Annotated[tuple[Judgement, ...], Field(min_length=1)]
    """In the order tried; the last one decided."""
    judged_at: AwareDatetime
    promised_coverage: float | None = None
    """The share of labels the models' intervals are to hold, as the policy had it."""
    drift: Drift | None = None
    """Of the first alert's first column, where its data could be read."""
    on_merge: Literal["canary", "prod"] = "prod"
    """Where the policy sends a merged model."""

    @property
    def deciding(self) -> Judgement:
        """The judgement the verdict stands on."""
        return self.judgements[-1]
