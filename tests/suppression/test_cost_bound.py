"""What an answer costs at most: the touched stages of its first tier, and all that follow."""

from __future__ import annotations

import pytest

from retouch.pipeline.costs import Cost
from retouch.pipeline.model import StageMeta
from retouch.policy.decide import decide
from retouch.suppression.cost_bound import cost_at_most, cost_of_first_tier
from tests.pipeline.strategies import pipeline, stage
from tests.suppression.histories import columns_as_stages, taken
from tests.suppression.test_replay import policy

TRAIN = StageMeta(module="train")
GRAPH = pipeline(
    stage("raw"), stage("a", "raw", meta=TRAIN), stage("b", meta=TRAIN), stage("z", "a")
)
COSTS = {
    name: Cost(cpu_seconds=seconds, wall_seconds=2 * seconds)
    for name, seconds in {"raw": 1.0, "a": 10.0, "b": 100.0, "z": 1000.0}.items()
}


@pytest.mark.parametrize(
    ("touched", "whole", "unknown", "cpu"),
    [
        ({"a"}, False, (), 1010),
        ({"a", "raw"}, False, (), 1010),
        ({"b"}, False, (), 100),
        ({"b"}, True, (), 1110),
        ({"raw"}, False, (), None),
        ({"a"}, False, ("z",), None),
        ({"b"}, False, ("z",), 100),
    ],
)
def test_it_is_the_cost_of_edited_stages_and_their_descendants(touched, whole, unknown, cpu):
    tier = policy().tiers["refit"].model_copy(update={"whole_model": whole})
    known = {name: cost for name, cost in COSTS.items() if name not in unknown}

    told = cost_at_most(tier, touched, GRAPH, known)

    assert told == (None if cpu is None else Cost(cpu_seconds=cpu, wall_seconds=2 * cpu))


@pytest.mark.parametrize(("kind", "cpu"), [("data_drift", 1010), ("performance", None)])
def test_only_what_retrains_costs(kind, cpu):
    cost = cost_of_first_tier(policy(), GRAPH, COSTS, columns_as_stages)
    alert = taken(1, columns=["a"], kind=kind).alert

    told = cost(decide([alert], policy()), [alert])

    assert (told and told.cpu_seconds) == cpu
