"""Watched slices: harm that chance does not explain stops a promotion."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from retouch.gate.checks import holm


@pytest.fixture(scope="module")
def watching(policy):
    return policy(required_slices=(), watched_slices=("region",))


def checks(judgement, family):
    return [check for check in judgement.checks if check.family == family]


def worse_in(scores, region, error, *, elsewhere=3.0):
    table = scores(elsewhere)
    return table.assign(
        score=table["score"].where(table["region"] != region, table["label"] + error)
    )


def test_every_value_of_a_watched_column_gets_an_alarm(judged, noise, watching):
    alarms = checks(judged(noise(1), noise(2) - 10, policy=watching), "harm_alarm")
    assert [a.name for a in alarms] == ["region = central", "region = east"]
    assert [(a.criterion, a.limit, a.result, a.required) for a in alarms] == [
        ("not_worse", -1.0, "pass", True)
    ] * 2


def test_harm_beyond_the_margin_raises_the_alarm_and_rejects(judged, noise, watching, scores):
    old, new = scores(noise(1)), scores(noise(2) - 10)
    harmed = new.assign(score=new["score"] + 16 * (new["region"] == "east"))
    judgement = judged(old, harmed, policy=watching)
    alarm = checks(judgement, "harm_alarm")[1]
    assert judgement.outcome == "reject"
    assert judgement.checks[0].result == "pass"
    assert alarm.result == "fail"
    assert judgement.message == alarm.message
    assert alarm.message.startswith("Mean absolute error on region = east rises from 49.93 to ")
    assert alarm.message.endswith(
        "; the limit is -1.00): significant harm, p < 0.001 after Holm correction for 2 slices."
    )


def test_harm_within_the_margin_raises_no_alarm(judged, scores, watching):
    judgement = judged(scores(5.0), worse_in(scores, "east", 5.9), policy=watching)
    alarm = checks(judgement, "harm_alarm")[1]
    assert (alarm.result, alarm.p_value, judgement.outcome) == ("pass", 1.0, "promote")
    assert alarm.message.endswith(
        "(gain -0.90; the limit is -1.00): no significant harm beyond the limit."
    )


def test_harm_that_chance_may_explain_raises_no_alarm(judged, noise, watching):
    judgement = judged(noise(1), noise(2) + 1.2, must="not_get_worse", policy=watching)
    for alarm in checks(judgement, "harm_alarm"):
        assert alarm.result == "pass"
        assert alarm.p_adjusted > 0.05


def test_alarms_are_corrected_for_their_number_by_holm(judged, noise, scores, policy):
    watching = policy(required_slices=(), watched_slices=("origin", "region"))
    alarms = checks(judged(noise(1), noise(2) + 1.5, policy=watching), "harm_alarm")
    assert len(alarms) == 5
    assert [a.p_adjusted for a in alarms] == pytest.approx(holm([a.p_value for a in alarms]))


def test_a_later_candidate_is_not_less_likely_to_raise_an_alarm(
    judged, noise, watching, holdout_use
):
    first, last = (
        checks(
            judged(noise(1), noise(2) + 1.5, policy=watching, holdout_use=holdout_use(n, 10)),
            "harm_alarm",
        )
        for n in (1, 10)
    )
    assert [a.p_adjusted for a in first] == [a.p_adjusted for a in last]
    assert [a.result for a in first] == [a.result for a in last]


def test_a_required_slice_is_not_watched_as_well(judged, noise, policy):
    both = policy(required_slices=("origin",), watched_slices=("origin", "region"))
    names = [check.name for check in judged(noise(1), noise(2), policy=both).checks]
    assert len(names) == len(set(names)) == 1 + 3 + 2


def test_a_watched_slice_with_few_rows_is_shown_and_stops_nothing(judged, scores, watching):
    tables = [
        t.assign(region=np.where(np.arange(len(t)) % 10 == 0, "rare", "usual"))
        for t in (scores(5.0), scores(3.0))
    ]
    tables[1]["score"] += 8 * (tables[1]["region"] == "rare")
    judgement = judged(*tables, policy=watching)
    rare = checks(judgement, "harm_alarm")[0]
    assert (rare.name, rare.rows, rare.result) == ("region = rare", 42, "not_enough_data")
    assert not rare.required
    assert (rare.p_value, rare.p_adjusted) == (None, None)
    assert judgement.outcome == "promote"


def test_of_a_column_with_many_values_those_with_few_rows_are_not_shown(judged, scores, watching):
    tables = [
        t.assign(region=np.where(np.arange(len(t)) < 300, "usual", t["id"]))
        for t in (scores(5.0), scores(3.0))
    ]
    alarms = checks(judged(*tables, policy=watching), "harm_alarm")
    assert [(a.name, a.rows) for a in alarms] == [("region = usual", 300)]


def test_a_watched_column_must_be_there(judged, policy):
    judgement = judged(5.0, 3.0, policy=policy(watched_slices=("altitude",)))
    assert judgement.outcome == "invalid"
    assert "has no column 'altitude'" in judgement.message


def test_q_values_are_shown_for_slices_and_for_nothing_else(judged, noise, central, policy):
    both = policy(watched_slices=("region",))
    judgement = judged(noise(1), noise(2) - 1, alerted=central, policy=both)
    shown = {check.name: check.q_value for check in judgement.checks}
    assert shown["overall"] is shown["alerted slice"] is None
    slices = [check for check in judgement.checks if check.q_value is not None]
    assert len(slices) == 5
    assert all(0 <= check.q_value <= 1 for check in slices)


def test_q_values_are_two_sided_against_no_change(judged, noise, policy):
    judgement = judged(
        noise(1), noise(2) - 1, policy=policy(overall_margin=1e-9, slice_margin=1e-9)
    )
    slices = judgement.checks[1:]  # With next to no margin their p-values ask for a gain of 0.
    two_sided = [2 * min(c.p_value, 1 - c.p_value) for c in slices]
    found = [c.q_value for c in slices]
    assert found == pytest.approx(false_discovery_control(two_sided), rel=1e-6)


def test_the_chance_of_a_check_agrees_with_its_bound(judged, noise):
    for seed in range(6):
        for check in judged(noise(seed), noise(seed + 50) - 0.5).checks:
            assert (check.p_value < 0.05) == (check.gain_lower > check.limit)


def test_a_harmless_model_raises_an_alarm_no_more_often_than_promised(judged, noise, policy):
    watching = policy(required_slices=(), watched_slices=("origin", "region"), slice_margin=1e-9)
    runs = 120
    raised = 0
    for run in range(runs):
        judgement = judged(noise(2 * run), noise(2 * run + 1), policy=watching)
        raised += any(a.result == "fail" for a in checks(judgement, "harm_alarm"))
    assert raised / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
