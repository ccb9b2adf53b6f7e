"""Which stage can start next, and which stages a failure upstream leaves out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retouch.execution.runner import StageQueue
from retouch.pipeline.graph import waits_for
from tests.pipeline.strategies import FEW, pipelines

#  a -> b ---> d
#   \-> c --/      e
WAITS = {"a": "", "b": "a", "c": "a", "d": "bc", "e": ""}


def stages(waits=WAITS):
    return StageQueue({stage: frozenset(others) for stage, others in waits.items()})


def taken(queue):
    found = []
    while (stage := queue.take()) is not None:
        found.append(stage)
    return found


def test_stages_that_wait_for_nothing_are_taken_in_the_given_order():
    queue = stages()

    assert taken(queue) == ["a", "e"]
    assert not queue.finished


def test_a_stage_is_taken_when_all_it_waits_for_is_finished():
    queue = stages()
    assert taken(queue) == ["a", "e"]
    queue.finish("a")
    assert taken(queue) == ["b", "c"]
    queue.finish("b")
    assert taken(queue) == []

    queue.finish("c")

    assert taken(queue) == ["d"]
    assert queue.failed_upstream("d") is None


def test_a_stage_that_becomes_ready_goes_before_later_ones_that_were_ready_first():
    queue = stages({"a": "", "b": "a", "c": ""})
    assert queue.take() == "a"
    queue.finish("a")

    assert taken(queue) == ["b", "c"]


def test_it_is_finished_when_every_stage_is():
    queue = stages({"a": "", "b": "a"})
    for stage in "ab":
        assert not queue.finished
        assert queue.take() == stage
        assert not queue.finished
        queue.finish(stage)

    assert queue.finished


def test_far_downstream_of_a_failure_the_stage_that_failed_is_still_named():
    queue = stages({"a": "", "b": "a", "c": "b", "d": "c"})
    assert queue.take() == "a"
    queue.finish("a", ok=False)

    for stage in "bcd":
        assert queue.take() == stage
        assert queue.failed_upstream(stage) == "a"
        queue.finish(stage)
    assert queue.finished


def test_a_failure_leaves_out_only_what_is_downstream_of_it():
    queue = stages()
    taken(queue)
    queue.finish("a")
    taken(queue)
    queue.finish("b", ok=False)
    queue.finish("c")

    assert queue.take() == "d"
    assert queue.failed_upstream("d") == "b"
    assert {stage for stage in WAITS if queue.failed_upstream(stage)} == {"d"}


def test_nothing_to_do_is_finished():
    assert stages({}).finished


@FEW
@given(pipelines(), st.data())
def test_every_stage_is_taken_once_after_all_it_waits_for_and_left_out_behind_a_failure(
    graph, data
):
    waits = waits_for(graph, [stage.name for stage in graph.stages])
    queue, running, finished, bad = StageQueue(waits), [], set(), set()
    while not queue.finished:
        stage = queue.take() if not running or data.draw(st.booleans()) else None
        if stage is not None:
            assert waits[stage] <= finished
            assert (queue.failed_upstream(stage) is not None) == bool(waits[stage] & bad)
            running.append(stage)
        elif running:
            stage = running.pop(data.draw(st.integers(0, len(running) - 1)))
            ok = data.draw(st.integers(0, 3)) > 0
            if not ok or queue.failed_upstream(stage):
                bad.add(stage)
            queue.finish(stage, ok=ok)
            assert stage not in finished
            finished.add(stage)

    assert finished == set(waits)
