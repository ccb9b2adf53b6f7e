"""The verdict on a candidate, outcome by outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retouch.documents import digest_of
from retouch.gate.model import DayLoss


def results(judgement):
    return {check.name: check.result for check in judgement.checks}


def only(part, table, error):
    """Return the table with another error (score - label) in some of its rows."""
    return table.assign(score=table["score"].where(~part, table["label"] + error))


# --- promote -------------------------------------------------------------------------------------


def test_a_candidate_that_mends_the_alerted_slice_is_promoted(judged, noise, central):
    judgement = judged(noise(1), noise(2) - 10, alerted=central)
    assert judgement.outcome == "promote"
    assert results(judgement) == {
        "overall": "pass",
        "alerted slice": "pass",
        "origin = EWR": "pass",
        "origin = JFK": "pass",
        "origin = LGA": "pass",
    }
    assert judgement.message == judgement.checks[1].message
    assert judgement.message == (
        "Mean absolute error on region = central falls from 49.73 to 39.97 minutes"
        " (gain 9.76, at least 9.15 with 95 % confidence)."
    )


def test_each_question_has_its_own_limit(judged, noise, central):
    asked = [(c.name, c.criterion, c.limit) for c in judged(noise(1), 40.0, alerted=central).checks]
    assert asked[:3] == [
        ("overall", "not_worse", -0.3),
        ("alerted slice", "improve", 0.0),
        ("origin = EWR", "not_worse", -1.0),
    ]
    repair = judged(noise(1), 40.0, alerted=central, must="not_get_worse")
    assert (repair.checks[1].criterion, repair.checks[1].limit) == ("not_worse", -1.0)


def test_a_check_holds_what_it_was_decided_by(judged, scores, central):
    check = judged(scores(5.0), scores(3.0), alerted=central).checks[1]
    assert (check.rows, check.days, check.required) == (14 * 15, 14, True)
    assert (check.production, check.candidate, check.gain) == pytest.approx((5.0, 3.0, 2.0))
    assert (check.gain_lower, check.gain_upper) == pytest.approx((2.0, 2.0))
    assert check.detectable == pytest.approx(0.0, abs=1e-9)


def test_squared_error_is_judged_when_the_policy_says_so(judged, policy):
    judgement = judged(5.0, 3.0, policy=policy(loss="squared_error"))
    assert judgement.checks[0].gain == pytest.approx(25 - 9)
    assert judgement.message.startswith("Mean squared error on all rows falls from 25.00 to 9.00")


def test_the_bounds_have_the_confidence_the_policy_asks_for(judged, noise, policy):
    usual, strict = (
        judged(noise(1), noise(2), policy=policy(confidence=c)).checks[0] for c in (0.95, 0.99)
    )
    assert strict.gain_lower < usual.gain_lower < usual.gain_upper < strict.gain_upper


def test_a_repair_may_leave_the_slice_a_little_worse_but_not_more(judged, central):
    assert judged(5.0, 5.2, alerted=central, must="not_get_worse").outcome == "promote"
    assert judged(5.0, 5.2, alerted=central, must="improve").outcome == "reject"
    assert judged(5.0, 5.4, alerted=central, must="not_get_worse").outcome == "reject"


def test_without_an_alerted_slice_all_rows_must_improve(judged):
    assert judged(5.0, 4.9).outcome == "promote"
    worse = judged(5.0, 5.1)
    assert worse.outcome == "reject"
    assert (worse.checks[0].name, worse.checks[0].criterion) == ("overall", "improve")
    assert judged(5.0, 5.1, must="not_get_worse").outcome == "promote"


# --- reject --------------------------------------------------------------------------------------


def test_a_slice_made_better_does_not_pay_for_harm_overall(judged, scores, central):
    old = scores(5.0)
    new = only(old["region"] == "east", scores(4.0), error=7.0)
    judgement = judged(old, new, alerted=central)
    assert judgement.outcome == "reject"
    assert results(judgement)["alerted slice"] == "pass"
    assert judgement.message == judgement.checks[0].message


def test_the_rest_made_better_does_not_pay_for_an_alerted_slice_that_is_not(
    judged, scores, central
):
    old = scores(5.0)
    new = only(old["region"] == "east", old, error=1.0)
    judgement = judged(old, new, alerted=central)
    assert judgement.outcome == "reject"
    assert results(judgement)["overall"] == "pass"
    assert "superiority is not shown" in judgement.message


def test_harm_to_one_required_slice_blocks(judged, scores, central):
    old = scores(5.0)
    new = only(old["origin"] == "JFK", scores(3.0), error=6.5)
    judgement = judged(old, new, alerted=central)
    assert judgement.outcome == "reject"
    failed = [name for name, result in results(judgement).items() if result != "pass"]
    assert failed == ["origin = JFK"]
    assert judgement.message.startswith(
        "Mean absolute error on origin = JFK rises from 5.00 to 6.50"
    )


def test_rows_without_a_value_are_a_required_slice_too(judged, scores):
    old, new = (
        t.assign(origin=t["origin"].replace("JFK", None)) for t in (scores(5.0), scores(3.0))
    )
    judgement = judged(old, only(old["origin"].isna(), new, error=6.5))
    assert judgement.outcome == "reject"
    assert results(judgement)["origin = (missing)"] == "fail"


def test_a_model_that_scores_every_row_alike_does_not_improve(judged, noise, central):
    judgement = judged(noise(1), noise(1), alerted=central, must="improve")
    assert judgement.outcome == "reject"
    assert judgement.checks[1].gain_lower == 0.0


# --- not enough data -----------------------------------------------------------------------------


def test_too_few_days_are_not_enough_however_large_the_gain(judged, scores):
    nine, ten = (judged(scores(9.0, days=n), scores(1.0, days=n)) for n in (9, 10))
    assert (nine.outcome, ten.outcome) == ("not_enough_data", "promote")
    assert nine.message == (
        "Not enough data on all rows: 270 rows on 9 days, where 100 rows on 10 days are needed."
    )


def test_too_few_rows_are_not_enough_however_large_the_gain(judged, scores, policy):
    tables = scores(9.0, days=10, rows=10), scores(1.0, days=10, rows=10)
    relaxed = policy(required_slices=())
    assert judged(*tables, policy=relaxed).outcome == "promote"
    strict = policy(required_slices=(), min_rows=101)
    assert judged(*tables, policy=strict).outcome == "not_enough_data"


def test_harm_cannot_be_ruled_out_on_a_noisy_holdout(judged, noise):
    judgement = judged(noise(1), noise(2), must="not_get_worse")
    assert judgement.checks[0].detectable > 0.3
    assert judgement.outcome == "not_enough_data"


def test_a_required_slice_with_few_rows_is_shown_and_does_not_block(judged, scores, policy):
    old, new = (
        t.assign(origin=np.where(np.arange(len(t)) % 10 == 0, "HPN", "EWR"))
        for t in (scores(5.0), scores(3.0))
    )
    judgement = judged(old, new)
    rare = judgement.checks[1:][1]
    assert (rare.name, rare.rows, rare.result) == ("origin = HPN", 42, "not_enough_data")
    assert not rare.required
    assert rare.gain == pytest.approx(2.0)
    assert judgement.outcome == "promote"
    assert judged(old, new, policy=policy(min_rows=42)).checks[2].required


def test_a_required_slice_seen_on_few_days_is_shown_and_does_not_block(judged, scores):
    old, new = (
        t.assign(origin=np.where(t["day"] <= "2013-11-09", "HPN", "EWR"))
        for t in (scores(5.0), scores(3.0))
    )
    judgement = judged(old, new)
    rare = judgement.checks[2]
    assert (rare.name, rare.rows, rare.days, rare.required) == ("origin = HPN", 270, 9, False)
    assert judgement.outcome == "promote"


def test_the_alerted_slice_blocks_when_it_has_few_rows(judged, scores, alerted):
    tables = [
        t.assign(origin=np.where(np.arange(len(t)) % 10 == 0, "HPN", "EWR"))
        for t in (scores(5.0), scores(3.0))
    ]
    rare = alerted("origin = HPN", ("origin", "eq", "HPN"))
    for must in ("improve", "not_get_worse"):
        judgement = judged(*tables, alerted=rare, must=must)
        assert judgement.outcome == "not_enough_data"
        assert judgement.message == judgement.checks[1].message


def test_an_alerted_slice_without_a_row_is_never_a_pass(judged, alerted):
    judgement = judged(5.0, 3.0, alerted=alerted("region = moon", ("region", "eq", "moon")))
    assert judgement.outcome == "not_enough_data"
    assert judgement.message.startswith("Not enough data on region = moon: 0 rows on 0 days")
    assert judgement.checks[1].production is None
    assert judgement.days == ()


def test_a_shown_failure_weighs_more_than_a_missing_answer(judged, scores, alerted):
    moon = alerted("region = moon", ("region", "eq", "moon"))
    assert judged(5.0, 7.0, alerted=moon).outcome == "reject"


# --- equivalent ----------------------------------------------------------------------------------


def test_the_model_in_production_is_not_judged_against_itself(judged):
    judgement = judged(None, None, hashes=("md5:one", "md5:one"), seen=(None, None))
    assert judgement.outcome == "equivalent"
    assert judgement.checks == ()
    assert judgement.message == (
        "The candidate is the model in production, byte for byte: nothing to promote."
    )


def test_a_repair_that_changes_no_score_is_equivalent(judged, noise, central):
    judgement = judged(noise(1), noise(1), alerted=central, must="not_get_worse")
    assert judgement.outcome == "equivalent"
    assert judgement.message == (
        "The candidate scores all 420 rows on 14 days exactly as the model in production does:"
        " nothing to promote."
    )
    assert len(judgement.checks) == 5


def test_a_repair_that_changes_an_interval_alone_is_judged(judged, scores, policy):
    old = scores(5.0).assign(lower=0.0, upper=300.0)
    ends = policy(score={"lower": "lower", "upper": "upper"})
    for new, outcome in ((old, "equivalent"), (old.assign(upper=299.0), "promote")):
        assert judged(old, new, policy=ends, must="not_get_worse").outcome == outcome


def test_an_alerted_column_the_models_fill_in_themselves_chooses_no_rows(judged, alerted):
    long = alerted("score > 120", ("score", "gt", 120.0))
    judgement = judged(5.0, 3.0, alerted=long)
    assert judgement.outcome == "promote"
    assert "the score table has no usable column for score > 120" in judgement.message


def test_a_repair_that_changes_one_score_is_judged(judged, scores):
    old = scores(5.0)
    new = old.assign(score=old["score"].where(old["id"] != "03-007", old["label"] + 4.9))
    assert judged(old, new, must="not_get_worse").outcome == "promote"


# --- invalid -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [("2013-11-02", "2013-11-01"), ("2013-11-01", "2013-11-02")])
def test_a_holdout_either_model_has_seen_is_invalid(judged, seen):
    judgement = judged(5.0, 3.0, seen=seen)
    assert judgement.outcome == "invalid"
    assert "reaches up to 2013-11-02" in judgement.message


def test_both_models_may_have_seen_everything_before_the_holdout(judged):
    assert judged(5.0, 3.0, seen=("2013-11-01", "2013-11-01")).outcome == "promote"


@pytest.mark.parametrize("side", [0, 1])
def test_a_model_that_was_not_scored_is_invalid(judged, scores, side):
    tables = [scores(5.0), scores(3.0)]
    tables[side] = None
    judgement = judged(*tables)
    assert judgement.outcome == "invalid"
    assert judgement.message.endswith(" was not scored.")


def test_tables_that_cannot_be_paired_are_invalid_and_nothing_else_is_said(judged, scores):
    judgement = judged(scores(5.0), scores(3.0).iloc[:-1])
    assert judgement.outcome == "invalid"
    assert "lacks 1 row" in judgement.message
    assert (judgement.checks, judgement.holdout, judgement.days) == ((), None, ())


def test_a_score_table_without_a_required_slice_is_invalid(judged, policy):
    judgement = judged(5.0, 3.0, policy=policy(required_slices=("carrier",)))
    assert judgement.outcome == "invalid"
    assert "has no column 'carrier'" in judgement.message


# --- what the alert's predicates can be applied to -----------------------------------------------


def test_a_predicate_the_table_cannot_tell_widens_the_slice_and_is_named(judged, scores, alerted):
    old = scores(5.0)
    new = only(old["region"] == "east", scores(4.0), error=5.0)
    hot = alerted("hot and central", ("region", "eq", "central"), ("temp", "gt", 30))
    judgement = judged(old, new, alerted=hot)
    assert judgement.outcome == "promote"
    assert judgement.checks[1].rows == 14 * 15
    assert judgement.message == (
        "Mean absolute error on region = central falls from 5.00 to 4.00 minutes (gain 1.00,"
        " at least 1.00 with 95 % confidence); the score table has no usable column for"
        " temp > 30, so more than the alerted slice is judged."
    )


def test_where_no_predicate_can_be_applied_all_rows_are_judged(judged, alerted):
    judgement = judged(5.0, 4.0, alerted=alerted("hot", ("temp", "gt", 30), ("dewp", "lt", 3)))
    assert judgement.checks[1].rows == 14 * 30
    assert judgement.message.startswith("Mean absolute error on all rows falls from 5.00 to 4.00")
    assert "usable column for temp > 30 and dewp < 3, so more" in judgement.message


def test_an_alert_without_predicates_speaks_of_all_rows(judged, alerted):
    judgement = judged(5.0, 4.0, alerted=alerted("weather"))
    assert judgement.checks[1].rows == 14 * 30
    assert judgement.message.endswith("; the alert is about all rows.")


# --- evidence ------------------------------------------------------------------------------------


def test_the_holdout_is_named_by_its_ids_and_labels_alone(judged, scores):
    old, new = scores(5.0), scores(3.0)
    used = judged(old, new).holdout
    assert used.digest == digest_of([[i, x] for i, x in zip(old["id"], old["label"], strict=True)])
    assert judged(old.iloc[::-1], scores(4.0)).holdout.digest == used.digest
    other = [t.assign(label=t["label"].where(t["id"] != "00-000", 99.0)) for t in (old, new)]
    assert judged(*other).holdout.digest != used.digest


def test_the_holdout_says_what_it_was(judged):
    used = judged(5.0, 3.0, seen=("2013-09-01", "2013-10-15")).holdout
    assert (used.start, used.end, used.rows, used.days) == ("2013-11-01", "2013-11-15", 420, 14)
    assert (used.production_seen_until, used.candidate_seen_until) == ("2013-09-01", "2013-10-15")


def test_daily_losses_are_those_of_the_alerted_slice(judged, scores, central):
    old = scores(5.0)
    new = only(old["region"] == "east", scores(4.0), error=1.0)
    days = judged(old, new, alerted=central).days
    assert len(days) == 14
    first = DayLoss(day="2013-11-01", rows=15, production=5.0, candidate=4.0)
    assert days[0].model_dump() == pytest.approx(first.model_dump())
    assert [day.day for day in days] == sorted(day.day for day in days)
    assert judged(old, new).days[0].rows == 30
    assert judged(old, new).days[0].candidate == pytest.approx(2.5)


def test_a_judgement_names_its_tier_and_both_models(judged):
    for hashes, tables in ((("a", "b"), (5.0, 3.0)), (("a", "a"), (None, None))):
        judgement = judged(*tables, hashes=hashes)
        assert judgement.tier == "refit"
        assert (judgement.production_model, judgement.candidate_model) == hashes


def test_ids_may_be_numbers(judged, scores):
    tables = [t.assign(id=range(len(t))) for t in (scores(5.0), scores(3.0))]
    assert judged(*tables).outcome == "promote"


def test_a_table_read_from_csv_is_judged_as_the_one_from_parquet(judged, scores):
    typed = [t.assign(day=pd.to_datetime(t["day"]).dt.date) for t in (scores(5.0), scores(3.0))]
    text = [t.assign(time=t["time"].astype(str)) for t in (scores(5.0), scores(3.0))]
    assert judged(*typed) == judged(*text)


# --- several alerts ------------------------------------------------------------------------------


def test_each_slice_of_a_group_of_alerts_must_improve_by_itself(judged, noise, central, alerted):
    jfk = alerted("origin = JFK", ("origin", "eq", "JFK"))
    better = noise(1) - 5
    better[:, 1::3] += 5  # origins take turns row by row: JFK stays as it was
    judgement = judged(noise(1), better, alerted=central, also_alerted=(jfk,))
    assert results(judgement)["alerted slice"] == "pass"
    assert results(judgement)["also alerted: origin = JFK"] != "pass"
    assert judgement.outcome != "promote"


def test_a_group_of_alerts_is_answered_when_all_its_slices_improve(judged, noise, central, alerted):
    jfk = alerted("origin = JFK", ("origin", "eq", "JFK"))
    judgement = judged(noise(1), noise(1) - 5, alerted=central, also_alerted=(jfk,))
    assert results(judgement)["also alerted: origin = JFK"] == "pass"
    assert judgement.outcome == "promote"
