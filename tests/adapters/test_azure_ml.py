"""Azure ML: the tag may list more than what is wrong, so each row is held against its limit.

The samples are written after the documented events; no monitor of Azure was run.
"""

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
    verdicts,
)

GOLDEN = {
    "azure_ml_v2": ("azure-ml", "azure_ml_v2", CONTEXT),
    "azure_ml_v1": ("azure-ml", "azure_ml_v1", CONTEXT),
}
EVENTS = sample("azure_ml_v2")
DRIFT = sample("azure_ml_v1")
TAG = "azureml_modelmonitor_threshold_breached"


def event(tag=None, signal="m_data_drift", **row):
    """Return an event whose tag lists one row, or says something else."""
    changed = copy.deepcopy(EVENTS[0])
    rows = [{"group": "g", "metric_name": "x", "metric_value": 2, "threshold_value": 1} | row]
    prose = f"The signal '{signal}' has failed due to one or more features.\nthe threshold are \n"
    written = prose + repr([json.dumps(row) for row in rows]) + "\n"
    changed["data"]["RunTags"][TAG] = written if tag is None else tag
    return changed


@pytest.mark.parametrize(
    ("metric", "value", "threshold", "verdict"),
    [
        ("NormalizedWassersteinDistance", 0.2, 0.1, "breach"),
        ("NormalizedWassersteinDistance", 0.1, 0.1, "ok"),
        ("normalized_wasserstein_distance", 0.05, 0.1, "ok"),
        ("NullValueRate", 0.2, 0.1, "breach"),
        ("TwoSampleKolmogorovSmirnovTest", 0.9, 0.05, "ok"),
        ("TwoSampleKolmogorovSmirnovTest", 0.01, 0.05, "breach"),
        ("PearsonsChiSquaredTest", 0.01, 0.05, "breach"),
        ("Accuracy", 0.7, 0.8, "breach"),
        ("Accuracy", 0.9, 0.8, "ok"),
        ("AggregatedFluencyPassRate", 0.7, 0.8, "breach"),
        ("RootMeanSquaredError", 12, 10, "breach"),
        ("HomeMadeMetric", 0.1, 0.8, "breach"),
        ("NormalizedWassersteinDistance", None, 0.1, "skipped"),
        ("NormalizedWassersteinDistance", 0.2, None, "skipped"),
    ],
)
def test_each_row_is_held_against_its_own_limit(metric, value, threshold, verdict):
    row = event(metric_name=metric, metric_value=value, threshold_value=threshold)
    (alert,) = imported("azure-ml", row)

    assert alert.findings[0].verdict == verdict


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        ("late_monitor_data_drift", "data_drift"),
        ("late-prediction-drift", "prediction_drift"),
        ("DataQuality", "data_quality"),
        ("m_feature_attribution_drift", "attribution_drift"),
        ("m_model_performance", "performance"),
    ],
)
def test_the_name_of_a_signal_tells_its_kind(signal, kind):
    (alert,) = imported("azure-ml", event(signal=signal))

    assert alert.kind == kind


def test_a_signal_of_ones_own_asks_for_its_kind():
    with pytest.raises(InputError, match="the kind of 'signal-7' is unknown"):
        imported("azure-ml", event(signal="signal-7"))

    context = CONTEXT | {"kinds": {"signal-7": "label_quality"}}
    (alert,) = imported("azure-ml", event(signal="signal-7"), context)
    assert alert.kind == "label_quality"


def test_an_apostrophe_in_a_name_does_not_break_the_list():
    (alert,) = imported("azure-ml", event(group='O\'Hare "ORD" [x]'))

    assert alert.findings[0].column == 'O\'Hare "ORD" [x]'


def test_the_tag_is_found_whatever_its_capitals():
    changed = copy.deepcopy(EVENTS[0])
    changed["data"]["runTags"] = changed["data"].pop("RunTags")

    assert verdicts(imported("azure-ml", changed)) == verdicts(imported("azure-ml", EVENTS))


def test_the_first_version_says_which_days_it_judged():
    (alert,) = imported("azure-ml", DRIFT)

    window = alert.slice.current.window
    assert window.days == (window.start.date(), window.end.date())
    assert (window.start.isoformat(), alert.findings[0].value) == (
        "2013-07-04T00:00:00+00:00",
        0.835,
    )


def test_an_id_of_azures_is_a_data_set_only_where_the_context_says_so():
    tables = {"d7e74d2e": {"dataset": "weather", "digest": "md5:" + "1" * 32}}

    assert imported("azure-ml", DRIFT)[0].slice.current.dataset == "flights"
    (alert,) = imported("azure-ml", DRIFT, CONTEXT | {"tables": tables})
    assert alert.slice.current.dataset == "weather"


def test_both_versions_are_read_from_one_list():
    assert [alert.kind for alert in imported("azure-ml", [*EVENTS, DRIFT])] == [
        "data_drift",
        "data_drift",
    ]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (EVENTS[1], "holds no event of a monitor"),
        ([], "is this Azure ML's output?"),
        ({"eventType": "Microsoft.Storage.BlobCreated"}, "is this Azure ML's output?"),
        (event("has failed"), f"data.RunTags.{TAG}: has no list of metrics in it"),
        (event("['{']"), "not JSON"),
        (event("[__import__('os')]"), "has no list of metrics in it"),
        (event("[{[]: 1}]"), "has no list of metrics in it"),
        (event("[" * 5000 + "]" * 5000), "has no list of metrics in it"),
    ],
)
def test_what_is_no_event_of_a_monitor_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("azure-ml", output)

    assert message in error.value.message


@settings(max_examples=60, deadline=None)
@given(damaged(EVENTS, DRIFT, EVENTS[0]))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("azure-ml", output)
    except InputError as error:
        assert "\n" not in error.message
