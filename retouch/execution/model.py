"""The run: what was done, stage by stage, with a receipt each; and the costs that runs record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from retouch.documents import Document, Value
from retouch.pipeline.costs import Cost, median_costs
from retouch.planning.model import ParamEdit

Outcome = Literal["ran", "restored", "cut_off", "failed", "skipped"]


class Receipt(Value):
    """What happened to one planned stage. Reused stages have none: nothing happened to them."""

    stage: str
    outcome: Outcome
    """`ran`: its command was run. `restored`: taken from DVC's run cache. `cut_off`: its
    inputs came out identical, so it was not run. `failed`. `skipped`: something upstream failed."""
    because: str
    """One sentence, lower case, no full stop."""
    started_after: Annotated[float, Field(ge=0)] = 0.0
    """Seconds since the attempt began."""
    wall_seconds: Annotated[float, Field(ge=0)] = 0.0
    cpu_seconds: Annotated[float, Field(ge=0)] = 0.0
    """User and system time of DVC and the command together."""
    peak_memory_bytes: Annotated[int, Field(ge=0)] = 0
    output_bytes: Annotated[int, Field(ge=0)] = 0
    outputs: dict[str, str] = {}
    """Path -> hash, as recorded in `dvc.lock` afterwards."""
    entry: str | None = None
    """sha256 of the stage's whole entry in `dvc.lock` afterwards (`lockfile.entries.entry_digest`):
    what it read and made, to compare a merged lock with. None: nothing ran."""
    log: str | None = None
    """Where its output was kept, below `.retouch/logs/`; not committed."""
    exit_code: int | None = None


class Attempt(Value):
    """One tier tried."""

    tier: str
    edits: tuple[ParamEdit, ...]
    receipts: tuple[Receipt, ...]
    """In the plan's order."""
    wall_seconds: Annotated[float, Field(ge=0)]
    judging_cpu_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Of scoring and measuring both models, and of the gate; no stage's."""
    kept: bool
    """Its edits and outputs are in the workspace; otherwise they were rolled back."""

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all its stages."""
        return sum(r.cpu_seconds for r in self.receipts)

    def named(self, *outcomes: Outcome) -> tuple[str, ...]:
        """Return the names of the stages with one of these outcomes."""
        return tuple(r.stage for r in self.receipts if r.outcome in outcomes)


class Run(Document):
    """Everything that was run for one plan."""

    schema_version: Literal["1.0"] = "1.0"
    plan_key: str
    alert_ids: tuple[str, ...]
    runner: str
    jobs: int
    base_commit: str
    started_at: AwareDatetime
    finished_at: AwareDatetime
    attempts: tuple[Attempt, ...]
    stopped: str | None = None
    """Why the remaining tiers were not tried: a budget, a broken guardrail."""


def recorded_costs(runs: Iterable[Run]) -> Mapping[str, Cost]:
    """Return the median cost of each stage over the executions these runs recorded.

    Restored and cut-off stages did not run their command, so they show no cost.
    """
    return median_costs(
        (receipt.stage, Cost(cpu_seconds=receipt.cpu_seconds, wall_seconds=receipt.wall_seconds))
        for run in runs
        for attempt in run.attempts
        for receipt in attempt.receipts
        if receipt.outcome == "ran"
    )


def cpu_seconds_since(runs: Iterable[Run], moment: datetime) -> float:
    """Return the CPU seconds of the runs for alerts that began then or later.

    Builds are for no alert. Scoring is included where it was recorded.
    """
    return sum(
        attempt.cpu_seconds + attempt.judging_cpu_seconds
        for run in runs
        if run.alert_ids and run.started_at >= moment
        for attempt in run.attempts
    )
