"""Great Expectations: `success` is the verdict, an exception is no breach, values do not leak."""

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

TOOL = "great-expectations"
GOLDEN = {
    "great_expectations_checkpoint": (TOOL, "great_expectations_checkpoint", CONTEXT),
    "great_expectations_weather": (TOOL, "real/great_expectations_weather", CONTEXT),
    "great_expectations_boolean": (TOOL, "real/great_expectations_weather_boolean", CONTEXT),
    "great_expectations_storm": (TOOL, "real/great_expectations_flights_storm", CONTEXT),
    "great_expectations_described": (
        TOOL,
        "real/great_expectations_weather_describe_dict",
        CONTEXT,
    ),
}
CHECKPOINT = sample("great_expectations_checkpoint")
RESULT = next(iter(CHECKPOINT["run_results"].values()))


def judged(type_="expect_column_mean_to_be_between", *, success=False, result=None, **kwargs):
    """Return the alerts of one expectation."""
    config = {"type": type_, "kwargs": {"column": "dep_delay"} | kwargs, "severity": "warning"}
    item = {"success": success, "expectation_config": config, "result": result or {}}
    return imported(TOOL, {"success": success, "results": [item]})


@pytest.mark.parametrize("name", GOLDEN)
def test_neither_values_nor_tracebacks_of_the_data_are_in_an_alert(name):
    text = text_of(imported_sample(*GOLDEN[name]))

    for leak in ("XXX", "Traceback", "[path]", "/home/user", "partial_unexpected"):
        assert leak not in text


def test_an_exception_beside_what_is_well_is_no_all_clear():
    well = {"success": True, "expectation_config": {"type": "expect_a", "kwargs": {}}}
    failed = well | {"success": False, "exception_info": {"raised_exception": True}}
    report = {"success": False, "results": [well, failed]}

    (alert,) = imported(TOOL, report, include_resolved=False)
    assert alert.status == "no_data"


def test_two_assets_need_a_data_set_each():
    other = copy.deepcopy(RESULT)
    other["meta"]["active_batch_definition"]["data_asset_name"] = "weather"

    with pytest.raises(InputError, match="and another table; name their datasets"):
        imported(TOOL, [RESULT, other])


def test_a_severity_may_be_written_as_pythons_enumeration():
    config = {"type": "expect_a", "kwargs": {}, "severity": "FailureSeverity.CRITICAL"}
    report = {"success": False, "results": [{"success": "False", "expectation_config": config}]}

    (alert,) = imported(TOOL, report)
    assert (alert.status, alert.severity) == ("firing", "critical")


def test_an_exception_is_an_error_in_both_of_its_shapes():
    keyed = RESULT["results"][0]
    flat = copy.deepcopy(keyed) | {
        "exception_info": {"raised_exception": True, "exception_message": "secret"}
    }

    for item in (keyed, flat):
        found = verdicts(imported(TOOL, {"success": False, "results": [item]}))
        assert found == {("not_here", "expect_column_values_to_not_be_null"): "error"}


@pytest.mark.parametrize(("success", "verdict"), [(True, "ok"), (False, "breach")])
def test_success_is_the_verdict(success, verdict):
    assert set(verdicts(judged(success=success)).values()) == {verdict}


def test_a_verdict_that_is_no_truth_value_is_refused_with_its_place():
    with pytest.raises(InputError, match=r"results\[0\]\.success: must be true or false"):
        judged(success="maybe")


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("expect_column_values_to_be_in_set", "data_quality"),
        ("expect_column_to_exist", "schema_change"),
        ("expect_table_columns_to_match_set", "schema_change"),
        ("expect_table_columns_to_match_ordered_list", "schema_change"),
        ("expect_table_column_count_to_equal", "schema_change"),
        ("expect_column_values_to_be_of_type", "schema_change"),
        ("expect_table_row_count_to_be_between", "volume"),
        ("expect_my_own", "data_quality"),
    ],
)
def test_the_expectation_says_the_kind(type_, kind):
    assert [alert.kind for alert in judged(type_)] == [kind]


def test_the_severity_is_the_worst_of_what_was_breached():
    (alert, _) = imported(TOOL, RESULT)
    (mild,) = judged()

    assert (alert.severity, mild.severity) == ("critical", "warning")


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"min_value": 1, "max_value": 5}, (1, 5, "outside")),
        ({"max_value": 5}, (None, 5, "gt")),
        ({"min_value": 1}, (1, None, "lt")),
        ({"max_value": 5, "strict_max": True}, (None, 5, "ge")),
        ({"min_value": 1, "strict_min": True}, (1, None, "le")),
        ({"value": 5}, (5, 5, "ne")),
        ({"max_value": {"$PARAMETER": "limit"}}, (None, None, "declared")),
        ({"max_value": "2013-07-01"}, (None, None, "declared")),
        ({}, (None, None, "declared")),
    ],
)
def test_an_observed_value_stands_against_its_limits(kwargs, expected):
    (alert,) = judged(result={"observed_value": 7.5}, **kwargs)

    (found,) = alert.findings
    assert (found.value, found.lower, found.upper, found.breach_when) == (7.5, *expected)


@pytest.mark.parametrize(("mostly", "allowed"), [({}, 0.0), ({"mostly": 0.95}, 5.0)])
def test_a_share_of_bad_values_stands_against_what_mostly_allows(mostly, allowed):
    result = {"unexpected_percent": 7.5, "element_count": 40}
    (alert,) = judged(
        "expect_column_values_to_be_between", result=result, min_value=1, max_value=9, **mostly
    )

    (found,) = alert.findings
    assert (found.value, found.lower, found.upper, found.breach_when) == (7.5, None, allowed, "gt")
    assert alert.slice.current.rows == 40


@pytest.mark.parametrize("observed", [{"a": 1}, ["Jane Doe"], "Jane Doe", None, float("nan")])
def test_what_was_observed_and_is_no_number_stays_out(observed):
    alerts = judged(result={"observed_value": observed})

    assert alerts[0].findings[0].value is None
    assert "Jane" not in text_of(alerts)


@pytest.mark.parametrize(
    ("kwargs", "columns"),
    [
        (
            {"column": None, "column_A": "dep_time", "column_B": "arr_time"},
            {"dep_time", "arr_time"},
        ),
        ({"column": None, "column_list": ["a", "b", "c"]}, {"a", "b", "c"}),
        ({"column": None, "column_set": ["a", "b"]}, set()),
    ],
)
def test_an_expectation_on_several_columns_names_them_all(kwargs, columns):
    (alert,) = judged("expect_column_pair_values_to_be_equal", **kwargs)

    assert set(alert.slice.columns) == columns


@pytest.mark.parametrize(
    "wrap",
    [
        lambda result: result,
        lambda result: [result],
        lambda result: {"run_results": {"key": result}},
        lambda result: {"run_results": {"key": {"validation_result": result}}},
        lambda result: {"validation_result": result},
        json.dumps,
    ],
)
def test_a_result_may_be_wrapped_in_the_usual_ways(wrap):
    bare = imported(TOOL, RESULT)

    assert [a.findings for a in imported(TOOL, wrap(RESULT))] == [a.findings for a in bare]


def test_the_shape_of_version_0_is_read():
    old = copy.deepcopy(RESULT)
    for item in old["results"]:
        config = item["expectation_config"]
        config["expectation_type"] = config.pop("type")
        del config["severity"], config["id"]
    old["meta"] = {
        "great_expectations_version": "0.18.12",
        "expectation_suite_name": "flights",
        "run_id": {"run_name": "nightly", "run_time": "20130801T060000.000000Z"},
    }
    del old["suite_name"]

    (alert, _) = imported(TOOL, old)
    assert (alert.monitor.tool_version, alert.monitor.run_id) == ("0.18.12", "nightly")
    assert alert.labels == {"suite": "flights"}
    assert alert.emitted_at.isoformat() == "2013-08-01T06:00:00+00:00"


def test_a_single_expectation_is_a_result_too():
    (alert,) = imported(TOOL, RESULT["results"][3])

    assert alert.slice.columns == ("origin",)


def test_with_several_tables_the_asset_says_which():
    table = {"dataset": "flights-july", "digest": CONTEXT["digest"]}
    context = {key: CONTEXT[key] for key in ("model", "monitor", "window")}

    alert = imported(TOOL, RESULT, context | {"tables": {"july": table}})[0]
    assert alert.slice.current.dataset == "flights-july"
    with pytest.raises(InputError, match="'july' lacks dataset"):
        imported(TOOL, RESULT, context | {"tables": {"june": table}})


def test_an_assets_name_is_not_taken_for_a_dataset():
    context = {key: CONTEXT[key] for key in ("model", "monitor", "window", "digest")}

    with pytest.raises(InputError, match=r"lacks dataset"):
        imported(TOOL, RESULT, context)


def test_the_number_of_a_verdict_is_found_in_the_alert():
    found = finding_of(imported(TOOL, RESULT), "expect_column_mean_to_be_between", "dep_delay")

    assert (found.value, found.upper, found.breach_when) == (30.424666666666667, 15.0, "gt")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this Great Expectations' output"),
        ([], "is this Great Expectations' output"),
        ({"metrics": [], "tests": []}, "is this Great Expectations' output"),
        ({"success": True, "results": [{"success": True}]}, r"expectation_type: missing"),
        ({"success": True, "results": {"a": 1}}, r"results: must be a list"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported(TOOL, output)

    assert "\n" not in str(refused.value)


@given(damaged(CHECKPOINT, RESULT, CHECKPOINT["describe_dict"]))
@tried(50)
def test_damaged_results_make_alerts_or_one_sentence(output):
    try:
        imported(TOOL, output)
    except InputError as refused:
        assert "\n" not in str(refused)
        assert "Traceback" not in str(refused)
