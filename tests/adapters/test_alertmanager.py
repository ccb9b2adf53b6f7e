"""Alertmanager: members count, not the group; what is silenced neither fires nor is over."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    finding_of,
    imported,
    sample,
    verdicts,
)

GOLDEN = {"alertmanager_webhooks": ("alertmanager", "alertmanager_webhook_v4", CONTEXT)}
RECORDED = sample("alertmanager_webhook_v4")
WEBHOOKS = [webhook["body"] for webhook in RECORDED["webhooks"]]
LISTED = RECORDED["api_v2_alerts"]
WITHOUT_DATA = {"monitor": "daily"}
DIGEST = {"data_digest": CONTEXT["digest"]}


def webhook(*, labels=None, annotations=None, drop=(), **fields):
    """Return a webhook of one member with other labels, annotations and fields."""
    message = copy.deepcopy(WEBHOOKS[0])
    message["alerts"] = message["alerts"][:1]
    (member,) = message["alerts"]
    member["labels"] |= labels or {}
    member["annotations"] |= annotations or {}
    for name in drop:
        member["labels"].pop(name, None)
        member["annotations"].pop(name, None)
    return message | fields


def only(message, context=CONTEXT):
    (alert,) = imported("alertmanager", message, context)
    return alert


def test_a_group_with_a_member_that_is_over_makes_two_alerts():
    firing, over = imported("alertmanager", WEBHOOKS[2])

    assert (firing.status, firing.slice.columns) == ("firing", ("air_time", "distance"))
    assert (over.status, verdicts([over])) == (
        "resolved",
        {("dep_delay", "wasserstein_normed"): "ok"},
    )


def test_an_alert_that_is_over_is_told_without_being_asked():
    assert [a.status for a in imported("alertmanager", WEBHOOKS[2], include_resolved=False)] == [
        "firing",
        "resolved",
    ]


def test_members_that_were_left_out_are_counted_for_what_fires():
    firing, over = imported("alertmanager", WEBHOOKS[2])

    assert (firing.findings_truncated, over.findings_truncated) == (1, 0)


def test_a_list_of_webhooks_makes_the_alerts_of_each():
    alerts = imported("alertmanager", WEBHOOKS)

    assert [alert.slice.columns for alert in alerts if alert.status == "firing"] == [
        ("dep_delay", "distance"),
        ("air_time", "dep_delay", "distance"),
        ("air_time", "distance"),
        ("air_time", "dep_delay", "distance"),
        ("carrier",),
    ]


def test_what_is_silenced_or_inhibited_makes_no_alert_of_its_own():
    suppressed = [alert for alert in LISTED if alert["status"]["state"] == "suppressed"]

    assert imported("alertmanager", suppressed) == ()


def test_what_is_silenced_stands_as_skipped_beside_what_fires():
    drift, quality = imported("alertmanager", LISTED)

    assert verdicts([drift])[("x", "wasserstein_normed")] == "skipped"
    assert "x" not in drift.slice.columns
    assert (quality.kind, quality.slice.columns) == ("data_quality", ("carrier",))


def test_the_list_of_alerts_says_when_it_was_updated():
    assert {alert.emitted_at.isoformat() for alert in imported("alertmanager", LISTED)} == {
        "2026-11-22T20:14:07.428000+00:00"
    }


def test_an_empty_list_of_alerts_makes_none():
    assert imported("alertmanager", []) == ()


def test_labels_say_which_data_and_model_where_the_context_does_not():
    alert = only(webhook(annotations=DIGEST), WITHOUT_DATA)

    assert (alert.model, alert.slice.current.dataset) == ("late-v1", "flights-2013-07")
    assert alert.slice.current.window.start.isoformat() == "2013-07-01T00:00:00+00:00"


def test_members_about_different_data_make_an_alert_each():
    message = copy.deepcopy(WEBHOOKS[0])
    message["alerts"][1]["labels"]["dataset"] = "weather"
    for member in message["alerts"]:
        member["annotations"] |= DIGEST

    assert [a.slice.current.dataset for a in imported("alertmanager", message, WITHOUT_DATA)] == [
        "flights-2013-07",
        "weather",
    ]


def test_the_context_s_data_set_does_not_stand_for_another_that_is_named():
    message = copy.deepcopy(WEBHOOKS[0])
    message["alerts"][0]["labels"]["dataset"] = "flights"
    message["alerts"][1]["labels"]["dataset"] = "weather"

    with pytest.raises(InputError, match=r"judges 'weather' and another table; .* `tables:`"):
        imported("alertmanager", message)
    weather = {"dataset": "weather", "digest": "md5:" + "1" * 32}
    told = imported("alertmanager", message, CONTEXT | {"tables": {"weather": weather}})
    assert [alert.slice.current.dataset for alert in told] == ["flights", "weather"]


@pytest.mark.parametrize("end", ["2013-06-30T00:00:00Z", "2013-07-01T00:00:00Z"])
def test_a_window_that_ends_before_it_starts_is_refused(end):
    with pytest.raises(InputError, match="window_start that is not before its window_end"):
        imported("alertmanager", webhook(annotations={"window_end": end}))


def test_a_unix_time_is_read_as_a_template_of_prometheus_writes_it():
    times = {"window_start": "1.3726368e+09", "window_end": "1.3732416e+09"}
    window = only(webhook(annotations=times)).slice.current.window

    assert [t.isoformat()[:10] for t in (window.start, window.end)] == ["2013-07-01", "2013-07-08"]


def test_all_that_is_missing_is_said_at_once():
    message = webhook(drop=("model", "dataset", "window_start"))

    with pytest.raises(InputError) as error:
        imported("alertmanager", message, {})

    assert error.value.message == (
        "report.json: the output of alertmanager lacks model (the model concerned), "
        "monitor (the id of the monitor), dataset (the dataset that was judged), "
        "digest (the digest of the data, as in dvc.lock), "
        "window (the days that were judged)."
    )


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("data_drift", "data_drift"),
        ("feature_drift", "data_drift"),
        ("feature-drift", "data_drift"),
        ("FeatureDrift", "data_drift"),
        ("model_performance", "performance"),
        ("label_drift", "target_drift"),
        ("freshness", "freshness"),
    ],
)
def test_the_label_kind_is_read_in_any_usual_spelling(word, kind):
    assert only(webhook(labels={"kind": word})).kind == kind


@pytest.mark.parametrize(
    ("context", "kind"),
    [
        ({"kinds": {"FeatureDrift": "concept_drift"}}, "concept_drift"),
        ({"kinds": {"feature_drift": "prediction_drift"}, "kind": "volume"}, "prediction_drift"),
        ({"kind": "volume"}, "volume"),
    ],
)
def test_the_context_decides_the_kind_by_label_rule_or_for_all(context, kind):
    assert only(webhook(), CONTEXT | context).kind == kind


def test_a_rule_without_a_kind_asks_for_one():
    with pytest.raises(InputError) as error:
        only(webhook(drop=["kind"]))

    assert error.value.message == (
        "report.json: alerts[0]: the kind of 'FeatureDrift' is unknown;"
        " set `kind:`, or `kinds:` with this name, in the context."
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", "critical"),
        ("page", "critical"),
        ("error", "critical"),
        ("warning", "warning"),
        ("Info", "info"),
        ("none", "info"),
    ],
)
def test_the_severity_is_the_labels(word, severity):
    assert only(webhook(labels={"severity": word})).severity == severity


def test_a_severity_of_ones_own_leaves_it_to_the_context():
    alert = only(webhook(labels={"severity": "squad-7"}), CONTEXT | {"severity": "info"})

    assert alert.severity == "info"


def test_a_group_is_as_severe_as_its_worst_member():
    message = copy.deepcopy(WEBHOOKS[0])
    message["alerts"][1]["labels"]["severity"] = "critical"

    assert only(message).severity == "critical"


@pytest.mark.parametrize(
    ("annotations", "numbers"),
    [
        ({"value": "0.3", "threshold": "0.1"}, (0.3, None, 0.1, "declared")),
        ({"value": "0.01", "threshold": "0.05"}, (0.01, 0.05, None, "declared")),
        ({"value": "0.1", "threshold": "0.1"}, (0.1, None, None, "declared")),
        ({"threshold": "0.1", "breach_when": "lt"}, (0.266, 0.1, None, "lt")),
        ({"threshold": "0.1", "breach_when": "ge"}, (0.266, None, 0.1, "ge")),
        ({"value": "26.6%"}, (None, None, None, "declared")),
        ({"value": "NaN"}, (None, None, None, "declared")),
        ({"value": ""}, (None, None, None, "declared")),
        ({"threshold": "+Inf"}, (0.266, None, None, "declared")),
    ],
)
def test_the_limit_lies_on_the_side_from_which_it_fired(annotations, numbers):
    finding = finding_of(
        [only(webhook(annotations=annotations))], "wasserstein_normed", "dep_delay"
    )

    assert (finding.value, finding.lower, finding.upper, finding.breach_when) == numbers


def test_the_year_one_is_no_time():
    message = webhook()
    message["alerts"][0]["startsAt"] = "0001-01-01T00:00:00Z"

    assert only(message).started_at is None


def test_a_time_without_offset_takes_the_zone_of_the_context():
    annotations = {"window_start": "2013-07-01 00:00:00", "window_end": "2013-08-01 00:00:00"}
    window = only(webhook(annotations=annotations)).slice.current.window

    assert window.start.isoformat() == "2013-07-01T00:00:00-04:00"


@pytest.mark.parametrize("status", ["pending", "Fired", "", 3, None, {"state": "on"}, []])
def test_a_status_that_is_not_known_is_refused(status):
    message = webhook()
    message["alerts"][0]["status"] = status

    with pytest.raises(InputError, match=r"alerts\[0\]\.status"):
        imported("alertmanager", message)


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (webhook(version="1"), "version: '1' is Grafana's; import it with `--from grafana`."),
        (webhook(version="5"), "version: '5' is unknown; expected version '4'."),
        ({"metrics": []}, "is not what Alertmanager writes; is this Alertmanager's output?"),
        ({"alerts": {}}, "alerts: must be a list, not {}."),
    ],
)
def test_the_output_of_something_else_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("alertmanager", output)

    assert error.value.message == f"report.json: {message}"


def test_a_webhook_may_lie_inside_of_what_received_it():
    assert only({"headers": {}, "body": webhook()}).kind == "data_drift"


@settings(max_examples=60, deadline=None)
@given(damaged(WEBHOOKS, WEBHOOKS[2], LISTED, RECORDED))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("alertmanager", output)
    except InputError as error:
        assert "\n" not in error.message
