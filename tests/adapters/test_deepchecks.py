"""Deepchecks: the verdict is a condition's; which columns failed stands in its prose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    imported,
    sample,
    text_of,
    verdicts,
)
from tests.properties import tried

GOLDEN = {
    "deepchecks_suite": ("deepchecks", "real/deepchecks_june", CONTEXT),
    "deepchecks_check": ("deepchecks", "real/deepchecks_label_drift", CONTEXT),
}
SUITE = sample("real/deepchecks_june")
NAMES = "Failed for 2 out of 3 columns.\nFound columns: {'temp': '0.34', \"dewp\": '0.2'}"


def check(name="Feature Drift", status="FAIL", prose=NAMES, value=None):
    """Return the result of a check with one condition."""
    scores = {
        column: {"Drift score": {"dtype": "float64", "value": score}, "Method": "KS"}
        for column, score in (("temp", 0.34), ("dewp", 0.2), ("humid", 0.01))
    }
    return {
        "type": "CheckResult",
        "check": {"name": name, "params": {}, "summary": ""},
        "header": name,
        "value": scores if value is None else value,
        "conditions_results": [{"Status": status, "Condition": "score < 0.1", "More Info": prose}],
    }


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("PASS", "ok"), ("FAIL", "breach"), ("WARN", "warn"), ("ERROR", "error")],
)
def test_the_status_of_a_condition_is_the_verdict(status, verdict):
    assert set(verdicts(imported("deepchecks", check(status=status))).values()) == {verdict}


def test_an_unknown_status_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"conditions_results\[0\]\.Status: 'SO' .*PASS, FAIL"):
        imported("deepchecks", check(status="SO"))


def test_the_columns_that_the_prose_names_are_the_slice():
    (alert,) = imported("deepchecks", check())

    assert alert.slice.columns == ("temp", "dewp")
    assert [finding.value for finding in alert.findings] == [0.34, 0.2]


@pytest.mark.parametrize(
    "prose", ["", "It failed.", "Failed for 3 out of 3 columns: {'temp': '0.3'}", None]
)
def test_prose_that_does_not_name_all_columns_is_about_all_of_them(prose):
    (alert,) = imported("deepchecks", check(prose=prose))

    assert (alert.slice.columns, alert.findings[0].scope) == ((), "dataset")


@pytest.mark.parametrize(
    ("name", "kind", "scope"),
    [
        ("Feature Drift", "data_drift", "dataset"),
        ("Train Test Feature Drift", "data_drift", "dataset"),
        ("Multivariate Drift", "data_drift", "dataset"),
        ("Label Drift", "target_drift", "target"),
        ("Prediction Drift", "prediction_drift", "prediction"),
        ("Train Test Performance", "performance", "model"),
        ("Percent Of Nulls", "data_quality", "dataset"),
        ("Conflicting Labels", "label_quality", "dataset"),
        ("Datasets Size Comparison", "volume", "dataset"),
    ],
)
def test_the_check_says_the_kind(name, kind, scope):
    (alert,) = imported("deepchecks", check(name, prose=""))

    assert (alert.kind, alert.findings[0].scope) == (kind, scope)


def test_a_check_of_ones_own_needs_a_kind_from_the_context():
    with pytest.raises(InputError, match="the kind of 'My Check' is unknown"):
        imported("deepchecks", check("My Check"))
    (alert,) = imported(
        "deepchecks", check("My Check"), CONTEXT | {"kinds": {"My Check": "freshness"}}
    )
    assert alert.kind == "freshness"


def test_a_check_that_could_not_run_is_an_error_and_its_exception_stays_out():
    failed = {
        "type": "CheckFailure",
        "header": "Feature Drift",
        "check": {"name": "Feature Drift"},
        "exception": "could not convert 'Jane Doe'",
    }

    (alert,) = imported("deepchecks", {"type": "SuiteResult", "name": "s", "results": [failed]})
    assert ([f.verdict for f in alert.findings], alert.status) == (["error"], "no_data")
    assert "Jane" not in text_of([alert])


def test_values_that_are_text_of_json_are_read():
    (alert,) = imported(
        "deepchecks", check("Percent Of Nulls", value=json.dumps({"temp": {"0": 1}, "dewp": {}}))
    )

    assert alert.slice.columns == ("temp", "dewp")


@pytest.mark.parametrize("value", [0.4, "text", {"a": 4}, [1, 2], {"Drift score": 0.2}])
def test_values_of_any_shape_are_no_obstacle(value):
    (alert,) = imported("deepchecks", check(prose="", value=value))

    assert alert.findings[0].value == (
        0.2 if isinstance(value, dict) and "a" not in value else None
    )


@pytest.mark.parametrize("wrap", [json.dumps, lambda s: [s], lambda s: {"suite_result": s}])
def test_a_suite_may_be_wrapped_in_the_usual_ways(wrap):
    bare = imported("deepchecks", SUITE)

    assert [a.findings for a in imported("deepchecks", wrap(SUITE))] == [a.findings for a in bare]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this Deepchecks' output"),
        ({"metrics": [], "tests": []}, "is this Deepchecks' output"),
        ({"type": "SuiteResult", "name": "s", "results": []}, "no condition on any check"),
        (check() | {"conditions_results": []}, "no condition on any check"),
        (check() | {"conditions_results": [{}]}, r"conditions_results\[0\]\.Status: missing"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported("deepchecks", output)

    assert "\n" not in str(refused.value)


@given(damaged(SUITE, check()))
@tried(50)
def test_damaged_suites_make_alerts_or_one_sentence(output):
    try:
        imported("deepchecks", output)
    except InputError as refused:
        assert "\n" not in str(refused)
