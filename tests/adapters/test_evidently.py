"""Evidently 0.7: the verdict is the test's status, the number is joined from the metric."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    finding_of,
    imported,
    imported_sample,
    sample,
    text_of,
    verdicts,
)
from tests.properties import tried

GOLDEN = {
    "evidently_datadrift": ("evidently", "evidently_datadrift_report", CONTEXT),
    "evidently_classification": ("evidently", "evidently_classification_tests", CONTEXT),
    "evidently_regression": ("evidently", "real/evidently_regression_tests", CONTEXT),
    "evidently_p_values": ("evidently", "real/evidently_weather_drift_small_reference", CONTEXT),
    "evidently_not_critical": ("evidently", "real/evidently_flights_drift_not_critical", CONTEXT),
    "evidently_methods": ("evidently", "real/evidently_flights_drift_methods", CONTEXT),
    "evidently_quality": ("evidently", "real/evidently_category_in_list", CONTEXT),
    "evidently_dumps": ("evidently", "real/evidently_dump_dict", CONTEXT),
}
DRIFT = sample("evidently_datadrift_report")
REGRESSION = sample("real/evidently_regression_tests")


def one_test(status="FAIL", *, test=None, metric=None):
    """Return a report of one drift metric with one test."""
    report = json.loads(
        json.dumps({"metrics": [DRIFT["metrics"][2]], "tests": [DRIFT["tests"][2]]})
    )
    report["tests"][0]["status"] = status
    report["tests"][0] |= test or {}
    report["metrics"][0] |= metric or {}
    return report


def drift_by(method, threshold=0.1, value=0.2):
    """Return a report of one column's drift by a method."""
    config = {
        "type": "evidently:metric_v2:ValueDrift",
        "column": "dep_delay",
        "method": method,
        "threshold": threshold,
    }
    metric_id = DRIFT["metrics"][2]["id"]
    return one_test(
        test={"metric_config": {"metric_id": metric_id, "params": config}},
        metric={"config": config, "value": value},
    )


def compared(name, test_config, value=1.0):
    """Return the finding of a metric held against a limit of the user's."""
    report = one_test(
        test={"id": name, "test_config": test_config, "bound_test": None}, metric={"value": value}
    )
    config = {"type": "evidently:metric_v2:MeanValue", "column": "dep_delay"}
    report["tests"][0]["metric_config"]["params"] = config
    report["metrics"][0]["config"] = config
    return finding_of(imported("evidently", report), "mean_value", "dep_delay")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("SUCCESS", "ok"),
        ("FAIL", "breach"),
        ("WARNING", "warn"),
        ("ERROR", "error"),
        ("SKIPPED", "skipped"),
        ("TestStatus.FAIL", "breach"),
    ],
)
def test_the_verdict_is_the_status_of_the_test(status, verdict):
    assert set(verdicts(imported("evidently", one_test(status))).values()) == {verdict}


def test_an_unknown_status_is_refused_with_its_place_and_the_known_words():
    with pytest.raises(InputError, match=r"status: 'BAD' is not a known status.*SUCCESS, FAIL"):
        imported("evidently", one_test("BAD"))


@pytest.mark.parametrize(
    ("method", "bound", "rule"),
    [
        ("Wasserstein distance (normed)", "upper", "ge"),
        ("Jensen-Shannon distance", "upper", "ge"),
        ("PSI", "upper", "ge"),
        ("psi", "upper", "ge"),
        ("Energy-distance", "upper", "gt"),
        ("K-S p_value", "lower", "le"),
        ("ks", "lower", "le"),
        ("chi-square p_value", "lower", "lt"),
        ("Anderson-Darling", "lower", "lt"),
        ("Total-Variation-Distance", "lower", "lt"),
    ],
)
def test_the_threshold_of_a_method_is_a_bound_on_the_side_where_it_breaches(method, bound, rule):
    (alert,) = imported("evidently", drift_by(method))

    (found,) = alert.findings
    assert (getattr(found, bound), found.breach_when, found.native_metric) == (0.1, rule, method)
    assert found.p_value == (0.2 if bound == "lower" else None)


def test_the_direction_of_an_unknown_method_is_not_guessed():
    (alert,) = imported("evidently", drift_by("custom function 'mine'"))

    (found,) = alert.findings
    assert (found.verdict, found.breach_when, found.lower, found.upper) == (
        "breach",
        "declared",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("lt", {"threshold": 0.5}, (None, 0.5, "ge")),
        ("le", {"threshold": 0.5}, (None, 0.5, "gt")),
        ("gt", {"threshold": 0.5}, (0.5, None, "le")),
        ("ge", {"threshold": 0.5}, (0.5, None, "lt")),
        ("eq", {"expected": 0.5}, (0.5, 0.5, "ne")),
        ("not_eq", {"expected": 0.5}, (0.5, 0.5, "eq")),
        ("lt", {"threshold": {"relative": 0.1, "absolute": None}}, (None, None, "declared")),
        ("eq", {"expected": {"relative": 0.1, "absolute": None}}, (None, None, "declared")),
        ("is_in", {"values": [1, 2]}, (None, None, "declared")),
    ],
)
def test_a_test_breaches_where_its_condition_does_not_hold(name, config, expected):
    found = compared(name, config)

    assert (found.lower, found.upper, found.breach_when) == expected


def test_which_half_of_a_value_is_tested_is_said_by_the_bound_test():
    found = [
        (finding.metric, finding.value)
        for alert in imported("evidently", REGRESSION)
        for finding in alert.findings
        if finding.metric.startswith("mae")
    ]

    mae = next(m["value"] for m in REGRESSION["metrics"] if m["config"]["type"].endswith(":MAE"))
    assert found == [("mae", mae["mean"]), ("mae_std", mae["std"])]


@pytest.mark.parametrize(
    ("bound", "value", "metric"),
    [
        ({"label": 1}, {"0": 0.3, "1": 0.7}, "f1_by_label_1"),
        ({"label": True}, {"false": 0.3, "true": 0.7}, "f1_by_label_true"),
        ({"label": "late"}, {"values": {"late": {"value": 0.7}}}, "f1_by_label_late"),
    ],
)
def test_the_value_of_a_label_is_found_whatever_json_made_of_the_label(bound, value, metric):
    report = one_test(test={"bound_test": bound}, metric={"value": value})
    config = {"type": "evidently:metric_v2:F1ByLabel"}
    report["tests"][0]["metric_config"]["params"] = report["metrics"][0]["config"] = config

    assert finding_of(imported("evidently", report), metric).value == 0.7


def test_labels_that_are_values_of_the_data_stay_out_of_the_alert():
    value = {"counts": {"Jane Doe": 4}, "shares": {"Jane Doe": 0.5}}
    report = one_test(
        test={"bound_test": {"label": "Jane Doe", "slot": "share"}}, metric={"value": value}
    )
    config = {"type": "evidently:metric_v2:UniqueValueCount", "column": "passenger"}
    report["tests"][0]["metric_config"]["params"] = report["metrics"][0]["config"] = config

    alerts = imported("evidently", report)
    assert finding_of(alerts, "unique_value_count_share", "passenger").value == 0.5
    assert "Jane" not in text_of(alerts)


def test_one_report_makes_an_alert_for_each_kind():
    report = {
        "metrics": DRIFT["metrics"] + REGRESSION["metrics"],
        "tests": DRIFT["tests"] + REGRESSION["tests"],
    }

    assert [alert.kind for alert in imported("evidently", report)] == ["data_drift", "performance"]


def test_the_context_may_say_the_kind_by_column_or_by_metric():
    by_column = imported("evidently", DRIFT, CONTEXT | {"kinds": {"dep_delay": "target_drift"}})
    by_metric = imported("evidently", DRIFT, CONTEXT | {"kinds": {"ValueDrift": "concept_drift"}})

    assert {a.kind: a.slice.columns for a in by_column if a.status == "firing"} == {
        "target_drift": ("dep_delay",)
    }
    assert {a.kind for a in by_metric if a.status == "firing"} == {"concept_drift"}


def test_a_metric_of_ones_own_needs_a_kind_from_the_context():
    report = one_test()
    config = {"type": "my_metrics.Turbulence"}
    report["tests"][0]["metric_config"]["params"] = report["metrics"][0]["config"] = config

    with pytest.raises(InputError, match="Turbulence"):
        imported("evidently", report)
    (alert,) = imported("evidently", report, CONTEXT | {"kinds": {"Turbulence": "data_quality"}})
    assert alert.kind == "data_quality"


def test_a_grouped_metric_is_what_it_groups():
    (alert,) = imported_sample("evidently", "real/evidently_groupby")

    # Evidently writes the error of all groups under each label: there is no part to speak of.
    assert (alert.kind, alert.slice.where) == ("performance", ())
    assert "mae_north" in {finding.metric for finding in alert.findings}


def test_a_metric_grouped_by_a_column_is_about_that_part_of_the_data():
    report = sample("real/evidently_groupby")
    for item in _configurations(report):
        item["metric"] = {"type": "evidently:metric_v2:MeanValue", "column": "air_time"}

    alerts = imported("evidently", report)
    assert {(a.slice.columns, a.slice.where[0].column) for a in alerts} == {
        (("air_time",), "region")
    }
    assert {a.slice.where[0].value for a in alerts} >= {"north", "west"}


def test_one_of_several_outputs_of_a_model_is_told_apart_and_may_be_a_column():
    report = copy.deepcopy(REGRESSION)
    for item in _configurations(report):
        item["regression_name"] = "taxi"

    (alert,) = imported("evidently", report)
    (named,) = imported("evidently", report, CONTEXT | {"rename": {"taxi": "taxi_time"}})
    assert alert.findings[0].native_metric == "MAE(taxi)"
    assert named.slice.columns == ("taxi_time",)


def _configurations(report):
    """Return the two copies of each metric's configuration."""
    of_tests = [test["metric_config"]["params"] for test in report["tests"]]
    return [metric["config"] for metric in report["metrics"]] + of_tests


def test_a_report_without_tests_is_refused_as_nothing_is_judged():
    with pytest.raises(InputError, match="include_tests=True"):
        imported_sample("evidently", "real/evidently_weather_drift_no_tests")


def test_nan_is_no_number_and_no_obstacle():
    (firing, _) = imported_sample("evidently", "real/evidently_all_missing")

    assert firing.slice.columns == ("temp",)
    assert firing.findings[0].value is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda report: [report],
        lambda report: {"report": report},
        lambda report: {"results": [report]},
        json.dumps,
        lambda report: {"output": json.dumps(report)},
    ],
)
def test_a_report_may_be_wrapped_in_the_usual_ways(wrap):
    wrapped, bare = imported("evidently", wrap(DRIFT)), imported("evidently", DRIFT)

    assert [a.findings for a in wrapped] == [a.findings for a in bare]


def test_several_reports_make_an_alert_each():
    alerts = imported("evidently", [DRIFT, REGRESSION])

    assert [alert.kind for alert in alerts] == ["data_drift", "performance"]


def test_the_older_way_to_name_a_metric_is_read():
    report = one_test(metric={"metric_id": "ValueDrift(column=dep_delay)"})
    del report["metrics"][0]["config"], report["metrics"][0]["metric_name"]
    del report["tests"][0]["metric_config"]["params"]

    (alert,) = imported("evidently", report)
    assert alert.slice.columns == ("dep_delay",)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this Evidently's output"),
        ([], "is this Evidently's output"),
        ("text", "is this Evidently's output"),
        (17, "is this Evidently's output"),
        ({"version": "4", "alerts": []}, "is this Evidently's output"),
        ([{"success": True}], r"\[0\]: is not what Evidently writes"),
        ({"metrics": [], "tests": []}, "include_tests=True"),
        ({"metrics": [], "tests": [{"metric_config": {}, "status": "FAIL"}]}, r"tests\[0\]"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported("evidently", output)

    assert "\n" not in str(refused.value)


def test_all_that_the_context_must_say_is_asked_for_at_once():
    with pytest.raises(InputError) as refused:
        imported("evidently", DRIFT, {})

    for word in ("model", "monitor", "dataset", "digest", "window"):
        assert f"{word} (" in str(refused.value)


@given(damaged(DRIFT, REGRESSION, sample("real/evidently_dump_dict")))
@tried(50)
def test_damaged_reports_make_alerts_or_one_sentence(output):
    try:
        imported("evidently", output)
    except InputError as refused:
        assert "\n" not in str(refused)
