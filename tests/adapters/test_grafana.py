"""Grafana: which of a rule's numbers is the score, the context says."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings

from retouch.errors import InputError
from tests.adapters.support import (
    CONTEXT,
    damaged,
    imported,
    sample,
)

SCORED = CONTEXT | {"score": "A"}
GOLDEN = {"grafana_webhook": ("grafana", "grafana_webhook_v1", SCORED)}
WEBHOOK = sample("grafana_webhook_v1")


def webhook(labels=None, **member):
    message = copy.deepcopy(WEBHOOK)
    message["alerts"][0] |= member
    message["alerts"][0]["labels"] |= labels or {}
    return message


def value(message, context):
    (alert,) = imported("grafana", message, context)
    (finding,) = alert.findings
    return finding.value


@pytest.mark.parametrize(
    ("values", "score", "expected"),
    [
        ({"A": 0.266, "B": 0, "C": 1}, "A", 0.266),
        ({"A": 0.266, "B": 0, "C": 1}, "C", 1),
        ({"A": 0.266, "B": 0, "C": 1}, None, None),
        ({"A": 0.266}, None, 0.266),
        ({"A": None}, "A", None),
        ({}, "A", None),
        (None, "A", None),
    ],
)
def test_the_score_is_the_query_the_context_names(values, score, expected):
    assert value(webhook(values=values), CONTEXT | ({"score": score} if score else {})) == expected


def test_a_score_that_is_no_query_of_the_rule_is_refused():
    with pytest.raises(InputError) as error:
        imported("grafana", WEBHOOK, CONTEXT | {"score": "score"})

    assert error.value.message == (
        "report.json: alerts[0].values: has no 'score', the `score` of the context;"
        " expected one of A, B, C."
    )


def test_the_annotation_counts_where_no_query_is_named():
    assert value(webhook(annotations={"value": "0.3"}), CONTEXT) == 0.3


@pytest.mark.parametrize(
    ("rule", "verdict"), [("DatasourceNoData", "skipped"), ("DatasourceError", "error")]
)
def test_a_rule_without_data_says_so_and_nothing_else(rule, verdict):
    message = webhook({"alertname": rule, "rulename": "FeatureDrift"}, values=None)
    (alert,) = imported("grafana", message, SCORED, include_resolved=False)

    assert (alert.status, alert.findings[0].verdict) == ("no_data", verdict)


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        ("firing", "NoData", "skipped"),
        ("firing", "NoData, KeepLast", "skipped"),
        ("firing", "Error", "error"),
        ("resolved", "MissingSeries", "skipped"),
        ("resolved", "Paused", "skipped"),
    ],
)
def test_a_state_without_a_number_behind_it_neither_fires_nor_ends(status, reason, verdict):
    message = webhook(status=status, annotations={"grafana_state_reason": reason})
    (alert,) = imported("grafana", message, SCORED, include_resolved=False)

    assert (alert.status, alert.findings[0].verdict) == ("no_data", verdict)


def test_a_resolved_member_is_over():
    (alert,) = imported("grafana", webhook(status="resolved", endsAt="2024-03-02T00:00:00Z"))

    assert (alert.status, alert.findings[0].verdict) == ("resolved", "ok")


def test_times_with_nanoseconds_are_read():
    (alert,) = imported("grafana", webhook(startsAt="2024-03-01T02:09:00.123456789Z"))

    assert alert.started_at.isoformat() == "2024-03-01T02:09:00.123456+00:00"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (WEBHOOK | {"version": "4"}, "version: '4' is Alertmanager's; import it with"),
        (webhook(status="alerting"), "alerts[0].status: 'alerting' is not a known status"),
        ({"state": "alerting", "evalMatches": []}, "is not what Grafana writes"),
    ],
)
def test_the_output_of_something_else_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("grafana", output)

    assert message in error.value.message


@settings(max_examples=50, deadline=None)
@given(damaged(WEBHOOK, [WEBHOOK]))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("grafana", output, SCORED)
    except InputError as error:
        assert "\n" not in error.message
