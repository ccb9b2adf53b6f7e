"""A repository with a registry of monitors on its base branch, and a clone that brings alerts.

<folder>/upstream   main, with `policies/`: what was reviewed
<folder>/checkout   a clone of it, on a branch of its own, where anybody may write anything
<folder>/keys       real ssh keys: daily, weekly (both registered), stranger
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from retouch.alerts.new import alert_json, new_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.cli.alert_intake import alert_sign, alert_verify
from retouch.errors import RetouchError
from tests.toy_project import Told

MONITORS = """\
version: 1
repository: acme/flights
monitors:
  daily:
    description: The error of each day.
    owner: ann
    kinds: [performance]
  weekly:
    description: The error of each week.
    owner: bob
"""
OWNERS = ("daily", "weekly")
QUIET = ("GITHUB_REPOSITORY", "GITHUB_BASE_REF", "RETOUCH_SIGNING_KEY", "SSH_AUTH_SOCK")


def shell(*command: str | Path, cwd: Path, told: bytes = b"") -> str:
    """Run a command that has to succeed; return its output."""
    done = subprocess.run(command, cwd=cwd, input=told, capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout.decode()


@dataclass(frozen=True)
class Checkout:
    """The clone, and what lies beside it."""

    root: Path

    @property
    def upstream(self) -> Path:
        return self.root.parent / "upstream"

    def key(self, name: str) -> Path:
        return self.root.parent / "keys" / name

    def public(self, name: str) -> str:
        return " ".join(self.key(f"{name}.pub").read_text().split()[:2])

    def git(self, *args: str) -> str:
        return shell("git", *args, cwd=self.root)

    def review(self, **files: str | bytes | None) -> None:
        """Put files of `policies/` on the base branch; None takes one away."""
        for name, content in files.items():
            path = self.upstream / "policies" / name.replace("_yaml", ".yaml")
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.merge()

    def merge(self, *paths: str) -> None:
        """Put files of the clone on the base branch, as they are, and fetch it."""
        for path in paths:
            (self.upstream / path).parent.mkdir(exist_ok=True)
            shutil.copy2(self.root / path, self.upstream / path)
        shell("git", "add", "--all", cwd=self.upstream)
        shell("git", "commit", "--quiet", "--allow-empty", "-m", "Reviewed", cwd=self.upstream)
        self.git("fetch", "--quiet", "origin")

    def alert(self, number: int = 1, **said: Any) -> str:
        """Write an alert of `daily` and return its path; the same number gives the same id."""
        emitted = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        words = {
            "kind": "performance",
            "model": "means",
            "monitor": "daily",
            "dataset": "rows",
            "audience": "acme/flights",
            "emitted_at": emitted.isoformat(),
            "where": {"region": "eu"},
        }
        moment = datetime(2024, 3, 1, tzinfo=UTC)
        made = new_alert(words | said, now=moment, randomness=number.to_bytes(10))
        path = self.root / "alerts" / f"{made.alert_id}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(alert_json(made))
        return f"alerts/{path.name}"

    def signed(self, number: int = 1, *, key: str = "daily", **said: Any) -> str:
        """Write an alert with its signature and return the alert's path."""
        alert = self.alert(number, **said)
        assert self.sign(alert, "--key", str(self.key(key))).code == 0
        return alert

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_bytes()
        assert old.encode() in text
        (self.root / path).write_bytes(text.replace(old.encode(), new.encode()))

    def sign(self, *args: str, **env: str) -> Told:
        return self._run(alert_sign, args, env)

    def verify(self, *args: str, **env: str) -> Told:
        return self._run(alert_verify, args, env)

    def refusal(self, alert: str, *args: str, **env: str) -> str:
        """Verify an alert that has to be refused; return the sentence, which is in its receipt."""
        told = self.verify(alert, *args, **env)
        assert told.code == 2, told
        receipt = self.receipt(alert)
        assert receipt.sha256 == hashlib.sha256((self.root / alert).read_bytes()).hexdigest()
        assert receipt.provenance.verdict == "refused"
        assert not receipt.provenance.may_retrain
        assert told.out == "".join(
            f"refused: {message}\n" for message in receipt.provenance.reasons
        )
        assert str(self.root.parent) not in told.out
        (reason,) = receipt.provenance.reasons
        return reason

    def receipt_path(self, alert: str) -> Path:
        return self.root / "alerts" / receipt_file_name(Path(alert).stem)

    def receipt(self, alert: str) -> Receipt:
        return Receipt.model_validate_json(self.receipt_path(alert).read_bytes())

    def _run(self, command: click.Command, args: tuple[str, ...], env: dict[str, str]) -> Told:
        with contextlib.chdir(self.root):
            done = CliRunner().invoke(command, args, env=dict.fromkeys(QUIET) | env)
        if isinstance(error := done.exception, RetouchError):
            return Told(error.exit_code, done.stdout, f"{done.stderr}{error}\n")
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return Told(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("daily", "weekly", "stranger"):
        shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name, cwd=folder)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, keys: Path, sealed: None) -> Checkout:
    shutil.copytree(keys, tmp_path / "keys")
    upstream = tmp_path / "upstream"
    (upstream / "policies").mkdir(parents=True)
    (upstream / ".dvc").mkdir()
    (upstream / ".dvc/config").touch()
    checkout = Checkout(tmp_path / "checkout")
    lines = [f'{name} namespaces="retouch-alert" {checkout.public(name)}' for name in OWNERS]
    (upstream / "policies/monitors.yaml").write_text(MONITORS)
    (upstream / "policies/allowed_signers").write_text("\n".join(lines) + "\n")
    shell("git", "init", "--quiet", cwd=upstream)
    shell("git", "add", "--all", cwd=upstream)
    shell("git", "commit", "--quiet", "-m", "The registry", cwd=upstream)
    shell("git", "clone", "--quiet", upstream, checkout.root, cwd=tmp_path)
    checkout.git("switch", "--quiet", "-c", "an-alert")
    return checkout
