"""The base branch: the commit that is trusted on monitors, keys and earlier alerts.

Whoever opens a pull request writes its branch as they like; what the base holds was reviewed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.errors import InputError
from retouch.git import git
from retouch.policy.monitors import MONITORS, Monitors, parse_monitors
from retouch.provenance.admission import MonitorRegistry
from retouch.provenance.signers import (
    ALLOWED_SIGNERS,
    REVOKED_SIGNERS,
    Signers,
    parse_revoked,
    parse_signers,
)
from retouch.storage.documents import ALERTS
from retouch.system import ssh_keygen

_PLAIN = re.compile(r"\w[\w./-]*", re.ASCII)
_POLICIES = (MONITORS, ALLOWED_SIGNERS, REVOKED_SIGNERS)


@dataclass(frozen=True)
class Base:
    """The commit that is trusted."""

    commit: str
    name: str
    """What it was found by: `origin/main`, `HEAD`."""


@dataclass(frozen=True)
class Trusted:
    """What the base commit holds for judging some alerts: read once, for all of them."""

    registry: MonitorRegistry
    files: Mapping[str, bytes]
    """Policies, and alerts and receipts of the requested ids, by their path."""

    @property
    def revoked(self) -> bytes | None:
        """The revoked keys, if any."""
        return self.files.get(REVOKED_SIGNERS)

    def known(self, alert_id: str) -> frozenset[str]:
        """Return the sha256 of the alert that bears this id already, by its file and receipt."""
        raw, receipt = self.files.get(f"{ALERTS}/{alert_id}.json"), self.receipt(alert_id)
        known = [hashlib.sha256(raw).hexdigest()] if raw is not None else []
        return frozenset([*known, receipt.sha256] if receipt else known)

    def receipt(self, alert_id: str) -> Receipt | None:
        """Return the receipt of an alert that came in before.

        Raises InputError for a broken one.
        """
        path = f"{ALERTS}/{receipt_file_name(alert_id)}"
        if (raw := self.files.get(path)) is None:
            return None
        try:
            receipt = Receipt.model_validate_json(raw)
        except ValueError:
            receipt = None
        if receipt is None or receipt.alert_id != alert_id:
            message = f"{path}: on the base branch, is not a receipt of this alert."
            raise InputError(message, hint="Take it out by a pull request.")
        return receipt


def base_commit(root: Path, base: str | None, environment: Mapping[str, str]) -> Base:
    """Return the commit whose policies are trusted.

    It is `base` where one is named, else the target of the pull request (`GITHUB_BASE_REF`), else
    the remote's default branch, else HEAD. Raises InputError when the one that is named, here or by
    GitHub, is not in this clone: HEAD may be a stranger's.
    """
    named = base or (f"origin/{target}" if (target := environment.get("GITHUB_BASE_REF")) else None)
    for name in (named,) if named else ("origin/HEAD", "HEAD"):
        # A local tag or branch may have the name of the remote's branch; the remote's is meant.
        commit = git.commit_of(root, f"refs/remotes/{name}") or (
            None if name.startswith("origin/") and not base else git.commit_of(root, name)
        )
        if commit is not None:
            return Base(commit, name)
    if named is None:
        git.head_commit(root)
    branch = (named or "").removeprefix("origin/")
    # Only of a plain name: a person may copy the command.
    hint = f"`git fetch origin {branch}`." if _PLAIN.fullmatch(branch) else None
    raise InputError(f"The base branch {named!r} is not in this clone.", hint=hint)


def read_trusted(
    root: Path, base: Base, alert_ids: Iterable[str] = (), *, repository: str | None = None
) -> Trusted:
    """Read the registry from the base commit, and what it holds under these ids already.

    `repository` is this repository's `owner/name`, where the environment says it. Raises InputError
    for a registry that cannot be read: nothing is verified by half of it.
    """
    names = {name for id_ in alert_ids for name in (f"{id_}.json", receipt_file_name(id_))}
    wanted = {*_POLICIES, *(f"{ALERTS}/{name}" for name in names)}
    found = git.files_at(root, base.commit, ("policies", ALERTS), wanted)
    text = {path: _text(found[path], path) for path in (MONITORS, ALLOWED_SIGNERS) if path in found}
    monitors = parse_monitors(text[MONITORS]) if MONITORS in text else Monitors()
    revoked = found.get(REVOKED_SIGNERS, b"")
    listed = b"" if ssh_keygen.is_binary_list(revoked) else revoked
    registry = MonitorRegistry(
        commit=base.commit,
        repository=repository or monitors.repository,
        monitors=monitors,
        signers=Signers(
            by_key=parse_signers(text.get(ALLOWED_SIGNERS, "")),
            revoked=parse_revoked(_text(listed, REVOKED_SIGNERS)),
        ),
    )
    return Trusted(registry, found)


def _text(raw: bytes, path: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}).") from None
