"""Walks over the stage graph. Order is always DVC's own order of evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retouch.pipeline.model import Pipeline


def downstream(pipeline: Pipeline, names: Iterable[str]) -> frozenset[str]:
    """Return the stages that depend on any of `names`, directly or not, without `names` itself.

    Nothing passes through a frozen stage: DVC cuts it from its dependencies.

          raw -> clean -> train@eu -> ensemble        downstream of clean:
                    \\---> train@us ---/                train@eu, train@us, ensemble
    """
    seeds = set(names)
    reached = set(seeds)
    for stage in pipeline.stages:  # dependencies first, so one pass is enough
        if not stage.frozen and not reached.isdisjoint(stage.upstream):
            reached.add(stage.name)
    return frozenset(reached - seeds)


def waves(pipeline: Pipeline, names: Iterable[str]) -> Mapping[str, int]:
    """Return each named stage's wave: one more than the highest among its named ancestors.

    A stage waits for a named ancestor even when the stages between them are not named.
    """
    wanted = set(names)
    depth: dict[str, int] = {}  # of every stage: the first wave it could be in
    result: dict[str, int] = {}
    for stage in pipeline.stages:
        ready = max((depth[name] for name in stage.upstream if name in depth), default=0)
        depth[stage.name] = ready
        if stage.name in wanted:
            result[stage.name] = ready
            depth[stage.name] = ready + 1
    return result


def waits_for(pipeline: Pipeline, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return, for each named stage, the named stages that must be finished before it starts."""
    wanted = set(names)
    nearest: dict[str, frozenset[str]] = {}  # of every stage: the named stages that feed it
    result: dict[str, frozenset[str]] = {}
    for stage in pipeline.stages:
        feeds = frozenset(n for name in stage.upstream for n in nearest.get(name, ()))
        if stage.name in wanted:
            result[stage.name] = feeds
            nearest[stage.name] = frozenset({stage.name})
        else:
            nearest[stage.name] = feeds
    return result
