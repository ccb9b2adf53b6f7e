"""NannyML: one chunk is one result, with its own window."""

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
    imported_sample,
    sample,
)

GOLDEN = {
    "nannyml_all": ("nannyml", "nannyml_results", CONTEXT),
    "nannyml_univariate": ("nannyml", "real/nannyml_univariate_split", CONTEXT),
    "nannyml_performance": ("nannyml", "real/nannyml_performance_flat", CONTEXT),
    "nannyml_row_count": ("nannyml", "real/nannyml_row_count_flat", CONTEXT),
    "nannyml_dle": ("nannyml", "real/nannyml_dle_flat", CONTEXT),
    "nannyml_missing": ("nannyml", "real/nannyml_missing_flat", CONTEXT),
}
RESULTS = sample("nannyml_results")
UNIVARIATE = RESULTS["univariate"]["records"]
DUMPS = ("split", "flat", "tuple_keys")


def without(*fields):
    return {key: value for key, value in CONTEXT.items() if key not in fields}


def chunk(**cells):
    """Return a chunk of a frame with two levels."""
    record = {
        "chunk|key": "[0:99]",
        "chunk|start_index": 0,
        "chunk|end_index": 99,
        "chunk|start_date": None,
        "chunk|end_date": None,
        "chunk|period": "analysis",
    }
    return [record | {key.replace("__", "|"): value for key, value in cells.items()}]


@pytest.mark.parametrize("dump", DUMPS)
def test_however_the_frame_was_dumped_it_says_the_same(dump):
    expected = imported_sample("nannyml", "real/nannyml_univariate_split")
    found = imported_sample("nannyml", f"real/nannyml_univariate_{dump}")

    # Of some dumps the last chunks only were kept.
    assert len(found) >= 3
    expected = expected[-len(found) :]
    assert [alert.slice for alert in found] == [alert.slice for alert in expected]
    assert [_rounded(alert) for alert in found] == [_rounded(alert) for alert in expected]


def _rounded(alert):
    # `to_json` writes ten digits.
    return [
        (f.column, f.metric, f.verdict, None if f.value is None else round(f.value, 8))
        for f in alert.findings
    ]


@pytest.mark.parametrize(
    "dump",
    [
        lambda rows: {"data": [list(r.values()) for r in rows], "columns": list(rows[0])},
        lambda rows: {key: {str(n): r[key] for n, r in enumerate(rows)} for key in rows[0]},
        lambda rows: {key: [r[key] for r in rows] for key in rows[0]},
        lambda rows: {str(n): row for n, row in enumerate(rows)},
        lambda rows: {"schema": {"fields": []}, "data": [{"index": 0} | row for row in rows]},
        lambda rows: {"drift": rows, "_meta": {"tool": "nannyml"}},
        lambda rows: {"drift": {"records": rows}},
        lambda rows: [_nested(row) for row in rows],
        json.dumps,
    ],
)
def test_the_frame_is_read_in_any_orientation(dump):
    expected = imported("nannyml", UNIVARIATE)
    found = imported("nannyml", dump(UNIVARIATE))

    assert [a.findings for a in found] == [a.findings for a in expected]
    assert [a.slice for a in found] == [a.slice for a in expected]


def _nested(row):
    record = {}
    for key, value in row.items():
        first, second, third = key.split("|")
        record.setdefault(first, {}).setdefault(second, {})[third] = value
    return record


def test_a_chunk_is_half_open_in_the_declared_zone():
    first = imported("nannyml", UNIVARIATE)[0].slice.current

    assert first.window.start.isoformat() == "2013-07-01T00:00:00-04:00"
    assert first.window.end.isoformat() == "2013-07-08T00:00:00-04:00"
    assert first.rows == 1277


def test_times_without_a_zone_are_refused():
    with pytest.raises(InputError, match=r"start_date'\]: .*has no UTC offset; set `zone:`"):
        imported("nannyml", UNIVARIATE, without("zone"))


def test_milliseconds_of_pandas_are_the_same_local_time():
    rows = copy.deepcopy(UNIVARIATE)
    rows[0]["chunk|chunk|start_date"] = 1372636800000
    rows[0]["chunk|chunk|end_date"] = 1373241599999

    assert imported("nannyml", rows)[0].slice == imported("nannyml", UNIVARIATE)[0].slice


def test_the_last_row_of_a_chunk_belongs_to_its_window():
    rows = copy.deepcopy(UNIVARIATE[:1])
    rows[0]["chunk|chunk|end_date"] = "2013-07-07T21:30:00"

    (alert,) = imported("nannyml", rows)
    assert alert.slice.current.window.end.isoformat() == "2013-07-07T21:30:01-04:00"


def test_chunks_without_times_have_the_window_of_the_context():
    (alert,) = imported("nannyml", chunk(mae__value=3.0, mae__alert=True), without("zone"))

    assert alert.slice.current.window.start.isoformat() == "2013-07-01T00:00:00+00:00"
    assert alert.labels == {"chunk": "[0:99]"}


def test_chunks_of_the_reference_are_not_judged():
    rows = copy.deepcopy(UNIVARIATE)
    rows[0]["chunk|chunk|period"] = "reference"

    assert len(imported("nannyml", rows)) == len(UNIVARIATE) - 1


@pytest.mark.parametrize(
    ("cells", "kind", "scope", "column"),
    [
        ({"mae__value": 1.0, "mae__alert": True}, "performance", "model", None),
        (
            {"mae__value": 1.0, "mae__upper_confidence_boundary": 2.0, "mae__alert": True},
            "estimated_performance",
            "model",
            None,
        ),
        ({"true_a_pred_b__alert": True}, "performance", "model", None),
        ({"reconstruction_error__alert": True}, "data_drift", "dataset", None),
        ({"domain_classifier_auroc__alert": True}, "data_drift", "dataset", None),
        ({"rows_count__alert": True}, "volume", "dataset", None),
        ({"carrier__alert": True}, "data_quality", "column", "carrier"),
        ({"carrier__alert": True, "accuracy__alert": True}, "data_quality", "column", "carrier"),
        ({"carrier__chi2__alert": True}, "data_drift", "column", "carrier"),
    ],
)
def test_the_frame_says_the_kind(cells, kind, scope, column):
    (alert,) = imported("nannyml", chunk(**cells))

    found = alert.findings[0]
    assert (alert.kind, found.scope, found.column) == (kind, scope, column)


@pytest.mark.parametrize(
    ("alert", "verdict"),
    [(True, "breach"), (False, "ok"), (1, "breach"), (0.0, "ok"), (None, "skipped")],
)
def test_the_verdict_is_the_alert_column(alert, verdict):
    (made,) = imported("nannyml", chunk(mae__value=9.0, mae__upper_threshold=1.0, mae__alert=alert))

    assert made.findings[0].verdict == verdict


def test_chi2_has_a_verdict_and_no_limit():
    chi2 = [f for a in imported("nannyml", UNIVARIATE) for f in a.findings if f.metric == "chi2"]

    assert {f.breach_when for f in chi2} == {"declared"}
    assert {f.verdict for f in chi2} == {"ok", "breach"}


def test_an_alert_that_is_neither_true_nor_false_is_refused():
    with pytest.raises(InputError, match=r"\[0\]\['mae\|alert'\]: must be true or false"):
        imported("nannyml", chunk(mae__alert="yes"))


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({}, "is this NannyML's output"),
        ([], "is this NannyML's output"),
        ("text", "not JSON"),
        ([[1, 2]], "is this NannyML's output"),
        ({"metrics": [], "tests": []}, "is this NannyML's output"),
        (chunk(mae__value=1.0), "no `alert` column"),
    ],
)
def test_other_output_is_refused_in_one_sentence(output, message):
    with pytest.raises(InputError, match=message) as refused:
        imported("nannyml", output)

    assert "\n" not in str(refused.value)


def test_all_that_the_context_must_say_is_asked_for_at_once():
    with pytest.raises(InputError) as refused:
        imported("nannyml", UNIVARIATE, {"zone": "UTC"})

    for word in ("model", "monitor", "dataset", "digest"):
        assert f"{word} (" in str(refused.value)


@given(damaged(UNIVARIATE[:1], RESULTS, sample("real/nannyml_missing_flat")))
@settings(max_examples=100)
def test_damaged_results_make_alerts_or_one_sentence(output):
    try:
        imported("nannyml", output)
    except InputError as refused:
        assert "\n" not in str(refused)
