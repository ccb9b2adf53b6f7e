"""The plan: for every stage exactly one decision and its reason, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from retouch.alerts.receipt import Provenance, Sha256
from retouch.alerts.words import AlertSummary
from retouch.documents import Document, Value
from retouch.pipeline.lineage import Touched
from retouch.policy.edits import ParamEdit

__all__ = [
    "AlertProvenance",
    "AlertSummary",
    "Because",
    "Forecast",
    "ParamEdit",
    "Plan",
    "Reads",
    "SkippedTier",
    "StagePlan",
    "TierPlan",
    "Touched",
    "reasons_for_approval",
]


class Because(Value):
    """Why a stage runs: the input that changes."""

    reason: Literal[
        "param",
        "file",
        "command",
        "output",
        "never_run",
        "always_changed",
        "upstream",
        "frozen",
        "unchanged",
    ]
    subject: str = ""
    """The params key, the path, or the stage upstream."""
    before: JsonValue = None
    after: JsonValue = None
    by_alert: bool = True
    """False when it would run without the alert too: it was out of date already."""


class StagePlan(Value):
    """What happens to one stage.

    `run`: an input it declares changes. `may_run`: it is downstream of one that runs, and runs
    unless its inputs come out identical. `reuse`: it stays as recorded.
    """

    stage: str
    decision: Literal["run", "may_run", "reuse"]
    because: Annotated[tuple[Because, ...], Field(min_length=1)]
    wave: int | None = None
    """0 is the first; stages of one wave do not depend on each other. None: reused."""


class Forecast(Value):
    """What running costs, from the recorded costs of past runs."""

    cpu_seconds: Annotated[float, Field(ge=0)]
    """Of the `run` stages and, unless they are cut off, the `may_run` ones."""
    wall_seconds: Annotated[float, Field(ge=0)]
    certain_cpu_seconds: Annotated[float, Field(ge=0)]
    """Of the `run` stages alone."""
    full_cpu_seconds: Annotated[float, Field(ge=0)]
    """Of every stage of the pipeline."""
    full_wall_seconds: Annotated[float, Field(ge=0)]
    jobs: int
    unknown: int
    """Planned stages without a recorded cost; their cost is not in the sums."""
    full_unknown: int
    """The same over the whole pipeline."""


class TierPlan(Value):
    """One rung of the ladder: its edits and what they do to every stage."""

    tier: str
    message: str
    must: Literal["improve", "not_get_worse"]
    restores: float | None = None
    """The factor of the reference window's loss the candidate must come back to."""
    edits: tuple[ParamEdit, ...]
    stages: tuple[StagePlan, ...]
    """Every stage of the graph once, in DVC's order of evaluation."""
    forecast: Forecast

    def named(self, *decisions: str) -> tuple[str, ...]:
        """Return the names of the stages with one of these decisions, in order of evaluation."""
        return tuple(s.stage for s in self.stages if s.decision in decisions)

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        """Return the planned stages by wave; independent stages share one."""
        planned = [s for s in self.stages if s.wave is not None]
        last = max((s.wave for s in planned if s.wave is not None), default=-1)
        return tuple(tuple(s.stage for s in planned if s.wave == w) for w in range(last + 1))


class SkippedTier(Value):
    """A rung of the ladder that there is nothing to do on."""

    tier: str
    reason: str


class Reads(Value):
    """sha256 of what the plan was made from; a saved plan is refused when one has changed."""

    alerts: str
    policy: str
    pipeline: str
    history: str | None = None
    """What the value rule made of past runs; None where it made nothing of them."""


class AlertProvenance(Value):
    """What verification found of one alert of the group."""

    alert_id: str
    sha256: Sha256 | None = None
    """Of the alert's bytes that were verified and planned; None in plans from before."""
    provenance: Provenance


def reasons_for_approval(alerts: Iterable[AlertProvenance]) -> tuple[str, ...]:
    """Return, each once, why alerts may not cause a retraining before a person approves them."""
    reasons = [r for a in alerts if not a.provenance.may_retrain for r in a.provenance.reasons]
    return tuple(dict.fromkeys(reasons))


class Option(Value):
    """One way to answer, and what it is worth: `nothing`, a tier of the ladder, or `full`."""

    name: str
    episodes: Annotated[int, Field(ge=0)] = 0
    """Like alerts answered this way in the past."""
    accepted: Annotated[int, Field(ge=0)] = 0
    """Those of them whose candidate passed."""
    gain: float | None = None
    """Expected gain per prediction of the slice, shrunk, in the loss's unit; None: no history."""
    chance: float | None = None
    """Of passing the gate."""
    benefit_cpu_seconds: float | None = None
    """What the gain is worth over the horizon, times the chance."""
    cost_cpu_seconds: Annotated[float, Field(ge=0)] = 0.0
    net_cpu_seconds: float | None = None


class ValueEstimate(Value):
    """The value rule's comparison of doing nothing, each tier and a full run."""

    options: tuple[Option, ...]
    best: str | None
    """The option of the greatest net worth among those with a history; None: there is none."""
    message: str
    """One sentence: what follows, or that there is no history."""


class Plan(Document):
    """What will be done about a group of alerts, tier by tier."""

    schema_version: Literal["1.0"] = "1.0"
    key: str
    """Names alerts + policy + pipeline + history + base commit: the same key, the same work."""
    model: str
    alerts: Annotated[tuple[AlertSummary, ...], Field(min_length=1)]
    action: Literal["retrain", "hold"]
    rule: str | None
    why: str
    touched: Touched
    tiers: tuple[TierPlan, ...]
    """The ladder, cheapest first; empty when the policy holds."""
    skipped: tuple[SkippedTier, ...] = ()
    """Tiers of the ladder that cannot answer these alerts, have done so, or are not worth it."""
    provenance: tuple[AlertProvenance, ...] = ()
    """What was verified, alert by alert."""
    accepted_by: str | None = None
    """The person who approved alerts that may not cause a retraining by themselves."""
    worth: ValueEstimate | None = None
    """None: the policy has no value rule."""
    base_commit: str
    reads: Reads
    planned_at: AwareDatetime

    @property
    def report_id(self) -> str:
        """The folder under `reports/`: the id of the group's first alert."""
        return self.alerts[0].alert_id

    def trusted_as(self, fresh: Plan) -> Plan:
        """Return this plan with what a fresh one says of whose alerts they are, and may do.

        A saved file is not to say that; anybody may have written it. Nor does it know what was
        spent since, and why that holds a plan.
        """
        names = ("action", "why", "provenance", "accepted_by")
        return self.model_copy(update={name: getattr(fresh, name) for name in names})

    @property
    def work(self) -> tuple[object, ...]:
        """What it would do, tier by tier; the same for the same alerts, policy and pipeline."""
        return tuple((t.tier, t.must, t.restores, t.edits, t.stages) for t in self.tiers)

    @property
    def unproven(self) -> tuple[str, ...]:
        """Why a person has to approve the alerts before anything runs; empty when none has to."""
        if self.accepted_by is not None:
            return ()
        return reasons_for_approval(self.provenance)
