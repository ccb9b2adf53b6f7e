"""A signature says which key made it and for what; rubbish is refused in one sentence."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retouch.alerts.signature import (
    MAX_SIGNATURE_BYTES,
    fingerprint_of_key,
    key_blob,
    parse_signature,
    signature_file_name,
)
from retouch.errors import InputError

# Made by OpenSSH 9.2: `ssh-keygen -Y sign -n retouch-alert` with a key that is gone.
REAL = b"""-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgmb5Ez4JBF+jdjAELP8cOMvtKD/
Vwt5RDOIHJ4C03RwUAAAANcmV0b3VjaC1hbGVydAAAAAAAAAAGc2hhNTEyAAAAUwAAAAtz
c2gtZWQyNTUxOQAAAEA4Ez0QWCrQtY1QLYCDvCyLVf/DW9TJq2x8jGiKPBsP+jsQyJLbGW
xgnFn2E9G8SE+JdOJODbQ3DL5Tp9bKiOAA
-----END SSH SIGNATURE-----
"""
FINGERPRINT = "SHA256:O0y5Fj4l2qOQ1uV9v8VfWSx0w6A3wOqAm1CPBbi7ngg"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJm+RM+CQRfo3YwBCz/HDjL7Sg/1cLeUQziByeAtN0cF"


def text(value):
    return struct.pack(">I", len(value)) + value


KEY_BLOB = text(b"ssh-ed25519") + text(bytes(32))


def blob(
    *, magic=b"SSHSIG", version=1, key=KEY_BLOB, namespace=b"git", reserved=b"", tail=b"", **of
):
    return (
        magic
        + struct.pack(">I", version)
        + text(key)
        + text(namespace)
        + text(reserved)
        + text(of.get("algorithm", b"sha512"))
        + text(b"signature")
        + tail
    )


def armored(raw):
    lines = base64.encodebytes(raw)
    return b"-----BEGIN SSH SIGNATURE-----\n" + lines + b"-----END SSH SIGNATURE-----\n"


def test_a_real_signature_names_its_key_as_ssh_keygen_does():
    signature = parse_signature(REAL, "a.json.sig")

    assert signature.key_fingerprint == FINGERPRINT
    assert signature.namespace == "retouch-alert"
    assert signature.key == KEY


def test_a_signature_of_our_own_making_is_read_as_a_real_one_is():
    signature = parse_signature(armored(blob()), "a.json.sig")

    assert signature.namespace == "git"
    assert signature.key_fingerprint == fingerprint_of_key(KEY_BLOB)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "there is no BEGIN and END line"),
        (b"hello\n", "there is no BEGIN and END line"),
        (b"\x00\xff" * 100, "there is no BEGIN and END line"),
        (b"before\n" + REAL, "there is no BEGIN and END line"),
        (REAL + b"after\n", "there is no BEGIN and END line"),
        (REAL + REAL, "there is no BEGIN and END line"),
        (REAL.replace(b"\n", b"\r\n"), "its line ends are CRLF"),
        (REAL + b" " * MAX_SIGNATURE_BYTES, "at most 16,384 are read"),
        (REAL.replace(b"OAA\n", b"OA\n"), "what it holds is not base64"),
        (armored(b"x"), "it does not begin with SSHSIG"),
        (armored(b"SSHSIG"), "it is cut short"),
        (armored(blob(version=2)), "it is of version 2; this version reads 1"),
        (armored(blob(key=b"")), "it is cut short"),
        (armored(blob(key=text(b"ssh ed25519"))), "its key type is no plain word"),
        (armored(blob(namespace=b"")), "its namespace is no plain word"),
        (armored(blob(namespace=b"\x1b[2J")), "its namespace is no plain word"),
        (armored(blob(namespace=b"n" * 65)), "its namespace is no plain word"),
        (armored(blob(algorithm=b"md5")), "'md5' is neither sha256 nor sha512"),
        (armored(blob()[:-1]), "its signature is cut short"),
        (armored(blob(tail=b"x")), "something follows its last field"),
        (armored(b"SSHSIG\0\0\0\1" + b"\xff" * 8), "its public key is cut short"),
    ],
)
def test_rubbish_is_refused_in_one_sentence(raw, message):
    with pytest.raises(InputError) as refusal:
        parse_signature(raw, "a.json.sig")

    assert refusal.value.message.startswith("a.json.sig: is not an ssh signature: ")
    assert message in refusal.value.message
    assert "\n" not in str(refusal.value)
    assert refusal.value.hint == "Sign the alert again: `retouch alert sign FILE`."


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_make_anything_but_a_signature_or_a_refusal(raw, in_armor):
    with pytest.raises(InputError):
        parse_signature(armored(raw) if in_armor else raw, "a.json.sig")


@given(st.integers(0, len(blob()) - 1))
def test_a_signature_that_is_cut_short_anywhere_is_refused(length):
    with pytest.raises(InputError):
        parse_signature(armored(blob()[:length]), "a.json.sig")


def test_a_key_as_one_writes_it_has_the_fingerprint_of_its_signature():
    assert fingerprint_of_key(key_blob(KEY)) == FINGERPRINT


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "ssh-rsa " + KEY.split()[1], "ssh-ed25519 ???"])
def test_what_is_no_public_key_is_refused(key):
    with pytest.raises(InputError, match="is not a public ssh key"):
        key_blob(key)


def test_a_signature_lies_beside_its_alert():
    assert signature_file_name("alerts/X.json") == "alerts/X.json.sig"
