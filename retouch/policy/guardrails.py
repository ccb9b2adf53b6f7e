"""Guardrails of `policies/promotion.yaml`: what a candidate may not trade for accuracy.

Each has a `name` that is a sentence, and limits. `mode: observe` only reports; `mode: block` blocks
the promotion. `then` says what follows when it fails: `halt` ends the run, with all changes rolled
back and the evidence filed; `next_tier` escalates to the next tier.
"""

from __future__ import annotations

import shlex
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from retouch.documents import Value
from retouch.policy.conditions import Sentence
from retouch.policy.metrics import OF_DECISIONS, known_metric

Key = Annotated[str, StringConstraints(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Guardrail(Value):
    name: Sentence
    """What must hold, as a sentence."""
    why: Sentence
    mode: Literal["observe", "block"] = "block"
    then: Literal["halt", "next_tier"] = "halt"
    """What follows when it fails and its mode is `block`."""


class Fairness(_Guardrail):
    """The gap of a metric between groups, by fairlearn's MetricFrame: largest minus smallest."""

    kind: Literal["fairness"]
    by: Key
    """The column of the score table that names the group."""
    metric: Annotated[str, AfterValidator(known_metric)]
    """A function of `sklearn.metrics` or `fairlearn.metrics` of (labels, scores), by its name:
    `mean_absolute_error`, `selection_rate`, `true_positive_rate`; or `bias` or
    `interval_coverage`."""
    gap_at_most: NotNegative | None = None
    """Of the candidate."""
    gap_grows_at_most: NotNegative | None = None
    """Candidate's gap minus production's."""
    threshold: Number | None = None
    """Turns scores into the decisions 0 and 1 (score >= threshold), for metrics of decisions."""

    @model_validator(mode="after")
    def _a_limit(self) -> Fairness:
        if self.gap_at_most is None and self.gap_grows_at_most is None:
            raise ValueError("give 'gap_at_most', 'gap_grows_at_most' or both")
        if self.threshold is not None and self.metric not in OF_DECISIONS:
            raise ValueError(f"'threshold' is for metrics of decisions, not for {self.metric}")
        return self


class Latency(_Guardrail):
    """Time to predict 1,000 rows, both models in turn in one process: candidate / production.

    The command gets `{production}`, `{candidate}`, `{from}`, `{until}` and `{out}` and writes JSON:
    `{"rows": 1000, "production": [seconds, ...], "candidate": [seconds, ...]}`, one pair a turn.
    """

    kind: Literal["latency"]
    cmd: Key
    p50_at_most: Positive | None = None
    """Ratio of the medians."""
    p95_at_most: Positive | None = None
    """Ratio of the 95th percentiles."""

    @model_validator(mode="after")
    def _complete(self) -> Latency:
        for placeholder in ("{production}", "{candidate}", "{out}"):
            if placeholder not in self.cmd:
                raise ValueError(f"cmd lacks the placeholder {placeholder}")
        _require_words(self.cmd)
        if self.p50_at_most is None and self.p95_at_most is None:
            raise ValueError("give 'p50_at_most', 'p95_at_most' or both")
        return self


class Size(_Guardrail):
    """Bytes of the model artifact, all its files together."""

    kind: Literal["size"]
    bytes_at_most: Annotated[int, Field(gt=0)] | None = None
    ratio_at_most: Positive | None = None
    """Candidate / production."""

    @model_validator(mode="after")
    def _a_limit(self) -> Size:
        if self.bytes_at_most is None and self.ratio_at_most is None:
            raise ValueError("give 'bytes_at_most', 'ratio_at_most' or both")
        return self


class CalibrationLimit(_Guardrail):
    """Calibration of the model: the coverage of its interval, or its probabilities.

    Coverage needs `score.lower` and `score.upper`. Reliability is the expected calibration error
    of probabilities over equally filled bins.
    """

    kind: Literal["calibration"]
    coverage: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The nominal coverage of the interval."""
    coverage_off_by_at_most: Share | None = None
    reliability_error_at_most: Share | None = None
    bins: Annotated[int, Field(ge=2, le=100)] = 10
    worsens_at_most: Share | None = None
    """How much the error may exceed production's; of two limits both must be exceeded to fail."""
    by: Key | None = None
    """A column of the score table: every value of it is evaluated as well."""

    @model_validator(mode="after")
    def _one_kind(self) -> CalibrationLimit:
        if (self.coverage is None) == (self.reliability_error_at_most is None):
            raise ValueError("give exactly one of 'coverage' and 'reliability_error_at_most'")
        if self.coverage is None and self.coverage_off_by_at_most is not None:
            raise ValueError("'coverage_off_by_at_most' belongs to 'coverage'")
        if self.coverage is not None and (
            self.coverage_off_by_at_most is None and self.worsens_at_most is None
        ):
            raise ValueError("give 'coverage_off_by_at_most' or 'worsens_at_most' with 'coverage'")
        return self


class NegativeFlips(_Guardrail):
    """Rows that production predicts correctly and the candidate does not, as a share of all rows.

    Correct: |label - score| at most `tolerance`; or with `threshold`, the decision of the score
    (score >= threshold) is the label.
    """

    kind: Literal["negative_flips"]
    tolerance: NotNegative | None = None
    threshold: Number | None = None
    share_at_most: Share

    @model_validator(mode="after")
    def _one_right(self) -> NegativeFlips:
        if (self.tolerance is None) == (self.threshold is None):
            raise ValueError("give exactly one of 'tolerance' and 'threshold'")
        return self


def _require_words(cmd: str) -> None:
    """Raise ValueError for a command that cannot be split into words, such as an open quote."""
    try:
        shlex.split(cmd)
    except ValueError as error:
        raise ValueError(f"{cmd!r} cannot be split into words: {error}") from None


Change = dict[Key, float | int | str | bool | None]


class SyntheticCase(Value):
    """One declarative case on synthetic rows. Exactly one of `invariant_to`, `rises_with`,
    `falls_with`, `rows` and `noise`.

    The rows come from the probe's `rows_cmd`; `where` picks some of them, column by column.
    """

    name: Sentence
    where: Change = {}
    """Only rows with these values."""
    invariant_to: Change | None = None
    """Setting these columns must not change the score by more than `tolerance`."""
    rises_with: dict[Key, float] | None = None
    """Adding this to the columns must not lower the score by more than `tolerance`."""
    falls_with: dict[Key, float] | None = None
    """Adding this to the columns must not raise the score by more than `tolerance`."""
    rows: Annotated[tuple[Change, ...], Field(min_length=1)] | None = None
    """Boundary rows: each sets these columns (null: missing) on every row; scores stay within."""
    noise: dict[Key, NotNegative] | None = None
    """Noise: each column is shifted by this, up and down; the score may change by at most
    `tolerance`."""
    tolerance: NotNegative = 0.0
    """In the unit of the score."""
    share_at_least: Share = 1.0
    """The least share of rows for which it must hold."""
    score_at_least: float | None = None
    score_at_most: float | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> SyntheticCase:
        kinds = (self.invariant_to, self.rises_with, self.falls_with, self.rows, self.noise)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(
                "give exactly one of 'invariant_to', 'rises_with', 'falls_with', 'rows', 'noise'"
            )
        bounds = [b for b in (self.score_at_least, self.score_at_most) if b is not None]
        if (self.rows is None) != (not bounds):
            raise ValueError(
                "'score_at_least', 'score_at_most' or both go with 'rows', and only there"
            )
        if bounds != sorted(bounds):
            raise ValueError("'score_at_least' must not be above 'score_at_most'")
        return self

    @model_validator(mode="after")
    def _changes_something(self) -> SyntheticCase:
        if self.invariant_to == {}:
            raise ValueError("'invariant_to' names no column")
        for key in ("rises_with", "falls_with", "noise"):
            steps = getattr(self, key)
            if steps is not None and not any(steps.values()):
                raise ValueError(f"{key!r} changes nothing: every step is 0")
        return self


class Synthetic(_Guardrail):
    """Declarative cases on synthetic rows; needs `probe`."""

    kind: Literal["synthetic"]
    cases: Annotated[tuple[SyntheticCase, ...], Field(min_length=1)]


Guardrail = Annotated[
    Fairness | Latency | Size | CalibrationLimit | NegativeFlips | Synthetic,
    Field(discriminator="kind"),
]


class Probe(Value):
    """How to score synthetic rows."""

    rows_cmd: Key
    """Writes rows as the model reads them, features and all: `{from}`, `{until}`, `{out}`."""
    score_cmd: Key
    """Scores such rows: `{model}`, `{rows}`, `{out}`. Writes the columns `row` (as in the rows'
    own column `row`) and `score`."""

    @model_validator(mode="after")
    def _placeholders_there(self) -> Probe:
        if "{out}" not in self.rows_cmd:
            raise ValueError("rows_cmd lacks the placeholder {out}")
        for placeholder in ("{model}", "{rows}", "{out}"):
            if placeholder not in self.score_cmd:
                raise ValueError(f"score_cmd lacks the placeholder {placeholder}")
        _require_words(self.rows_cmd)
        _require_words(self.score_cmd)
        return self
