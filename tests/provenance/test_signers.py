"""A line of allowed signers has one meaning on every machine, or it is refused."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime

import pytest

from retouch.alerts.signature import fingerprint_of_key
from retouch.errors import InputError
from retouch.provenance.signers import parse_revoked, parse_signers


def key(number, key_type="ssh-ed25519"):
    name = key_type.encode()
    blob = struct.pack(">I", len(name)) + name + struct.pack(">I", 32) + bytes([number] * 32)
    return f"{key_type} {base64.b64encode(blob).decode()}", fingerprint_of_key(blob)


(A, A_PRINT), (B, B_PRINT) = key(1), key(2)


def test_a_line_says_whose_key_it_is_for_what_and_when():
    line = (
        f'daily namespaces="retouch-alert,git",valid-after="20260101Z",'
        f'valid-before="202701021530Z" {A} ann@laptop of acme\n'
    )

    signer = parse_signers(f"# Monitors\n\n{line}")[A_PRINT]

    assert signer.principal == "daily"
    assert signer.line == 3
    assert signer.namespaces == ("retouch-alert", "git")
    assert signer.valid_after == datetime(2026, 1, 1, tzinfo=UTC)
    assert signer.valid_before == datetime(2027, 1, 2, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [f"daily {A}", f"  daily\t{A}  comment", f"daily {A}\r", f"daily {A.replace(' ', '  ')}"],
)
def test_white_space_that_ssh_keygen_allows_is_allowed(line):
    signer = parse_signers(line)[A_PRINT]

    assert (signer.principal, signer.namespaces, signer.valid_before) == ("daily", None, None)


@pytest.mark.parametrize(
    "key_type", ["ssh-rsa", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com"]
)
def test_keys_of_other_types_are_read_as_well(key_type):
    written, fingerprint = key(1, key_type)

    assert list(parse_signers(f"daily {written}")) == [fingerprint]


def test_a_monitor_may_have_two_keys_while_it_changes_them():
    signers = parse_signers(f"daily {A}\ndaily {B}\n")

    assert {signer.principal for signer in signers.values()} == {"daily"}
    assert set(signers) == {A_PRINT, B_PRINT}


def test_an_empty_file_knows_no_key():
    assert parse_signers("") == parse_signers("\n# nobody yet\n") == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("daily", "line 1: must be `MONITOR"),
        (f"{A}", "line 1: must be `MONITOR"),
        (f"daily ssh-dss {A.split()[1]}", "line 1: must be `MONITOR"),
        (f"daily {A.replace('AAAA', 'AAAB', 1)}", "is not a public ssh key"),
        (f"daily ssh-rsa {A.split()[1]}", "is not a public ssh key"),
        (f"* {A}", "wildcards, negations and lists are not read"),
        (f"dail? {A}", "wildcards, negations and lists are not read"),
        (f"!daily {A}", "wildcards, negations and lists are not read"),
        (f"daily,weekly {A}", "wildcards, negations and lists are not read"),
        (f'"daily" {A}', "wildcards, negations and lists are not read"),
        (f"../daily {A}", "is not a monitor's id"),
        (f"daily cert-authority {A}", "cert-authority is not read"),
        (f'daily namespaces="*" {A}', "namespaces: '*' is not a list of plain names"),
        (f'daily namespace="retouch-alert" {A}', "did you mean 'namespaces'?"),
        (f"daily valid-before {A}", "the option 'valid-before' is not known"),
        (f'daily valid-before="20270101" {A}', "reads it in its own time zone"),
        (f'daily valid-before="20270101120000" {A}', "reads it in its own time zone"),
        (f'daily valid-before="20270230Z" {A}', "is not a time in UTC"),
        (f'daily valid-before="tomorrow" {A}', "is not a time in UTC"),
        (f'daily valid-after="20270101Z",valid-after="20280101Z" {A}', "more than once"),
        (f'daily valid-after="20270102Z",valid-before="20270101Z" {A}', "must be before"),
        (f"daily {A}\nweekly {A}", f"line 2: the key {A_PRINT} is already in line 1"),
    ],
)
def test_a_line_that_could_be_read_in_two_ways_is_refused(line, message):
    with pytest.raises(InputError) as refusal:
        parse_signers(line)

    assert refusal.value.message.startswith("policies/allowed_signers: line ")
    assert message in refusal.value.message


def test_revoked_keys_are_listed_as_public_keys():
    assert parse_revoked(f"# lost\n{A} ann@laptop\n\n{B}") == {A_PRINT, B_PRINT}


@pytest.mark.parametrize("line", [A_PRINT, "daily", A.split()[1], f"daily {A}", "ssh-rsa AAAA"])
def test_what_ssh_keygen_could_not_read_as_a_revoked_key_is_refused(line):
    with pytest.raises(InputError, match="policies/revoked_signers: line 2: is not a public key"):
        parse_revoked(f"{A}\n{line}\n")
