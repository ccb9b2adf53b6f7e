"""The run: what was done, stage by stage, with a receipt each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from retouch.documents import Document, Value
from retouch.planning.model import ParamEdit

Outcome = Literal["ran", "restored", "cut_off", "failed", "skipped"]


class Receipt(Value):
    """What happened to one planned stage. Reused stages have none: nothing happened to them."""

    stage: str
    outcome: Outcome
    """`ran`: its command was run. `restored`: DVC's run cache had this very run. `cut_off`: its
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
    """sha256 of the stage's whole entry in `dvc.lock` afterwards (`lock_text.entry_digest`): what
    it read and what it made, so that a merged lock can be held against it. None: nothing ran."""
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
    """Of scoring and measuring both models, and of the gate; not a stage's."""
    kept: bool
    """Its edits and outputs are in the workspace; otherwise everything was put back."""

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
    """Why tiers were left untried though nothing had settled it: a budget, a broken guardrail."""
