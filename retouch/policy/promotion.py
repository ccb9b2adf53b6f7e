"""`policies/promotion.yaml` as values: the pipeline's contract with the gate, and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from retouch.documents import Document, Value
from retouch.policy.guardrails import Guardrail, Probe, Synthetic

Key = Annotated[str, StringConstraints(min_length=1)]


class ParamRef(Value):
    """A key of a params file."""

    file: str = "params.yaml"
    key: Key


class Scoring(Value):
    """The one command that scores a model on a stretch of data, one row per example.

    Placeholders: `{model}`, `{from}`, `{until}`, `{out}`. It writes Parquet or CSV by the ending of
    `{out}`. Columns: those named here; every other column may serve as a slice.
    """

    cmd: Key
    needs: tuple[str, ...] = ()
    """DVC paths it reads besides the model; pulled when they are not there."""
    id: str = "id"
    time: str = "time"
    day: str = "day"
    """The block: rows of one day are not independent of one another."""
    label: str = "label"
    score: str = "score"
    lower: str | None = None
    """The column of the interval's lower end, for models that give one."""
    upper: str | None = None
    unlabelled_cmd: Key | None = None
    """The same for rows whose label has not arrived: same placeholders, same columns but the label.
    `retouch shadow` runs it."""


class LearnedFrom(Value):
    """The tables a model is trained on, which must not contain rows of the hold-out."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    """DVC outputs, or directories that hold them: Parquet or CSV files."""
    id: str = "id"
    day: str | None = "day"
    """Its column of days; null where the tables have none."""


class Holdout(Value):
    """The newest complete days, which neither model may have seen."""

    days: Annotated[int, Field(ge=1)]
    clock: ParamRef
    """The declared day up to which data has arrived."""
    seen_until_file: str
    """JSON file inside the model artifact that records until which day the model has seen data."""
    seen_until_key: str
    """Its key, dotted: a `YYYY-MM-DD` day, exclusive."""
    every_day: bool = True
    """Whether a day without rows makes the comparison invalid: its scores are incomplete."""
    learned_from: LearnedFrom | None = None
    """None: `seen_until_key` alone shows that the hold-out is new to both models."""
    candidates: Annotated[int, Field(ge=1, le=1000)] = 4
    """How many candidates one hold-out may judge for one alerted slice. They share the
    probability of a wrong promotion, the first ones most of it; then new days must come."""


class Canary(Value):
    """How a merged model is compared with production on the days that arrive next.

    A confidence sequence on the mean gain per day: it may be looked at after every day.
    """

    margin: Annotated[float, Field(gt=0)]
    """In the loss's unit: it passes once the mean gain is shown to be above minus this, and fails
    once it is shown to be below."""
    scale: Annotated[float, Field(gt=0)]
    """In the loss's unit: a day's gain beyond plus or minus this counts as this. The smaller, the
    sooner it decides, and the less one terrible day weighs."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Two-sided, over all looks together."""
    at_least_days: Annotated[int, Field(ge=1)] = 5
    """Before that it does not pass; it may fail."""
    at_most_days: Annotated[int, Field(ge=1)] = 28
    undecided: Literal["ask", "promote", "roll_back"] = "ask"
    """What follows when it is undecided after that many days. `ask`: an issue for a person."""

    @model_validator(mode="after")
    def _can_fail(self) -> Canary:
        if self.scale <= self.margin:
            raise ValueError("'scale' must be above 'margin', or no canary can fail")
        return self

    @model_validator(mode="after")
    def _days_in_order(self) -> Canary:
        if self.at_most_days < self.at_least_days:
            raise ValueError("'at_most_days' must not be below 'at_least_days'")
        return self


class Release(Value):
    """What merging a validated model does."""

    on_merge: Literal["canary", "prod"] = "prod"
    canary: Canary | None = None

    @model_validator(mode="after")
    def _canary_described(self) -> Release:
        if self.on_merge == "canary" and self.canary is None:
            raise ValueError("'on_merge: canary' needs the section 'canary'")
        return self


LossName = Literal["absolute_error", "squared_error", "pinball", "log_loss", "brier", "auc"]
"""`log_loss`, `brier` and `auc`: of labels 0 and 1; `auc` is one minus the area under the curve."""


class Limits(Value):
    """The gate's loss, confidence, margins and minimum sizes. Margins are in the loss's unit."""

    loss: LossName
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Of `pinball`: the quantile the score predicts."""
    unit: str = ""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """One-sided, of each bound."""
    overall_margin: Annotated[float, Field(gt=0)]
    """Non-inferiority margin over all rows: the mean loss may rise by less than this."""
    slice_margin: Annotated[float, Field(gt=0)]
    """The same within each required slice, and within the alerted slice of a repair."""
    min_days: Annotated[int, Field(ge=2)] = 10
    min_rows: Annotated[int, Field(ge=1)] = 200

    @model_validator(mode="after")
    def _quantile_with_pinball(self) -> Limits:
        if (self.loss == "pinball") != (self.quantile is not None):
            raise ValueError("'quantile' is required by, and only allowed with, 'loss: pinball'")
        return self


class Promotion(Document):
    """The whole of `policies/promotion.yaml`."""

    version: Literal[1]
    model: str
    """The artifact of `dvc.yaml`."""
    score: Scoring
    holdout: Holdout
    limits: Limits
    required_slices: tuple[str, ...] = ()
    """Columns; every value of each is a slice that must not get worse."""
    watched_slices: tuple[str, ...] = ()
    """Columns; a harm alarm for every value of each: a loss significantly worse by more than the
    slice margin, after Holm's correction for their number, blocks the promotion."""
    guardrails: tuple[Guardrail, ...] = ()
    probe: Probe | None = None
    release: Release = Release()

    @model_validator(mode="after")
    def _placeholders_there(self) -> Promotion:
        for placeholder in ("{model}", "{from}", "{until}", "{out}"):
            if placeholder not in self.score.cmd:
                raise ValueError(f"score.cmd lacks the placeholder {placeholder}")
        return self

    @model_validator(mode="after")
    def _guardrails_can_be_evaluated(self) -> Promotion:
        for guardrail in self.guardrails:
            if isinstance(guardrail, Synthetic) and self.probe is None:
                raise ValueError(f"guardrail {guardrail.name!r} needs 'probe'")
            if (
                guardrail.kind == "calibration"
                and guardrail.coverage is not None
                and not (self.score.lower and self.score.upper)
            ):
                raise ValueError(
                    f"guardrail {guardrail.name!r} needs 'score.lower' and 'score.upper'"
                )
        names = [guardrail.name for guardrail in self.guardrails]
        if len(set(names)) < len(names):
            raise ValueError("two guardrails have the same name")
        return self
