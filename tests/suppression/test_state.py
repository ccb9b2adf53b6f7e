"""Where an alert stands: rule by rule, and what holds for any history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.fingerprint import fingerprints
from retouch.alerts.model import Window
from retouch.suppression.records import ReceivedAlert
from retouch.suppression.state import alert_states
from tests.suppression.histories import (
    FEW,
    SETTINGS,
    SILENCES,
    acting,
    alert_id,
    answer,
    answers_to,
    at,
    columns_as_stages,
    daily,
    day,
    histories,
    outcome,
    silence,
    states,
    taken,
)

AT_ONCE = {"otherwise": {"for": 1, "keep_firing": 1}}
BROKEN = {"kind": "data_quality"}
MODEL = "61d0a7c82cc5f2a1d0c9b8a7e6f50413"


def only(told, number):
    return told.state_of(alert_id(number))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("F", ["pending"]),
        ("FF", ["acts", "acts"]),
        ("FqF", ["resolved", "resolved", "pending"]),
        ("F.F", ["acts", "acts"]),
        ("FFqq", ["acts", "acts", "resolved", "resolved"]),
        ("FFqqq", ["resolved"] * 5),
        ("FFqqFqq", ["acts", "acts", "resolved", "resolved", "acts", "resolved", "resolved"]),
        ("FFqqqF", ["resolved"] * 5 + ["pending"]),
    ],
)
def test_a_signal_counts_in_its_second_window_and_is_over_after_three_quiet_ones(pattern, expected):
    assert states(outcome(daily(pattern), 24 * 8)) == expected


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"kind": "data_drift", "severity": "critical"}, "pending"),
        ({"kind": "performance"}, "pending"),
        ({"kind": "performance", "severity": "critical"}, "acts"),
        ({"kind": "data_quality", "severity": "info"}, "acts"),
        ({"kind": "manual"}, "acts"),
    ],
)
def test_some_alerts_count_at_once(said, state):
    assert states(outcome([taken(1, **said)], 1)) == [state]


def test_the_same_window_counts_once_however_often_it_is_told():
    again = [taken(n, n, window=day(0)) for n in range(4)]

    told = outcome(again, 5)

    assert states(told) == ["pending", "duplicate", "duplicate", "duplicate"]
    assert only(told, 3).of == alert_id(0)


def test_an_alert_without_a_window_counts_for_the_day_it_was_emitted():
    assert states(outcome([taken(1, 1), taken(2, 5), taken(3, 25)], 26)) == [
        "acts",
        "duplicate",
        "acts",
    ]


def test_the_same_window_counts_anew_when_it_becomes_severe_enough():
    said = {"kind": "performance", "window": day(0)}

    told = outcome([taken(1, **said), taken(2, 1, severity="critical", **said)], 2)

    assert states(told) == ["acts", "acts"]


def test_news_of_an_answered_incident_asks_for_no_new_plan_until_it_is_time_to_repeat():
    alerts = [*daily("FFF"), taken(8, 24 * 20, window=day(20)), taken(9, 24 * 40, window=day(40))]

    told = outcome(alerts, 24 * 41, answers=[answer(0, 1, hours=25)])

    assert states(told) == ["answered"] * 4 + ["acts"]
    assert (only(told, 2).rule, only(told, 2).of) == ("repeat_after", alert_id(0))
    assert only(told, 2).until == at(25 + 30 * 24)


def test_a_new_finding_beside_answered_ones_acts():
    both = taken(2, 30, window=day(1), columns=["a", "b"])

    told = outcome([taken(1, columns=["a"]), both], 40, answers=[answer(1, hours=1)], **AT_ONCE)

    assert states(told) == ["answered", "acts"]


@pytest.mark.parametrize(
    ("answers", "state"), [((), "expired"), ([answer(0, hours=1)], "answered")]
)
def test_what_is_not_seen_for_long_is_forgotten(answers, state):
    alerts = [taken(0), taken(1, 24 * 31, window=day(31))]

    told = outcome(alerts, 24 * 32, answers=answers)

    assert states(told) == [state, "pending"]


def test_a_group_waits_from_the_first_alert_that_could_act():
    alerts = [taken(1, **BROKEN), taken(2, 0.2, columns=["b"], **BROKEN)]

    early, late = outcome(alerts, 0.2), outcome(alerts, 0.25)

    assert states(early) == ["waiting", "waiting"]
    assert (early.groups, early.next_due, only(early, 2).until) == ((), at(0.25), at(0.25))
    assert [(g.key, g.trusted, g.alert_ids) for g in late.groups] == [
        ("m/rows", True, (alert_id(1), alert_id(2)))
    ]
    assert late.next_due is None


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ({}, "inhibited"),
        ({"dataset": "other"}, "acts"),
        ({"trusted": False}, "acts"),
        ({"status": "resolved"}, "acts"),
        ({"status": "no_data"}, "acts"),
        ({"expires_at": "2013-07-01T02:00:00Z"}, "acts"),
        ({"findings": [{"metric": "rows", "verdict": "error"}]}, "acts"),
    ],
)
def test_an_open_incident_about_the_data_inhibits_drift_of_the_same_data(source, state):
    told = outcome([taken(1, **BROKEN | source), taken(2, 1)], 3, **AT_ONCE)

    assert only(told, 2).state == state
    if state == "inhibited":
        assert (only(told, 2).rule, only(told, 2).of) == ("Broken data mutes drift", alert_id(1))


def test_what_still_counts_mutes_nothing_yet():
    persistence = {"persistence": [], "otherwise": {"for": 2, "keep_firing": 1}}

    told = outcome([taken(9, **BROKEN), *daily("FF", monitor="b")[1:]], 30, **persistence)

    assert states(told) == ["pending", "pending"]
    assert [also.state for one in told.alerts for also in one.also] == []


def test_a_kept_repair_no_longer_inhibits_unless_the_signal_is_seen_after_it():
    kept = [answer(1, hours=1, kept=True)]
    drift = taken(9, 30, columns=["a"])

    assert (
        only(outcome([taken(1, **BROKEN), drift], 31, answers=kept, **AT_ONCE), 9).state == "acts"
    )
    again = taken(2, 25, window=day(1), **BROKEN)
    told = outcome([taken(1, **BROKEN), again, drift], 31, answers=kept, **AT_ONCE)
    assert states(told) == ["answered", "answered", "inhibited"]


def test_a_repair_that_was_not_kept_leaves_the_signal_inhibiting():
    rejected = [answer(1, hours=1, kept=False)]
    alerts = [taken(1, **BROKEN), taken(9, 30, columns=["a"])]

    assert only(outcome(alerts, 31, answers=rejected, **AT_ONCE), 9).state == "inhibited"


def test_what_an_earlier_rule_mutes_mutes_nothing():
    rules = [
        {"name": "one", "why": "So.", "when": {"kind": "freshness"}, "mutes": {"kind": "volume"}},
        {"name": "two", "why": "So.", "when": {"kind": "volume"}, "mutes": {"kind": "data_drift"}},
    ]
    kinds = ["freshness", "volume", "data_drift"]
    alerts = [taken(n, kind=kind) for n, kind in enumerate(kinds)]

    assert states(outcome(alerts, 1, inhibit=rules, **AT_ONCE)) == ["acts", "inhibited", "acts"]
    assert states(outcome(alerts[1:], 1, inhibit=rules, **AT_ONCE)) == ["acts", "inhibited"]


def test_what_could_mute_by_a_rule_is_not_muted_by_it():
    severe = {"severity": {"at_least": "critical"}}
    drift = {"family": "distribution shift"}
    rule = {"name": "one", "why": "So.", "when": severe, "mutes": drift}
    alerts = [taken(n, columns=[str(n)], severity="critical") for n in range(2)]

    told = outcome([*alerts, taken(2, columns=["2"])], 1, inhibit=[rule], **AT_ONCE)

    assert states(told) == ["acts", "acts", "inhibited"]


def test_a_silence_holds_from_its_start_to_its_end_and_does_not_unmute():
    known = [silence("Known", 1, 5, family="data quality")]
    alerts = [taken(1, **BROKEN), taken(2)]

    def told(hours):
        return states(outcome(alerts, hours, silences=known, **AT_ONCE))

    assert (told(0.5), told(1), told(5)) == (
        ["acts", "inhibited"],
        ["silenced", "inhibited"],
        ["acts", "inhibited"],
    )


def test_what_else_holds_an_alert_back_is_told_as_well():
    told = outcome([taken(1, **BROKEN), taken(2)], 3, silences=[silence(kind="data_drift")])

    assert only(told, 2).state == "silenced"
    assert [also.state for also in told.alerts[1].also] == ["inhibited", "pending"]


@pytest.mark.parametrize(
    ("stages", "kept", "hours", "state"),
    [
        ("ab", True, 24 * 6, "cooldown"),
        ("ab", True, 24 * 8, "acts"),
        ("a", True, 24 * 6, "acts"),
        ("ab", False, 24 * 6, "acts"),
    ],
)
def test_alerts_rest_while_all_their_stages_were_just_retrained(stages, kept, hours, state):
    retrain = answer(7, hours=1, kept=kept, stages=tuple(stages))

    told = outcome([taken(1, 2, columns=["a", "b"])], hours, answers=[retrain], **AT_ONCE)

    assert states(told) == [state]


@pytest.mark.parametrize(
    ("said", "production", "state"),
    [
        ({"model_version": "61d0a7c82cc5"}, MODEL, "acts"),
        ({"model_version": f"md5:{MODEL}"}, MODEL, "acts"),
        ({"model_version": MODEL}, f"{MODEL}.dir", "acts"),
        ({"model_version": "61d0a7c82cc6"}, MODEL, "stale"),
        ({"model_version": "61d0a7c82cc6"}, None, "acts"),
        # The monitor's own names for versions tell us nothing.
        ({"model_version": "v1.2.0"}, MODEL, "acts"),
        ({"model_version": "20260101120000"}, MODEL, "acts"),
        ({}, MODEL, "acts"),
    ],
)
def test_an_alert_about_another_version_is_stale(said, production, state):
    told = outcome([taken(1, **said)], 1, production=production, **AT_ONCE)

    assert states(told) == [state]


@pytest.mark.parametrize(
    ("reference", "emitted", "state"),
    [
        (["2013-06-01", "2013-06-30"], 200, "stale"),
        (["2013-06-01", "2013-07-02"], 200, "acts"),
        (None, 200, "acts"),
        (None, 1, "stale"),
    ],
)
def test_an_alert_about_data_or_a_model_before_the_retrain_is_stale(reference, emitted, state):
    window = Window(start=at(0), end=at(24))
    retrain = answer(7, hours=2, kept=True, stages=("a",), window=window)
    said = {"columns": ["a"]}
    if reference:
        start, end = (f"{moment}T00:00:00Z" for moment in reference)
        said["reference"] = {"dataset": "rows", "window": {"start": start, "end": end}}

    assert states(outcome([taken(1, emitted, **said)], 201, answers=[retrain], **AT_ONCE)) == [
        state
    ]


def test_a_later_retrain_on_older_data_does_not_make_an_old_reference_current_again():
    newer, older = (Window(start=at(24 * day), end=at(24 * (day + 1))) for day in (10, 0))
    retrains = [
        answer(7, hours=300, kept=True, stages=("a",), window=newer),
        answer(8, hours=310, kept=True, stages=("a",), window=older),
    ]
    days = {"start": "2013-07-01T00:00:00Z", "end": "2013-07-06T00:00:00Z"}
    reference = {"dataset": "rows", "window": days}
    late = taken(1, 600, columns=["a"], reference=reference)

    assert states(outcome([late], 601, answers=retrains, **AT_ONCE)) == ["stale"]


def test_a_signal_that_comes_and_goes_is_for_a_person():
    told = outcome(daily("Fq" * 8 + "F"), 24 * 17, **AT_ONCE)

    assert told.alerts[-1].standing.state == "flapping"
    assert told.incidents[0].flapping
    assert states(outcome(daily("Fq" * 4 + "F"), 24 * 9, **AT_ONCE))[-1] == "acts"


@pytest.mark.parametrize(
    "said",
    [
        {"status": "no_data"},
        {"findings": [{"metric": "psi", "verdict": "error"}]},
        {"findings": [{"metric": "psi", "verdict": "ok"}, {"metric": "x", "verdict": "skipped"}]},
    ],
)
def test_what_measured_nothing_never_acts(said):
    assert states(outcome([taken(1, kind="manual", **said)], 1)) == ["no_data"]


def test_an_alert_acts_until_it_expires():
    one = taken(1, expires_at="2013-07-01T02:00:00Z")

    assert states(outcome([one], 1.9, **AT_ONCE)) == ["acts"]
    assert states(outcome([one], 2, **AT_ONCE)) == ["expired"]


def test_resolving_undoes_nothing_that_was_answered():
    told = outcome(daily("FFqqq"), 24 * 6, answers=[answer(0, 1, hours=25)])

    assert states(told) == ["answered", "answered", "resolved", "resolved", "resolved"]
    assert told.incidents == ()
    assert (
        only(told, 4).message
        == f"It ends the incident of {alert_id(0)}; what was done about it is kept."
    )


def test_a_daily_series_has_fewer_incidents_than_alarms():
    series = ("FqFFFqFqqqFqqFFqF" + "q" * 8) * 6
    rules = {"flapping": {"above": 1}, "repeat_after": "3650 days"}

    def episodes(**said):
        firsts = set()
        for hours in range(0, 24 * len(series), 24):
            told = outcome(daily(series), hours, **rules, **said)
            firsts |= {one.first for one in told.incidents if one.opened_at}
        return len(firsts)

    assert episodes(**AT_ONCE) == 6 * 6
    assert episodes(otherwise={"for": 2, "keep_firing": 3}) == 2 * 6


def at_any_time(draw, alerts):
    answers = draw(answers_to(alerts))
    return answers, draw(SILENCES), draw(SETTINGS), at(draw(st.integers(0, 30)))


@FEW
@given(st.data(), histories())
def test_any_order_of_the_files_gives_the_same_outcome(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)
    shuffled, others = data.draw(st.permutations(alerts)), data.draw(st.permutations(answers))

    assert alert_states(
        alerts, answers, silences, settings, columns_as_stages, now
    ) == alert_states(shuffled, others, silences, settings, columns_as_stages, now)


@FEW
@given(st.data(), histories())
def test_every_alert_has_one_standing_and_every_key_one_group(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)

    told = alert_states(alerts, answers, silences, settings, columns_as_stages, now)

    came = sorted(one.alert.alert_id for one in alerts if one.received_at <= now)
    assert sorted(one.alert_id for one in told.alerts) == came
    assert len({(group.key, group.trusted) for group in told.groups}) == len(told.groups)
    assert acting(told) == {one.alert_id for one in told.alerts if one.standing.state == "acts"}
    assert all(one.standing.rule for one in told.alerts if one.standing.state != "acts")


@FEW
@given(st.data(), histories())
def test_what_came_later_changes_nothing_of_what_was(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)
    before = [one for one in alerts if one.received_at <= now]
    known = [one for one in answers if one.at <= now]

    assert alert_states(
        alerts, answers, silences, settings, columns_as_stages, now
    ) == alert_states(before, known, silences, settings, columns_as_stages, now)


@FEW
@given(st.data(), histories())
def test_untrusted_alerts_change_nothing_for_the_others(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)
    trusted = [one for one in alerts if one.trusted]

    with_others = alert_states(alerts, answers, silences, settings, columns_as_stages, now)
    without = alert_states(trusted, answers, silences, settings, columns_as_stages, now)

    names = {one.alert.alert_id for one in trusted}
    assert [one for one in with_others.alerts if one.alert_id in names] == list(without.alerts)
    assert [group for group in with_others.groups if group.trusted] == list(without.groups)


@FEW
@given(st.data(), histories())
def test_a_silence_lets_nothing_more_act(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)

    silenced = alert_states(alerts, answers, silences, settings, columns_as_stages, now)

    assert acting(silenced) <= acting(
        alert_states(alerts, answers, (), settings, columns_as_stages, now)
    )


@FEW
@given(st.data(), histories())
def test_telling_the_same_again_changes_nothing_of_what_acts(data, alerts):
    answers, silences, settings, now = at_any_time(data.draw, alerts)
    one = data.draw(st.sampled_from(alerts))
    later = one.received_at + timedelta(minutes=30) * data.draw(st.integers(0, 20))
    again = ReceivedAlert(
        alert=one.alert.model_copy(update={"alert_id": alert_id(999)}),
        received_at=later,
        trusted=one.trusted,
    )

    def act(history):
        told = alert_states(history, answers, silences, settings, columns_as_stages, now)
        alerts_of = {one.alert.alert_id: one.alert for one in history}
        return {name for one in acting(told) for name in fingerprints(alerts_of[one])}

    assert act([*alerts, again]) == act(alerts)
