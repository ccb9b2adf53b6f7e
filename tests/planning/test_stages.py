"""One decision for every stage, whatever is out of date."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retouch.pipeline.keys import with_values
from retouch.planning.changes import changes_of
from retouch.planning.model import Because
from retouch.planning.plan import plan_stages
from tests.pipeline.strategies import FEW, param, pipeline, pipelines, source, stage

#  clean -> eu ---> all
#       \-> us --/
FORK = (stage("clean"), stage("eu", "clean"), stage("us", "clean"), stage("all", "eu", "us"))


def exchanged(**stages):
    return pipeline(*(stages.get(each.name, each) for each in FORK))


def decisions(graph, base=None):
    return {each.stage: each.decision for each in plan_stages(graph, base)}


@st.composite
def edited(draw, clean=False):
    """A pipeline, and the same with some params set."""
    base = draw(pipelines(clean=clean))
    names = draw(st.sets(st.sampled_from([each.name for each in base.stages])))
    values = {("params.yaml", f"k.{name}"): draw(st.integers(0, 3)) for name in sorted(names)}
    return base, with_values(base, values)


def test_nothing_runs_when_nothing_changed():
    plan = plan_stages(exchanged())

    assert {each.decision for each in plan} == {"reuse"}
    assert {each.because for each in plan} == {(Because(reason="unchanged"),)}
    assert {each.wave for each in plan} == {None}


def test_what_changed_runs_and_what_depends_on_it_may():
    graph = exchanged(eu=stage("eu", "clean", params=(param("k", 1, 2),)))

    clean, eu, us, all_ = plan_stages(graph, exchanged())

    assert (clean.decision, us.decision) == ("reuse", "reuse")
    assert (eu.decision, eu.wave) == ("run", 0)
    assert eu.because == (Because(reason="param", subject="params.yaml:k", before=1, after=2),)
    assert (all_.decision, all_.wave) == ("may_run", 1)
    assert all_.because == (Because(reason="upstream", subject="eu"),)


def test_each_planned_stage_directly_upstream_is_named():
    plan = plan_stages(exchanged(clean=stage("clean", cmd_changed=True)))

    assert [because.subject for because in plan[3].because] == ["eu", "us"]
    assert [each.wave for each in plan] == [0, 1, 1, 2]


def test_a_reason_of_its_own_is_certain_though_something_upstream_runs_too():
    changed = stage("all", "eu", "us", params=(param("k", 1, 2),))

    plan = plan_stages(exchanged(clean=stage("clean", cmd_changed=True), all=changed))

    assert plan[3].decision == "run"
    assert [because.reason for because in plan[3].because] == ["param"]
    assert plan[3].wave == 2


def test_a_stale_input_is_certain_until_its_maker_may_run():
    stale = stage("all", inputs=(source("out/eu", "old", "eu", "eu"),), upstream=("eu",))

    assert decisions(exchanged(all=stale))["all"] == "run"
    assert decisions(exchanged(all=stale, eu=stage("eu", cmd_changed=True)))["all"] == "may_run"


def test_nothing_reaches_or_passes_a_frozen_stage():
    frozen = stage("eu", "clean", frozen=True, upstream=())
    graph = exchanged(clean=stage("clean", cmd_changed=True), eu=frozen, us=stage("us"))

    plan = plan_stages(graph)

    assert [each.decision for each in plan] == ["run", "reuse", "reuse", "reuse"]
    assert plan[1].because == (Because(reason="frozen"),)


def test_a_frozen_stage_is_cut_off_even_if_the_graph_names_its_upstream():
    frozen = stage("eu", "clean", frozen=True)

    assert decisions(exchanged(clean=stage("clean", cmd_changed=True), eu=frozen))["eu"] == "reuse"


def test_a_data_file_is_never_planned_and_its_consumers_are():
    tracked = stage("data.dvc", cmd=None)
    reads = stage("s", inputs=(source("data", "old", "new", "data.dvc"),), upstream=("data.dvc",))

    assert decisions(pipeline(tracked, reads)) == {"data.dvc": "reuse", "s": "run"}


def test_a_data_file_made_below_a_planned_stage_stays_reused():
    graph = pipeline(stage("a", cmd_changed=True), stage("b.dvc", "a", cmd=None))

    assert decisions(graph)["b.dvc"] == "reuse"


def test_what_was_out_of_date_already_is_not_the_alerts_doing():
    before = exchanged(us=stage("us", "clean", cmd_changed=True))
    after = exchanged(
        us=stage("us", "clean", cmd_changed=True),
        eu=stage("eu", "clean", params=(param("k", 1, 2),)),
    )

    _, eu, us, all_ = plan_stages(after, before)

    assert [because.by_alert for because in eu.because] == [True]
    assert [because.by_alert for because in us.because] == [False]
    assert [(b.subject, b.by_alert) for b in all_.because] == [("eu", True), ("us", False)]


def test_a_stage_the_edits_brought_about_is_the_alerts_doing():
    plan = plan_stages(pipeline(*FORK, stage("new", recorded=False)), exchanged())

    assert plan[4].because == (Because(reason="never_run", by_alert=True),)


def test_another_value_of_a_param_that_was_out_of_date_is_the_alerts_doing():
    before = exchanged(us=stage("us", "clean", params=(param("k", 1, 2),)))
    after = exchanged(us=stage("us", "clean", params=(param("k", 1, 3),)))

    assert plan_stages(after, before)[2].because[0].by_alert


@FEW
@given(edited())
def test_every_stage_has_exactly_one_decision_in_order_of_evaluation(given_):
    base, graph = given_
    plan = plan_stages(graph, base)

    assert [each.stage for each in plan] == [each.name for each in graph.stages]


@FEW
@given(edited())
def test_run_and_may_run_are_closed_downstream_but_for_what_is_frozen_or_data(given_):
    base, graph = given_
    decided = decisions(graph, base)

    for each in graph.stages:
        if any(decided[other] != "reuse" for other in each.upstream):
            assert decided[each.name] != "reuse" or each.frozen or each.cmd is None


@FEW
@given(edited())
def test_a_stage_that_may_run_is_downstream_of_one_that_runs(given_):
    base, graph = given_
    decided = decisions(graph, base)

    for each in graph.stages:
        if decided[each.name] == "may_run":
            assert any(decided[other] != "reuse" for other in each.upstream)
            assert not changes_of(each, unsettled=set(decided))


@FEW
@given(edited())
def test_whatever_has_changed_in_itself_is_planned(given_):
    base, graph = given_
    decided = decisions(graph, base)

    for each in graph.stages:
        if changes_of(each):
            assert decided[each.name] != "reuse"


@FEW
@given(edited())
def test_waves_are_a_topological_order(given_):
    base, graph = given_
    wave = {each.stage: each.wave for each in plan_stages(graph, base)}
    planned = {number for number in wave.values() if number is not None}

    assert planned == set(range(len(planned)))
    for each in graph.stages:
        for other in each.upstream:
            if wave[each.name] is not None and wave[other] is not None:
                assert wave[other] < wave[each.name]


@FEW
@given(edited())
def test_same_inputs_same_bytes(given_):
    base, graph = given_
    again = type(graph).model_validate_json(graph.model_dump_json())

    first, second = plan_stages(graph, base), plan_stages(again, base)

    assert [each.model_dump_json() for each in first] == [each.model_dump_json() for each in second]


@FEW
@given(pipelines())
def test_nothing_is_the_alerts_doing_when_it_edits_nothing(graph):
    plan = plan_stages(graph, graph)

    assert {b.by_alert for each in plan if each.decision == "run" for b in each.because} <= {False}
    assert {b.by_alert for e in plan if e.decision == "may_run" for b in e.because} <= {False}


@FEW
@given(edited())
def test_a_later_reason_is_the_alerts_doing_only_below_a_stage_of_its_own(given_):
    base, graph = given_
    plan = {each.stage: each for each in plan_stages(graph, base)}

    for each in plan.values():
        for because in each.because:
            if because.reason == "upstream":
                above = plan[because.subject]
                assert because.by_alert == any(b.by_alert for b in above.because)


@FEW
@given(edited(clean=True))
def test_of_an_up_to_date_pipeline_exactly_the_stages_whose_params_are_set_anew_run(given_):
    base, graph = given_
    asked = {s.name for s in graph.stages if any(p.current != p.recorded for p in s.params)}
    data = {s.name for s in graph.stages if s.cmd is None}
    ran = {name for name, decision in decisions(graph, base).items() if decision == "run"}

    assert ran == asked - data
