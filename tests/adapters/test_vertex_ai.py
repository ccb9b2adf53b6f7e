"""Vertex AI: to be listed is the verdict; the value is elsewhere.

The samples are written after the types of the Python client; no monitor of Google was run.
"""

from __future__ import annotations

import base64
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

GOLDEN = {
    "vertex_alerts": ("vertex-ai", "vertex_alerts", CONTEXT),
    "vertex_log_entry": ("vertex-ai", "vertex_log_entry", CONTEXT),
}
ALERTS = sample("vertex_alerts")
ENTRY = sample("vertex_log_entry")


def objective(word, **changes):
    """Return a search's answer of one alert."""
    alert = copy.deepcopy(ALERTS["modelMonitoringAlerts"][0])
    return {"modelMonitoringAlerts": [alert | {"objectiveType": word} | changes]}


@pytest.mark.parametrize(
    ("word", "kind", "scope"),
    [
        ("raw-feature-drift", "data_drift", "column"),
        ("prediction-output-drift", "prediction_drift", "prediction"),
        ("feature-attribution", "attribution_drift", "column"),
        ("RAW_FEATURE_SKEW", "data_drift", "column"),
        ("RAW_FEATURE_DRIFT", "data_drift", "column"),
        ("FEATURE_ATTRIBUTION_SKEW", "attribution_drift", "column"),
        ("FEATURE_ATTRIBUTION_DRIFT", "attribution_drift", "column"),
    ],
)
def test_every_objective_has_its_kind(word, kind, scope):
    (alert,) = imported("vertex-ai", objective(word))

    assert (alert.kind, alert.findings[0].scope) == (kind, scope)


def test_the_threshold_bounds_a_distance_whose_value_is_not_told():
    (alert,) = imported("vertex-ai", objective("raw-feature-drift"))
    (found,) = alert.findings

    assert (found.value, found.upper, found.breach_when) == (None, 0.3, "declared")


def test_each_job_and_objective_makes_an_alert():
    other = copy.deepcopy(ALERTS["modelMonitoringAlerts"][0])
    other["anomaly"]["modelMonitoringJob"] = "another"
    answer = {"modelMonitoringAlerts": [*ALERTS["modelMonitoringAlerts"], other]}

    assert [(alert.kind, alert.slice.columns) for alert in imported("vertex-ai", answer)] == [
        ("data_drift", ("dep_delay", "distance")),
        ("prediction_drift", ("late",)),
        ("attribution_drift", ("carrier",)),
        ("data_drift", ("dep_delay",)),
    ]


def in_snake_case(value):
    if isinstance(value, dict):
        snake = {
            "".join(f"_{c.lower()}" if c.isupper() else c for c in k): v for k, v in value.items()
        }
        return {key: in_snake_case(item) for key, item in snake.items()}
    return [in_snake_case(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "output",
    [in_snake_case(ALERTS), ALERTS["modelMonitoringAlerts"], [ALERTS], {"response": ALERTS}],
)
def test_the_same_alerts_may_come_in_other_dress(output):
    def said(alerts):
        return [(a.kind, a.slice.columns, a.started_at, a.monitor.run_id) for a in alerts]

    assert said(imported("vertex-ai", output)) == said(imported("vertex-ai", ALERTS))


def pushed(data):
    return {"message": {"data": data, "messageId": "1"}, "subscription": "s"}


def test_a_log_entry_may_come_through_pubsub():
    data = base64.b64encode(json.dumps(ENTRY).encode()).decode()
    (alert,) = imported("vertex-ai", pushed(data))

    assert alert.findings == imported("vertex-ai", ENTRY)[0].findings
    assert alert.findings[0].value == 0.41


def test_alerts_on_other_pages_are_counted():
    found = imported("vertex-ai", objective("raw-feature-drift") | {"totalNumberAlerts": "30"})

    assert [alert.findings_truncated for alert in found] == [29]


def test_no_alerts_make_none():
    assert imported("vertex-ai", {"modelMonitoringAlerts": []}) == ()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (objective("drift"), "objectiveType: 'drift' is not a known objective"),
        (pushed("%%%"), "message.data: is not the base64 of JSON, as Pub/Sub has it"),
        (pushed(base64.b64encode(b"{").decode()), "message.data: not JSON"),
        ({"violations": []}, "is this Vertex AI's output?"),
    ],
)
def test_what_is_not_known_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("vertex-ai", output)

    assert message in error.value.message


def test_the_context_may_give_an_objective_a_kind():
    (alert,) = imported(
        "vertex-ai", objective("my-drift"), CONTEXT | {"kinds": {"my-drift": "concept_drift"}}
    )

    assert alert.kind == "concept_drift"


def test_envelopes_without_end_are_refused():
    output = ENTRY
    for _ in range(400):
        output = {"message": output}

    with pytest.raises(InputError):
        imported("vertex-ai", output)


@settings(max_examples=60, deadline=None)
@given(damaged(ALERTS, ENTRY))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("vertex-ai", output)
    except InputError as error:
        assert "\n" not in error.message
