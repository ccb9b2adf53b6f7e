"""May these alerts cause a retraining? What admission found, and whether we know the data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from retouch.admittance import Submission, Transport, admit, read_submission
from retouch.alerts.model import Alert
from retouch.alerts.receipt import Provenance, Receipt
from retouch.errors import BadInput
from retouch.planning.model import ProvenAlert
from retouch.planning.plan import Vouched
from retouch.tools import git
from retouch.tools.base_branch import base_commit, read_trusted
from retouch.tools.past import receipt_here, receipts_here

RECORDED_IN = ("**/dvc.lock", "**/*.dvc")
"""Where DVC keeps the digests of data; `**/` also stands for the top."""


@dataclass(frozen=True)
class Trust:
    """Whose word is believed."""

    base: str | None = None
    """The branch or commit whose registry is asked; None: the target of the pull request, else
    the remote's default branch, else HEAD."""
    repository: str | None = None
    """This repository's `owner/name`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = field(default_factory=Transport)
    accepted_by: str | None = None
    """The person who vouches for alerts that nobody signed."""


class Judge:
    """The word of the base branch, read once for many alerts."""

    def __init__(self, root: Path, trust: Trust, alert_ids: Iterable[str]) -> None:
        """Read the registry. Raises BadInput when it is broken, or there is no such base."""
        self.base = base_commit(root, trust.base, trust.environment)
        self._root = root
        self._head = git.head_commit(root)
        self._trust = trust
        self._trusted = read_trusted(root, self.base, alert_ids, repository=trust.repository)
        believed_here = self.base.commit == self._head
        self._here = receipts_here(root) if believed_here else frozenset()
        self._recorded: dict[str, bool] = {}

    def receipt(self, submission: Submission, now: datetime) -> Receipt:
        """Return the receipt of an alert, in which nothing is said of suppression yet."""
        receipt = admit(submission, self._trusted, self._trust.transport, now=now)
        return self._about_known_data(receipt, submission.alert)

    def unchecked(self, alert: Alert, raw: bytes, says: str, now: datetime) -> Receipt:
        """Return the receipt of an alert whose signature nobody has to look at, and why."""
        transport = self._trust.transport
        return Receipt(
            alert_id=alert.alert_id,
            sha256=hashlib.sha256(raw).hexdigest(),
            received_at=now.replace(microsecond=0),
            channel=transport.channel,
            sender=transport.sender,
            commit=transport.commit,
            run_id=transport.run_id,
            provenance=Provenance(
                verdict="not_checked", registry_commit=self.base.commit, reasons=(says,)
            ),
        )

    def believed_receipt(self, alert_id: str) -> Receipt | None:
        """Return the receipt of an earlier intake: the base's.

        The workspace's own counts too where it is the base itself; anywhere else a stranger may
        have written it.
        """
        at_base = self._trusted.receipt(alert_id)
        if at_base is None and alert_id in self._here:
            return receipt_here(self._root, alert_id)
        return at_base

    def _about_known_data(self, receipt: Receipt, alert: Alert) -> Receipt:
        digest = alert.slice.current.digest or ""
        # Of a sha256, DVC's own records can tell nothing.
        if not receipt.provenance.may_retrain or not digest.startswith("md5:"):
            return receipt
        if digest not in self._recorded:
            self._recorded[digest] = self._is_recorded(digest)
        if self._recorded[digest]:
            return receipt
        says = (
            f"alerts/{alert.alert_id}.json: slice.current.digest: {digest} is the digest of no "
            "data that dvc.lock records or has recorded, so nobody can look at what was judged."
        )
        changed = {"may_retrain": False, "reasons": (says,)}
        provenance = receipt.provenance.model_copy(update=changed)
        return receipt.model_copy(update={"provenance": provenance})

    def _is_recorded(self, digest: str) -> bool:
        """Tell whether DVC records the data on the base branch or here, now or at any time."""
        md5 = digest.removeprefix("md5:").removesuffix(".dir")
        commits = dict.fromkeys((self.base.commit, self._head))
        return any(git.mentions(self._root, commit, md5, RECORDED_IN) for commit in commits)


def vouched(root: Path, paths: Sequence[Path], trust: Trust, now: datetime) -> Vouched:
    """Return whose alerts these are. Raises BadInput for one that is refused."""
    submissions = [read_submission(path, root) for path in paths]
    judge = Judge(root, trust, [submission.alert.alert_id for submission in submissions])
    proven: dict[str, ProvenAlert] = {}
    for submission in submissions:
        provenance = judge.receipt(submission, now).provenance
        if provenance.verdict == "refused":
            raise BadInput(" ".join(provenance.reasons))
        alert_id = submission.alert.alert_id
        proven[alert_id] = ProvenAlert(alert_id=alert_id, provenance=provenance)
    return Vouched(proven=tuple(proven.values()), accepted_by=trust.accepted_by)
