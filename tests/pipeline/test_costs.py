"""Recorded costs, and the wall time of many stages at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.pipeline.costs import Cost, makespan, median_costs
from retouch.pipeline.graph import waits_for
from tests.pipeline.strategies import FEW, pipelines

NOTHING = frozenset()


def cost(cpu, wall):
    return Cost(cpu_seconds=cpu, wall_seconds=wall)


def test_the_cost_of_a_stage_is_the_median_of_what_was_recorded():
    observed = [
        ("fit", cost(10.0, 5.0)),
        ("clean", cost(1.00049, 1.0)),
        ("fit", cost(90.0, 4.0)),
        ("fit", cost(11.0, 50.0)),
    ]

    assert median_costs(observed) == {"clean": cost(1.0, 1.0), "fit": cost(11.0, 5.0)}
    assert list(median_costs(observed)) == ["clean", "fit"]
    assert median_costs([("a", cost(1, 1)), ("a", cost(2, 4))]) == {"a": cost(1.5, 2.5)}
    assert median_costs([]) == {}


# Graham's example of 1966 has nine stages on three workers; these are small enough for the head.
@pytest.mark.parametrize(
    ("waits", "wall", "jobs", "seconds"),
    [
        ({}, {}, 2, 0),
        ({"a": ""}, {"a": 3}, 2, 3),
        ({"a": "", "b": ""}, {"a": 3, "b": 2}, 1, 5),
        ({"a": "", "b": ""}, {"a": 3, "b": 2}, 2, 3),
        ({"a": "", "b": "a"}, {"a": 3, "b": 2}, 2, 5),
        ({"a": "", "b": "", "c": "", "d": ""}, {"a": 3, "b": 1, "c": 1, "d": 1}, 2, 3),
        ({"a": "", "b": "", "c": "", "d": ""}, {"a": 3, "b": 1, "c": 2, "d": 2}, 2, 5),
        ({"a": "", "b": "", "c": ""}, {"a": 1, "b": 1, "c": 3}, 2, 4),
        ({"a": "", "b": "a", "c": "a", "d": "bc"}, {"a": 1, "b": 2, "c": 5, "d": 1}, 2, 7),
        ({"a": "", "b": "a"}, {"b": 2}, 4, 2),
    ],
)
def test_known_makespans(waits, wall, jobs, seconds):
    assert makespan({s: frozenset(w) for s, w in waits.items()}, wall, jobs) == seconds


def test_grahams_own_example_is_scheduled_as_he_did():
    nine = {"1": 3, "2": 2, "3": 2, "4": 2, "5": 4, "6": 4, "7": 4, "8": 4, "9": 9}
    waits = dict.fromkeys(nine, NOTHING) | dict.fromkeys("5678", frozenset("4"))
    waits["9"] = frozenset("1")

    assert makespan(waits, nine, 3) == 12
    assert makespan(waits, {s: t - 1 for s, t in nine.items()}, 3) == 13  # his anomaly


def test_stages_that_wait_for_what_never_runs_are_refused():
    with pytest.raises(ValueError, match=r"wait for stages that never run: \['b'\]"):
        makespan({"a": NOTHING, "b": frozenset({"c"})}, {}, 1)


@FEW
@given(pipelines(), st.data())
def test_the_makespan_lies_between_its_bounds(graph, data):
    names = [stage.name for stage in graph.stages]
    waits = waits_for(graph, names)
    wall = {name: data.draw(st.integers(0, 9), label=name) for name in names}
    jobs = data.draw(st.integers(1, 4), label="jobs")
    path = {}
    for name in names:
        path[name] = wall[name] + max((path[other] for other in waits[name]), default=0)
    critical, total = max(path.values()), sum(wall.values())

    found = makespan(waits, wall, jobs)

    assert max(critical, total / jobs) <= found <= total
    assert found <= total / jobs + critical  # Graham's bound
    assert makespan(waits, wall, 1) == total
    assert makespan(waits, wall, len(names)) == critical
