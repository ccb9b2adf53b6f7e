"""Registered monitors for tests: a real key, its line in the registry, and signatures by it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.toy_project import Toy

AUDIENCE = "acme/toy"


def register(toy: Toy, folder: Path, monitor: str, **said: str) -> Path:
    """Make a key for a monitor, commit both to the toy's registry, and return the key."""
    key = make_key(folder, monitor)
    signers = toy.root / "policies/allowed_signers"
    known = signers.read_text() if signers.exists() else ""
    public = key.with_suffix(".pub").read_text().strip()
    signers.write_text(f'{known}{monitor} namespaces="retouch-alert" {public}\n')
    fields = {"description": "It looks.", "owner": "the tests", **said}
    entry = ", ".join(f"{name}: {value}" for name, value in fields.items())
    toy.replace("policies/monitors.yaml", "monitors:\n", f"monitors:\n  {monitor}: {{{entry}}}\n")
    if "repository:" not in (toy.root / "policies/monitors.yaml").read_text():
        toy.replace("policies/monitors.yaml", "monitors:\n", f"repository: {AUDIENCE}\nmonitors:\n")
    toy.git("add", "policies")
    toy.git("commit", "-qm", f"Register {monitor}")
    return key


def make_key(folder: Path, name: str) -> Path:
    """Return a new key without a passphrase; its public half lies beside it."""
    key = folder / f"{name}-key"
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)]
    subprocess.run(make, check=True)
    return key


def sign(toy: Toy, alert: str, key: Path) -> str:
    """Sign an alert's file and return its path."""
    told = toy.retouch("alert", "sign", alert, "--key", str(key))
    assert told.code == 0, told
    return alert
