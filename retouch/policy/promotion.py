"""`policies/promotion.yaml` as values: the pipeline's contract with the gate, and its limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from retouch.documents import Document, Value

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


class Holdout(Value):
    """The newest complete days, which neither model may have seen."""

    days: Annotated[int, Field(ge=1)]
    clock: ParamRef
    """The declared day up to which data has arrived."""
    seen_until_file: str
    """JSON file inside the model artifact that says how far the model has looked."""
    seen_until_key: str
    """Its key, dotted: a `YYYY-MM-DD` day, exclusive."""


class Limits(Value):
    """What the gate holds a candidate to. Losses are in the label's unit."""

    loss: Literal["absolute_error", "squared_error"]
    unit: str = ""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """One-sided, of each bound."""
    overall_margin: Annotated[float, Field(gt=0)]
    """The mean loss over all rows may grow by less than this."""
    slice_margin: Annotated[float, Field(gt=0)]
    """The same within each required slice, and within the alerted slice of a repair."""
    min_days: Annotated[int, Field(ge=2)] = 10
    min_rows: Annotated[int, Field(ge=1)] = 200


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

    @model_validator(mode="after")
    def _placeholders_there(self) -> Promotion:
        for placeholder in ("{model}", "{from}", "{until}", "{out}"):
            if placeholder not in self.score.cmd:
                raise ValueError(f"score.cmd lacks the placeholder {placeholder}")
        return self
