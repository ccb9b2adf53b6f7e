"""One test for each of DVC's reasons to run a stage, and for each that is none."""

from __future__ import annotations

import pytest

from retouch.pipeline.model import FileInput, Output
from retouch.planning.changes import changes_of
from retouch.planning.model import Because
from tests.pipeline.strategies import param, source, stage


def made(recorded="h", workspace="h"):
    return Output(path="out/s", recorded=recorded, workspace=workspace)


def reasons(unsettled=(), complete=False, **said):
    return changes_of(stage("s", **said), unsettled, complete=complete)


def file(path="data/rows.csv", before="old", after="new"):
    return Because(reason="file", subject=path, before=before, after=after)


def changed(key, before, after):
    return Because(reason="param", subject=f"params.yaml:{key}", before=before, after=after)


def test_a_stage_as_recorded_has_no_reason_to_run():
    assert reasons(inputs=(source(),), params=(param(),)) == ()


def test_a_param_with_another_value():
    assert reasons(params=(param("k", 1, 2),)) == (changed("k", 1, 2),)


@pytest.mark.parametrize(
    ("before", "after"), [(1, 1.0), ([1, 2], [1, 2]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})]
)
def test_values_are_compared_as_dvc_compares_them(before, after):
    assert reasons(params=(param("k", before, after),)) == ()


def test_of_a_declared_subtree_the_leaves_that_differ_are_named():
    before = {"same": 0, "deep": {"x": 1, "y": 2}, "list": [1]}
    after = {"same": 0, "deep": {"x": 1, "y": 3}, "list": [1, 2]}

    found = reasons(params=(param("k", before, after),))

    assert found == (changed("k.deep.y", 2, 3), changed("k.list", [1], [1, 2]))


@pytest.mark.parametrize("value", [1, None])
def test_keys_that_come_and_go_in_a_subtree_count_even_when_empty(value):
    gone, come = {"a": 0, "b": value}, {"a": 0, "c": value}

    found = reasons(params=(param("k", gone, come),))

    assert found == (changed("k.b", value, None), changed("k.c", None, value))


def test_a_subtree_that_became_a_value_is_one_change():
    assert reasons(params=(param("k", {"a": 1}, 1),)) == (changed("k", {"a": 1}, 1),)


def test_a_param_that_is_declared_anew():
    new = param("k", None, None, was_recorded=False)

    assert reasons(params=(new,)) == (changed("k", None, None),)


def test_a_param_that_is_gone():
    for before in (1, None):
        gone = param("k", before, None, exists=False)
        assert reasons(params=(gone,)) == (changed("k", before, None),)


def test_a_file_with_other_content():
    assert reasons(inputs=(source(current="new"),)) == (file(),)


def test_a_file_that_is_gone():
    assert reasons(inputs=(source(current=None),)) == (file(after=None),)


def test_a_file_that_is_declared_anew():
    assert reasons(inputs=(source(recorded=None, current="new"),)) == (file(before=None),)


def test_an_input_whose_maker_recorded_something_else_since():
    item = source("out/a", "old", "new", producer="a")

    assert reasons(inputs=(item,)) == (file("out/a"),)


def test_an_input_that_may_still_come_out_as_recorded_is_no_certain_reason():
    item = source("out/a", "old", "new", producer="a")

    assert reasons(unsettled=["a"], inputs=(item,)) == ()
    assert reasons(unsettled=["b"], inputs=(item,)) == (file("out/a"),)


def test_an_input_declared_anew_is_a_certain_reason_whoever_makes_it():
    item = source("out/a", None, "new", producer="a")

    assert reasons(unsettled=["a"], inputs=(item,)) == (file("out/a", before=None),)


def test_a_part_of_a_directory_that_is_not_here_is_taken_to_be_as_recorded():
    assert reasons(inputs=(source("out/a/part", "old", None, producer="a"),)) == ()


def test_another_command():
    assert reasons(cmd_changed=True) == (Because(reason="command"),)


@pytest.mark.parametrize("complete", [True, False])
def test_an_output_that_was_edited(complete):
    found = reasons(outputs=(made(workspace="mine"),), complete=complete)

    assert found == (Because(reason="output", subject="out/s", before="h", after="mine"),)


def test_an_output_that_is_declared_anew():
    found = reasons(outputs=(made(recorded=None, workspace=None),))

    assert found == (Because(reason="output", subject="out/s"),)


def test_an_output_that_is_not_here_counts_only_when_all_data_has_to_be():
    absent = (made(workspace=None),)

    assert reasons(outputs=absent) == ()
    assert reasons(outputs=absent, complete=True) == (
        Because(reason="output", subject="out/s", before="h"),
    )
    assert reasons(outputs=(made(),), complete=True) == ()


def test_a_stage_without_an_entry_in_the_lock_has_no_other_reason():
    inputs = (source(recorded=None),)

    assert reasons(recorded=False, cmd_changed=True, inputs=inputs) == (
        Because(reason="never_run"),
    )
    assert reasons(recorded=False, frozen=True) == (Because(reason="never_run"),)


def test_a_stage_that_is_always_changed():
    assert reasons(always_changed=True) == (Because(reason="always_changed"),)


def test_a_stage_with_neither_inputs_nor_outputs_always_runs():
    assert reasons(outputs=()) == (Because(reason="always_changed"),)
    assert reasons(outputs=(), params=(param(),)) == ()
    assert reasons(outputs=(), inputs=(source(),)) == ()
    assert reasons(outputs=(made(),)) == ()


def test_a_frozen_stage_runs_for_its_command_and_its_outputs_only():
    changes = {"inputs": (source(current="new"),), "params": (param("k", 1, 2),)}

    assert reasons(frozen=True, always_changed=True, **changes) == ()
    assert reasons(frozen=True, outputs=(), always_changed=True) == ()
    assert reasons(frozen=True, cmd_changed=True, **changes) == (Because(reason="command"),)
    assert [b.reason for b in reasons(frozen=True, outputs=(made("h", "x"),))] == ["output"]


def test_a_data_file_has_nothing_to_run():
    assert reasons(cmd=None, recorded=False, outputs=(made("h", "edited"),)) == ()


def test_all_reasons_are_given():
    found = reasons(
        cmd_changed=True,
        always_changed=True,
        outputs=(made("h", "x"),),
        params=(param("k", 1, 2), param("l", 1, 2)),
        inputs=(source(current="new"), source("b", "old", "new")),
    )

    assert [because.reason for because in found] == [
        "command",
        "output",
        "always_changed",
        "param",
        "param",
        "file",
        "file",
    ]


def test_an_input_knows_whether_it_changed():
    assert not FileInput(path="a", recorded="h", current="h").changed
    assert FileInput(path="a", recorded="h", current="i").changed
    assert FileInput(path="a", recorded=None, current=None, producer="a").changed
