"""pandera: one finding per column and check, however the errors were written down."""

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
    imported_sample,
    sample,
    text_of,
    verdicts,
)
from tests.properties import tried

GOLDEN = {
    "pandera_errors": ("pandera", "pandera_schema_errors", CONTEXT),
    "pandera_strict": ("pandera", "real/pandera_weather_strict", CONTEXT),
    "pandera_index": ("pandera", "real/pandera_flights_index", CONTEXT),
    "pandera_message": ("pandera", "real/pandera_flights_unnamed", CONTEXT),
    "pandera_not_lazy": ("pandera", "pandera_weather_range_not_lazy", CONTEXT),
}
ERRORS = sample("pandera_schema_errors")
CASES = ERRORS["failure_cases"]


def columns(alerts):
    return {alert.kind: set(alert.slice.columns) for alert in alerts}


@pytest.mark.parametrize("name", GOLDEN)
def test_cells_of_the_data_and_prose_are_not_in_an_alert(name):
    text = text_of(imported_sample(*GOLDEN[name]))

    for leak in ("XXX", "N142281", "160683", "1048.36", "failure case", "Error while", "/home"):
        assert leak not in text


def test_the_sections_say_the_kind():
    assert columns(imported("pandera", ERRORS)) == {
        "schema_change": {"air_time", "carrier", "hour"},
        "data_quality": {"distance", "origin"},
    }


def test_failing_cells_are_counted_by_column_and_check():
    alerts = imported("pandera", ERRORS)

    found = finding_of(alerts, "in_range", "distance")
    assert (found.value, found.upper, found.breach_when) == (5, 0, "gt")
    assert found.native_id == "in_range(1, 5000)"
    assert finding_of(alerts, "not_nullable", "carrier").value == 7


def test_a_check_of_the_whole_frame_is_of_the_dataset():
    found = finding_of(imported("pandera", ERRORS), "mean_dep_delay_lt_15")

    assert (found.scope, found.value) == ("dataset", 1)


def test_a_missing_column_is_named_though_the_frame_names_the_schema():
    alerts = imported("pandera", CASES)

    assert finding_of(alerts, "column_in_dataframe", "air_time").verdict == "breach"


@pytest.mark.parametrize(
    "part",
    [
        ERRORS["message"],
        json.dumps(ERRORS["message"]),
        {"message": json.dumps(ERRORS["message"])},
        {"failure_cases": CASES},
        CASES,
        {"columns": list(CASES[0]), "index": [], "data": [list(c.values()) for c in CASES]},
        {key: {str(n): case[key] for n, case in enumerate(CASES)} for key in CASES[0]},
        {key: [case[key] for case in CASES] for key in CASES[0]},
        {str(n): case for n, case in enumerate(CASES)},
        {"schema": {"fields": []}, "data": CASES},
        [ERRORS],
    ],
)
def test_message_or_cases_alone_say_the_same_columns(part):
    assert columns(imported("pandera", part)) == columns(imported("pandera", ERRORS))


def test_a_check_that_crashed_is_an_error_and_not_a_breach():
    found = verdicts(imported_sample("pandera", "real/pandera_flights_unnamed"))

    assert "error" in found.values()


def test_a_column_outside_of_the_schema_is_named_by_the_prose_alone():
    item = {
        "schema": "weather",
        "column": "weather",
        "check": "column_in_schema",
        "error": "column 'month' not in DataFrameSchema {}",
    }

    (alert,) = imported("pandera", {"SCHEMA": {"COLUMN_NOT_IN_SCHEMA": [item]}})
    assert alert.slice.columns == ("month",)


def test_a_schema_without_a_name_is_read():
    item = {"schema": None, "column": None, "check": "enough_rows", "error": ""}

    (alert,) = imported("pandera", {"DATA": {"DATAFRAME_CHECK": [item]}})
    assert [f.scope for f in alert.findings] == ["dataset"]


def test_a_schemas_name_is_not_taken_for_a_dataset():
    context = {key: CONTEXT[key] for key in ("model", "monitor", "window", "digest")}

    with pytest.raises(InputError, match=r"lacks dataset"):
        imported("pandera", ERRORS, context)
    table = {"dataset": "flights-july", "digest": CONTEXT["digest"]}
    (alert, _) = imported("pandera", ERRORS, context | {"tables": {"flights": table}})
    assert alert.slice.current.dataset == "flights-july"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this pandera's output"),
        ([], "is this pandera's output"),
        ({"metrics": []}, "is this pandera's output"),
        ({"DATA": {"DATAFRAME_CHECK": [{"column": "a"}]}}, r"\[0\]\.check: missing"),
        ({"message": {"OTHER": {}}}, "is this pandera's output"),
        ({"message": {"DATA": {}, "OTHER": {}}}, "section 'OTHER'; expected one of SCHEMA, DATA"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported("pandera", output)

    assert "\n" not in str(refused.value)


@given(damaged(ERRORS, CASES, ERRORS["message"], sample("pandera_weather_range_not_lazy")))
@tried(50)
def test_damaged_errors_make_alerts_or_one_sentence(output):
    try:
        imported("pandera", output)
    except InputError as refused:
        assert "\n" not in str(refused)
