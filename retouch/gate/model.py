"""The verdict: the candidate compared with the model in production, check by check."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from retouch.documents import Document, Value

Outcome = Literal["promote", "reject", "not_enough_data", "equivalent", "invalid"]
OUTCOMES: tuple[Outcome, ...] = ("promote", "reject", "not_enough_data", "equivalent", "invalid")


class Check(Value):
    """One hypothesis put to the hold-out, with its evidence and its limit.

    `gain` is production's mean loss minus the candidate's, in the loss's unit: above 0 the
    candidate is better.
    """

    name: str
    """`overall`, `alerted slice`, `origin = EWR`, `restored`; for a harm alarm `carrier = UA`."""
    family: Literal["gate", "harm_alarm"] = "gate"
    """`gate`: all required checks must pass (an intersection-union test). `harm_alarm`: passes
    unless harm is significant after Holm's correction for the number of alarms."""
    criterion: Literal["not_worse", "improve", "restored"]
    """Non-inferiority, superiority, or recovery of the loss before the alert."""
    required: bool = True
    rows: int
    days: int
    production: float | None = None
    """Mean loss of the model in production; None when it is undefined."""
    candidate: float | None = None
    gain: float | None = None
    gain_lower: float | None = None
    """One-sided lower bound of the mean gain, by jackknife over day blocks."""
    gain_upper: float | None = None
    limit: float
    """`not_worse`: gain_lower must be above it (minus the margin). `improve`: above 0.
    `restored`: gain must reach it, production's loss less what the reference window allows."""
    reference: float | None = None
    """`restored`: production's mean loss in the alert's reference window."""
    p_value: float | None = None
    """One-sided: the probability of at least this gain if the true gain is at the limit; for a harm
    alarm, of at most this gain."""
    p_adjusted: float | None = None
    """For a harm alarm: Holm's adjusted p-value over all alarms."""
    q_value: float | None = None
    """For a slice: Benjamini and Hochberg's q-value, two-sided against no change; shown, never
    decides."""
    detectable: float | None = None
    """Smallest true gain that this hold-out detects with 80 % power."""
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
    """How many training rows of the two models were compared with the hold-out's, none of them in
    it; None: the policy does not say where they are."""
    candidate_number: Annotated[int, Field(ge=1)] = 1
    """Which candidate this is that the hold-out judges for the alerted slice, from 1."""
    candidates_allowed: Annotated[int, Field(ge=1)] = 1
    confidence: float | None = None
    """One-sided, of each bound, after correction for the number of candidates."""


class GuardrailResult(Value):
    """The result of one guardrail."""

    name: str
    kind: str
    mode: Literal["observe", "block"]
    then: Literal["halt", "next_tier"]
    measure: str
    """What the numbers are: `largest gap of mean absolute error by carrier, minutes`."""
    production: float | None = None
    candidate: float | None = None
    compared: float | None = None
    """What is compared with the limit: the candidate's number, a ratio, or an increase."""
    lower: float | None = None
    """One-sided bounds of `compared`, where a standard error exists."""
    upper: float | None = None
    limit: float | None = None
    result: Literal["pass", "fail", "not_enough_data"]
    message: str
    """One sentence with the numbers."""
    evidence: tuple[dict[str, JsonValue], ...] = ()
    """Where to look first for the root cause: groups, rows, measurements; at most 50."""

    @property
    def blocks(self) -> bool:
        """Whether it blocks the promotion: a missing number is never a pass."""
        return self.mode == "block" and self.result != "pass"


class ModelCalibration(Value):
    """The calibration of one model's scores."""

    bias: float
    """Mean of score minus label."""
    coverage: float | None = None
    """Share of labels within the interval, with one-sided bounds by jackknife over days."""
    coverage_lower: float | None = None
    coverage_upper: float | None = None


class Calibration(Value):
    """Both models' calibration on the same rows."""

    where: str
    """`all rows`, `region = central`."""
    rows: int
    days: int
    production: ModelCalibration
    candidate: ModelCalibration


class ReliabilityBin(Value):
    """A bin of similar probabilities, and how often the label was 1."""

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
    """The alerted column by day, in the alert's reference window and in its own window."""

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
    """A maintainer's decision that one check need not pass for one alert, and why."""

    check: Annotated[str, Field(min_length=1, max_length=200)]
    """The name of a check or of a guardrail, as the report has it."""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    by: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(\[bot\])?$")]
    """A GitHub login that had write permission at that time."""
    at: AwareDatetime


class Overrides(Document):
    """`reports/<alert-id>/overrides.json`: the checks of one report that were overridden."""

    schema_version: Literal["1.0"] = "1.0"
    overrides: Annotated[tuple[Override, ...], Field(max_length=50)] = ()


class Judgement(Value):
    """The gate's judgement of one tier's candidate."""

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
    """The name of the guardrail that halts the run, whatever tiers are left."""
    overridden: tuple[Override, ...] = ()
    """The failed checks that a person overrode; without the overrides it would not have passed."""
    production_model: str
    """Hash of the model artifact in production."""
    candidate_model: str


class Verdict(Document):
    """The gate's final outcome, with its judgement of every tier tried."""

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
    """The nominal coverage of the models' intervals, from the policy."""
    drift: Drift | None = None
    """Of the first alert's first column, where its data could be read."""
    on_merge: Literal["canary", "prod"] = "prod"
    """Where a merged model goes, from the policy."""

    @property
    def deciding(self) -> Judgement:
        """The judgement that decided the verdict."""
        return self.judgements[-1]
