"""Evidently before 0.7: reports with `drift_detected`, test suites with `status`."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    imported,
    sample,
    verdicts,
)
from tests.properties import tried

GOLDEN = {
    "evidently_legacy_report": ("evidently", "evidently_legacy_datadrift_as_dict", CONTEXT),
    "evidently_legacy_p_values": ("evidently", "real/evidently_legacy_report_small", CONTEXT),
    "evidently_legacy_suite": ("evidently", "real/evidently_legacy_test_suite", CONTEXT),
}
REPORT = sample("evidently_legacy_datadrift_as_dict")
SUITE = sample("real/evidently_legacy_test_suite")


def test_of(status, group, parameters, name="A Test"):
    test = {"name": name, "description": "prose", "status": status, "group": group}
    return {"version": "0.4.40", "tests": [test | {"parameters": parameters}], "summary": {}}


test_of.__test__ = False


def test_a_column_that_drifted_is_a_breach_though_the_dataset_as_a_whole_did_not():
    found = verdicts(imported("evidently", REPORT))

    assert found["dep_delay", "wasserstein_distance_normed"] == "breach"
    assert found[None, "share_of_drifted_columns"] == "ok"


def test_drift_that_was_not_detected_is_no_alert():
    report = copy.deepcopy(REPORT)
    table = report["metrics"][1]["result"]["drift_by_columns"]
    table["dep_delay"]["drift_detected"] = False

    assert imported("evidently", report, include_resolved=False) == ()


def test_the_verdict_is_not_worked_out_again_from_score_and_threshold():
    report = copy.deepcopy(REPORT)
    table = report["metrics"][1]["result"]["drift_by_columns"]
    table["hour"] |= {"drift_detected": True, "drift_score": 0.0}

    assert verdicts(imported("evidently", report))["hour", "wasserstein_distance_normed"] == (
        "breach"
    )


def test_the_time_of_the_report_needs_a_zone_and_is_left_out_without_one():
    with_zone = imported("evidently", REPORT)
    without = imported("evidently", REPORT, {k: CONTEXT[k] for k in CONTEXT if k != "zone"})

    assert [a.emitted_at.isoformat() for a in with_zone] == ["2026-11-22T19:57:34.757811-05:00"]
    assert [a.emitted_at.isoformat() for a in without] == ["2026-11-23T06:00:00+00:00"]


def test_as_dict_without_version_and_timestamp_is_read_too():
    (alert,) = imported("evidently", {"metrics": REPORT["metrics"]})

    assert alert.monitor.tool_version is None


def test_a_report_on_a_single_column_is_read():
    result = REPORT["metrics"][1]["result"]["drift_by_columns"]["dep_delay"]
    (alert,) = imported(
        "evidently", {"metrics": [{"metric": "ColumnDriftMetric", "result": result}]}
    )

    assert alert.slice.columns == ("dep_delay",)


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("data_drift", "data_drift"),
        ("data_quality", "data_quality"),
        ("data_integrity", "data_quality"),
        ("classification", "performance"),
        ("regression", "performance"),
        ("recsys", "performance"),
    ],
)
def test_the_group_of_a_test_says_the_kind(group, kind):
    (alert,) = imported("evidently", test_of("FAIL", group, {"value": 1}))

    assert alert.kind == kind


@pytest.mark.parametrize(
    ("name", "kind"), [("Number of Rows", "volume"), ("Column Types", "schema_change")]
)
def test_a_test_of_integrity_may_be_about_rows_or_the_schema(name, kind):
    output = test_of("FAIL", "data_integrity", {"value": 1})
    output["tests"][0]["name"] = name
    (alert,) = imported("evidently", output)

    assert alert.kind == kind


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("SUCCESS", "ok"),
        ("FAIL", "breach"),
        ("WARNING", "warn"),
        ("ERROR", "error"),
        ("SKIPPED", "skipped"),
    ],
)
def test_the_status_of_a_test_is_its_verdict(status, verdict):
    output = test_of(status, "regression", {"value": 1, "condition": {"lt": 2}})

    assert set(verdicts(imported("evidently", output)).values()) == {verdict}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"lt": 2.0}, (None, 2.0, "ge")),
        ({"lte": 2.0}, (None, 2.0, "gt")),
        ({"gt": 2.0}, (2.0, None, "le")),
        ({"gte": 2.0}, (2.0, None, "lt")),
        ({"eq": 2.0}, (2.0, 2.0, "ne")),
        ({"eq": {"value": 2.0, "relative": 0.1}}, (None, None, "declared")),
        ({"gt": 1.0, "lt": 2.0}, (None, None, "declared")),
    ],
)
def test_a_condition_with_one_number_is_the_limit(condition, expected):
    (alert,) = imported(
        "evidently", test_of("FAIL", "regression", {"value": 1, "condition": condition})
    )

    (found,) = alert.findings
    assert (found.lower, found.upper, found.breach_when) == expected


def test_columns_of_a_passed_test_raise_no_alarm():
    features = {"a": {"stattest": "ks", "score": 0.0, "threshold": 0.05, "detected": True}}
    parameters = {"condition": {"lt": 2}, "features": features}

    passed = imported("evidently", test_of("SUCCESS", "data_drift", parameters))
    assert verdicts(passed) == {(None, "a_test"): "ok"}
    (alert,) = imported("evidently", test_of("FAIL", "data_drift", parameters))
    assert alert.slice.columns == ("a",)


def test_the_older_shape_has_an_adapter_of_its_own_that_refuses_the_newer():
    assert imported("evidently-legacy", REPORT)
    with pytest.raises(InputError, match=r"before 0\.7"):
        imported("evidently-legacy", sample("evidently_datadrift_report"))


def test_metrics_without_a_verdict_judge_nothing():
    report = {"metrics": [{"metric": "RegressionQualityMetric", "result": {"mae": 3.0}}]}

    with pytest.raises(InputError, match="judges nothing"):
        imported("evidently", report)


@given(damaged(REPORT, SUITE))
@tried(50)
def test_damaged_reports_make_alerts_or_one_sentence(output):
    try:
        imported("evidently", output)
    except InputError as refused:
        assert "\n" not in str(refused)
