"""SageMaker Model Monitor: what stands in the file is wrong, and the numbers are in prose.

The samples are written after the documented format; no monitor of AWS was run.
"""

from __future__ import annotations

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

GOLDEN = {
    "sagemaker_data_quality": ("sagemaker", "sagemaker_data_quality", CONTEXT),
    "sagemaker_other_monitors": ("sagemaker", "sagemaker_other_monitors", CONTEXT),
}
QUALITY = sample("sagemaker_data_quality")
OTHERS = sample("sagemaker_other_monitors")


def violation(check, description="", **fields):
    return {
        "violations": [
            {"feature_name": "distance", "constraint_check_type": check, "description": description}
            | fields
        ]
    }


def fired(output, context=CONTEXT):
    return imported("sagemaker", output, context, include_resolved=False)


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        ("baseline_drift_check", "data_drift"),
        ("completeness_check", "data_quality"),
        ("categorical_values_check", "data_quality"),
        ("data_type_check", "schema_change"),
        ("missing_column_check", "schema_change"),
        ("extra_column_check", "schema_change"),
        ("bias_drift_check", "performance"),
        ("feature_attribution_drift_check", "attribution_drift"),
        ("LessThanThreshold", "performance"),
        ("GreaterThanThreshold", "performance"),
    ],
)
def test_every_check_has_its_kind(check, kind):
    assert [alert.kind for alert in fired(violation(check))] == [kind]


@pytest.mark.parametrize(
    ("check", "prose", "numbers"),
    [
        ("baseline_drift_check", "distance: 0.26 exceeds threshold: 0.1", (0.26, None, 0.1, "gt")),
        ("baseline_drift_check", "it drifted", (None, None, None, "declared")),
        (
            "data_type_check",
            "Expected match: 100.0%. Observed: Only 99.7% of data is Integral.",
            (99.7, 100.0, None, "lt"),
        ),
        (
            "feature_attribution_drift_check",
            "Feature attribution drift 0.76 exceeds threshold 0.9",
            (0.76, 0.9, None, "lt"),
        ),
        (
            "LessThanThreshold",
            "Metric f2 with 0.7 +/- 1e-3 was LessThanThreshold '1.0'",
            (0.7, 1.0, None, "lt"),
        ),
        (
            "GreaterThanThreshold",
            "Metric rmse with 14 +/- 0.1 was GreaterThanThreshold '12.5'",
            (14.0, None, 12.5, "gt"),
        ),
        (
            "baseline_drift_check",
            "Numerical distance: 1.2E-1 exceeds numerical threshold: 0.1",
            (0.12, None, 0.1, "gt"),
        ),
        ("bias_drift_check", "Value -0.079 does not meet", (-0.079, None, None, "declared")),
    ],
)
def test_numbers_are_read_out_of_prose_that_is_known(check, prose, numbers):
    (alert,) = fired(violation(check, prose))
    (found,) = alert.findings

    assert (found.value, found.lower, found.upper, found.breach_when) == numbers


def test_prose_without_end_is_not_searched_for_ever():
    (alert,) = fired(violation("GreaterThanThreshold", "with 1 was '" * 100_000))

    assert alert.findings[0].value is None


def test_a_wrong_number_of_columns_is_of_no_column():
    found = finding_of(fired(QUALITY), "missing_column_check")

    assert (found.scope, found.value, found.lower) == ("dataset", 18.0, 19.0)


def test_a_metric_of_the_model_is_of_the_model():
    found = finding_of(fired(OTHERS), "less_than_threshold_recall")

    assert (found.scope, found.native_metric) == ("model", "LessThanThreshold recall")


def test_an_empty_file_says_that_the_data_is_well():
    assert fired({"violations": []}) == ()
    assert {(alert.kind, alert.status) for alert in imported("sagemaker", {"violations": []})} == {
        ("data_drift", "resolved"),
        ("data_quality", "resolved"),
        ("schema_change", "resolved"),
    }


def test_a_kind_of_the_context_makes_one_alert_of_all():
    (alert,) = imported("sagemaker", QUALITY, CONTEXT | {"kind": "volume"})

    assert (alert.kind, len(alert.findings)) == ("volume", 6)


def test_a_check_of_ones_own_takes_its_kind_from_the_context():
    with pytest.raises(InputError) as error:
        imported("sagemaker", violation("CustomMetric"))
    assert error.value.message.startswith(
        "report.json: violations[0].constraint_check_type: 'CustomMetric' is no check that is known"
    )

    (alert,) = fired(violation("CustomMetric"), CONTEXT | {"kinds": {"CustomMetric": "volume"}})
    assert alert.kind == "volume"


@pytest.mark.parametrize("output", [QUALITY["violations"], [QUALITY], {"body": QUALITY}])
def test_the_violations_may_stand_alone_or_wrapped(output):
    assert verdicts(fired(output)) == verdicts(fired(QUALITY))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"features": []}, "is this SageMaker's output?"),
        ({"violations": {}}, "violations: must be a list"),
        ({"violations": [{}]}, "violations[0].constraint_check_type: missing"),
        (violation("x", feature_name=3), "is no check that is known here"),
        (violation("completeness_check", feature_name=3), "feature_name: must be text, not 3"),
    ],
)
def test_the_output_of_something_else_is_refused(output, message):
    with pytest.raises(InputError) as error:
        imported("sagemaker", output)

    assert message in error.value.message


@settings(max_examples=60, deadline=None)
@given(damaged(QUALITY, OTHERS))
def test_damaged_output_makes_alerts_or_one_sentence(output):
    try:
        imported("sagemaker", output)
    except InputError as error:
        assert "\n" not in error.message
