"""What past runs recorded. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from retouch.execution.model import Run
from retouch.pipeline.costs import Cost, median_costs


def costs_of(runs: Iterable[Run]) -> Mapping[str, Cost]:
    """Return the median cost of each stage over the executions these runs recorded.

    Restored and cut-off stages did not run their command, so they say nothing of its cost.
    """
    return median_costs(
        (receipt.stage, Cost(cpu_seconds=receipt.cpu_seconds, wall_seconds=receipt.wall_seconds))
        for run in runs
        for attempt in run.attempts
        for receipt in attempt.receipts
        if receipt.outcome == "ran"
    )


def spent_since(runs: Iterable[Run], moment: datetime) -> float:
    """Return the CPU seconds of the runs that answered alerts and began then or later.

    Builds answer none. Scoring is a part of it, as far as it was recorded.
    """
    return sum(
        attempt.cpu_seconds + attempt.judging_cpu_seconds
        for run in runs
        if run.alert_ids and run.started_at >= moment
        for attempt in run.attempts
    )
