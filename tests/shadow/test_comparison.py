"""What is said of two models' scores: how far apart, where most, and never from a broken table."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.gate.comparison import ScoredModel
from retouch.gate.holdout import HoldoutDays
from retouch.gate.shadow import compare_shadow, default_tolerance
from retouch.gate.shadow_model import Shadow
from tests.shadow.conftest import (
    AT,
    compare,
    make_policy,
    make_scores,
    where_central,
)


def test_the_sentence_has_the_rows_the_days_how_far_and_where_most(shadowed):
    found = shadowed(where_central(-9.2))
    assert found.outcome == "compared"
    assert found.message == (
        "On 240 rows of 2013-07-01 to 2013-07-08 the candidate differs from production by 4.60"
        " minutes on average; by more than 1.00 minutes on 50 % of rows; most where region ="
        " central (−9.20 minutes)."
    )


def test_every_number_is_there_to_be_checked(shadowed):
    found = shadowed(where_central(-9.2))
    central = found.slices[0]
    assert (central.where, central.rows, central.days) == ("region = central", 120, 8)
    scores = make_scores().query("region == 'central'")["score"]
    assert central.production.mean == pytest.approx(scores.mean())
    assert central.production.low == pytest.approx(scores.quantile(0.1))
    assert central.candidate.high == pytest.approx(scores.quantile(0.9) - 9.2)
    assert central.mean == pytest.approx(-9.2)
    assert central.lower == pytest.approx(-9.2) and central.upper == pytest.approx(-9.2)
    assert (central.difference, central.differing) == (pytest.approx(9.2), 1.0)
    assert found.overall.rows == 240
    assert found.overall.differing == 0.5
    assert found.largest == pytest.approx(9.2)
    assert [day.rows for day in found.days] == [30] * 8
    assert found.days[0].day == "2013-07-01"
    assert found.days[0].candidate - found.days[0].production == pytest.approx(-4.6)


def test_slices_are_in_the_order_of_what_moved_most_and_small_ones_are_counted():
    old, new = make_scores(), make_scores()
    new.loc[new["carrier"] == "B6", "score"] += 3
    new.loc[new["region"] == "east", "score"] -= 7
    found = compare(old, new, policy=make_policy(min_rows=90))
    assert [shift.where for shift in found.slices] == ["region = east", "region = central"]
    assert found.too_small == 3, "each carrier has 80 rows"
    moved = [abs(shift.mean) for shift in compare(old, new).slices]
    assert moved == sorted(moved, reverse=True) and len(moved) == 5


def test_bounds_are_by_days_and_not_by_rows():
    """All rows of a day move alike: eight days tell eight things, not 240."""
    of_the_day = np.repeat(np.random.default_rng(3).normal(0, 2, 8), 30)
    overall = compare(make_scores(), make_scores(of_the_day)).overall
    half = (overall.upper - overall.lower) / 2
    assert half > 5 * of_the_day.std() / math.sqrt(240)
    one_day = compare(
        make_scores(days=1), make_scores(2.0, days=1), days=HoldoutDays("2013-07-01", "2013-07-02")
    )
    assert one_day.outcome == "compared"
    assert (one_day.overall.lower, one_day.overall.upper) == (None, None)
    assert "On 30 rows of 2013-07-01 the candidate" in one_day.message


def test_one_row_is_enough_to_say_how_far_apart():
    days = HoldoutDays("2013-07-01", "2013-07-02")
    old, new = make_scores(days=1, rows=1), make_scores(4.0, days=1, rows=1)
    found = compare(old, new, days=days)
    assert found.message == (
        "On 1 row of 2013-07-01 the candidate differs from production by 4.00 minutes on average;"
        " by more than 1.00 minutes on every row."
    )
    assert found.slices == () and found.too_small == 2


@pytest.mark.parametrize(
    ("shift", "tolerance", "message"),
    [
        (0.0, None, "the candidate's scores equal production's exactly."),
        (0.5, None, "by 0.50 minutes on average; nowhere by more than 1.00 minutes"),
        (0.001, None, "by less than 0.01 minutes on average; nowhere"),
        (2.0, None, "by 2.00 minutes on average; by more than 1.00 minutes on every row"),
        (2.0, 0.0, "by 2.00 minutes on average; they differ on every row"),
        (2.0, 1.2345678, "by more than 1.235 minutes on every row"),
        (12345.678, 1000.0, "by 12,345.68 minutes on average; by more than 1,000.00 minutes"),
        (1e-9, 1e-12, "by less than 0.000001 minutes on average; by more than 1e-12 minutes on"),
    ],
)
def test_the_sentence_fits_what_was_found(shadowed, shift, tolerance, message):
    found = shadowed(shift, tolerance=tolerance)
    assert message in found.message
    assert "−<" not in found.message


def test_a_share_is_none_or_all_only_when_it_is():
    old = make_scores(days=8, rows=300)
    few, most = old.copy(), old.copy()
    few.loc[:1, "score"] += 5
    most.loc[1:, "score"] += 5
    assert "on 0.083 % of rows" in compare(old, few).message
    assert "on more than 99 % of rows" in compare(old, most).message


def test_the_tolerance_is_the_slice_margin_in_the_unit_of_the_scores():
    limits = {"slice_margin": 4.0}
    assert default_tolerance(make_policy(**limits).limits) == 4.0
    assert default_tolerance(make_policy(loss="squared_error", **limits).limits) == 2.0
    for loss in ("log_loss", "brier", "auc"):
        assert default_tolerance(make_policy(loss=loss, **limits).limits) == 0.05


def test_probabilities_have_no_unit_and_stay_between_zero_and_one():
    policy = make_policy(loss="brier", unit="minutes", overall_margin=0.01, slice_margin=0.02)
    old, new = (make_scores().assign(score=np.linspace(0, 1, 240) * by) for by in (1.0, 0.8))
    found = compare(old, new, policy=policy)
    assert "by 0.100 on average; by more than 0.050 on 75 % of rows" in found.message
    new.loc[7, "score"] = 1.01
    broken = compare(old, new, policy=policy)
    assert broken.outcome == "invalid"
    assert "whose score is not a probability" in broken.message and "'00-007'" in broken.message


def test_labels_that_have_come_after_all_are_not_read():
    old, new = make_scores(), make_scores(2.0)
    with_labels = new.assign(label=["nonsense", None] * 120)
    assert compare(old, with_labels) == compare(old, new)


def put(column, value):
    """Return a way to put a value into the fourth row."""

    def into(table):
        table[column] = table[column].astype(object).where(table.index != 3, value)
        return table

    return into


BREAKS = {
    "the id of another row": (put("id", "00-004"), "whose id occurs more than once"),
    "no number": (put("score", np.nan), "whose score is not a finite number"),
    "infinite": (put("score", np.inf), "whose score is not a finite number"),
    "huge": (put("score", 1e200), "cannot be computed for 1 row"),
    "text": (put("score", "many"), "whose score is not a finite number"),
    "a day too late": (
        put("day", "2013-07-09"),
        "outside the requested days, 2013-07-01 to 2013-07-09 (exclusive)",
    ),
    "no day": (put("day", "soon"), "whose day cannot be read"),
    "constant": (
        lambda table: table.assign(score=7.0),
        "the same score, 7, in all of its 240 rows",
    ),
    "another slice": (put("region", "west"), "disagree on the region of 1 row"),
    "no scores": (lambda table: table.drop(columns="score"), "has no column 'score'"),
    "mixed up": (
        lambda table: table.assign(score=make_scores(2.0)["score"].to_numpy()[::-1]),
        "permuted rows",
    ),
    "cut off": (lambda table: table.head(200), "lacks 40 rows"),
    "empty": (lambda table: table.head(0), "has no rows"),
}


@pytest.mark.parametrize("whose", [0, 1], ids=["production", "candidate"])
@pytest.mark.parametrize(("broken", "message"), BREAKS.values(), ids=BREAKS)
def test_a_broken_table_gives_a_reason_and_no_numbers(whose, broken, message):
    other = 2.0 if message == "permuted rows" else 0.0
    tables = [make_scores(2.0), make_scores(2.0)]
    tables[1 - whose] = make_scores(other)
    tables[whose] = broken(tables[whose])
    found = compare(*tables)
    assert found.outcome == "invalid"
    assert message in found.message
    assert "hold-out" not in found.message
    assert (found.overall, found.largest, found.days, found.slices) == (None, None, (), ())


def test_a_model_that_was_not_scored_is_invalid():
    assert compare(make_scores(), None).message == "The candidate was not scored."


def test_days_without_a_row_are_invalid_unless_the_policy_expects_them():
    days = HoldoutDays("2013-06-30", "2013-07-09")
    old, new = make_scores(), make_scores(2.0)
    found = compare(old, new, days=days)
    assert found.outcome == "invalid"
    assert "lack 1 day from 2013-06-30 to 2013-07-09" in found.message
    assert "the first is 2013-06-30" in found.message
    policy = make_policy(holdout={"every_day": False})
    assert compare(old, new, days=days, policy=policy).outcome == "compared"


def test_slice_columns_that_are_not_there_are_named_and_rows_without_a_value_are_a_slice():
    old, new = (make_scores(by).drop(columns="carrier") for by in (0, 2.0))
    for table in (old, new):
        table.loc[table["region"] == "east", "region"] = None
    found = compare(old, new)
    assert found.not_in_table == ("carrier",)
    assert {shift.where for shift in found.slices} == {"region = central", "region = (missing)"}


def test_a_slice_may_be_called_anything():
    name = 'x | <b>\n"@all" {0} 🚲'
    old, new = (make_scores(by).assign(region=name) for by in (0, 2.0))
    found = compare(old, new)
    assert name in found.message
    assert Shadow.model_validate_json(found.to_json()) == found


shifts = st.lists(st.floats(-1e6, 1e6), min_size=48, max_size=48)


@settings(deadline=None)
@given(shifts=shifts, tolerance=st.one_of(st.none(), st.floats(0, 1e6)))
def test_the_numbers_agree_with_one_another(shifts, tolerance):
    old, new = make_scores(rows=6), make_scores(np.array(shifts), rows=6)
    found = compare(old, new, policy=make_policy(min_rows=1), tolerance=tolerance)
    if found.outcome == "invalid":  # by chance, one score for all
        return
    apart = np.abs(new["score"] - old["score"])
    assert found.overall.difference == pytest.approx(apart.mean())
    assert found.largest == apart.max()
    assert found.overall.differing == pytest.approx((apart > found.tolerance).mean())
    assert abs(found.overall.mean) <= found.overall.difference + 1e-6
    regions = [shift for shift in found.slices if shift.where.startswith("region")]
    assert sum(shift.rows for shift in regions) == found.overall.rows == 48
    for parts in (regions, found.days):
        means = [part.difference * part.rows for part in parts]
        assert sum(means) == pytest.approx(found.overall.difference * 48, abs=1e-6)
    for shift in (found.overall, *found.slices):
        assert shift.lower <= shift.mean <= shift.upper
        assert shift.mean == pytest.approx(shift.candidate.mean - shift.production.mean, abs=1e-6)
        assert shift.production.low <= shift.production.median <= shift.production.high


@settings(deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter_and_turning_sides_turns_the_sign(seed):
    old, new = make_scores(rows=9), make_scores(where_central(3.0), rows=9, seed=2)
    mixed = new.sample(frac=1, random_state=seed)
    there, back = compare(old, mixed), compare(mixed, old)
    assert there == compare(old, new)
    assert there.message.split(";")[:2] == back.message.split(";")[:2]
    assert there.overall.mean == -back.overall.mean
    assert (there.overall.lower, there.overall.upper) == (-back.overall.upper, -back.overall.lower)


@settings(deadline=None)
@given(table=st.lists(st.tuples(st.text(), st.floats(), st.text()), max_size=5))
def test_nothing_that_is_wrong_with_a_table_raises(table):
    frame = pd.DataFrame(table, columns=["id", "score", "day"]).assign(time="", region="a")
    found = compare_shadow(
        *(ScoredModel(model, None, frame) for model in ("old", "new")),
        days=HoldoutDays("2013-07-01", "2013-07-09"),
        policy=make_policy(),
        at=AT,
    )
    assert found.outcome == "invalid" and found.message
