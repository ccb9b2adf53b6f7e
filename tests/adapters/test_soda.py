"""Soda: version 3 writes the limits of what fails, version 4 those of what passes."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    finding_of,
    imported,
    sample,
    text_of,
    verdicts,
)

TABLES = CONTEXT | {
    "tables": {
        "weather": {"dataset": "weather", "digest": "md5:" + "1" * 32},
        "flights": {"dataset": "flights", "digest": "md5:" + "2" * 32},
    }
}
KEPT = ("model", "monitor", "tables", "window")
GOLDEN = {
    "soda3_scan": ("soda", "real/soda3_scan", TABLES),
    "soda3_scan_broken": ("soda-3", "real/soda3_scan_broken", CONTEXT),
    "soda4_weather": ("soda", "real/soda4_weather_ok_columns", CONTEXT),
    "soda4_weather_error": ("soda-4", "real/soda4_weather", CONTEXT),
    "soda4_flights": ("soda-4", "real/soda4_flights", CONTEXT),
}
SCAN = sample("real/soda3_scan")
BROKEN = sample("real/soda3_scan_broken")
CONTRACT = sample("real/soda4_weather_ok_columns")


def scan(**check):
    """Return a scan of one check."""
    first = SCAN["checks"][3] | check
    return SCAN | {"checks": [{k: v for k, v in first.items() if v is not None}]}


def contract(number=0, status="FAILED", threshold=None, **fields):
    """Return a session of one contract with one check."""
    session = copy.deepcopy(CONTRACT)
    (result,) = session["contract_verification_results"]
    result["status"] = status
    check = result["check_results"][number] | fields
    if threshold is not None:
        check["check"]["threshold"] = threshold
    result["check_results"] = [check]
    return session


def only(tool, output, context=CONTEXT):
    (alert,) = imported(tool, output, context)
    (found,) = alert.findings
    return alert, found


@pytest.mark.parametrize(
    ("outcome", "status", "verdict"),
    [
        ("pass", "resolved", "ok"),
        ("warn", "firing", "warn"),
        ("fail", "firing", "breach"),
        (None, "no_data", "error"),
    ],
)
def test_every_outcome_of_version_3_has_its_meaning(outcome, status, verdict):
    alert, found = only("soda", scan(outcome=outcome))

    assert (alert.status, found.verdict) == (status, verdict)


@pytest.mark.parametrize(
    ("outcome", "status", "verdict"),
    [
        ("PASSED", "resolved", "ok"),
        ("WARN", "firing", "warn"),
        ("FAILED", "firing", "breach"),
        ("NOT_EVALUATED", "no_data", "error"),
        ("EXCLUDED", "no_data", "skipped"),
        ("CheckOutcome.FAILED", "firing", "breach"),
    ],
)
def test_every_outcome_of_version_4_has_its_meaning(outcome, status, verdict):
    alert, found = only("soda", contract(outcome=outcome))

    assert (alert.status, found.verdict) == (status, verdict)


@pytest.mark.parametrize(
    ("zone", "limits"),
    [
        ({"greaterThan": 3}, (None, 3, "gt")),
        ({"greaterThanOrEqual": 3}, (None, 3, "ge")),
        ({"lessThan": 3}, (3, None, "lt")),
        ({"lessThanOrEqual": 3}, (3, None, "le")),
        ({"greaterThan": 60, "lessThan": 40}, (40, 60, "outside")),
        ({"greaterThan": 0, "lessThan": 0}, (0, 0, "outside")),
        ({"greaterThan": 40, "lessThan": 60}, (None, None, "declared")),
        ({}, (None, None, "declared")),
    ],
)
def test_version_3_writes_the_region_that_fails(zone, limits):
    _, found = only("soda", scan(diagnostics={"value": 50, "fail": zone}))

    assert (found.value, found.lower, found.upper, found.breach_when) == (50, *limits)


def test_a_warning_has_the_limit_of_the_warning():
    zones = {"value": 13, "fail": {"greaterThan": 20}, "warn": {"greaterThan": 10}}
    _, found = only("soda", scan(outcome="warn", diagnostics=zones))

    assert found.upper == 10


@pytest.mark.parametrize(
    ("threshold", "limits"),
    [
        ({"must_be_greater_than": 3}, (3, None, "le")),
        ({"must_be_greater_than_or_equal": 3}, (3, None, "lt")),
        ({"must_be_less_than": 3}, (None, 3, "ge")),
        ({"must_be_less_than_or_equal": 3}, (None, 3, "gt")),
        ({"must_be": 3}, (3, 3, "ne")),
        ({"must_not_be": 3}, (3, 3, "eq")),
        ({"must_be_greater_than": 40, "must_be_less_than": 60}, (40, 60, "outside")),
        ({"must_be_greater_than": 60, "must_be_less_than": 40}, (None, None, "declared")),
        ({"level": "fail"}, (None, None, "declared")),
    ],
)
def test_version_4_writes_the_region_that_passes(threshold, limits):
    _, found = only("soda", contract(threshold=threshold))

    assert (found.lower, found.upper, found.breach_when) == limits


@pytest.mark.parametrize(
    ("definition", "kind", "metric"),
    [
        ("checks for weather:\n  row_count between 1 and 2", "volume", "row_count"),
        ("checks for weather:\n  - freshness(time_hour) < 1d", "freshness", "freshness"),
        ("checks for weather:\n  - anomaly score for row_count < default", "volume", "row_count"),
        ("checks for weather:\n  - change avg last 7 for row_count < 50", "volume", "row_count"),
        (
            "checks for weather:\n  - distribution_difference(temp) > 0.05",
            "data_drift",
            "distribution_difference",
        ),
        ("checks for weather:\n  max(wind_speed) < 253", "data_quality", "max"),
    ],
)
def test_the_metric_of_a_check_tells_its_kind(definition, kind, metric):
    alert, found = only("soda", scan(definition=definition))

    assert (alert.kind, found.metric) == (kind, metric)


def test_a_check_of_the_schema_names_the_columns():
    alerts = imported("soda", SCAN, TABLES)

    assert finding_of(alerts, "missing_column", "gust").verdict == "breach"
    assert finding_of(alerts, "column_type", "year").verdict == "breach"
    found = finding_of(imported("soda", CONTRACT), "column_type", "humid")
    assert found.verdict == "breach"


def test_the_metric_of_version_4_is_the_one_that_has_the_value():
    alerts = imported("soda", CONTRACT)

    assert finding_of(alerts, "missing_percent", "wind_gust").value == pytest.approx(
        69.55, abs=0.01
    )


def test_a_scan_that_failed_is_no_all_clear():
    (alert,) = imported("soda", BROKEN, include_resolved=False)

    assert (alert.status, alert.findings[0].verdict) == ("no_data", "error")


def test_a_scan_that_failed_judged_none_of_the_tables_of_the_context():
    alerts = imported("soda", BROKEN, {k: v for k, v in TABLES.items() if k in KEPT})

    assert [(a.slice.current.dataset, a.status) for a in alerts] == [
        ("weather", "no_data"),
        ("flights", "no_data"),
    ]


@pytest.mark.parametrize("status", ["ERROR", "UNKNOWN"])
def test_a_contract_that_failed_is_no_all_clear(status):
    alerts = imported("soda", contract(5, status=status), include_resolved=False)

    assert [alert.status for alert in alerts] == ["no_data"]


def test_several_tables_need_a_data_set_each():
    with pytest.raises(InputError) as error:
        imported("soda", SCAN)

    assert error.value.message == (
        "report.json: judges 'weather' and another table; name their datasets under `tables:`."
    )


def test_each_table_is_the_data_set_the_context_says():
    alerts = imported("soda", SCAN, TABLES)

    assert {(a.slice.current.dataset, a.slice.current.digest[-1]) for a in alerts} == {
        ("weather", "1"),
        ("flights", "2"),
    }


def test_a_contracts_table_may_be_told_with_its_source():
    tables = {"lake/main/weather": {"dataset": "raw-weather", "digest": "md5:" + "1" * 32}}
    alerts = imported("soda", CONTRACT, CONTEXT | {"tables": tables})

    assert {alert.slice.current.dataset for alert in alerts} == {"raw-weather"}


def test_the_context_may_name_a_check_to_give_it_a_kind():
    context = CONTEXT | {"kinds": {"max(wind_speed) < 253": "label_quality"}}

    assert only("soda", scan(), context)[0].kind == "label_quality"


def test_a_bare_nan_is_no_value():
    raw = json.dumps(scan(diagnostics={"value": float("nan"), "fail": {"greaterThan": 3}})).encode()
    (alert,) = imported("soda", raw)

    assert b"NaN" in raw
    assert (alert.findings[0].value, alert.findings[0].verdict) == (None, "breach")


@pytest.mark.parametrize("tool", ["soda", "soda-4"])
@pytest.mark.parametrize("key", ["results", "contract_verification_results"])
def test_a_session_is_read_in_both_spellings(tool, key):
    session = {key: CONTRACT["contract_verification_results"]}

    assert verdicts(imported(tool, session)) == verdicts(imported("soda", CONTRACT))


def test_nothing_of_the_contract_but_names_and_numbers_gets_into_an_alert():
    assert "dataset: lake/main/weather" not in text_of(imported("soda", CONTRACT))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (scan(outcome="failed"), "checks[0].outcome: 'failed' is not a known status"),
        (contract(outcome="fail"), "outcome: 'fail' is not a known status"),
        (contract(status="BROKEN"), "status: 'BROKEN' is not a known status"),
        ({"check_results": ["<CheckResult object at 0x7f>"]}, "is the name of a Python object"),
        ({"results": [{"success": True}]}, "is this Soda's output?"),
    ],
)
def test_what_is_not_known_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("soda", output)

    assert message in error.value.message


@settings(max_examples=80, deadline=None)
@given(damaged(SCAN, CONTRACT, BROKEN))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("soda", output, TABLES)
    except InputError as error:
        assert "\n" not in error.message
