"""`retouch alert sign`, with real keys: it never asks, and says what mends what it cannot do."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.system import ssh_keygen
from retouch.system.processes import pipe
from tests.provenance.conftest import shell


def test_signing_writes_the_signature_beside_the_alert_and_says_with_which_key(checkout):
    alert = checkout.alert()
    before = (checkout.root / alert).read_bytes()

    told = checkout.sign(alert, "--key", str(checkout.key("daily")))

    fingerprint = shell("ssh-keygen", "-lf", checkout.key("daily"), cwd=checkout.root).split()[1]
    assert (told.code, told.out) == (0, f"{alert}.sig: signed with {fingerprint}\n")
    assert (checkout.root / alert).read_bytes() == before
    signature = (checkout.root / f"{alert}.sig").read_text()
    assert signature.startswith("-----BEGIN SSH SIGNATURE-----\n")


def test_the_key_may_be_named_by_the_environment(checkout):
    alert = checkout.alert()

    assert checkout.sign(alert, RETOUCH_SIGNING_KEY=str(checkout.key("daily"))).code == 0
    assert checkout.sign(alert).code == 2


def test_signing_again_replaces_the_signature_without_asking(checkout):
    alert = checkout.signed(key="stranger")

    assert checkout.sign(alert, "--key", str(checkout.key("daily"))).code == 0
    assert checkout.verify(alert).out.startswith("verified: ")


def test_an_agent_may_hold_the_private_key(checkout):
    started = shell("ssh-agent", "-s", cwd=checkout.root)
    said = dict(part.split("=", 1) for part in started.split(";") if "=" in part.strip())
    agent = {name.strip(): value for name, value in said.items()}
    try:
        socket = agent["SSH_AUTH_SOCK"]
        private = checkout.key("daily").rename(checkout.root.parent / "private")
        shell("env", f"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", private, cwd=checkout.root)
        private.unlink()
        alert = checkout.alert()

        public = str(checkout.key("daily.pub"))
        assert checkout.sign(alert, "--key", public, SSH_AUTH_SOCK=socket).code == 0
        assert checkout.verify(alert).out.startswith("verified: ")
        assert "nor in an ssh-agent" in checkout.sign(alert, "--key", public).err
    finally:
        os.kill(int(agent["SSH_AGENT_PID"]), signal.SIGTERM)


def no_key(folder: Path) -> Path:
    return folder / "none"


def not_a_key(folder: Path) -> Path:
    (folder / "text").write_text("hello\n")
    (folder / "text").chmod(0o600)
    return folder / "text"


def open_to_all(folder: Path) -> Path:
    (folder / "daily").chmod(0o644)
    return folder / "daily"


def with_a_passphrase(folder: Path) -> Path:
    shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", "locked", cwd=folder)
    return folder / "locked"


def only_public(folder: Path) -> Path:
    (folder / "daily").unlink()
    return folder / "daily.pub"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_key, "there is no such key. Name one with --key or RETOUCH_SIGNING_KEY"),
        (not_a_key, "is not an ssh key."),
        (open_to_all, "can be read by others, so ssh refuses it. `chmod 600 "),
        (with_a_passphrase, "asks for a passphrase. Hand it to your ssh-agent: `ssh-add "),
        (only_public, "is a public key whose private key is neither beside it nor in an ssh-agent"),
    ],
)
def test_a_key_that_cannot_sign_is_named_and_nothing_is_written(checkout, make, message):
    alert = checkout.alert()
    key = make(checkout.root.parent / "keys")

    told = checkout.sign(alert, "--key", str(key))

    assert told.code == 2
    assert told.err.startswith(f"{key}: {message}")
    assert not (checkout.root / f"{alert}.sig").exists()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"audience": None}, "audience: missing, so the same signature would be good in any repo"),
        ({"kind": "no"}, "kind: 'no' is unknown"),
    ],
)
def test_an_alert_that_could_not_be_admitted_is_not_signed(checkout, said, message):
    alert = checkout.alert()
    for name, value in said.items():
        written = f'"{name}": "{ {"audience": "acme/flights", "kind": "performance"}[name] }"'
        checkout.change(alert, written, f'"{name}": null' if value is None else f'"{name}": "no"')
    other = checkout.alert(2)

    told = checkout.sign(alert, other, "--key", str(checkout.key("daily")))

    assert told.code == 2
    assert told.err.startswith(f"{alert}: {message}")
    assert not (checkout.root / f"{alert}.sig").exists()
    assert (checkout.root / f"{other}.sig").exists()


@pytest.mark.parametrize("ending", ["", ".sig"])
def test_links_are_not_followed(checkout, ending):
    alert = checkout.alert()
    target = checkout.root.parent / "elsewhere"
    shutil.copy2(checkout.root / alert, target)
    (checkout.root / f"{alert}{ending}").unlink(missing_ok=True)
    (checkout.root / f"{alert}{ending}").symlink_to(target)
    before = target.read_bytes()

    told = checkout.sign(alert, "--key", str(checkout.key("daily")))

    assert told.code == 2
    assert f"{alert}{ending}: is a symbolic link, which is not followed." in told.err
    assert target.read_bytes() == before


def test_without_ssh_keygen_the_package_is_named(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InputError, match=r"ssh-keygen is not installed\. .* openssh-client"):
        ssh_keygen.sign(b"{}", checkout.key("daily"))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_keys_last_second_is_the_same_in_every_time_zone(checkout, monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    raw, signers = b"{}", f'daily valid-before="20260701120000Z" {checkout.public("daily")}\n'
    signature = ssh_keygen.sign(raw, checkout.key("daily"))

    def said(second: int) -> ssh_keygen.SignatureCheck:
        at = datetime(2026, 7, 1, 12, 0, second, tzinfo=UTC)
        asked = {"signers": signers.encode(), "revoked": None, "at": at}
        return ssh_keygen.verify(raw, signature, principal="daily", **asked)

    assert said(0).good
    assert not said(1).good
    assert "verify time 2026-07-01T12:00:01 > valid-before" in said(1).words  # in UTC, that is


def test_a_command_that_is_told_something_has_no_terminal_to_ask_on(tmp_path):
    code = "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read())"

    answer = pipe([sys.executable, "-c", code], b"told", cwd=tmp_path)

    assert answer.output.split() == [b"True", b"told"]
