"""alibi-detect: `is_drift` of all features together, or of each by its position."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    imported,
    imported_sample,
    sample,
)
from tests.properties import tried

TOOL = "alibi-detect"
FIVE = CONTEXT | {"columns": ["dep_delay", "distance", "hour", "day", "month"]}
GOLDEN = {
    "alibi_detect_feature": (TOOL, "real/alibi_detect_ks_feature", FIVE),
    "alibi_detect_batch": (TOOL, "real/alibi_detect_ks_batch", FIVE),
    "alibi_detect_short": (TOOL, "real/alibi_detect_ks_short", CONTEXT),
    "alibi_detect_tabular": (
        TOOL,
        "real/alibi_detect_tabular",
        CONTEXT | {"columns": ["a", "b", "c"]},
    ),
}
FEATURES = sample("real/alibi_detect_ks_feature")


def predicted(name="MMDDrift", **data):
    return {"data": {"is_drift": 1} | data, "meta": {"name": name, "version": "0.13.0"}}


@pytest.mark.parametrize(
    ("is_drift", "verdict"), [(1, "breach"), (0, "ok"), (True, "breach"), (1.0, "breach")]
)
def test_is_drift_is_the_verdict(is_drift, verdict):
    (alert,) = imported(TOOL, predicted(is_drift=is_drift))

    assert [finding.verdict for finding in alert.findings] == [verdict]


def test_a_verdict_that_is_no_truth_value_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"data\.is_drift: must be true or false, not 2"):
        imported(TOOL, predicted(is_drift=2))


@pytest.mark.parametrize("columns", [[], ["dep_delay"], [*"abcdef"]])
def test_features_by_position_need_just_as_many_names(columns):
    with pytest.raises(InputError, match=rf"judges 5 features .* names {len(columns)}"):
        imported(TOOL, FEATURES, CONTEXT | {"columns": columns})


def test_a_verdict_on_all_features_together_is_about_all_columns_of_the_context():
    (alert,) = imported_sample(TOOL, "real/alibi_detect_ks_batch", FIVE)

    assert alert.slice.columns == tuple(FIVE["columns"])
    assert [(f.scope, f.value) for f in alert.findings] == [("dataset", None)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"p_val": 0.01, "threshold": 0.05}, (0.01, 0.05, None, "lt", 0.01)),
        ({"p_val": [0.01], "threshold": 0.05, "distance": [0.4]}, (0.01, 0.05, None, "lt", 0.01)),
        ({"test_stat": 3.0, "threshold": 2.0, "time": 7}, (3.0, None, 2.0, "gt", None)),
        (
            {"p_val": None, "distance": 0.4, "distance_threshold": 0.3},
            (0.4, None, 0.3, "gt", None),
        ),
        ({"p_val": None, "distance": 0.4, "threshold": 0.05}, (0.4, None, None, "declared", None)),
        (
            {"p_val": None, "distance": None, "threshold": None},
            (None, None, None, "declared", None),
        ),
    ],
)
def test_a_p_value_stands_against_its_threshold_and_a_statistic_against_its_own(data, expected):
    (alert,) = imported(TOOL, predicted(**data))

    (found,) = alert.findings
    assert (found.value, found.lower, found.upper, found.breach_when, found.p_value) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [("KSDrift", "data_drift"), ("ClassifierUncertaintyDrift", "prediction_drift")],
)
def test_the_detector_says_the_kind_and_the_context_may_say_another(name, kind):
    (alert,) = imported(TOOL, predicted(name))
    (other,) = imported(TOOL, predicted(name), CONTEXT | {"kinds": {name: "concept_drift"}})

    assert (alert.kind, other.kind) == (kind, "concept_drift")


@pytest.mark.parametrize("wrap", [json.dumps, lambda p: [p], lambda p: {"result": p}])
def test_a_prediction_may_be_wrapped_in_the_usual_ways(wrap):
    (alert,) = imported(TOOL, wrap(predicted()))

    assert alert.findings[0].native_metric == "MMDDrift"


def test_predictions_may_stand_under_names_of_the_callers_own():
    output = {"_meta": predicted(), "batch": predicted(), "other": predicted("LSDDDrift")}

    found = [alert.findings[0].native_metric for alert in imported(TOOL, output)]
    assert found == ["MMDDrift", "LSDDDrift"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this alibi-detect's output"),
        ({"data": {"is_outlier": [0, 1]}, "meta": {}}, "is this alibi-detect's output"),
        (predicted(is_drift=None), r"data\.is_drift: missing"),
        (predicted(p_val="low"), r"data\.p_val: must be a number"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported(TOOL, output)

    assert "\n" not in str(refused.value)


@given(damaged(FEATURES, predicted(p_val=0.1, distance=0.3, threshold=0.05)))
@tried(50)
def test_damaged_predictions_make_alerts_or_one_sentence(output):
    try:
        imported(TOOL, output, FIVE)
    except InputError as refused:
        assert "\n" not in str(refused)
