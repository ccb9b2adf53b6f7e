"""CloudWatch: the same alarm through SNS, EventBridge, Lambda, or as AWS lists it."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    imported,
    sample,
)

WITHOUT_WINDOW = {key: value for key, value in CONTEXT.items() if key != "window"}
GOLDEN = {
    "cloudwatch_sns": ("cloudwatch", "cloudwatch_alarm_sns", WITHOUT_WINDOW),
    "cloudwatch_eventbridge": ("cloudwatch", "cloudwatch_eventbridge", CONTEXT),
}
DELIVERED = sample("cloudwatch_alarm_sns")
EVENT = sample("cloudwatch_eventbridge")
ALARM = json.loads(DELIVERED["Records"][0]["Sns"]["Message"])


def only(output, context=CONTEXT):
    (alert,) = imported("cloudwatch", output, context)
    return alert


def finding(output, context=CONTEXT):
    (found,) = only(output, context).findings
    return found


def with_rule(**changes):
    trigger = {k: v for k, v in (ALARM["Trigger"] | changes).items() if v is not None}
    return ALARM | {"Trigger": trigger}


NOTIFICATION = DELIVERED["Records"][0]["Sns"]


@pytest.mark.parametrize(
    "output",
    [
        DELIVERED,
        NOTIFICATION,
        ALARM,
        [ALARM],
        [NOTIFICATION],
        {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(NOTIFICATION)}]},
    ],
)
def test_an_alarm_means_the_same_in_every_envelope(output):
    found = finding(output)

    assert (found.column, found.verdict, found.value) == ("dep_delay", "breach", 0.266)
    assert (found.upper, found.breach_when) == (0.1, "gt")


def test_several_records_make_several_alerts():
    two = {"Records": [DELIVERED["Records"][0], copy.deepcopy(DELIVERED["Records"][0])]}

    assert len(imported("cloudwatch", two)) == 2


def test_a_lambda_gets_the_alarm_in_another_spelling():
    detail = EVENT["detail"]
    called = {"source": "aws.cloudwatch", "time": EVENT["time"], "alarmData": detail}

    assert finding(called).value == 0.12


def test_a_described_alarm_is_read():
    described = {
        "MetricAlarms": [
            {
                "AlarmName": "drift",
                "StateValue": "ALARM",
                "StateReason": ALARM["NewStateReason"],
                "StateUpdatedTimestamp": "2013-08-01T00:00:27.123000+00:00",
                "MetricName": "feature_baseline_drift_dep_delay",
                "Dimensions": [{"Name": "Endpoint", "Value": "late"}],
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 0.1,
            }
        ]
    }

    assert only(described).labels == {"Endpoint": "late"}
    assert finding(described).value == 0.266


@pytest.mark.parametrize(
    ("state", "status", "verdict"),
    [
        ("ALARM", "firing", "breach"),
        ("OK", "resolved", "ok"),
        ("INSUFFICIENT_DATA", "no_data", "skipped"),
    ],
)
def test_every_state_has_its_meaning(state, status, verdict):
    alert = only(ALARM | {"NewStateValue": state})

    assert (alert.status, alert.findings[0].verdict) == (status, verdict)


@pytest.mark.parametrize(
    ("operator", "lower", "upper", "breach_when"),
    [
        ("GreaterThanThreshold", None, 0.1, "gt"),
        ("GreaterThanOrEqualToThreshold", None, 0.1, "ge"),
        ("LessThanThreshold", 0.1, None, "lt"),
        ("LessThanOrEqualToThreshold", 0.1, None, "le"),
        ("LessThanLowerOrGreaterThanUpperThreshold", None, None, "outside"),
        ("LessThanLowerThreshold", 0.1, None, "lt"),
        ("GreaterThanUpperThreshold", None, 0.1, "gt"),
    ],
)
def test_every_operator_has_its_side(operator, lower, upper, breach_when):
    found = finding(with_rule(ComparisonOperator=operator))

    assert (found.lower, found.upper, found.breach_when) == (lower, upper, breach_when)


def test_a_band_has_no_threshold():
    found = finding(with_rule(ComparisonOperator="GreaterThanUpperThreshold", Threshold=None))

    assert (found.upper, found.breach_when) == (None, "gt")


@pytest.mark.parametrize(
    ("prose", "lower", "upper", "breach_when"),
    [
        ("[0.2 (01/08/13 00:00:00)] was greater than the threshold (0.1)", None, 0.1, "gt"),
        ("[0.2 (01/08/13 00:00:00)] was not less than the threshold (1E-1)", 0.1, None, "lt"),
        (
            "[0.2 (01/08/13 00:00:00)] were less than or equal to the threshold (0.3)",
            0.3,
            None,
            "le",
        ),
        ("no datapoints were received for 2 periods", None, None, "declared"),
    ],
)
def test_eventbridge_tells_the_rule_in_prose_only(prose, lower, upper, breach_when):
    event = copy.deepcopy(EVENT)
    event["detail"]["state"] |= {"reason": f"Threshold Crossed: 1 datapoint {prose}."}
    found = finding(event)

    assert (found.lower, found.upper, found.breach_when) == (lower, upper, breach_when)


def test_the_latest_datapoint_is_the_value():
    reason = "2 datapoints [0.11 (31/07/13 23:00:00), 0.12 (01/08/13 00:00:00)] were greater"

    assert finding(ALARM | {"NewStateReason": reason}).value == 0.12


def test_a_window_of_the_context_is_better_than_the_period():
    alert = only(ALARM, CONTEXT)

    assert alert.slice.current.window.start.isoformat() == "2013-07-01T00:00:00+00:00"


def test_several_periods_are_the_window_where_the_context_has_none():
    window = only(with_rule(EvaluationPeriods=24), WITHOUT_WINDOW).slice.current.window

    assert (window.end - window.start).total_seconds() == 24 * 3600


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"MetricName": "feature_null_carrier"}, "data_quality"),
        (
            {"MetricName": "rmse", "Namespace": "aws/sagemaker/Endpoints/model-metrics"},
            "performance",
        ),
        (
            {"MetricName": "ndcg", "Namespace": "aws/sagemaker/Endpoints/explainability-metrics"},
            "attribution_drift",
        ),
    ],
)
def test_model_monitors_namespaces_tell_the_kind(rule, kind):
    assert only(with_rule(**rule)).kind == kind


def test_any_other_metric_asks_for_its_kind():
    with pytest.raises(InputError, match="the kind of 'psi' is unknown"):
        only(with_rule(MetricName="psi", Namespace="ml"))

    context = CONTEXT | {"kinds": {"psi": "prediction_drift"}}
    assert only(with_rule(MetricName="psi", Namespace="ml"), context).kind == "prediction_drift"


def test_an_expression_has_the_name_of_its_result():
    stat = {"Metric": {"MetricName": "rmse", "Namespace": "ml", "Dimensions": []}}
    parts = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2", "Label": "doubled error", "ReturnData": True},
    ]
    alarm = with_rule(MetricName=None, Namespace=None, Dimensions=None, Metrics=parts)

    assert finding(alarm, CONTEXT | {"kind": "performance"}).metric == "doubled_error"


def test_an_alarm_on_alarms_has_its_own_name():
    composite = {
        "AlarmName": "anything-drifts",
        "AlarmRule": "ALARM(a) OR ALARM(b)",
        "NewStateValue": "ALARM",
        "NewStateReason": "a changed",
        "StateChangeTime": "2013-08-01T00:00:27.123+0000",
    }

    assert finding(composite, CONTEXT | {"kind": "data_drift"}).metric == "anything_drifts"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (ALARM | {"NewStateValue": "ALERT"}, "NewStateValue: 'ALERT' is not a known status"),
        (NOTIFICATION | {"Type": "SubscriptionConfirmation"}, "Type: 'SubscriptionConfirmation'"),
        (NOTIFICATION | {"Message": "it burns"}, "Message: is not what CloudWatch writes"),
        (NOTIFICATION | {"Message": "{"}, "Message: not JSON"),
        (with_rule(ComparisonOperator="Greater"), "'Greater' is not a known operator"),
        ({"violations": []}, "is this CloudWatch's output?"),
    ],
)
def test_what_is_no_alarm_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("cloudwatch", output)

    assert message in error.value.message


def test_notifications_without_end_are_refused():
    output = ALARM
    for _ in range(400):
        output = {"Sns": output}

    with pytest.raises(InputError, match=r"Sns\.Message: missing"):
        imported("cloudwatch", output)


@settings(max_examples=80, deadline=None)
@given(damaged(DELIVERED, ALARM, EVENT))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("cloudwatch", output)
    except InputError as error:
        assert "\n" not in error.message
