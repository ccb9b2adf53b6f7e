"""Parse an SSH signature: which key made it, and for which purpose. Pure.

Nothing is verified here; that is for `ssh-keygen` alone. What is read here words a refusal and
names the key. The format is OpenSSH's PROTOCOL.sshsig, version 1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from retouch.documents import Value
from retouch.errors import InputError
from retouch.schema_errors import bad_input, shown

NAMESPACE = "retouch-alert"
"""The purpose an alert is signed for; a key's signature for another purpose is none."""
MAX_SIGNATURE_BYTES = 16_384

_ARMOR = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/=]+\n)+)-----END SSH SIGNATURE-----\n?"
)
_MAGIC = b"SSHSIG"
_WORD = re.compile(r"[!-~]{1,64}")


class Signature(Value):
    """The fields of a signature, unverified."""

    key: str
    """The public key as one writes it, without a comment: `ssh-ed25519 AAAA...`."""
    key_fingerprint: str
    """As `ssh-keygen -l` writes it: `SHA256:...`."""
    namespace: str


class _Garbled(ValueError):
    pass


def signature_file_name(alert_file_name: str) -> str:
    """Return the name of a signature's file, which lies beside the alert's."""
    return f"{alert_file_name}.sig"


def parse_signature(raw: bytes, source: str) -> Signature:
    """Read an armored signature; `source` is the name errors give it.

    Raises InputError in one sentence for anything but one whole signature of version 1.
    """
    try:
        return _parsed(raw)
    except _Garbled as garbled:
        hint = "Sign the alert again: `retouch alert sign FILE`."
        raise bad_input(source, (), f"is not an ssh signature: {garbled}", hint=hint) from None


def fingerprint_of_key(blob: bytes) -> str:
    """Return the SHA256 fingerprint of a public key in its wire form."""
    digest = hashlib.sha256(blob).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def key_type_of(blob: bytes) -> str:
    """Return the type that a public key in its wire form begins with. Raises ValueError."""
    return _Wire(blob).word("key type")


def _parsed(raw: bytes) -> Signature:
    if len(raw) > MAX_SIGNATURE_BYTES:
        raise _Garbled(f"{len(raw):,} bytes; at most {MAX_SIGNATURE_BYTES:,} are read")
    if b"\r" in raw:
        raise _Garbled("its line ends are CRLF; add `alerts/** -text` to .gitattributes")
    armored = _ARMOR.fullmatch(raw)
    if armored is None:
        raise _Garbled("there is no BEGIN and END line with base64 between them, and nothing else")
    try:
        blob = base64.b64decode(armored[1].replace(b"\n", b""), validate=True)
    except binascii.Error:
        raise _Garbled("what it holds is not base64") from None
    if not blob.startswith(_MAGIC):
        raise _Garbled("it does not begin with SSHSIG")
    wire = _Wire(blob[len(_MAGIC) :])
    version = wire.number()
    if version != 1:
        raise _Garbled(f"it is of version {version}; this version reads 1")
    key, namespace = wire.text("public key"), wire.word("namespace")
    wire.text("reserved field")
    algorithm = wire.word("hash algorithm")
    if algorithm not in ("sha256", "sha512"):
        raise _Garbled(f"its hash algorithm {shown(algorithm)} is neither sha256 nor sha512")
    wire.text("signature")
    wire.end()
    return Signature(
        key=f"{key_type_of(key)} {base64.b64encode(key).decode()}",
        key_fingerprint=fingerprint_of_key(key),
        namespace=namespace,
    )


class _Wire:
    """The fields of ssh's wire format, in order: each text has its length before it."""

    def __init__(self, raw: bytes) -> None:
        self._rest = raw

    def number(self) -> int:
        if len(self._rest) < 4:
            raise _Garbled("it is cut short")
        number = int.from_bytes(self._rest[:4])
        self._rest = self._rest[4:]
        return number

    def text(self, what: str) -> bytes:
        length = self.number()
        if length > len(self._rest):
            raise _Garbled(f"its {what} is cut short")
        text, self._rest = self._rest[:length], self._rest[length:]
        return text

    def word(self, what: str) -> str:
        text = self.text(what).decode("latin-1")
        if not _WORD.fullmatch(text):
            raise _Garbled(f"its {what} is no plain word")
        return text

    def end(self) -> None:
        if self._rest:
            raise _Garbled("something follows its last field")


def key_blob(key: str) -> bytes:
    """Return the wire form of a public key written `TYPE BASE64`. Raises InputError otherwise."""
    key_type, _, encoded = key.partition(" ")
    try:
        blob = base64.b64decode(encoded, validate=True)
        if key_type_of(blob) == key_type:
            return blob
    except ValueError:
        pass
    raise InputError(f"{shown(key)} is not a public ssh key.")
