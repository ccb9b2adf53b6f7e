"""Which stages a slice touches. Too much is a cost, too little is a wrong model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.model import Predicate
from retouch.pipeline.lineage import touched_by
from retouch.pipeline.model import FileInput, Output, StageMeta
from tests.pipeline.strategies import (
    COLUMNS,
    FEW,
    REGIONS,
    alert,
    alerts,
    groups,
    pipeline,
    pipelines,
    source,
    stage,
)


def reader(name, dataset="rows", **said):
    return stage(name, meta=StageMeta(datasets=(dataset,), **said))


WEATHER = FileInput(path="data/weather", recorded="a", current="a")
GRAPH = pipeline(
    stage("quiet", inputs=(source("data/rows.csv"),)),
    reader("east", partition={"region": "east", "year": "2013"}, columns=("temp", "wind")),
    reader("west", partition={"region": "west", "year": "2014"}, columns=("label",)),
    reader("whole", columns=("temp",)),
    stage("wx", inputs=(WEATHER,), meta=StageMeta(datasets=("weather",))),
    stage("planes", inputs=(FileInput(path="data/planes/2013.csv", recorded="", current=""),)),
)


def touched(graph=GRAPH, **said):
    return touched_by([alert(**said)], graph)


def test_a_slice_of_a_dataset_touches_all_its_readers():
    assert touched().stages == ("east", "west", "whole")
    assert touched(dataset="weather").stages == ("wx",)


def test_a_column_touches_the_readers_that_declare_it():
    assert touched(columns=["label"]).stages == ("west",)
    assert touched(columns=["wind", "label"]).stages == ("east", "west")


def test_a_reader_that_declares_no_columns_may_read_any():
    graph = pipeline(reader("a", columns=("temp",)), reader("b", columns=("wind",)), reader("c"))

    assert touched(graph, columns=["temp"]).stages == ("a", "c")
    assert touched(pipeline(reader("a")), columns=["any"]).notes == ()


def test_a_predicate_touches_the_parts_it_admits_and_what_is_not_partitioned():
    assert touched(where={"region": "west"}).stages == ("west", "whole")
    assert touched(where={"region": ["west", "north"]}).stages == ("west", "whole")
    assert touched(where={"carrier": "UA"}).stages == ("east", "west", "whole")


def test_all_predicates_must_hold():
    assert touched(where={"region": "east", "year": 2014}).stages == ("whole",)
    assert touched(where={"region": "east"}, columns=["label"]).notes != ()


def test_several_alerts_touch_what_each_of_them_touches_in_order_of_evaluation():
    group = [alert(2, columns=["label"]), alert(1, dataset="weather"), alert(3, columns=["wind"])]

    assert touched_by(group, GRAPH).stages == ("east", "west", "wx")


# What a stage's partition value says, and whether rows under the predicate can be there.
@pytest.mark.parametrize(
    ("op", "value", "mine", "admits"),
    [
        ("eq", "west", "west", True),
        ("eq", "west", "east", False),
        ("ne", "west", "west", False),
        ("ne", "west", "east", True),
        ("in", ("east", "west"), "west", True),
        ("in", ("east", 5), "5", True),
        ("in", ("east", 5), "6", False),
        ("in", (1.5, True), "true", True),
        ("in", ("east", 5), "west", False),
        ("lt", 10, "9", True),
        ("lt", 10, "10", False),
        ("le", 10, "10", True),
        ("le", 10, "11", False),
        ("gt", 9, "10", True),
        ("gt", 10, "10", False),
        ("ge", 10, "10", True),
        ("ge", 10, "9", False),
        ("lt", "2013-06-01", "2013-05-31", True),
        ("lt", 1, "0.5", True),
        ("eq", 1, "1.0", True),
        ("eq", 1.0, "1", True),
        ("eq", 2**53, str(2**53 + 1), False),
        ("ge", 0.5, "1", True),
        ("eq", True, "True", True),
        ("eq", True, "1", False),
        ("eq", 1, "true", False),
        ("eq", False, "false", True),
        ("eq", 5, "west", False),
        ("lt", 5, "west", False),
        ("ne", 5, "west", True),
        ("ne", True, "west", True),
        ("eq", "5", "5", True),
    ],
)
def test_a_partition_is_compared_as_the_alerts_value_is_typed(op, value, mine, admits):
    graph = pipeline(reader("part", partition={"x": mine}), reader("whole"))
    where = [{"column": "x", "op": op, "value": value}]

    assert touched(graph, where=where).stages == (("part", "whole") if admits else ("whole",))


def test_an_unknown_column_widens_to_the_whole_dataset():
    found = touched(columns=["temp", "speed"])

    assert found.stages == ("east", "west", "whole")
    assert found.notes == (
        "Widened to all stages of dataset 'rows': no stage declares column 'speed'.",
    )


def test_a_part_nobody_works_on_widens_to_the_whole_dataset():
    graph = pipeline(*GRAPH.stages[:3])
    found = touched(graph, where={"region": "north"})

    assert found.stages == ("east", "west")
    assert found.notes == (
        "Widened to all stages of dataset 'rows': no stage works on that part of the data.",
    )


def test_findings_that_were_left_out_widen():
    found = touched(columns=["label"], findings_truncated=1)

    assert found.stages == ("east", "west", "whole")
    assert "left findings out" in found.notes[0]


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("data/rows.csv", ("quiet",)),
        ("data/weather/2013.parquet", ("wx",)),
        ("data/planes", ("planes",)),
        ("out/east", ("east",)),
    ],
)
def test_an_unknown_dataset_widens_to_what_consumes_or_makes_its_path(path, stages):
    found = touched(dataset="unknown", path=path)

    assert found.stages == stages
    assert found.notes == (
        f"Widened to the consumers of {path}: no stage declares dataset 'unknown'.",
    )


def test_the_path_comes_before_the_dataset():
    assert touched(columns=["speed"], path="data/rows.csv").stages == ("quiet",)
    assert touched(columns=["speed"], path="data/row").stages == ("east", "west", "whole")


def test_what_has_neither_dataset_nor_path_widens_to_everything():
    found = touched(dataset="unknown", path="data/unknown.csv")

    assert found.stages == tuple(each.name for each in GRAPH.stages)
    assert found.notes == ("Widened to every stage: no stage declares dataset 'unknown'.",)


def test_the_stage_that_makes_a_path_counts_though_nobody_reads_it():
    graph = pipeline(stage("a", outputs=(Output(path="data/x", recorded="h"),)), stage("b"))

    assert touched(graph, dataset="unknown", path="data/x/part.csv").stages == ("a",)


def test_a_note_is_said_once():
    both = touched_by([alert(1, dataset="unknown"), alert(2, dataset="unknown")], GRAPH)

    assert len(both.notes) == 1


def intersects(meta, slice_):
    """The rule of the design once more: dataset, columns and partition all meet."""
    predicates = {p.column: p.value for p in slice_.where}
    return (
        meta is not None
        and slice_.current.dataset in meta.datasets
        and not (slice_.columns and meta.columns and not {*slice_.columns} & {*meta.columns})
        and all(predicates.get(key, value) == value for key, value in meta.partition.items())
    )


@FEW
@given(pipelines(), alerts())
def test_a_stage_whose_meta_meets_the_slice_is_touched_unless_it_was_widened_to_the_path(
    graph, one
):
    found = touched_by([one], graph)
    meeting = {s.name for s in graph.stages if intersects(s.meta, one.slice)}

    if not found.notes:
        assert set(found.stages) == meeting
    elif "consumers of" not in found.notes[0]:
        assert meeting <= set(found.stages)


@FEW
@given(pipelines(), alerts())
def test_every_slice_touches_something(graph, one):
    assert touched_by([one], graph).stages


@FEW
@given(pipelines(), alerts())
def test_it_widens_exactly_when_nothing_resolves_and_says_so(graph, one):
    dataset, path = one.slice.current.dataset, one.slice.current.path
    readers = [s for s in graph.stages if s.meta and dataset in s.meta.datasets]
    declared = {column for s in readers for column in s.meta.columns}
    resolves = (
        any(intersects(s.meta, one.slice) for s in readers)
        and not (declared and {*one.slice.columns} - declared)
    )  # fmt: skip
    consumers = [
        s for s in graph.stages if path in {i.path for i in s.inputs} | {o.path for o in s.outputs}
    ]
    found = touched_by([one], graph)

    assert (found.notes == ()) == resolves
    if not resolves:
        widest = consumers or readers or graph.stages
        assert found.stages == tuple(s.name for s in widest)


@FEW
@given(
    pipelines(),
    alerts(),
    st.sampled_from(REGIONS),
    st.sets(st.sampled_from(COLUMNS), min_size=1),
)
def test_narrowing_never_touches_more_when_nothing_is_widened(graph, one, region, columns):
    wide = touched_by([one], graph)
    slice_ = one.slice
    fewer = tuple(sorted(columns & {*slice_.columns})) if slice_.columns else tuple(sorted(columns))
    for change in (
        {"where": (*slice_.where, Predicate(column="region", value=region))},
        {"columns": fewer or slice_.columns},
    ):
        narrower = one.model_copy(update={"slice": slice_.model_copy(update=change)})
        narrow = touched_by([narrower], graph)
        if not wide.notes and not narrow.notes:
            assert set(narrow.stages) <= set(wide.stages)


@FEW
@given(pipelines(), groups(), st.randoms(use_true_random=False))
def test_a_group_touches_the_union_whatever_the_order(graph, group, rng):
    shuffled = [*group]
    rng.shuffle(shuffled)
    together = touched_by(group, graph)

    assert touched_by(shuffled, graph) == together
    assert set(together.stages) == {s for each in group for s in touched_by([each], graph).stages}
    assert set(together.notes) == {n for each in group for n in touched_by([each], graph).notes}
