"""An alert on its way through `repository_dispatch`: sealed by the sender, opened by intake.

GitHub reads the payload as JSON and writes it again in its own way, which breaks a signature over
bytes. So the alert travels in base64, as it was signed.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated

from pydantic import JsonValue, StringConstraints

from retouch.alerts.model import MAX_BYTES, Alert, Name
from retouch.alerts.parse import parse_alert
from retouch.documents import Value
from retouch.schema_errors import bad_input, shown, validated

EVENT_TYPE = "model-alert"
"""The `event_type` our workflows listen to."""
VERSION = 1
MAX_PAYLOAD_CHARACTERS = 65_535
MAX_PROPERTIES = 10
"""Both are GitHub's own limits of a `client_payload`."""
MAX_SIGNATURE_CHARACTERS = 16_000
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HINT = "Send it anew with `retouch alert open FILE --dispatch`."
Payload = dict[str, JsonValue]


class Envelope(Value):
    """The content of a payload. Nothing in it is verified."""

    alert: bytes
    """As they were signed: at most `MAX_BYTES`, not yet read."""
    signature: str | None
    """Armored, as `ssh-keygen -Y sign` writes it; None for an unsigned alert."""
    principal: str | None
    """Who claims to have signed; given with a signature, and only then."""


class _Payload(Value):
    v: int
    alert_b64: Annotated[str, StringConstraints(min_length=4)]
    sig: Annotated[str, StringConstraints(max_length=MAX_SIGNATURE_CHARACTERS)] | None = None
    principal: Name | None = None


def seal(alert: bytes, signature: str | None, principal: str | None, source: str) -> Payload:
    """Return the `client_payload` that carries an alert's bytes and its signature.

    Raises InputError, naming `source`, for whatever `unseal` would refuse.
    """
    payload: Payload = {
        "v": VERSION,
        "alert_b64": base64.b64encode(alert).decode(),
        "sig": signature,
        "principal": principal if signature is not None else None,
    }
    unseal(payload, source)
    return payload


def unseal(payload: object, source: str) -> Envelope:
    """Open a `client_payload` as it stands in the event; `source` is the name errors give it.

    Raises InputError, in one sentence, for anything that `seal` does not write: a payload over
    GitHub's limits, unknown fields, another version, base64 in any but its one canonical form, an
    alert over `MAX_BYTES`, a signature without a principal or the other way round.
    """
    if not isinstance(payload, dict):
        raise bad_input(source, (), "must be a JSON object", hint=_HINT)
    if len(payload) > MAX_PROPERTIES:
        raise bad_input(source, (), f"has more than {MAX_PROPERTIES} properties", hint=_HINT)
    _check_length(payload, source)
    # First of all: in an unknown version, no other field can be checked. True equals 1 here.
    version = payload.get("v")
    if type(version) is not int or version != VERSION:
        message = f"{shown(version)} is not supported; this version reads {VERSION}"
        raise bad_input(source, ("v",), message, hint=_HINT)
    read = validated(_Payload, payload, source, hint=_HINT)
    if (read.sig is None) != (read.principal is None):
        message = "sig and principal go together: give both, or neither"
        raise bad_input(source, ("sig",), message, hint=_HINT)
    if read.sig is not None:
        check_armor(read.sig, source, ("sig",))
    alert = _decoded(read.alert_b64, source)
    return Envelope(alert=alert, signature=read.sig, principal=read.principal)


def unseal_alert(payload: object, source: str) -> tuple[Alert, Envelope]:
    """Open a `client_payload` and parse its alert; neither is verified.

    Raises InputError as `unseal` and `parse_alert`, and when the signature claims to be by another
    principal than the alert's monitor.
    """
    envelope = unseal(payload, source)
    alert = parse_alert(envelope.alert, f"{source}.alert_b64", hint=_HINT)
    if envelope.principal not in (None, alert.monitor.id):
        raise bad_input(source, ("principal",), "is not the alert's monitor", hint=_HINT)
    return alert, envelope


def check_armor(signature: str, source: str, place: tuple[str | int, ...] = ()) -> None:
    """Check that a text looks like an SSH signature; whether it is a good one, intake finds out.

    Raises InputError for anything but one armored block of printable ASCII.
    """
    lines = signature.strip("\r\n").splitlines()
    known = set(map(chr, range(32, 127))) | {"\r", "\n"}
    if (
        len(signature) > MAX_SIGNATURE_CHARACTERS
        or not known.issuperset(signature)
        or len(lines) < 3
        or (lines[0], lines[-1]) != (_BEGIN, _END)
    ):
        hint = "Write one: `retouch alert sign FILE`."
        raise bad_input(source, place, "is not an armored SSH signature", hint=hint)


def _check_length(payload: dict[object, object], source: str) -> None:
    try:
        length = len(json.dumps(payload, separators=(",", ":"), allow_nan=False))
    except (ValueError, TypeError, RecursionError):
        raise bad_input(source, (), "is not JSON", hint=_HINT) from None
    if length > MAX_PAYLOAD_CHARACTERS:
        message = f"{length:,} characters; GitHub carries at most {MAX_PAYLOAD_CHARACTERS:,}"
        raise bad_input(source, (), message, hint=_HINT)


def _decoded(text: str, source: str) -> bytes:
    place = ("alert_b64",)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_input(source, place, "is not base64", hint=_HINT) from None
    # Loose bits at the end, or white space, would give one alert several texts.
    if base64.b64encode(raw).decode() != text:
        raise bad_input(source, place, "is not base64 in its canonical form", hint=_HINT)
    if len(raw) > MAX_BYTES:
        message = f"{len(raw):,} bytes; an alert has at most {MAX_BYTES:,}"
        raise bad_input(source, place, message, hint=_HINT)
    return raw
