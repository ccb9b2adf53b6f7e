"""What a `repository_dispatch` carries: the bytes as they were signed, or nothing at all."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retouch.alerts.envelope import (
    MAX_PAYLOAD_CHARACTERS,
    MAX_PROPERTIES,
    MAX_SIGNATURE_CHARACTERS,
    check_armor,
    seal,
    unseal,
    unseal_alert,
)
from retouch.alerts.model import MAX_BYTES
from retouch.alerts.new import new_alert
from retouch.errors import InputError

BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
SIGNATURE = f"{BEGIN}\nU1NIU0lH\n{END}\n"
SIGNED = {
    "v": 1,
    "alert_b64": base64.b64encode(b"{}\r\n").decode(),
    "sig": SIGNATURE,
    "principal": "daily-error",
}

alerts = st.binary(min_size=1, max_size=300)
armor = st.text("ABCxyz019+/=", min_size=1, max_size=70)
signatures = st.builds(
    lambda lines, newline: newline.join([BEGIN, *lines, END, ""]),
    st.lists(armor, min_size=1, max_size=20),
    st.sampled_from(["\n", "\r\n"]),
)
principals = st.from_regex(r"[a-z0-9]{1,9}([./@-][a-z0-9]{1,9}){0,3}", fullmatch=True)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(alerts, signatures, principals)
def test_what_was_sealed_comes_out_byte_for_byte_however_github_writes_the_json(
    alert, signature, principal
):
    payload = seal(alert, signature, principal, "a.json")

    again = unseal(json.loads(json.dumps(payload, indent=3, sort_keys=True)), "event.json")

    assert (again.alert, again.signature, again.principal) == (alert, signature, principal)


@given(alerts, principals)
def test_an_unsigned_alert_names_nobody(alert, principal):
    payload = seal(alert, None, principal, "a.json")

    assert payload["sig"] is None
    assert payload["principal"] is None
    assert unseal(payload, "event.json").alert == alert


def test_the_largest_alert_with_a_usual_signature_is_within_githubs_limits():
    signature = "\n".join([BEGIN, *["A" * 70] * 30, END, ""])

    payload = seal(b"\xff" * MAX_BYTES, signature, "a" * 128, "a.json")

    assert len(json.dumps(payload)) <= MAX_PAYLOAD_CHARACTERS
    assert len(payload) <= MAX_PROPERTIES


@pytest.mark.parametrize(
    ("alert", "signature", "message"),
    [
        (b"x" * (MAX_BYTES + 1), None, "45,001 bytes; an alert has at most 45,000"),
        (b"", None, "alert_b64"),
        (b"x", "rubbish", "sig: is not an armored SSH signature"),
        (
            b"x" * MAX_BYTES,
            "\n".join([BEGIN, *["A" * 70] * 90, END]),
            "characters; GitHub carries at most 65,535",
        ),
    ],
)
def test_what_could_not_be_opened_is_not_sealed(alert, signature, message):
    with pytest.raises(InputError) as refused:
        seal(alert, signature, "daily-error", "a.json")
    assert str(refused.value).startswith("a.json: ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v": 2}, "v: 2 is not supported; this version reads 1."),
        ({"v": True}, "v: True is not supported"),
        ({"v": 1.0}, "v: 1.0 is not supported"),
        ({"v": "1", "extra": 1}, "v: '1' is not supported"),
        ({"alert_b64": "not base64!"}, "alert_b64: is not base64."),
        ({"alert_b64": "e30NCg"}, "alert_b64: is not base64."),
        ({"alert_b64": "e3==\n"}, "alert_b64: is not base64."),
        ({"alert_b64": "é" * 8}, "alert_b64: is not base64."),
        ({"alert_b64": "e31="}, "alert_b64: is not base64 in its canonical form."),
        ({"alert_b64": ["e30="]}, "alert_b64: must be text, not a list."),
        ({"alert_b64": base64.b64encode(b"x" * (MAX_BYTES + 1)).decode()}, "45,001 bytes"),
        ({"sig": None}, "sig: sig and principal go together"),
        ({"principal": None}, "sig: sig and principal go together"),
        ({"principal": "a b"}, "principal:"),
        ({"principal": "../x"}, "principal:"),
        ({"sig": f"{SIGNATURE}é"}, "sig: is not an armored SSH signature."),
        ({"sig": "\x1b" + SIGNATURE}, "sig: is not an armored SSH signature."),
        ({"sig": "A" * (MAX_SIGNATURE_CHARACTERS + 1)}, "sig:"),
        ({"extra": 1}, "extra: unknown key"),
        ({str(n): n for n in range(7)}, f"has more than {MAX_PROPERTIES} properties."),
        ({"principal": "x" * 66_000}, "GitHub carries at most 65,535."),
        ({"principal": float("nan")}, "is not JSON."),
        ({"principal": b"x"}, "is not JSON."),
    ],
)
def test_a_payload_that_we_did_not_write_is_refused_in_one_sentence(change, message):
    with pytest.raises(InputError) as refused:
        unseal(SIGNED | change, "event.json")
    assert str(refused.value).startswith("event.json: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@given(anything | st.dictionaries(st.sampled_from(sorted(SIGNED)), anything))
@example([])
@example({})
def test_anything_else_is_refused_as_bad_input_and_nothing_else_happens(payload):
    with pytest.raises(InputError):
        unseal(payload, "event.json")


@given(st.sampled_from(sorted(SIGNED)), anything)
def test_no_field_can_be_put_in_place_of_another_kind(name, value):
    try:
        opened = unseal(SIGNED | {name: value}, "event.json")
    except InputError:
        return
    # What opens is what would have been sealed.
    assert seal(opened.alert, opened.signature, opened.principal, "x") == SIGNED | {name: value}


def test_a_missing_signature_is_as_good_as_none():
    opened = unseal({"v": 1, "alert_b64": "e30="}, "event.json")

    assert (opened.alert, opened.signature, opened.principal) == (b"{}", None, None)


@pytest.mark.parametrize("text", ["", "\n", BEGIN, f"{BEGIN}\n{END}", f"x\n{SIGNATURE}"])
def test_what_is_no_armored_block_is_no_signature(text):
    with pytest.raises(InputError, match=r"a\.sig: is not an armored SSH signature"):
        check_armor(text, "a.sig")


def test_a_signature_is_by_the_monitor_that_the_alert_names():
    words = {"kind": "data_drift", "model": "m", "monitor": "daily-error", "dataset": "d"}
    alert = new_alert(words, now=datetime(2026, 7, 1, tzinfo=UTC), randomness=bytes(10))
    raw = alert.to_json().encode()

    found, envelope = unseal_alert(seal(raw, SIGNATURE, "daily-error", "a.json"), "event.json")

    assert (found, envelope.alert) == (alert, raw)
    with pytest.raises(InputError, match=r"event\.json: principal: is not the alert's monitor\."):
        unseal_alert(seal(raw, SIGNATURE, "weekly-error", "a.json"), "event.json")
