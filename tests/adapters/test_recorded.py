"""river and frouros: what the caller recorded, with the tool's verdict or the caller's own rule."""

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

STREAMS = CONTEXT | {"kind": "concept_drift"}
DISTANCES = CONTEXT | {"recorded": {"metric": "distance", "threshold": 0.1}}
SMALL_P = CONTEXT | {"recorded": {"metric": "p_value", "threshold": 0.01, "breach_when": "lt"}}
GOLDEN = {"river_events": ("river", "real/river_events", STREAMS)}
ADWIN = {"detector": "ADWIN", "column": "dep_delay", "drift_detected": True}
KS_TEST = {"detector": "KSTest", "column": "dep_delay", "statistic": 0.2, "p_value": 0.001}
PSI = {"detector": "PSI", "column": "dep_delay", "distance": 0.3}


@pytest.mark.parametrize("tool", ["river", "frouros"])
@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        ({"drift_detected": True}, "breach"),
        ({"drift_detected": False}, "ok"),
        ({"drift_detected": False, "warning_detected": True}, "warn"),
        ({"drift_detected": True, "warning_detected": True}, "breach"),
        ({"drift_detected": True, "warning_detected": None}, "breach"),
        ({"warning_detected": False}, "ok"),
        ({"drift": 1}, "breach"),
        ({"status": {"drift": False, "warning": True}}, "warn"),
        ({"status": {"drift": True}}, "breach"),
        ({"verdict": "warn"}, "warn"),
    ],
)
def test_the_recorded_flags_are_the_verdict(tool, flags, verdict):
    alerts = imported(tool, [{"detector": "DDM", "column": "error"} | flags])

    assert verdicts(alerts) == {("error", "ddm"): verdict}


@pytest.mark.parametrize(
    ("tool", "record", "kind"),
    [
        ("river", ADWIN, "data_drift"),
        ("river", {"detector": "DDM", "drift_detected": True}, "concept_drift"),
        ("river", {"detector": "EDDM", "column": "e", "drift_detected": True}, "concept_drift"),
        ("river", {"detector": "drift.binary.DDM", "drift": True}, "concept_drift"),
        ("river", {"detector": "HDDM_A(lambda=0.05)", "drift": "True"}, "concept_drift"),
        ("river", ADWIN | {"kind": "target_drift"}, "target_drift"),
        ("frouros", ADWIN, "concept_drift"),
        ("frouros", KS_TEST | {"drift": True}, "data_drift"),
        ("frouros", {"detector": "Mine", "column": "a", "drift": True}, "data_drift"),
    ],
)
def test_the_detector_or_the_record_says_the_kind(tool, record, kind):
    assert [alert.kind for alert in imported(tool, [record])] == [kind]


@pytest.mark.parametrize("tool", ["river", "frouros"])
def test_a_detector_on_who_knows_what_needs_a_kind(tool):
    record = {"detector": "Mine", "drift_detected": True}

    with pytest.raises(InputError, match="the kind of 'Mine' is unknown"):
        imported(tool, [record])
    assert imported(tool, [record], STREAMS)[0].kind == "concept_drift"


def test_of_many_updates_the_first_worst_one_counts():
    updates = [
        ADWIN | {"drift_detected": False, "index": 1},
        ADWIN | {"index": 195, "time": "2013-07-03T06:00:00Z", "statistic": 30.5},
        ADWIN | {"index": 300, "time": "2013-07-09T06:00:00Z", "statistic": 99.0},
        ADWIN | {"drift_detected": False, "index": 400},
    ]

    (alert,) = imported("river", updates)
    (found,) = alert.findings
    assert (found.native_id, found.value) == ("index 195", 30.5)
    assert alert.started_at.isoformat() == "2013-07-03T06:00:00+00:00"


def test_a_threshold_of_the_context_is_the_callers_verdict_and_is_written_down():
    (alert,) = imported("frouros", [PSI, PSI | {"column": "hour", "distance": 0.02}], DISTANCES)

    drifted = finding_of([alert], "psi", "dep_delay")
    assert (drifted.verdict, drifted.upper, drifted.breach_when) == ("breach", 0.1, "gt")
    assert finding_of([alert], "psi", "hour").verdict == "ok"


def test_a_p_value_is_held_against_a_lower_bound_that_the_caller_stated():
    (alert,) = imported("frouros", [KS_TEST], SMALL_P)

    (found,) = alert.findings
    assert (found.verdict, found.value, found.lower, found.breach_when, found.p_value) == (
        "breach",
        0.001,
        0.01,
        "lt",
        0.001,
    )


@pytest.mark.parametrize(
    ("rule", "value", "verdict"),
    [
        ("gt", 0.1, "ok"),
        ("ge", 0.1, "breach"),
        ("lt", 0.1, "ok"),
        ("le", 0.1, "breach"),
        ("gt", 0.11, "breach"),
        ("lt", 0.09, "breach"),
    ],
)
def test_the_rule_may_stand_in_the_record(rule, value, verdict):
    record = PSI | {"distance": value, "threshold": 0.1, "breach_when": rule}

    assert set(verdicts(imported("frouros", [record])).values()) == {verdict}


@pytest.mark.parametrize(
    ("record", "context", "message"),
    [
        (KS_TEST, CONTEXT, "has no verdict; record `drift_detected`, or give a rule"),
        (PSI | {"threshold": 0.1}, CONTEXT, "has no verdict"),
        (KS_TEST, DISTANCES, "has no 'distance' to compare with the threshold"),
        (KS_TEST, CONTEXT | {"recorded": {"threshold": 0.1}}, "has statistic, p_value; select one"),
        (
            KS_TEST,
            CONTEXT | {"recorded": {"metric": "p_value", "threshold": 0.1}},
            "give `breach_when: lt`",
        ),
        (PSI | {"threshold": 0.1, "breach_when": "outside"}, CONTEXT, "'outside' is not a rule"),
    ],
)
def test_a_result_without_a_verdict_is_never_judged_by_guessing(record, context, message):
    with pytest.raises(InputError, match=message):
        imported("frouros", [record], context)


def test_a_column_may_be_said_by_the_context():
    record = {"detector": "KSWIN", "drift_detected": True}

    (alert,) = imported("river", record, CONTEXT | {"recorded": {"column": "dep_delay"}})
    assert alert.slice.columns == ("dep_delay",)


@pytest.mark.parametrize(
    "shape",
    [
        ADWIN,
        [ADWIN],
        {"records": [ADWIN]},
        {"0": ADWIN},
        {"detector": {"0": "ADWIN"}, "column": {"0": "dep_delay"}, "drift_detected": {"0": True}},
        {"columns": list(ADWIN), "index": [0], "data": [list(ADWIN.values())]},
        {"dep_delay": {"detector": "ADWIN", "drift_detected": True}},
        {"ADWIN/dep_delay": {"drift_detected": True}},
        {"ADWIN": {"column": "dep_delay", "drift_detected": True}},
        {"detector": "ADWIN", "feature": "dep_delay", "events": [{"drift_detected": True}]},
        json.dumps([ADWIN]),
    ],
)
def test_records_may_be_written_in_the_usual_ways(shape):
    assert verdicts(imported("river", shape)) == {("dep_delay", "adwin"): "breach"}


def test_a_log_without_changes_is_quiet():
    record = {"detector": "ADWIN", "column": "dep_delay", "events": []}

    assert verdicts(imported("river", record)) == {("dep_delay", "adwin"): "ok"}


@pytest.mark.parametrize(
    "shape",
    [
        {"KSTest/dep_delay": [0.2, 0.001]},
        {"KSTest/dep_delay": {"statistic": 0.2, "p_value": 0.001}},
        [{"detector": "KSTest", "column": "dep_delay", "result": [0.2, 0.001]}],
        [{"detector": "KSTest", "column": "dep_delay", "result": {"p_value": 0.001}}],
    ],
)
def test_a_named_tuple_of_frouros_is_read_with_or_without_its_names(shape):
    found = finding_of(imported("frouros", shape, SMALL_P), "kstest", "dep_delay")

    assert (found.verdict, found.p_value) == ("breach", 0.001)


def test_results_of_each_name_are_a_finding_of_their_own():
    results = {name: r for name, r in sample("real/frouros_results").items() if "p_value" in r}
    found = verdicts(imported("frouros", results, SMALL_P))

    assert len(found) == len(results)
    assert found["june", "kstest"] == "breach"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "contains no record"),
        ([], "contains no record"),
        ([17], r"\[0\]: must be an object"),
        ([[1, 2, 3]], r"\[0\]: must be an object"),
        ([{"column": "a", "drift_detected": True}], r"\[0\]\.detector: missing"),
        ([ADWIN | {"drift_detected": "yes"}], r"\[0\]\.drift_detected: must be true or false"),
        ([ADWIN | {"time": "noon"}], r"\[0\]\.time: 'noon' is not a time"),
        ([ADWIN | {"verdict": "bad"}], r"\[0\]\.verdict: 'bad' is not a known status"),
    ],
)
@pytest.mark.parametrize("tool", ["river", "frouros"])
def test_other_output_is_refused_in_one_sentence(tool, output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported(tool, output)

    assert "\n" not in str(refused.value)


@given(damaged([ADWIN, KS_TEST, PSI], sample("real/river_events"), sample("real/frouros_results")))
@tried(50)
def test_damaged_records_make_alerts_or_one_sentence(output):
    for tool in ("river", "frouros"):
        try:
            imported(tool, output, STREAMS | SMALL_P)
        except InputError as refused:
            assert "\n" not in str(refused)
