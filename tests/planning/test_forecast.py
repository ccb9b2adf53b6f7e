"""What a plan costs, and the days a tier may speak of."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from retouch.pipeline.costs import Cost
from retouch.planning.plan import Clock, anchors_of, forecast, plan_stages
from tests.pipeline.strategies import FEW, alert, pipeline, pipelines, stage

COSTS = {
    "data.dvc": Cost(cpu_seconds=99, wall_seconds=99),
    "clean": Cost(cpu_seconds=8, wall_seconds=4),
    "eu": Cost(cpu_seconds=3.004, wall_seconds=3),
    "us": Cost(cpu_seconds=2, wall_seconds=5),
    "all": Cost(cpu_seconds=1, wall_seconds=1),
}
#  data.dvc -> clean -> eu ---> all -> report
#                   \-> us --/
GRAPH = pipeline(
    stage("data.dvc", cmd=None),
    stage("clean", "data.dvc"),
    stage("eu", "clean", cmd_changed=True),
    stage("us", "clean", cmd_changed=True),
    stage("all", "eu", "us"),
    stage("report", "all"),
)


def test_the_planned_stages_and_the_whole_pipeline_are_added_up():
    found = forecast(GRAPH, plan_stages(GRAPH), COSTS, jobs=2)

    assert found.cpu_seconds == 6.0
    assert found.certain_cpu_seconds == 5.0
    assert found.full_cpu_seconds == 14.0
    assert found.wall_seconds == 6  # the longer of eu and us, then all
    assert found.full_wall_seconds == 10
    assert (found.jobs, found.unknown, found.full_unknown) == (2, 1, 1)


def test_on_one_worker_the_wall_times_add_up():
    found = forecast(GRAPH, plan_stages(GRAPH), COSTS, jobs=1)

    assert (found.wall_seconds, found.full_wall_seconds) == (9, 13)


def test_nothing_planned_costs_nothing():
    clean = pipeline(stage("a"), stage("b", "a"))

    found = forecast(clean, plan_stages(clean), {}, jobs=4)

    assert (found.cpu_seconds, found.wall_seconds, found.unknown) == (0, 0, 0)
    assert (found.full_cpu_seconds, found.full_unknown) == (0, 2)


@FEW
@given(pipelines(), st.integers(1, 4))
def test_a_part_never_costs_more_cpu_than_the_whole(graph, jobs):
    costs = {s.name: Cost(cpu_seconds=i, wall_seconds=i) for i, s in enumerate(graph.stages)}

    found = forecast(graph, plan_stages(graph), costs, jobs)

    assert found.certain_cpu_seconds <= found.cpu_seconds <= found.full_cpu_seconds
    assert found.wall_seconds <= found.cpu_seconds
    assert found.unknown == found.full_unknown == 0


def clock(until=date(2013, 8, 1), days=15):
    return Clock(data_until=until, holdout_days=days)


def test_the_anchors_are_the_window_the_clock_and_the_holdout():
    one = alert(window=["2013-06-16", "2013-07-01"])

    assert anchors_of([one], clock()) == {
        "window.start": date(2013, 6, 16),
        "window.end": date(2013, 7, 1),
        "data.until": date(2013, 8, 1),
        "holdout.from": date(2013, 7, 17),
        "holdout.until": date(2013, 8, 1),
    }


def test_the_window_of_a_group_holds_all_its_windows():
    group = [
        alert(1, window=["2013-06-16", "2013-07-01"]),
        alert(2),
        alert(3, window=["2013-05-01", "2013-06-20"]),
    ]

    found = anchors_of(group, clock())

    assert (found["window.start"], found["window.end"]) == (date(2013, 5, 1), date(2013, 7, 1))


def test_what_is_not_given_is_not_made_up():
    found = anchors_of([alert()], clock(until=None))

    assert set(found.values()) == {None}


def test_alerts_without_a_window_give_no_window():
    found = anchors_of([alert()], clock())

    assert (found["window.start"], found["window.end"]) == (None, None)
    assert found["data.until"] == date(2013, 8, 1)


def test_a_window_ends_after_the_day_in_which_it_ends():
    window = {"start": "2013-06-30T22:00:00-05:00", "end": "2013-07-01T22:00:00-05:00"}

    found = anchors_of([alert(window=window)], clock())

    assert found["window.start"] == date(2013, 6, 30)
    assert found["window.end"] == date(2013, 7, 2)
