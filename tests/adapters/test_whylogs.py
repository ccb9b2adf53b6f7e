"""whylogs: drift categories, and constraints that passed or failed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    finding_of,
    imported,
    sample,
    verdicts,
)
from tests.properties import tried

GOLDEN = {
    "whylogs_drift": ("whylogs", "real/whylogs_drift_june", CONTEXT),
    "whylogs_hellinger": ("whylogs", "real/whylogs_drift_hellinger", CONTEXT),
    "whylogs_constraints": ("whylogs", "real/whylogs_constraints", CONTEXT),
}
DRIFT = sample("real/whylogs_drift_june")
CONSTRAINTS = sample("real/whylogs_constraints")
ON_P_VALUES = {"NO_DRIFT": [0.15, 1], "POSSIBLE_DRIFT": [0.05, 0.15], "DRIFT": [0, 0.05]}
ON_DISTANCES = {"NO_DRIFT": [0, 0.15], "POSSIBLE_DRIFT": [0.15, 0.4], "DRIFT": [0.4, 1]}


def score(category="DRIFT", **fields):
    return {
        "temp": {
            "algorithm": "ks",
            "pvalue": 0.01,
            "statistic": 0.6,
            "thresholds": ON_P_VALUES,
            "drift_category": category,
        }
        | fields
    }


def tuples(constraints):
    return [[c["name"], c["passed"], c["failed"], c["summary"]] for c in constraints]


@pytest.mark.parametrize(
    ("category", "verdict"),
    [
        ("NO_DRIFT", "ok"),
        ("POSSIBLE_DRIFT", "warn"),
        ("DRIFT", "breach"),
        ("DriftCategory.DRIFT", "breach"),
    ],
)
def test_the_category_is_the_verdict(category, verdict):
    assert set(verdicts(imported("whylogs", score(category))).values()) == {verdict}


def test_an_unknown_category_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"temp\.drift_category: 'MAYBE' .*NO_DRIFT"):
        imported("whylogs", score("MAYBE"))


def test_scores_without_a_category_are_refused_with_the_setting_that_gives_it():
    with pytest.raises(InputError, match=r"temp: .*with_thresholds=True"):
        imported("whylogs", score(None, thresholds=None))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (0.01, 0.05, None, "lt", 0.01)),
        ({"pvalue": None, "thresholds": ON_DISTANCES}, (0.6, None, 0.4, "ge", None)),
        ({"thresholds": None}, (0.01, None, None, "declared", 0.01)),
        ({"thresholds": {"DRIFT": [0, None]}}, (0.01, None, None, "declared", 0.01)),
    ],
)
def test_the_thresholds_say_on_which_side_drift_lies(fields, expected):
    found = finding_of(imported("whylogs", score(**fields)), "ks", "temp")

    assert (found.value, found.lower, found.upper, found.breach_when, found.p_value) == expected


def test_a_column_without_a_score_was_skipped():
    found = verdicts(imported("whylogs", score() | {"carrier": None}))

    assert found["carrier", "drift_score"] == "skipped"


@pytest.mark.parametrize("shape", [CONSTRAINTS, tuples(CONSTRAINTS), json.dumps(CONSTRAINTS)])
def test_constraints_are_read_as_objects_and_as_tuples(shape):
    (alert,) = imported("whylogs", shape)

    assert (alert.kind, set(alert.slice.columns)) == (
        "data_quality",
        {"wind_speed", "temp", "pressure"},
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("count of dep_delay lower than 5", "dep_delay"),
        ("null values of dep_delay lower than 5", "dep_delay"),
        ("null percentage of dep delay lower than 0.1", "dep delay"),
        ("dep_delay greater than number -60", "dep_delay"),
        ("dep_delay smaller than number 253", "dep_delay"),
        ("dep_delay is non negative", "dep_delay"),
        ("dep_delay is in range [0,5]", "dep_delay"),
        ("dep_delay mean between 1 and 2 (inclusive)", "dep_delay"),
        ("dep_delay standard deviation between 1 and 2 (inclusive)", "dep_delay"),
        ("dep_delay 0.9-th quantile value between 1 and 2 (inclusive)", "dep_delay"),
        ("dep_delay distinct values estimate between 1 and 2 (inclusive)", "dep_delay"),
        ("dep_delay has no missing values", "dep_delay"),
        ("dep_delay is probably unique", "dep_delay"),
        ("dep_delay is nullable fractional", "dep_delay"),
        ("dep_delay allows for types ['integral']", "dep_delay"),
        ("dep_delay types count non-zero for ['integral']", "dep_delay"),
        ("dep_delay meets condition email", "dep_delay"),
        ("dep_delay never meets condition email", "dep_delay"),
        ("dep_delay.email lower than or equal to 0", "dep_delay"),
        ("what I called it", None),
    ],
)
def test_the_name_of_a_constraint_names_its_column(name, column):
    (alert,) = imported("whylogs", [[name, 0, 1, None]])

    assert alert.findings[0].column == column


def test_a_constraint_that_neither_passed_nor_failed_is_refused():
    with pytest.raises(InputError, match=r"\[0\]: is neither passed nor failed, or both"):
        imported("whylogs", [["a", 0, 0, None]])


def test_scores_and_constraints_may_stand_under_the_usual_names():
    wrapped = imported("whylogs", {"drift_scores": DRIFT})

    assert [a.findings for a in wrapped] == [a.findings for a in imported("whylogs", DRIFT)]
    assert imported("whylogs", {"constraints": CONSTRAINTS})[0].kind == "data_quality"
    both = imported("whylogs", {"drift_scores": DRIFT, "constraints": CONSTRAINTS})
    assert [alert.kind for alert in both] == ["data_drift", "data_quality"]


def test_a_column_may_be_called_as_one_likes():
    assert verdicts(imported("whylogs", {"constraints": score()["temp"]})) == {
        ("constraints", "ks"): "breach"
    }


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this whylogs' output"),
        ([], "is this whylogs' output"),
        ({"metrics": [], "tests": []}, "is this whylogs' output"),
        ([["a", 1]], "is this whylogs' output"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported("whylogs", output)

    assert "\n" not in str(refused.value)


@given(damaged(DRIFT, CONSTRAINTS, tuples(CONSTRAINTS)))
@tried(50)
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("whylogs", output)
    except InputError as refused:
        assert "\n" not in str(refused)
