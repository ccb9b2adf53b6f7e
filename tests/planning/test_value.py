"""Is it worth its cost? The numbers, and what follows from them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.planning.model import Forecast, TierPlan
from retouch.planning.value import Episode, ValueRequest, not_worth_it, weigh
from retouch.policy.model import ValueRule

RULE = ValueRule.model_validate(
    {
        "worth_of_one": 0.01,
        "predictions_per_day": 1000,
        "horizon": "30 days",
        "fixed_cost": "1 minute",
        "pseudo_episodes": 3,
        "least_episodes": 3,
    }
)
DRIFT = ValueRequest(families=("drift",), where=("region = eu",), whole=frozenset({"full"}))


def tier(name, cpu=100.0, must="improve"):
    cost = Forecast(
        cpu_seconds=cpu,
        wall_seconds=cpu,
        certain_cpu_seconds=cpu,
        full_cpu_seconds=1000,
        full_wall_seconds=1000,
        jobs=1,
        unknown=0,
        full_unknown=0,
    )
    return TierPlan(tier=name, message="Do.", must=must, edits=(), stages=(), forecast=cost)


def episode(name="refit", passed=True, gain=2.0, share=0.5, **said):
    fields = {"families": ("drift",), "overall_gain": gain / 10} | said
    return Episode(tier=name, passed=passed, gain=gain, share=share, **fields)


def weighed(tiers, past, asked=DRIFT, rule=RULE):
    worth = weigh(tiers, 900.0, rule, asked, past)
    skipped = not_worth_it(worth, tiers, rule, asked)
    return {option.name: option for option in worth.options}, worth, skipped


def test_gain_times_chance_times_predictions_is_held_against_the_cost():
    past = [episode(gain=1.0), episode(gain=3.0), episode(passed=False, gain=-9.0)]

    options, worth, skipped = weighed([tier("refit")], past)

    refit = options["refit"]
    assert (refit.episodes, refit.accepted) == (3, 2)
    assert refit.gain == pytest.approx(2 / (2 + 3) * 2.0)  # the mean of those that passed, shrunk
    assert refit.chance == (1 + 2) / (2 + 3)
    # 0.6 x 0.8 a prediction x 1,000 a day, half of them x 30 days x 0.01 s
    assert refit.benefit_cpu_seconds == pytest.approx(72.0)
    assert refit.cost_cpu_seconds == 160
    assert refit.net_cpu_seconds == pytest.approx(-88.0)
    assert worth.best == "nothing"
    assert worth.message == (
        "Doing nothing is worth most: 0.0 s of CPU net, against −88 s of refit."
    )
    (only,) = skipped
    assert (only.tier, only.reason) == (
        "refit",
        "It is not worth its cost: −88 s of CPU net. 2 of 3 candidates for like alerts passed."
        " A gain of 0.8 a prediction is expected, worth 72 s; it costs 160 s.",
    )


def test_without_a_like_alert_in_the_past_the_ladder_stands():
    strangers = [episode(families=("data quality",))] * 5 + [episode("other")] * 5

    options, worth, skipped = weighed([tier("refit")], strangers)

    assert worth.message == "No like alert in the past: the ladder stands as the rules have it."
    assert worth.best is None
    assert skipped == ()
    assert options["nothing"].net_cpu_seconds == 0
    assert options["refit"].net_cpu_seconds is None
    assert options["refit"].cost_cpu_seconds == 160
    assert options["full"].cost_cpu_seconds == 960


def test_with_too_few_like_alerts_the_numbers_are_shown_and_nothing_follows():
    options, worth, skipped = weighed([tier("refit")], [episode(passed=False)] * 2)

    assert worth.message.startswith("Too few like alerts in the past, 2 of the 3 that are needed: ")
    assert (worth.best, skipped) == (None, ())
    assert options["refit"].net_cpu_seconds == -160


def test_a_tier_before_a_better_one_is_skipped_and_one_without_a_history_stays():
    past = [episode("cheap", gain=8.0)] * 3 + [episode("dear", gain=40.0)] * 3
    ladder = [tier("cheap", 10), tier("new"), tier("dear", 500), tier("last", 5000)]
    past += [episode("last", gain=1.0)] * 3

    _, worth, skipped = weighed(ladder, past)

    assert worth.best == "dear"
    assert [s.tier for s in skipped] == ["cheap", "last"]
    assert skipped[0].reason.startswith("dear is expected to be worth more: ")
    assert skipped[1].reason.startswith("It is not worth its cost: ")
    assert worth.message.startswith("dear is worth most: ")


def test_a_cheap_tier_makes_no_way_for_a_better_one_that_the_budget_has_no_room_for():
    tiers = [tier("shift", cpu=10), tier("refit", cpu=100)]
    past = [episode("shift", gain=4.0), episode("refit", gain=50.0)] * 3
    _, worth, skipped = weighed(tiers, past)
    assert [each.tier for each in skipped] == ["shift"], "it is worth less"

    assert not_worth_it(worth, tiers, RULE, DRIFT, too_dear=frozenset(["refit"])) == ()


def test_of_two_worth_the_same_the_cheaper_one_is_not_skipped():
    past = [episode("one")] * 3 + [episode("two")] * 3

    _, _, skipped = weighed([tier("one", 1), tier("two", 1)], past, rule=generous())

    assert skipped == ()


def test_a_full_run_outside_of_the_ladder_is_shown_with_its_gain_over_all_rows():
    past = [episode("refit", gain=2.0)] * 3 + [episode("full", gain=2.0, overall_gain=1.0)] * 4

    options, worth, skipped = weighed([tier("refit")], past, rule=generous())

    full = options["full"]
    assert (full.episodes, full.cost_cpu_seconds) == (4, 960)
    assert full.gain == pytest.approx(4 / 7)
    assert full.benefit_cpu_seconds == pytest.approx(5 / 6 * 4 / 7 * 1000 * 30 * 1)
    assert worth.best == "full"
    assert worth.message.startswith("A full run is worth most: ")
    assert worth.message.endswith(" The rules do not allow it for this alert.")
    assert skipped == ()


def test_a_full_run_in_the_ladder_is_one_option_and_not_two():
    _, worth, _ = weighed([tier("refit"), tier("full", 900)], [episode("full")] * 3)

    assert [option.name for option in worth.options] == ["nothing", "refit", "full"]


def test_repairs_are_done_whatever_they_are_worth():
    repair = tier("repair", must="not_get_worse")

    _, worth, skipped = weighed([repair], [episode("repair", passed=False)] * 5)

    assert worth.best == "nothing"
    assert skipped == ()


def test_what_a_person_asked_for_is_weighed_and_never_skipped():
    asked = DRIFT.model_copy(update={"by_person": True})

    _, worth, skipped = weighed([tier("refit")], [episode(passed=False)] * 5, asked)

    assert skipped == ()
    assert worth.message.endswith(" A person asked, so the ladder stands as the rules have it.")


def test_the_share_of_a_slice_is_its_own_where_it_was_seen_before():
    of_eu = episode("other", families=("data quality",), where=("region = eu",), share=0.1)
    past = [episode(where=("region = us",), share=0.9)] * 3

    options, *_ = weighed([tier("refit")], [*past, of_eu])
    others, *_ = weighed([tier("refit")], past)
    everywhere, *_ = weighed([tier("refit")], past, DRIFT.model_copy(update={"where": ()}))

    benefits = [each["refit"].benefit_cpu_seconds for each in (options, others, everywhere)]
    assert benefits == pytest.approx([benefits[2] * 0.1, benefits[2] * 0.9, benefits[2]])


def test_a_repair_that_changed_nothing_has_no_gain_to_tell_of():
    nothing_measured = episode(gain=0.0).model_copy(update={"gain": None, "share": None})

    options, *_ = weighed([tier("refit")], [nothing_measured] * 3)

    assert (options["refit"].gain, options["refit"].benefit_cpu_seconds) == (0, 0)


def test_absurd_numbers_are_written_down_all_the_same():
    absurd = ValueRule(
        worth_of_one=1e15,
        predictions_per_day=1e15,
        horizon=timedelta(days=9999),
        pseudo_episodes=0,
    )
    past = [episode(gain=1.7e308)] * 3

    options, worth, _ = weighed([tier("refit")], past, rule=absurd)

    assert options["refit"].net_cpu_seconds == 1e300
    assert worth.best == "refit"


def generous(**said):
    return RULE.model_copy(update={"worth_of_one": 1.0} | said)


numbers = st.floats(-1e3, 1e3)
episodes = st.builds(
    Episode,
    families=st.sampled_from([("drift",), ("drift", "performance"), ("performance",)]),
    where=st.sampled_from([(), ("region = eu",), ("region = us",)]),
    tier=st.sampled_from(["one", "two", "fix", "full"]),
    passed=st.booleans(),
    gain=numbers | st.none(),
    share=st.floats(0, 1) | st.none(),
    overall_gain=numbers | st.none(),
)
ladders = st.lists(
    st.builds(
        lambda name, cpu: tier(name, cpu, "not_get_worse" if name == "fix" else "improve"),
        st.sampled_from(["one", "two", "fix", "full"]),
        st.floats(0, 1e4),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda t: t.tier,
)
rules = st.builds(
    ValueRule,
    worth_of_one=st.floats(1e-6, 1e3),
    predictions_per_day=st.floats(1, 1e6),
    horizon=st.integers(0, 365).map(lambda days: timedelta(days=days)),
    pseudo_episodes=st.floats(0, 10),
    least_episodes=st.integers(1, 4),
)


@given(ladders, st.lists(episodes, max_size=12), rules)
def test_only_what_has_a_history_and_is_no_repair_is_skipped_and_never_the_best(ladder, past, rule):
    options, worth, skipped = weighed(ladder, past, rule=rule)
    names = {each.tier for each in skipped}

    assert "fix" not in names
    assert all(options[name].episodes >= rule.least_episodes for name in names)
    known = [options[t.tier] for t in ladder if t.tier != "fix"]
    known = [o for o in known if o.episodes >= rule.least_episodes and o.net_cpu_seconds > 0]
    if known:
        best = max(known, key=lambda option: option.net_cpu_seconds)
        assert best.name not in names
        assert {o.name for o in known[: known.index(best)]} <= names
    if worth.best is None:
        assert skipped == ()


@given(ladders, st.lists(episodes, max_size=12), rules)
def test_a_person_who_asks_gets_the_whole_ladder_and_the_same_numbers(ladder, past, rule):
    asked = DRIFT.model_copy(update={"by_person": True})

    assert weighed(ladder, past, asked, rule)[2] == ()
    assert weighed(ladder, past, asked, rule)[0] == weighed(ladder, past, rule=rule)[0]


def test_the_example_in_the_documentation_is_worked_out_right():
    rule = ValueRule.model_validate(
        {
            "worth_of_one": 0.1,
            "predictions_per_day": 900,
            "horizon": "30 days",
            "fixed_cost": "2 minutes",
        }
    )
    past = [episode("recalibrate", gain=4.0, share=0.12)] * 3
    past += [episode("recalibrate", passed=False, share=0.12)]
    past += [episode("refit", gain=6.0, share=0.12)] * 3
    past += [episode("full", overall_gain=0.9)] * 2 + [episode("full", passed=False)]
    ladder = [tier("recalibrate", 25), tier("refit", 33), tier("full", 161)]

    options, _, (skipped,) = weighed(ladder, past, rule=rule)

    nets = {name: option.net_cpu_seconds for name, option in options.items()}
    assert nets == pytest.approx(
        {"nothing": 0, "recalibrate": 287, "refit": 624.6, "full": 302.2}, abs=0.05
    )
    assert skipped.tier == "recalibrate"
    assert skipped.reason.startswith(
        "refit is expected to be worth more: 625 s of CPU net against 287 s."
    )
