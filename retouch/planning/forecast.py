"""What a plan costs, from what its stages cost before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from retouch.pipeline.costs import Cost, makespan
from retouch.pipeline.graph import waits_for
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Forecast, StagePlan


def forecast(
    pipeline: Pipeline, stages: Sequence[StagePlan], costs: Mapping[str, Cost], jobs: int
) -> Forecast:
    """Return CPU and wall seconds of the planned stages, and of the whole pipeline beside them."""
    planned = [s.stage for s in stages if s.decision != "reuse"]
    certain = [s.stage for s in stages if s.decision == "run"]
    everything = [s.name for s in pipeline.stages if s.cmd is not None]
    return Forecast(
        cpu_seconds=_cpu(planned, costs),
        wall_seconds=_wall(pipeline, planned, costs, jobs),
        certain_cpu_seconds=_cpu(certain, costs),
        full_cpu_seconds=_cpu(everything, costs),
        full_wall_seconds=_wall(pipeline, everything, costs, jobs),
        jobs=jobs,
        unknown=sum(name not in costs for name in planned),
        full_unknown=sum(name not in costs for name in everything),
    )


def _cpu(names: Collection[str], costs: Mapping[str, Cost]) -> float:
    return round(sum(costs[name].cpu_seconds for name in names if name in costs), 2)


def _wall(
    pipeline: Pipeline, names: Collection[str], costs: Mapping[str, Cost], jobs: int
) -> float:
    wall = {name: costs[name].wall_seconds for name in names if name in costs}
    return round(makespan(waits_for(pipeline, names), wall, jobs), 2)
