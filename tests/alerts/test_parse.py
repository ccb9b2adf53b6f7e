"""An alert from anybody is read strictly, or refused in one sentence that names the place."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.model import MAX_BYTES, Alert
from retouch.alerts.parse import check_file_stem, expected_file_name, parse_alert
from retouch.errors import InputError

MINIMAL = {
    "schema_version": "1.0",
    "alert_id": "01J1Q5T7M0A1B2C3D4E5F6G7H8",
    "kind": "concept_drift",
    "model": "block-time",
    "monitor": {"id": "daily-error"},
    "slice": {"current": {"dataset": "flights"}},
    "emitted_at": "2013-07-01T06:00:00Z",
}


def parsed(**fields: object) -> Alert:
    return parse_alert(json.dumps(MINIMAL | fields).encode(), "alerts/x.json")


def refusal(raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_alert(raw, "alerts/x.json")
    assert caught.value.hint == "Correct it, then run `retouch alert check alerts/x.json`."
    return caught.value.message


def refusal_of(**fields: object) -> str:
    return refusal(json.dumps(MINIMAL | fields).encode())


def test_the_minimal_alert_is_a_firing_warning():
    alert = parsed()

    assert (alert.status, alert.severity, alert.family) == ("firing", "warning", "performance")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "line 1, column 1: not JSON: expecting value."),
        (b'{\n  "kind": drift\n}', "line 2, column 11: not JSON: expecting value."),
        (b"[]", "must be a JSON object."),
        (b"\xef\xbb\xbf{}", "starts with a byte order mark; save it as UTF-8 without one."),
        (b'{"a": "\xff"}', "not UTF-8: byte 7 is 0xff."),
        (b" " * (MAX_BYTES + 1), "45,001 bytes; at most 45,000 are read."),
        (b"[" * 40_000, "nested more than 32 deep."),
        (b'{"a": {"b": 1, "b": 2}}', "a.b: the key is given more than once."),
        (
            b'{"a": [{"b": 1}, {"b": 1, "c": 0, "b": 1}]}',
            "a[1].b: the key is given more than once.",
        ),
        (b'{"a": NaN}', "a: not a finite number; write null, or leave it out."),
        (b'{"a": [-Infinity]}', "a[0]: not a finite number; write null, or leave it out."),
        (b'{"a": 1e999}', "a: not a finite number; write null, or leave it out."),
        (b'{"a": %s}' % (b"1" * 5000), "a: not a finite number; write null, or leave it out."),
        (b'{"a": "\\ud800"}', "a: holds half of a surrogate pair, which is not text."),
        (b'{"a": {"\\ud800": 1}}', "a: holds half of a surrogate pair, which is not text."),
    ],
)
def test_what_is_no_strict_json_is_refused(raw, message):
    assert refusal(raw) == f"alerts/x.json: {message}"


def test_brackets_within_text_do_not_nest():
    assert parsed(message='["{' * 100).message == '["{' * 100


def test_an_unknown_version_is_refused_before_any_other_fault():
    raw = b'{"schema_version": "2.0", "kind": "dream"}'

    assert refusal(raw) == (
        "alerts/x.json: schema_version: '2.0' is not supported; this version reads '1.0'."
    )


def test_an_unknown_field_comes_with_the_field_that_was_meant():
    message = refusal_of(slice={"curent": {"dataset": "flights"}})

    assert message == (
        "alerts/x.json: slice.curent: unknown key; did you mean 'current'? (and 1 more fault)"
    )


def test_an_unknown_field_like_no_other_comes_with_all_there_are():
    message = refusal_of(monitor={"id": "daily-error", "colour": "red"})

    assert message == (
        "alerts/x.json: monitor.colour: unknown key; "
        "expected one of id, tool, tool_version, run_id, config_digest."
    )


def test_a_hostile_key_is_shown_without_its_control_characters():
    assert "['a\\n\\u202eb']: unknown key" in refusal_of(**{"a\n\u202eb": 1})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "drift"}, "kind: 'drift' is unknown; did you mean 'data_drift'?"),
        (
            {"status": 1},
            "status: 1 is unknown; it must be 'firing', 'resolved' or 'no_data'.",
        ),
        ({"findings_truncated": True}, "findings_truncated: must be a whole number, not true."),
        (
            {"findings_truncated": "1"},
            "findings_truncated: must be a whole number, not the text '1'.",
        ),
        ({"monitor": None}, "monitor: must be an object, not null."),
        ({"findings": {}}, "findings: must be a list, not an object."),
        (
            {"confidence": {"score": 0.9}},
            "confidence: score and basis go together: give both, or neither.",
        ),
        (
            {"confidence": {"score": 1.5, "basis": "vote"}},
            "confidence.score: should be less than or equal to 1.",
        ),
        ({"started_at": "2013-07-02T00:00:00Z"}, "started_at must not be after emitted_at."),
        ({"expires_at": "2013-07-01T06:00:00Z"}, "expires_at must be after emitted_at."),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(fields, message):
    assert refusal_of(**fields) == f"alerts/x.json: {message}"


@pytest.mark.parametrize(
    "time", ["2013-07-01T06:00:00", "2013-07-01", "1372658400", 1372658400, None]
)
def test_a_time_without_its_offset_is_refused(time):
    assert refusal_of(emitted_at=time) == (
        "alerts/x.json: emitted_at: must be a time with its UTC offset, like 2013-07-01T06:00:00Z."
    )


def test_the_year_one_that_go_writes_for_no_time_is_refused():
    assert refusal_of(expires_at="0001-01-01T00:00:00Z") == (
        "alerts/x.json: expires_at: the year 1 is no time of an alert; leave the field out."
    )


def test_a_month_that_is_none_is_refused():
    assert refusal_of(emitted_at="2013-13-01T00:00:00Z").endswith("month must be in 1..12.")


def test_the_offset_of_a_time_is_kept():
    written = "2013-07-01T02:00:00-04:00"

    assert parsed(emitted_at=written).emitted_at.isoformat() == written


@pytest.mark.parametrize("value", [None, {"a": 1}])
def test_a_predicate_takes_a_plain_value_or_a_list(value):
    where = [{"column": "region", "value": value}]

    message = refusal_of(slice={"current": {"dataset": "flights"}, "where": where})

    assert "slice.where[0].value: must be text, a number, true or false or a list, not" in message


def test_a_list_goes_with_in_and_only_then():
    where = [{"column": "region", "value": ["west"]}]

    message = refusal_of(slice={"current": {"dataset": "flights"}, "where": where})

    assert message.endswith("slice.where[0]: value is a list with op 'in', and only then.")


@pytest.mark.parametrize("path", ["../secrets", "/etc/passwd", "a/../../b", "a//b", "a/", "a\n"])
def test_a_path_cannot_leave_the_repository(path):
    message = refusal_of(slice={"current": {"dataset": "flights", "path": path}})

    assert "slice.current.path" in message


def test_an_alert_in_the_folder_is_named_after_its_id():
    alert = parsed()

    check_file_stem(alert, "01J1Q5T7M0A1B2C3D4E5F6G7H8", "alerts/x.json")
    check_file_stem(alert, None, "somewhere/else.json")
    with pytest.raises(InputError) as caught:
        check_file_stem(alert, "x", "alerts/x.json")
    assert caught.value.message == (
        "alerts/x.json: alert_id: '01J1Q5T7M0A1B2C3D4E5F6G7H8' is not the file's name."
    )
    assert caught.value.hint == f"Rename the file to {expected_file_name(alert)}."


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.binary() | st.text().map(str.encode) | json_values.map(json.dumps).map(str.encode))
def test_bytes_are_an_alert_or_bad_input_and_nothing_else(raw):
    try:
        parse_alert(raw, "alerts/x.json")
    except InputError as error:
        assert error.message.startswith("alerts/x.json: ")
        assert error.message.isprintable()


@given(st.sampled_from([*Alert.model_fields, "unknown"]), json_values)
def test_an_alert_with_one_field_replaced_is_an_alert_or_bad_input(field, value):
    try:
        parsed(**{field: value})
    except InputError as error:
        assert error.message.isprintable()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"message": "x" * 4001}, "message: has 4001 characters; at most 4000 are allowed."),
        ({"labels": {str(i): 1 for i in range(33)}}, "labels: has 33 entries; at most 32 are"),
    ],
)
def test_what_is_too_long_is_told_in_our_own_words(said, message):
    document = {"schema_version": "1.0", "alert_id": "01J1Q5T7M0A1B2C3D4E5F6G7H8"} | said
    document |= {"kind": "manual", "model": "m", "monitor": {"id": "by-hand"}}
    document |= {"slice": {"current": {"dataset": "rows"}}, "emitted_at": "2013-07-01T06:00:00Z"}
    with pytest.raises(InputError, match=re.escape(message)):
        parse_alert(json.dumps(document).encode(), "x.json")
