"""Which stage may start next, and what becomes of those behind one that failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retouch.execution.schedule import Schedule
from retouch.pipeline.graph import waits_for
from tests.pipeline.strategies import FEW, pipelines

#  a -> b ---> d
#   \-> c --/      e
WAITS = {"a": "", "b": "a", "c": "a", "d": "bc", "e": ""}


def schedule(waits=WAITS):
    return Schedule({stage: frozenset(others) for stage, others in waits.items()})


def test_stages_that_wait_for_nothing_are_ready_in_the_given_order():
    assert schedule().ready() == ["a", "e"]


def test_a_started_stage_is_no_longer_ready_and_releases_nobody():
    s = schedule()
    s.start("a")

    assert s.ready() == ["e"]


def test_a_stage_is_ready_when_all_it_waits_for_is_done():
    s = schedule()
    for stage in "abc":
        s.start(stage)
    assert s.finish("a", ok=True) == {}
    assert s.finish("b", ok=True) == {}
    assert s.ready() == ["e"]

    s.finish("c", ok=True)

    assert s.ready() == ["d", "e"]


def test_it_is_finished_when_nothing_runs_and_nothing_can_start():
    s = schedule({"a": "", "b": "a"})
    assert not s.finished
    s.start("a")
    assert not s.finished
    s.finish("a", ok=True)
    assert not s.finished
    s.start("b")
    s.finish("b", ok=True)

    assert s.finished
    assert not s.failed


def test_a_failure_skips_its_dependents_near_and_far_and_nobody_else():
    s = schedule()
    s.start("a")

    assert s.finish("a", ok=False) == {"b": "a", "c": "a", "d": "a"}
    assert s.failed
    assert s.ready() == ["e"]


def test_far_behind_a_failure_the_stage_that_failed_is_still_named():
    s = schedule({"a": "", "b": "a", "c": "b", "d": "c", "e": "d"})
    s.start("a")

    assert s.finish("a", ok=False) == dict.fromkeys("bcde", "a")
    assert s.finished


def test_what_is_running_beside_a_failure_goes_on():
    s = schedule()
    s.start("a")
    s.finish("a", ok=True)
    s.start("b")
    s.start("c")

    assert s.finish("b", ok=False) == {"d": "b"}
    assert not s.finished
    assert s.finish("c", ok=False) == {}
    assert s.ready() == ["e"]


def test_nothing_to_do_is_finished():
    assert schedule({}).finished


@FEW
@given(pipelines(), st.data())
def test_every_stage_runs_once_after_all_it_waits_for_or_is_skipped_behind_a_failure(graph, data):
    waits = waits_for(graph, [stage.name for stage in graph.stages])
    s, running, done, failed, skipped = Schedule(waits), [], set(), set(), {}
    while not s.finished:
        ready = s.ready()
        if ready and (not running or data.draw(st.booleans())):
            stage = data.draw(st.sampled_from(ready))
            assert waits[stage] <= done
            s.start(stage)
            running.append(stage)
        else:
            stage = running.pop(data.draw(st.integers(0, len(running) - 1)))
            ok = data.draw(st.integers(0, 3)) > 0
            new = s.finish(stage, ok=ok)
            (done if ok else failed).add(stage)
            skipped |= new
            assert not (ok and new)

    assert done | failed | set(skipped) == set(waits)
    assert not done & failed and not (done | failed) & set(skipped)
    assert set(skipped.values()) <= failed
    for stage in skipped:
        assert waits[stage] & (failed | set(skipped))
    assert s.failed == bool(failed)
