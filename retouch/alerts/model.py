"""The alert: one monitor's judgement of one slice of the world."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from retouch.alerts.identifiers import ULID
from retouch.alerts.moments import Time
from retouch.documents import Document, Value

SCHEMA_VERSION = "1.0"
MAX_BYTES = 45_000
"""Base64 of this and a signature still fit into one `repository_dispatch` payload."""

Kind = Literal[
    "data_quality",
    "schema_change",
    "volume",
    "freshness",
    "data_drift",
    "prediction_drift",
    "target_drift",
    "attribution_drift",
    "label_quality",
    "performance",
    "estimated_performance",
    "concept_drift",
    "system_health",
    "policy_change",
    "manual",
]
Family = Literal[
    "data quality",
    "distribution shift",
    "label quality",
    "performance",
    "system health",
    "governance",
]
FAMILY_OF: dict[Kind, Family] = {
    "data_quality": "data quality",
    "schema_change": "data quality",
    "volume": "data quality",
    "freshness": "data quality",
    "data_drift": "distribution shift",
    "prediction_drift": "distribution shift",
    "target_drift": "distribution shift",
    "attribution_drift": "distribution shift",
    "label_quality": "label quality",
    "performance": "performance",
    "estimated_performance": "performance",
    "concept_drift": "performance",
    "system_health": "system health",
    "policy_change": "governance",
    "manual": "governance",
}
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
"""In rising order."""
Status = Literal["firing", "resolved", "no_data"]

# Segments that start with a letter or digit: no "..", no leading slash, no control or bidi marks.
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9_-]*"
Name = Annotated[str, StringConstraints(pattern=rf"^{_SEGMENT}([./@]{_SEGMENT})*$", max_length=128)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=128)]
AlertId = Annotated[str, StringConstraints(pattern=f"^{ULID}$")]
Digest = Annotated[
    str, StringConstraints(pattern=r"^(md5:[0-9a-f]{32}(\.dir)?|sha256:[0-9a-f]{64})$")
]
RepositoryPath = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._@-]*(/[A-Za-z0-9_][A-Za-z0-9._@-]*)*$"),
    Field(max_length=512),
]
Repository = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
Scalar = str | int | float | bool


class Window(Value):
    """A stretch of time, half-open: `start` belongs to it, `end` does not."""

    start: Time
    end: Time

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self

    @property
    def days(self) -> tuple[date, date]:
        """The first day it touches and the day after the last, in the offset it was written in."""
        last_moment = self.end - timedelta(microseconds=1)
        return self.start.date(), last_moment.date() + timedelta(days=1)


class DataRef(Value):
    """Which data was judged."""

    dataset: Name
    """The dataset's name, as stages declare it in `meta.retouch.dataset`."""
    path: RepositoryPath | None = None
    """Where DVC keeps it, relative to the repository."""
    digest: Digest | None = None
    """Its content, as DVC writes it (`md5:...`, with `.dir` for a directory) or as sha256."""
    rev: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._/-]{1,64}$")] | None = None
    window: Window | None = None
    rows: Annotated[int, Field(ge=0)] | None = None


class Predicate(Value):
    """One structured condition on a column; never SQL text."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"op": {"const": "in"}}, "required": ["op"]},
            "then": {"properties": {"value": {"type": "array"}}},
            "else": {"properties": {"value": {"not": {"type": "array"}}}},
        }
    )

    column: Column
    op: Literal["eq", "ne", "in", "lt", "le", "gt", "ge"] = "eq"
    value: Scalar | tuple[Scalar, ...]

    @model_validator(mode="after")
    def _list_only_with_in(self) -> Predicate:
        if isinstance(self.value, tuple) != (self.op == "in"):
            raise ValueError("value is a list with op 'in', and only then")
        return self


class Slice(Value):
    """The slice of the world that went wrong."""

    current: DataRef
    reference: DataRef | None = None
    columns: Annotated[tuple[Column, ...], Field(max_length=200)] = ()
    where: Annotated[tuple[Predicate, ...], Field(max_length=20)] = ()
    """All of them hold for the rows of the slice."""
    labels: Literal["complete", "partial", "none"] | None = None
    """Whether the rows judged had their labels."""


class Monitor(Value):
    """By whom the judgement was made."""

    id: Name
    """The key under which `policies/monitors.yaml` knows it."""
    tool: Annotated[str, StringConstraints(max_length=64)] | None = None
    tool_version: Annotated[str, StringConstraints(max_length=64)] | None = None
    run_id: Annotated[str, StringConstraints(max_length=200)] | None = None
    config_digest: Digest | None = None


class Confidence(Value):
    """How sure the monitor is. A score means nothing without its basis."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"score": {"type": "number"}}, "required": ["score"]},
            "then": {"properties": {"basis": {"not": {"const": "none"}}}, "required": ["basis"]},
            "else": {"properties": {"basis": {"const": "none"}}},
        }
    )

    score: Annotated[float, Field(ge=0, le=1)] | None = None
    basis: Literal["p_value", "interval", "vote", "declared", "none"] = "none"
    n: Annotated[int, Field(ge=0)] | None = None
    """How many independent units (rows, days, votes) it is based on."""

    @model_validator(mode="after")
    def _score_has_a_basis(self) -> Confidence:
        if (self.score is None) != (self.basis == "none"):
            raise ValueError("score and basis go together: give both, or neither")
        return self


class Finding(Value):
    """One number that the monitor compared with one limit."""

    scope: Literal["column", "dataset", "prediction", "target", "model"]
    column: Column | None = None
    metric: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """Our name for the metric, in lower case."""
    native_metric: Annotated[str, StringConstraints(max_length=200)] | None = None
    """The monitor's own name for it."""
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    breach_when: Literal["gt", "ge", "lt", "le", "outside", "eq", "ne", "declared"] = "declared"
    p_value: Annotated[float, Field(ge=0, le=1)] | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    verdict: Literal["breach", "warn", "ok", "error", "skipped"] = "breach"
    """The monitor's own; it is never recomputed here."""
    severity: Severity | None = None
    native_id: Annotated[str, StringConstraints(max_length=200)] | None = None

    @model_validator(mode="after")
    def _column_is_named(self) -> Finding:
        if self.scope == "column" and self.column is None:
            raise ValueError("a finding of scope 'column' names its column")
        return self


class Evidence(Value):
    """A document that backs the alert, kept elsewhere."""

    uri: Annotated[str, StringConstraints(max_length=1000)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    media_type: Annotated[str, StringConstraints(max_length=100)] | None = None
    bytes: Annotated[int, Field(ge=0)] | None = None


class Alert(Document):
    """One monitor's judgement of one slice."""

    schema_version: Literal["1.0"]
    alert_id: AlertId
    """A ULID; also the file's name. Sortable by time, unique per emission."""
    audience: Repository | None = None
    """The repository (`owner/name`) this alert was made for."""
    kind: Kind
    status: Status = "firing"
    severity: Severity = "warning"
    model: Name
    model_version: Annotated[str, StringConstraints(max_length=64)] | None = None
    monitor: Monitor
    slice: Slice
    started_at: Time | None = None
    emitted_at: Time
    expires_at: Time | None = None
    confidence: Confidence = Confidence()
    findings: Annotated[tuple[Finding, ...], Field(max_length=200)] = ()
    findings_truncated: Annotated[int, Field(ge=0)] = 0
    """How many findings the monitor left out; above 0 the column set is incomplete."""
    hypothesis: Annotated[str, StringConstraints(max_length=2000)] | None = None
    """What the monitor or its owner thinks the cause is. Untrusted text."""
    evidence: Annotated[tuple[Evidence, ...], Field(max_length=20)] = ()
    labels: dict[str, JsonValue] = Field(default={}, max_length=32)
    message: Annotated[str, StringConstraints(max_length=4000)] = ""
    """Untrusted text: escaped wherever it is shown."""

    @model_validator(mode="after")
    def _times_in_order(self) -> Alert:
        if self.started_at is not None and self.started_at > self.emitted_at:
            raise ValueError("started_at must not be after emitted_at")
        if self.expires_at is not None and self.expires_at <= self.emitted_at:
            raise ValueError("expires_at must be after emitted_at")
        return self

    @property
    def family(self) -> Family:
        """The family of kinds this alert belongs to; policy speaks of families."""
        return FAMILY_OF[self.kind]
