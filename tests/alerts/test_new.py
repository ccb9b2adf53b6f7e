"""A few words make a whole alert, and its file is as short as they were."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from retouch.alerts.model import FAMILY_OF, MAX_BYTES, SEVERITIES, AlertId
from retouch.alerts.new import alert_json, in_full, new_alert, ulid
from retouch.alerts.parse import parse_alert
from retouch.errors import InputError

NOW = datetime(2013, 7, 1, 6, tzinfo=UTC)
WORDS = {
    "kind": "concept_drift",
    "model": "block-time",
    "monitor": "daily-error",
    "dataset": "flights",
}


def made(**said):
    return new_alert(WORDS | said, now=NOW, randomness=bytes(range(10)))


def test_a_minimal_alert_is_short_enough_to_write_by_hand():
    assert alert_json(made()) == (
        "{\n"
        '  "schema_version": "1.0",\n'
        '  "alert_id": "017YCD1YR0000G40R40M30E209",\n'
        '  "kind": "concept_drift",\n'
        '  "model": "block-time",\n'
        '  "monitor": {\n'
        '    "id": "daily-error"\n'
        "  },\n"
        '  "slice": {\n'
        '    "current": {\n'
        '      "dataset": "flights"\n'
        "    }\n"
        "  },\n"
        '  "emitted_at": "2013-07-01T06:00:00Z"\n'
        "}\n"
    )


def test_the_short_form_needs_no_nesting():
    said = WORDS | {
        "where": {"region": "central", "carrier": ["AA", "UA"]},
        "columns": ["air_time"],
        "window": ["2013-06-16", "2013-07-01"],
        "confidence": 0.9,
        "findings": [{"metric": "mae", "column": "air_time", "value": 27.3}, {"metric": "rows"}],
    }

    assert in_full(said) == {
        "kind": "concept_drift",
        "model": "block-time",
        "monitor": {"id": "daily-error"},
        "slice": {
            "current": {
                "dataset": "flights",
                "window": {"start": "2013-06-16T00:00:00Z", "end": "2013-07-01T00:00:00Z"},
            },
            "columns": ["air_time"],
            "where": [
                {"column": "region", "op": "eq", "value": "central"},
                {"column": "carrier", "op": "in", "value": ["AA", "UA"]},
            ],
        },
        "confidence": {"score": 0.9, "basis": "declared"},
        "findings": [
            {"scope": "column", "metric": "mae", "column": "air_time", "value": 27.3},
            {"scope": "dataset", "metric": "rows"},
        ],
    }


def test_the_long_form_is_taken_as_it_stands():
    whole = json.loads(alert_json(made(columns=["air_time"], confidence=0.9)))

    assert in_full(whole) == whole


def test_words_that_make_no_alert_are_refused_under_their_own_name():
    with pytest.raises(InputError) as caught:
        new_alert(
            WORDS | {"sevrity": "info"},
            now=NOW,
            randomness=bytes(10),
            source="rules[0]",
            hint="Look again.",
        )
    assert caught.value.message == "rules[0]: sevrity: unknown key; did you mean 'severity'?"
    assert caught.value.hint == "Look again."


def test_an_alert_too_long_to_indent_is_written_on_one_line():
    alert = made(labels={f"label-{i}": [[0] * 100] * 4 for i in range(32)})

    text = alert_json(alert)

    assert text.count("\n") == 1
    assert len(text.encode()) <= MAX_BYTES
    assert parse_alert(text.encode(), "x") == alert


zones = st.sampled_from([UTC, timezone(timedelta(hours=-4)), timezone(timedelta(minutes=345))])
times = st.builds(
    lambda since, zone: (datetime(1970, 1, 2, tzinfo=UTC) + since).astimezone(zone),
    st.timedeltas(timedelta(0), timedelta(days=300_000)),
    zones,
)
words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
scalars = words | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
findings = st.fixed_dictionaries(
    {"metric": st.just("mae")},
    optional={
        "column": words,
        "value": st.floats(allow_nan=False, allow_infinity=False),
        "p_value": st.floats(0, 1),
        "verdict": st.sampled_from(["breach", "warn", "ok"]),
    },
)
more_words = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(sorted(FAMILY_OF)),
        "severity": st.sampled_from(SEVERITIES),
        "status": st.sampled_from(["firing", "resolved", "no_data"]),
        "columns": st.lists(words, max_size=3),
        "where": st.dictionaries(words, scalars | st.lists(scalars, max_size=3), max_size=3),
        "findings": st.lists(findings, max_size=3),
        "confidence": st.floats(0, 1),
        "labels": st.dictionaries(words, st.none() | scalars, max_size=3),
        "message": words,
    },
)


@given(more_words, times, st.binary(min_size=10, max_size=10))
def test_an_alert_written_and_read_again_is_the_same_alert(said, now, randomness):
    alert = new_alert(WORDS | said, now=now, randomness=randomness)

    again = parse_alert(alert_json(alert).encode(), "x")

    assert again == alert
    assert alert_json(again) == alert_json(alert)


def test_a_ulid_is_the_one_of_its_specification():
    moment = datetime.fromtimestamp(1469918176.385, tz=UTC)

    assert ulid(moment, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert ulid(moment, b"\xff" * 10) == "01ARYZ6S41" + "Z" * 16


@given(times, times, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_their_time(one, other, this, that):
    milliseconds = timedelta(milliseconds=1)
    if abs(one - other) >= milliseconds:
        assert (ulid(one, this) < ulid(other, that)) == (one < other)
    assert TypeAdapter(AlertId).validate_python(ulid(one, this))


def test_a_ulid_takes_ten_random_bytes():
    with pytest.raises(ValueError, match="10 random bytes, not 4"):
        ulid(NOW, b"four")
