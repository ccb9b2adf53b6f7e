"""A stage whose inputs came out identical is not run; one that is not sure of it is."""

from __future__ import annotations

import pytest

from retouch.execution.runner import new_inputs
from retouch.pipeline.model import FileInput
from tests.pipeline.strategies import source, stage


def reads(*inputs):
    return stage("s", inputs=inputs)


def made_by_a(path="out/a", recorded="h", current="h"):
    return FileInput(path=path, recorded=recorded, current=current, producer="a")


def test_an_input_that_came_out_identical_is_not_new():
    assert new_inputs(reads(made_by_a()), {"out/a": "h"}) == ()


def test_an_input_that_came_out_different_is_new():
    assert new_inputs(reads(made_by_a()), {"out/a": "i"}) == ("out/a",)
    assert new_inputs(reads(made_by_a()), {"out/a": None}) == ("out/a",)


def test_an_input_nobody_made_again_is_as_the_plan_found_it():
    assert new_inputs(reads(source()), {"out/a": "i"}) == ()
    assert new_inputs(reads(source(current="new")), {}) == ("data/rows.csv",)


def test_a_stale_input_is_new_though_its_maker_was_cut_off():
    assert new_inputs(reads(made_by_a(recorded="old")), {}) == ("out/a",)


def test_an_input_that_was_stale_and_came_out_as_recorded_is_not_new():
    assert new_inputs(reads(made_by_a(recorded="old", current="new")), {"out/a": "old"}) == ()


def test_an_input_declared_anew_is_new():
    assert new_inputs(reads(made_by_a(recorded=None)), {}) == ("out/a",)
    assert new_inputs(reads(made_by_a(recorded=None)), {"out/a": "h"}) == ("out/a",)


@pytest.mark.parametrize(
    ("read", "made", "new"),
    [
        ("out/a/part", "out/a", True),
        ("out", "out/a", True),
        ("out/ab", "out/a", False),
        ("out/a", "out/ab", False),
    ],
)
def test_a_part_of_what_was_made_or_a_directory_around_it_counts_as_new(read, made, new):
    assert bool(new_inputs(reads(made_by_a(read)), {made: "h"})) == new


def test_all_new_inputs_are_named_in_order():
    found = new_inputs(
        reads(made_by_a("b"), made_by_a("c"), made_by_a("a")), {"a": "x", "b": "x", "c": "h"}
    )

    assert found == ("b", "a")
