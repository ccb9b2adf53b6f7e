"""May these alerts cause a retraining? What admission found, and whether the data is known."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from retouch.alerts.fingerprint import fingerprints, names_no_column
from retouch.alerts.identifiers import is_repository_name
from retouch.alerts.model import Alert
from retouch.alerts.receipt import AlertState, Provenance, Receipt
from retouch.alerts.verified import SubmittedAlert, VerifiedAlert
from retouch.engine.admission import Transport, admit
from retouch.engine.base_branch import base_commit, read_trusted
from retouch.errors import InputError
from retouch.git import git
from retouch.policy.suppression import Suppression
from retouch.schema_errors import shown
from retouch.storage.alert_files import (
    StoredAlert,
    receipt_here,
    receipts_here,
    with_signature,
)
from retouch.suppression.incidents import persistence_of
from retouch.suppression.records import ReceivedAlert, is_firing, span_of

RECORDED_IN = ("**/dvc.lock", "**/*.dvc")
"""Where DVC keeps the digests of data; `**/` also stands for the top."""
REFUSED = AlertState(state="refused", message="It is refused.")


@dataclass(frozen=True)
class TrustSettings:
    """Which base branch is trusted, and how the alerts arrived."""

    base: str | None = None
    """The branch or commit whose registry is read; None: the target of the pull request, else
    the remote's default branch, else HEAD."""
    repository: str | None = None
    """This repository's `owner/name`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = field(default_factory=Transport)
    accepted_by: str | None = None
    """The person who approves unsigned alerts."""

    def __post_init__(self) -> None:
        """Raise InputError for a repository that cannot be one; receipts keep its name."""
        name = self.repository
        if name and not is_repository_name(name):
            raise InputError(f"GITHUB_REPOSITORY: {shown(name)} is not the name of a repository.")


class AdmissionCheck:
    """Admission by the policies of the base branch, which are read once for many alerts."""

    def __init__(self, root: Path, trust: TrustSettings, alert_ids: Iterable[str]) -> None:
        """Read the registry. Raises InputError when it is broken, or there is no such base."""
        self.base = base_commit(root, trust.base, trust.environment)
        self._root = root
        self._head = git.head_commit(root)
        self._trust = trust
        self._trusted = read_trusted(root, self.base, alert_ids, repository=trust.repository)
        is_base = self.base.commit == self._head
        self._here = receipts_here(root) if is_base else frozenset()
        self._recorded: dict[str, bool] = {}

    def receipt(self, submitted: SubmittedAlert, now: datetime) -> Receipt:
        """Return the receipt of an alert, still without its state."""
        return self._about_known_data(self._admitted(submitted, now), submitted.alert)

    def coming_by(self, transport: Transport) -> AdmissionCheck:
        """Return the same check for alerts that arrived another way."""
        other = copy.copy(self)
        other._trust = replace(self._trust, transport=transport)
        return other

    def unchecked(self, submitted: SubmittedAlert, message: str, now: datetime) -> Receipt:
        """Return the receipt of an alert whose signature ssh-keygen need not look at, and why.

        All else is judged: its key, what its monitor is registered for, its times, its id.
        """
        receipt = self._admitted(submitted, now, ask=False)
        if receipt.provenance.verdict == "refused":
            return receipt
        provenance = Provenance(
            verdict="not_checked", registry_commit=self.base.commit, reasons=(message,)
        )
        return receipt.model_copy(update={"provenance": provenance})

    def _admitted(self, submitted: SubmittedAlert, now: datetime, *, ask: bool = True) -> Receipt:
        alert_id, earlier = submitted.alert.alert_id, None
        with suppress(InputError):  # a broken one that is the base's stops `admit` as well
            earlier = self.trusted_receipt(alert_id)
        transport = self._trust.transport
        return admit(submitted, self._trusted, transport, now=now, earlier=earlier, ask=ask)

    def trusted_receipt(self, alert_id: str) -> Receipt | None:
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
        # DVC records no sha256.
        if not receipt.provenance.may_retrain or not digest.startswith("md5:"):
            return receipt
        if digest not in self._recorded:
            self._recorded[digest] = self._is_recorded(digest)
        if self._recorded[digest]:
            return receipt
        message = (
            f"alerts/{alert.alert_id}.json: slice.current.digest: {digest} is the digest of no "
            "data that dvc.lock records or has recorded, so the judged data cannot be examined."
        )
        changed = {"may_retrain": False, "reasons": (message,)}
        provenance = receipt.provenance.model_copy(update=changed)
        return receipt.model_copy(update={"provenance": provenance})

    def _is_recorded(self, digest: str) -> bool:
        """Tell whether DVC records the data on the base branch or here, now or at any time."""
        md5 = digest.removeprefix("md5:").removesuffix(".dir")
        commits = dict.fromkeys((self.base.commit, self._head))
        return any(git.mentions(self._root, commit, md5, RECORDED_IN) for commit in commits)


def receipts_for_new(
    admission: AdmissionCheck,
    root: Path,
    stored: Iterable[StoredAlert],
    new: set[str],
    settings: Suppression,
    now: datetime,
) -> list[StoredAlert]:
    """Give each new alert its receipt.

    Of alerts that say the same about the same window only one signature is checked: the others are
    duplicates, which never count, and an alert storm is handled sooner.
    """
    known: dict[tuple[object, ...], str] = {}
    judged = []
    for one in stored:
        if one.alert.alert_id not in new:
            judged.append(one)
        else:
            submitted = with_signature(one.alert, one.submitted.raw, one.path, root)
            first = known.get(_message(one, settings)) if _may_repeat(one.alert) else None
            receipt = (
                _repeats(admission, submitted, first, now)
                if first is not None
                else admission.receipt(submitted, now)
            )
            judged.append(replace(one, receipt=_with_refusal(receipt)))
        received: ReceivedAlert | None = judged[-1].received
        if received is not None and received.trusted:
            known.setdefault(_message(one, settings), one.alert.alert_id)
    return judged


def _may_repeat(alert: Alert) -> bool:
    """Tell whether an alert may be a duplicate: an all-clear may end what began in between."""
    return alert.status != "resolved" or not names_no_column(alert)


def _message(one: StoredAlert, settings: Suppression) -> tuple[object, ...]:
    """Return what alerts share of which history counts only the first.

    A worse one counts (it may need fewer windows), and so does a finding after a failed check.
    """
    alert = one.alert
    rule, _ = persistence_of(alert, settings)
    how = (alert.status, is_firing(alert), alert.severity, rule)
    return how, span_of(alert), fingerprints(alert)


def _repeats(
    admission: AdmissionCheck, submitted: SubmittedAlert, first: str, now: datetime
) -> Receipt:
    said = f"It repeats alert {first}, which counts; its own signature was not checked."
    standing = AlertState(state="duplicate", rule="duplicate", message=said, of=first)
    receipt = admission.unchecked(submitted, said, now)
    return receipt.model_copy(update={"standing": standing})


def _with_refusal(receipt: Receipt) -> Receipt:
    if receipt.provenance.verdict != "refused":
        return receipt
    message = REFUSED.model_copy(update={"message": " ".join(receipt.provenance.reasons)})
    return receipt.model_copy(update={"standing": message})


def verify_alerts(
    root: Path, submitted: Sequence[SubmittedAlert], trust: TrustSettings, now: datetime
) -> tuple[VerifiedAlert, ...]:
    """Verify alerts by the base branch. Raises InputError for one that is refused."""
    admission = AdmissionCheck(root, trust, [one.alert.alert_id for one in submitted])
    verified = []
    for one in submitted:
        provenance = admission.receipt(one, now).provenance
        if provenance.verdict == "refused":
            raise InputError(" ".join(provenance.reasons))
        verified.append(VerifiedAlert.of(one, provenance))
    return tuple(verified)
