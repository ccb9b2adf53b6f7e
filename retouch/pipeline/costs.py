"""What stages cost: the median of what past runs recorded, and the wall time of many at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from statistics import median

from retouch.documents import Value


class Cost(Value):
    """The cost of one stage when its command runs."""

    cpu_seconds: float
    wall_seconds: float


def median_costs(observed: Iterable[tuple[str, Cost]]) -> dict[str, Cost]:
    """Return the median cost of each stage over its recorded executions, in seconds."""
    by_stage: dict[str, list[Cost]] = {}
    for stage, cost in observed:
        by_stage.setdefault(stage, []).append(cost)
    return {
        stage: Cost(
            cpu_seconds=round(median(c.cpu_seconds for c in costs), 3),
            wall_seconds=round(median(c.wall_seconds for c in costs), 3),
        )
        for stage, costs in sorted(by_stage.items())
    }


def makespan(
    waits_for: Mapping[str, frozenset[str]], wall: Mapping[str, float], jobs: int
) -> float:
    """Return the wall seconds of running all stages on `jobs` workers.

    List scheduling: a free worker takes the first stage, in the given order, whose dependencies are
    finished (Graham 1966). `waits_for` must name dependencies before dependents; unknown durations
    count as 0.
    """
    finished: dict[str, float] = {}
    running: list[tuple[float, str]] = []
    waiting = list(waits_for)
    now = 0.0
    while waiting or running:
        ready = [s for s in waiting if waits_for[s] <= finished.keys()]
        for stage in ready[: jobs - len(running)]:
            heapq.heappush(running, (now + wall.get(stage, 0.0), stage))
            waiting.remove(stage)
        if not running:
            raise ValueError(f"stages wait for stages that never run: {waiting}")
        now = running[0][0]
        while running and running[0][0] == now:  # whoever ends now is done before anyone starts
            finished[heapq.heappop(running)[1]] = now
    return now
