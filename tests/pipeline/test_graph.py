"""Walks over the stage graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retouch.pipeline.graph import downstream, waits_for, waves
from tests.pipeline.strategies import FEW, pipeline, pipelines, stage

#  raw -> clean -> eu ---> all -> report
#               \-> us --/
FORK = pipeline(
    stage("raw"),
    stage("clean", "raw"),
    stage("eu", "clean"),
    stage("us", "clean"),
    stage("all", "eu", "us"),
    stage("report", "all"),
)


@st.composite
def some_stages(draw):
    graph = draw(pipelines())
    names = [each.name for each in graph.stages]
    return graph, draw(st.sets(st.sampled_from(names)))


def ancestors(graph, name):
    by_name = {each.name: each for each in graph.stages}
    found, todo = set(), [*by_name[name].upstream]
    while todo:
        if (other := todo.pop()) not in found:
            found.add(other)
            todo += by_name[other].upstream
    return found


def test_downstream_is_what_depends_on_it_directly_or_not():
    assert downstream(FORK, ["clean"]) == {"eu", "us", "all", "report"}
    assert downstream(FORK, ["eu", "us"]) == {"all", "report"}
    assert downstream(FORK, ["report"]) == downstream(FORK, []) == set()


def test_downstream_leaves_the_named_stages_out_even_when_one_feeds_the_other():
    assert downstream(FORK, ["clean", "eu"]) == {"us", "all", "report"}


def test_nothing_passes_through_a_frozen_stage():
    graph = pipeline(stage("a"), stage("b", "a", frozen=True), stage("c", "b"))

    assert downstream(graph, ["a"]) == set()
    assert downstream(graph, ["b"]) == {"c"}


def test_independent_stages_share_a_wave():
    names = [each.name for each in FORK.stages]

    assert waves(FORK, names) == dict(zip(names, [0, 1, 2, 2, 3, 4], strict=True))
    assert waves(FORK, ["us", "eu", "report"]) == {"eu": 0, "us": 0, "report": 1}


def test_a_stage_waits_for_the_nearest_named_ancestors():
    assert waits_for(FORK, ["raw", "eu", "us", "report"]) == {
        "raw": frozenset(),
        "eu": {"raw"},
        "us": {"raw"},
        "report": {"eu", "us"},
    }


@FEW
@given(some_stages())
def test_downstream_is_closed(given_):
    graph, names = given_
    reached = names | downstream(graph, names)

    for each in graph.stages:
        if not each.frozen and reached & set(each.upstream):
            assert each.name in reached


@FEW
@given(some_stages())
def test_everything_downstream_has_a_named_ancestor(given_):
    graph, names = given_

    for name in downstream(graph, names):
        assert ancestors(graph, name) & names


@FEW
@given(some_stages())
def test_waves_begin_at_0_have_no_gap_and_respect_every_named_ancestor(given_):
    graph, names = given_
    wave = waves(graph, names)

    assert list(wave) == [each.name for each in graph.stages if each.name in names]
    assert set(wave.values()) == set(range(max(wave.values(), default=-1) + 1))
    for name in names:
        before = ancestors(graph, name) & names
        assert wave[name] == max((wave[other] + 1 for other in before), default=0)


@FEW
@given(some_stages())
def test_what_a_stage_waits_for_reaches_through_stages_that_are_not_named(given_):
    graph, names = given_
    waits = waits_for(graph, names)

    def waited_for(name):
        return set().union(*({other} | waited_for(other) for other in waits[name]))

    assert list(waits) == [each.name for each in graph.stages if each.name in names]
    for name in names:
        assert waited_for(name) == ancestors(graph, name) & names
