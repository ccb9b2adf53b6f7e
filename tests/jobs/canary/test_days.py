"""From two score tables to the days that count, and whose fault it is when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from retouch.gate.canary import canary_days
from retouch.gate.holdout import HoldoutDays
from tests.shadow.conftest import DAYS, make_policy, make_scores


def labelled(shift=0.0, **options):
    table = make_scores(**options)
    table["label"] = table["score"]
    table["score"] += shift
    return table


def compared(production, candidate, *, span=DAYS, **policy):
    return canary_days(production, candidate, span=span, policy=make_policy(**policy))


def test_each_day_has_the_mean_loss_of_both_models_over_the_same_rows():
    found = compared(labelled(3.0), labelled(-1.0))
    assert [day.day for day in found.days] == [f"2013-07-0{n}" for n in range(1, 9)]
    assert {day.rows for day in found.days} == {30}
    assert np.allclose([day.production for day in found.days], 3.0)
    assert np.allclose([day.candidate for day in found.days], 1.0)
    assert (found.invalid, found.note) == (None, "")


def test_the_order_of_the_rows_does_not_matter():
    mixed = labelled(-1.0).sample(frac=1, random_state=3)
    assert compared(labelled(3.0), mixed) == compared(labelled(3.0), labelled(-1.0))


def spoilt(table, how):
    return how(table.copy())


def without_row(table):
    return table.iloc[1:]


def without_score(table):
    return table.drop(columns="score")


def missing_score(table):
    table.loc[3, "score"] = np.nan
    return table


def all_alike(table):
    return table.assign(score=7.0)


def no_rows(table):
    return table.iloc[:0]


def row_twice(table):
    return table.iloc[[0, *range(len(table))]]


FAULTS = [without_row, without_score, missing_score, all_alike, no_rows, row_twice]


@pytest.mark.parametrize("how", FAULTS)
def test_scores_of_the_candidate_that_cannot_be_used_are_its_own_fault(how):
    found = compared(labelled(3.0), spoilt(labelled(1.0), how))
    assert found.days == ()
    assert "the candidate" in found.invalid
    assert "hold-out" not in found.invalid


@pytest.mark.parametrize("how", FAULTS)
def test_scores_of_production_that_cannot_be_used_say_nothing_against_the_candidate(how):
    found = compared(spoilt(labelled(3.0), how), labelled(1.0))
    assert (found.days, found.invalid) == ((), None)
    assert "the model in production" in found.note


@pytest.mark.parametrize("how", FAULTS)
def test_where_both_are_at_fault_nothing_is_held_against_the_candidate(how):
    found = compared(spoilt(labelled(3.0), how), spoilt(labelled(1.0), how))
    assert found.invalid is None
    assert how is without_row or found.note


def test_labels_on_which_the_two_disagree_are_nobodys_fault():
    other = labelled(1.0)
    other["label"] += 5
    found = compared(labelled(3.0), other)
    assert (found.days, found.invalid) == ((), None)
    assert "disagree on the label" in found.note


def test_days_after_one_without_rows_wait_for_it():
    tables = [labelled(shift) for shift in (3.0, 1.0)]
    found = compared(*(table[table["day"] != "2013-07-04"] for table in tables))
    assert [day.day[-2:] for day in found.days] == ["01", "02", "03"]
    assert found.note == "2013-07-04 has no rows; later days wait for it."
    lenient = compared(
        *(table[table["day"] != "2013-07-04"] for table in tables), holdout={"every_day": False}
    )
    assert len(lenient.days) == 7


def test_rows_of_days_that_were_not_asked_for_are_no_scores():
    short = HoldoutDays("2013-07-01", "2013-07-03")
    found = compared(labelled(3.0), labelled(1.0), span=short)
    assert found.days == () and "outside the requested days" in found.note


def test_a_day_with_too_few_of_one_class_counts_for_nothing():
    chance = np.random.default_rng(4)
    tables = []
    for noise in (0.4, 0.1):
        table = make_scores()
        table["label"] = (np.arange(len(table)) % 2).astype(float)
        table.loc[table["day"] == "2013-07-02", "label"] = 0.0
        table["score"] = np.clip(
            0.5 + 0.3 * (table["label"] - 0.5) + chance.normal(0, noise, len(table)), 0.01, 0.99
        )
        tables.append(table)
    found = compared(*tables, loss="auc")
    assert len(found.days) == 7 and "2013-07-02" not in [day.day for day in found.days]
    assert found.note == "1 day was skipped: too few rows of one class."
    assert all(day.candidate < day.production for day in found.days)
