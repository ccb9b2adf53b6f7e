"""The pipeline with other params, without asking DVC again."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given

from retouch.pipeline.keys import (
    differs,
    holds_nan,
    plain,
    shapes_graph,
    value_at,
    with_files,
    with_values,
)
from retouch.pipeline.model import FileInput
from tests.pipeline.strategies import FEW, param, pipeline, pipelines, stage

DVC_YAML = """
stages:
  fit:
    foreach: ${parts}
    do: {cmd: "fit ${ item.name } ${model.depth} ${list[0]} ${models[us].lr}"}
"""


@pytest.mark.parametrize(
    ("key", "shapes"),
    [
        ("parts", True),
        ("parts.eu.until", True),
        ("model.depth", True),
        ("model", True),
        ("model.rate", False),
        ("modelling", False),
        ("part", False),
        ("list", True),
        ("models.us.lr", True),
        ("item.name", True),
        ("other", False),
    ],
)
def test_a_key_shapes_the_graph_when_it_or_a_relative_stands_in_an_expression(key, shapes):
    assert shapes_graph([key], [DVC_YAML]) == shapes
    assert shapes_graph(["other", key], ["stages: {}", DVC_YAML]) == shapes


def test_nothing_shapes_a_graph_without_expressions():
    assert not shapes_graph(["a"], ["stages: {a: {cmd: echo $a {a}}}"])
    assert not shapes_graph([], [DVC_YAML])


PARAMS = {
    "params.yaml": {"eu": {"until": 1, "rate": 2}, "days": [1, {"a": 3}], 2024: {"x": 1}},
    "more.json": {"eu": {"until": 1}, "a.b": 1},
}


def edited(values, *declared):
    graph = pipeline(stage("s", params=declared), params=PARAMS)
    result = with_values(graph, values)
    return [each.current for each in result.stages[0].params]


def test_each_stage_that_declares_the_key_or_a_relative_sees_the_new_value():
    declared = (
        param("eu.until", 1, 1),
        param("eu", {"until": 1, "rate": 2}, {"until": 1, "rate": 2}),
        param("eu.rate", 2, 2),
        param("eu.until", 1, 1, file="more.json"),
    )

    found = edited({("params.yaml", "eu.until"): 9}, *declared)

    assert found == [9, {"until": 9, "rate": 2}, 2, 1]


def test_a_declared_part_of_an_edited_subtree_sees_its_new_value():
    declared = param("eu.until", 1, 1)

    assert edited({("params.yaml", "eu"): {"until": 5}}, declared) == [5]


def test_places_in_lists_numbers_and_wildcards_are_found_as_dvc_finds_them():
    declared = (
        param("days.1.a", 3, 3),
        param("2024.x", 1, 1),
        param("e?.until", 1, 1),
        param("a.b", 1, 1, file="more.json"),
    )
    values = {("params.yaml", "days"): [1, {"a": 4}], ("params.yaml", "eu.until"): 9}

    assert edited(values, *declared) == [4, 1, 9, 1]


def test_what_is_recorded_stays_and_so_does_the_pipeline_it_came_from():
    graph = pipeline(stage("s", params=(param("eu.until", 1, 1),)), params=PARAMS)

    result = with_values(graph, {("params.yaml", "eu.until"): 9})

    assert result.stages[0].params == (param("eu.until", 1, 9),)
    assert result.params["params.yaml"]["eu"] == {"until": 9, "rate": 2}
    assert result.params["more.json"] == PARAMS["more.json"]
    assert graph.params["params.yaml"]["eu"]["until"] == 1


def test_a_key_that_is_gone_stays_gone():
    gone = param("old", 1, None, exists=False)

    assert edited({("params.yaml", "eu.until"): 9}, gone) == [None]


def test_a_key_that_is_not_there_is_refused():
    with pytest.raises(KeyError):
        edited({("params.yaml", "asia.until"): 9})


@FEW
@given(pipelines())
def test_writing_the_values_that_are_there_changes_nothing(graph):
    there = {("params.yaml", f"k.{k}"): v for k, v in graph.params["params.yaml"]["k"].items()}

    assert with_values(graph, there) == graph


def test_an_edited_file_that_a_stage_reads_as_a_file_has_its_new_hash():
    def read(path, producer=None):
        return FileInput(path=path, recorded="old", current="old", producer=producer)

    graph = pipeline(
        stage("s", inputs=(read("p/eu.yaml"), read("p", "p.dvc"), read("p/e"), read("q", "x")))
    )

    exact, around, near, other = with_files(graph, {"p/eu.yaml": "new"}).stages[0].inputs

    assert (exact.current, exact.changed) == ("new", True)
    assert around.changed
    assert not near.changed
    assert not other.changed


@pytest.mark.parametrize(
    ("key", "value"), [("a", [{"b": 1}, 2]), ("a.0.b", 1), ("a.1", 2), ("c.d", None), ("c.*", None)]
)
def test_a_dotted_key_leads_through_mappings_and_lists(key, value):
    assert value_at({"a": [{"b": 1}, 2], "c": {"d": None}}, key) == value


def test_what_json_cannot_hold_becomes_text():
    days = {2013: (date(2013, 1, 1), {"a": {1.5}}), "b": [None, True, 1, 1.5, "x"]}

    assert plain(days) == {"2013": ["2013-01-01", {"a": "{1.5}"}], "b": [None, True, 1, 1.5, "x"]}


def test_texts_of_values_of_two_types_can_be_told_apart():
    values = [date(2013, 1, 1), math.inf, -math.inf, {1: "a"}, {"a", "b"}, "1", 1]

    assert plain(values) == ["2013-01-01", ".inf", "-.inf", {"1": "a"}, "{a, b}", "1", 1]
    assert plain(values, typed=True) == [
        *("!!date 2013-01-01", "!!float .inf", "!!float -.inf"),
        *({"!!int 1": "a"}, "!!set {a, b}", "1", 1),
    ]


@pytest.mark.parametrize(
    ("now", "recorded", "changed"),
    [
        (1, 1.0, False),
        ((1, 2), [1, 2], False),
        ([1, 2], (1, 2), True),
        (date(2013, 1, 1), "2013-01-01", True),
        ({1: 2}, {"1": 2}, True),
        (math.nan, math.nan + 0, True),
    ],
)
def test_a_value_differs_where_dvc_says_so(now, recorded, changed):
    assert differs(now, recorded) is changed


def test_a_nan_is_found_wherever_it_is():
    assert holds_nan({"a": [1, {"b": math.nan}]})
    assert holds_nan({math.nan: 1})
    assert not holds_nan({"a": [1, "nan", None, math.inf, {2}]})


def test_a_subtree_with_numbers_for_keys_is_read_again_as_it_was_read():
    years = pipeline(
        stage("s", params=(param("years", {"2013": 1}, {"2013": 1}),)),
        params={"params.yaml": {"years": {2013: 1}, "other": 0}},
    )

    assert with_values(years, {("params.yaml", "other"): 9}).stages == years.stages


@pytest.mark.parametrize("key", ["b", "a.2", "a.b", "c.d.e", "*"])
def test_a_key_that_leads_nowhere_or_to_several_places_is_no_key(key):
    with pytest.raises(KeyError):
        value_at({"a": [{"b": 1}, 2], "c": {"d": None}}, key)
