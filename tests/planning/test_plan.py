"""The plan for a group of alerts: same inputs, same bytes, and what its key names."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.receipt import Provenance
from retouch.alerts.verified import VerifiedAlert
from retouch.errors import InputError
from retouch.pipeline.costs import Cost
from retouch.pipeline.keys import with_values
from retouch.pipeline.model import FileInput, Output, StageMeta
from retouch.planning.plan import IN_PLACE, Base, make_plan, plan_stages
from retouch.planning.value import Episode
from retouch.policy.model import Policy
from tests.pipeline.strategies import FEW, alert, param, pipeline, source, stage

NOW = datetime(2013, 8, 2, tzinfo=UTC)
BASE = Base(
    data_until=date(2013, 8, 1),
    holdout_days=15,
    commit="c0ffee",
    costs={"train@east": Cost(cpu_seconds=4, wall_seconds=2)},
    jobs=2,
)
EXAMPLE = {"given": {}, "expect": {"hold": "x"}}


def tier(module, *edits, **said):
    return {"description": "Do.", "module": module, "must": "improve", "edits": list(edits)} | said


POLICY = {
    "version": 1,
    "model": "m",
    "tiers": {
        "shift": tier("train", {"set": "parts.{region}.bias", "increase_by": 1}),
        "refit": tier("train", {"set": "parts.{region}.until", "to": "{window.end}"}),
        "all": tier("train", {"set": "parts.{region}.until", "to": "x"}, whole_model=True),
        "done": tier("train", {"set": "depth", "to": 3}),
        "forget": tier(
            "train", {"set": "parts.{region}.until", "to": {"days_before": 1, "of": "window.start"}}
        ),
        "serve": tier("serve", {"set": "depth", "to": 4}),
        "wrong": tier("train", {"set": "parts.{region}.nothing", "to": 3}),
    },
    "rules": [
        {"name": "Ladder", "why": "Cheap first.", "when": {"kind": kind}, "examples": [EXAMPLE]}
        | answer
        for kind, answer in {
            "performance": {"try": ["shift", "done", "refit"]},
            "target_drift": {"try": ["all"]},
            "data_drift": {"try": ["done"]},
            "data_quality": {"try": ["forget", "refit"]},
            "label_quality": {"try": ["serve"]},
            "concept_drift": {"try": ["forget", "shift"]},
            "manual": {"try": ["wrong"]},
            "volume": {"hold": "Wait for the rest."},
        }.items()
    ],
}


def part(region, revision=0):
    return {"bias": revision, "until": "2013-05-01"}


def train(region):
    return stage(
        f"train@{region}",
        "features",
        params=tuple(
            param(f"parts.{region}.{key}", value, value) for key, value in part(region).items()
        ),
        meta=StageMeta(module="train", datasets=("rows",), partition={"region": region}),
    )


def graph(**params):
    """features -> train@east, train@west -> assemble."""
    return pipeline(
        stage("features", inputs=(source(),)),
        train("east"),
        train("west"),
        stage("assemble", "train@east", "train@west"),
        params={
            "params.yaml": {"parts": {"east": part("east"), "west": part("west")}, "depth": 3}
            | params
        },
    )


EAST = {"where": {"region": "east"}, "window": ["2013-06-16", "2013-07-01"]}


VERIFIED = Provenance(verdict="verified", may_retrain=True)
UNSIGNED = Provenance(verdict="unsigned", reasons=("It is unsigned.",))


def proven(one, provenance=VERIFIED):
    return VerifiedAlert(one, hashlib.sha256(one.to_json().encode()).hexdigest(), provenance)


def planned(*alerts, on=None, policy=POLICY, base=BASE, now=NOW, resolve=None):
    on = on or graph()
    given = alerts or [alert(**EAST)]
    return make_plan(
        [one if isinstance(one, VerifiedAlert) else proven(one) for one in given],
        Policy.model_validate(policy),
        on,
        base,
        now,
        resolve or (lambda edits: with_edits(on, edits)),
    )


def with_edits(on, edits):
    return with_values(on, {(edit.file, edit.key): edit.after for edit in edits})


def decided(tier_plan):
    return {each.stage: each.decision for each in tier_plan.stages}


def test_the_ladder_becomes_tiers_with_their_edits_and_stages():
    plan = planned()

    assert (plan.action, plan.rule, plan.why) == ("retrain", "Ladder", "Cheap first.")
    assert (plan.model, plan.base_commit, plan.planned_at) == ("m", "c0ffee", NOW)
    assert plan.touched.stages == ("train@east",)
    assert [each.tier for each in plan.tiers] == ["shift", "refit"]
    shift, refit = plan.tiers
    assert [(e.key, e.before, e.after) for e in shift.edits] == [("parts.east.bias", 0, 1)]
    assert [(e.key, e.after) for e in refit.edits] == [("parts.east.until", "2013-07-01")]
    assert decided(refit) == {
        "features": "reuse",
        "train@east": "run",
        "train@west": "reuse",
        "assemble": "may_run",
    }
    assert refit.waves == (("train@east",), ("assemble",))
    assert refit.named("run", "may_run") == ("train@east", "assemble")
    assert refit.forecast.cpu_seconds == 4
    assert refit.forecast.jobs == 2


def test_a_tier_of_the_whole_model_edits_untouched_stages_too():
    (tier_plan,) = planned(alert(kind="target_drift", **EAST)).tiers

    assert [edit.key for edit in tier_plan.edits] == ["parts.east.until", "parts.west.until"]


def test_a_tier_that_would_change_nothing_is_left_out():
    assert "done" not in [each.tier for each in planned().tiers]


def test_a_tier_that_was_left_out_says_why():
    (skipped,) = planned().skipped
    assert (skipped.tier, skipped.reason) == ("done", IN_PLACE)


def frozen_graph(*regions):
    on = graph()
    stages = (
        each.model_copy(update={"frozen": each.name.removeprefix("train@") in regions})
        for each in on.stages
    )
    return on.model_copy(update={"stages": tuple(stages)})


def test_where_every_stage_a_tier_would_run_is_frozen_it_is_skipped():
    plan = planned(on=frozen_graph("east"))

    assert plan.tiers == ()
    assert {each.reason for each in plan.skipped} == {
        "No edit makes a frozen stage run: train@east."
    }


def test_what_only_a_frozen_stage_reads_is_not_edited():
    (tier_plan,) = planned(alert(kind="target_drift", **EAST), on=frozen_graph("west")).tiers

    assert [edit.key for edit in tier_plan.edits] == ["parts.east.until"]


def test_an_alert_without_the_window_its_tiers_need_is_held_for_a_person():
    plan = planned(alert(kind="data_quality", where={"region": "east"}))

    assert (plan.action, plan.tiers) == ("hold", ())
    assert plan.why == "Tier refit: It needs a window, and the alert gives none."
    assert [each.tier for each in plan.skipped] == ["forget", "refit"]


def test_the_tiers_that_need_no_window_are_planned_without_one():
    plan = planned(alert(kind="concept_drift", where={"region": "east"}))

    assert (plan.action, [each.tier for each in plan.tiers]) == ("retrain", ["shift"])


def test_a_tier_for_a_module_the_alert_does_not_touch_says_so():
    plan = planned(alert(kind="label_quality", **EAST))

    assert (plan.action, plan.why) == ("hold", "No touched stage is of the module 'serve'.")


def test_a_verified_alert_is_answered_and_the_plan_says_whose_it_is():
    one = proven(alert(**EAST))
    plan = planned(one)
    assert (plan.action, plan.unproven) == ("retrain", ())
    assert plan.provenance[0].provenance == VERIFIED
    assert plan.provenance[0].sha256 == one.sha256


def test_an_unsigned_alert_is_planned_and_held_until_a_person_approves_it():
    one = proven(alert(**EAST), UNSIGNED)
    plan = planned(one)
    assert (plan.action, plan.unproven) == ("hold", ("It is unsigned.",))
    assert [each.tier for each in plan.tiers] == ["shift", "refit"]

    accepted = planned(one, base=BASE.model_copy(update={"accepted_by": "Ada"}))
    assert (accepted.action, accepted.unproven, accepted.key) == ("retrain", (), plan.key)


def test_when_everything_is_in_place_a_person_is_asked():
    plan = planned(alert(kind="data_drift", **EAST))

    assert (plan.action, plan.tiers, plan.why) == ("hold", (), IN_PLACE)
    assert plan.rule == "Ladder"


def test_a_held_plan_has_no_tiers_and_says_what_a_person_is_asked():
    plan = planned(alert(kind="volume", **EAST))

    assert (plan.action, plan.tiers) == ("hold", ())
    assert plan.why.startswith("Wait for the rest.")
    assert plan.touched.stages == ("train@east",)


def test_a_policy_that_cannot_be_carried_out_is_refused():
    with pytest.raises(InputError, match="no such key"):
        planned(alert(kind="manual", **EAST))


def test_planning_again_after_success_holds():
    on = graph()
    (tier_plan,) = planned(alert(kind="target_drift", **EAST), on=on).tiers
    done = with_edits(on, tier_plan.edits)
    recorded = done.model_copy(
        update={
            "stages": tuple(
                each.model_copy(
                    update={
                        "params": tuple(
                            p.model_copy(update={"recorded": p.current}) for p in each.params
                        )
                    }
                )
                for each in done.stages
            )
        }
    )

    again = planned(alert(kind="target_drift", **EAST), on=recorded)

    assert (again.action, again.why) == ("hold", IN_PLACE)
    assert {each.decision for each in plan_stages(recorded)} == {"reuse"}


def test_what_was_out_of_date_before_is_planned_but_not_the_alerts_doing():
    stages = list(graph().stages)
    stages[2] = stages[2].model_copy(update={"cmd_changed": True})
    tier_plan = planned(on=graph().model_copy(update={"stages": tuple(stages)})).tiers[0]

    _, east, west, assemble = tier_plan.stages
    assert [because.by_alert for because in east.because] == [True]
    assert [because.by_alert for because in west.because] == [False]
    assert [because.by_alert for because in assemble.because] == [True, False]


def test_what_is_not_firing_is_neither_touched_nor_edited():
    resolved = alert(
        9, status="resolved", where={"region": "west"}, window=["2013-07-01", "2013-07-20"]
    )

    plan = planned(alert(**EAST), resolved)

    assert plan.touched.stages == ("train@east",)
    assert [(e.key, e.after) for e in plan.tiers[1].edits] == [("parts.east.until", "2013-07-01")]
    assert len(plan.alerts) == 2


def test_when_nothing_fires_the_plan_still_says_what_it_was_about():
    plan = planned(alert(status="resolved", **EAST))

    assert (plan.action, plan.touched.stages) == ("hold", ("train@east",))


def test_the_report_is_filed_under_the_first_alert():
    first, second = alert(1, **EAST), alert(2, **EAST)

    assert planned(second, first).report_id == first.alert_id


some_alerts = st.lists(
    st.builds(
        alert,
        number=st.integers(0, 99),
        kind=st.sampled_from(["performance", "target_drift"]),
        where=st.sampled_from([{}, {"region": "east"}, {"region": "west"}, {"region": "north"}]),
        window=st.just(["2013-06-16", "2013-07-01"]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.alert_id,
)


@FEW
@given(some_alerts, st.randoms(use_true_random=False))
def test_the_order_of_the_alerts_is_no_input(group, rng):
    shuffled = [*group]
    rng.shuffle(shuffled)

    assert planned(*shuffled).to_json() == planned(*group).to_json()


@FEW
@given(some_alerts)
def test_a_group_touches_and_runs_at_least_what_each_of_its_alerts_would(group):
    together = planned(*group)

    for each in group:
        alone = planned(each)
        assert set(alone.touched.stages) <= set(together.touched.stages)
        for tier_plan in alone.tiers:
            same = [t for t in together.tiers if t.tier == tier_plan.tier]
            for wider in same:
                assert set(tier_plan.named("run")) <= set(wider.named("run"))
                assert set(tier_plan.named("run", "may_run")) <= set(wider.named("run", "may_run"))


def test_same_inputs_same_bytes():
    assert planned().to_json() == planned().to_json()


def other_policy():
    return POLICY | {"rules": [POLICY["rules"][0] | {"why": "Another."}, *POLICY["rules"][1:]]}


def dirty():
    stages = list(graph().stages)
    stages[0] = stages[0].model_copy(update={"outputs": (edited_output(),)})
    return graph().model_copy(update={"stages": tuple(stages)})


def edited_output():
    return Output(path="out/features", recorded="features", workspace="edited")


@pytest.mark.parametrize(
    ("reads", "change"),
    [
        ("alerts", lambda: planned(alert(1, **EAST))),
        ("alerts", lambda: planned(alert(message="Look.", **EAST))),
        ("policy", lambda: planned(policy=other_policy())),
        ("pipeline", lambda: planned(on=graph(unused=1))),
        ("pipeline", lambda: planned(on=dirty())),
        (None, lambda: planned(base=BASE.model_copy(update={"commit": "decaf"}))),
    ],
)
def test_the_key_names_alerts_policy_pipeline_and_commit(reads, change):
    plan, other = planned(), change()
    differ = [
        name
        for name in type(plan.reads).model_fields
        if getattr(plan.reads, name) != getattr(other.reads, name)
    ]

    assert plan.key != other.key
    assert differ == ([reads] if reads else [])


def without_data():
    """The same pipeline in a clone that pulled nothing."""
    return graph().model_copy(
        update={
            "stages": tuple(
                each.model_copy(
                    update={
                        "outputs": tuple(
                            out.model_copy(update={"workspace": None}) for out in each.outputs
                        )
                    }
                )
                for each in graph().stages
            )
        }
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda: planned(now=datetime(2014, 1, 1, tzinfo=UTC)),
        lambda: planned(base=BASE.model_copy(update={"costs": {}, "jobs": 7})),
        lambda: planned(alert(**EAST), on=without_data()),
    ],
)
def test_the_key_names_nothing_else(change):
    assert change().key == planned().key


def test_a_part_of_a_directory_that_is_not_here_does_not_change_the_key():
    def reads(current):
        item = FileInput(path="out/a/x", recorded="h", current=current, producer="features")
        return pipeline(*graph().stages, stage("z", inputs=(item,)), params=graph().params)

    assert planned(on=reads(None)).key == planned(on=reads("h")).key
    assert planned(on=reads("other")).key != planned(on=reads("h")).key


VALUE = {"worth_of_one": 0.01, "predictions_per_day": 100, "horizon": "10 days"}
WORTH = POLICY | {"value": VALUE}


def past(tier_name, *, passed=True, gain=1.0, **said):
    fields = {"families": ("performance",), "where": ("region = east",), "share": 0.5}
    return Episode(tier=tier_name, passed=passed, gain=gain, overall_gain=gain, **fields | said)


def with_past(*episodes, **said):
    return planned(policy=WORTH, base=BASE.model_copy(update={"past": episodes}), **said)


def test_a_plan_without_a_value_rule_weighs_nothing():
    assert planned().worth is None
    assert planned(base=BASE.model_copy(update={"past": (past("shift"),) * 9})) == planned()


def test_without_a_history_the_value_rule_says_so_and_skips_nothing():
    plan = with_past()

    assert plan.worth is not None
    assert plan.worth.message.startswith("No like alert in the past: the ladder stands")
    assert [o.name for o in plan.worth.options] == ["nothing", "shift", "refit", "full"]
    assert [each.tier for each in plan.tiers] == ["shift", "refit"]
    assert plan.reads.history is None


def test_a_tier_that_never_helped_is_skipped_with_its_numbers_and_the_next_is_tried():
    plan = with_past(*[past("shift", passed=False)] * 3)

    assert [each.tier for each in plan.tiers] == ["refit"]
    assert [each.tier for each in plan.skipped] == ["shift", "done"]
    assert plan.skipped[0].reason.startswith("It is not worth its cost: −4.0 s of CPU net.")
    assert (plan.action, plan.why) == ("retrain", "Cheap first.")


def test_when_no_tier_is_worth_it_the_plan_is_held_and_says_how_to_try_all_the_same():
    plan = with_past(*[past(name, passed=False) for name in ("shift", "refit")] * 3)

    assert (plan.action, plan.tiers) == ("hold", ())
    assert plan.why.startswith(
        "No tier is worth its cost. To try all the same, raise an alert of the kind manual. Tier "
    )
    assert plan.worth is not None
    assert plan.worth.best == "nothing"


def test_what_a_person_asked_for_is_planned_whatever_it_was_worth():
    rules = [r | {"when": {}} for r in POLICY["rules"][:1]]
    episodes = [past(name, passed=False, families=("governance",)) for name in ("shift", "refit")]
    plan = planned(
        alert(kind="manual", where=EAST["where"], window=EAST["window"]),
        policy=WORTH | {"rules": rules},
        base=BASE.model_copy(update={"past": tuple(episodes * 3)}),
    )

    assert [each.tier for each in plan.tiers] == ["shift", "refit"]
    assert plan.worth is not None
    assert plan.worth.best == "nothing"


def test_a_full_run_is_weighed_at_the_cost_of_the_tier_that_makes_one():
    costs = {f"train@{r}": Cost(cpu_seconds=4, wall_seconds=2) for r in ("east", "west")}
    costs["features"] = Cost(cpu_seconds=50, wall_seconds=50)
    plan = planned(policy=WORTH, base=BASE.model_copy(update={"costs": costs}))

    assert plan.worth is not None
    assert plan.worth.options[-1].cost_cpu_seconds == 8  # `all` fits both, and makes no features


def test_a_history_that_decides_is_a_part_of_the_key_and_any_other_is_not():
    silent, decided = with_past(past("shift")), with_past(*[past("shift")] * 3)

    assert silent.key == with_past().key
    assert decided.key != with_past().key
    assert decided.reads.history is not None
    assert decided == with_past(*[past("shift")] * 3)


@pytest.mark.parametrize(
    ("allowed", "spent", "held"),
    [
        ({"cpu_per_alert": "0 minutes"}, 0.0, True),
        ({"cpu_per_alert": "1 minute"}, 1e9, False),
        ({"wall_per_alert": "0 minutes"}, 0.0, True),
        ({"cpu_per_day": "1 minute"}, 56.0, False),
        ({"cpu_per_day": "1 minute"}, 56.1, True),
        ({"tiers": 1}, 0.0, False),
    ],
)
def test_a_plan_whose_first_tier_the_budget_has_no_room_for_is_held(allowed, spent, held):
    base = BASE.model_copy(update={"spent_today_cpu_seconds": spent})
    plan = planned(policy=POLICY | {"budget": allowed}, base=base)

    assert plan.action == ("hold" if held else "retrain")
    assert [each.tier for each in plan.tiers] == ["shift", "refit"]
    assert plan.why.startswith("Not tried: shift. Its forecast of " if held else "Cheap first.")


def test_what_a_tier_asks_to_come_back_is_a_part_of_its_work():
    tiers = POLICY["tiers"] | {"shift": POLICY["tiers"]["shift"] | {"restores": 1.08}}
    plan = planned(policy=POLICY | {"tiers": tiers})

    assert [each.restores for each in plan.tiers] == [1.08, None]
    assert plan.work != planned().work
