"""What is to be retrained: one target, one job of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from retouch.documents import Value
from retouch.pipeline.model import RunnerLabel

MOST_TARGETS = 200
"""GitHub runs at most 256 jobs of one matrix."""


JobResult = Literal["success", "failure", "cancelled", "skipped"]
"""How a job of a workflow ended, as GitHub says it."""


class RetrainTarget(Value):
    """The subject of one retraining, and the machine for it."""

    pull: Annotated[int, Field(ge=1)] | None
    """The number of the pull request; None: the alerts on the base branch."""
    runs_on: Annotated[tuple[RunnerLabel, ...], Field(min_length=1)] | None = None
    """The labels of the runner; None: the repository's default."""
    minutes: Annotated[int, Field(ge=1)] | None = None
    """The job's time limit; None: the repository's default."""


def targeted(pulls: Iterable[int | None]) -> tuple[RetrainTarget, ...]:
    """Return a target for each of these pull requests, once, as many as one run may have."""
    return tuple(RetrainTarget(pull=pull) for pull in dict.fromkeys(pulls))[:MOST_TARGETS]
