"""The files in `alerts/`: each alert is read once, with what lies beside it; links are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from retouch.alerts.model import MAX_BYTES, Alert
from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.alerts.signature import MAX_SIGNATURE_BYTES, signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.errors import InputError, visible
from retouch.provenance.reformatting import hint_on
from retouch.storage import documents
from retouch.storage.documents import ALERTS
from retouch.suppression.records import ReceivedAlert
from retouch.system import files
from retouch.system.untrusted_files import read_plain_file, refuse_links

ReceiptOf = Callable[[str], Receipt | None]
"""Gives the trusted receipt of an alert id; None where there is none."""


def read_alert(path: Path, root: Path | None) -> SubmittedAlert:
    """Read an alert's file and the signature beside it. Follows no links.

    A signature that cannot be read is a reason to refuse the alert, so it is kept as one. Raises
    InputError for an alert that cannot be read.
    """
    hint = "Write one: `retouch alert new --help`."
    raw = read_plain_file(path, root=root, limit=20 * MAX_BYTES, hint=hint)
    source = _source(path, root)
    alert = parse_alert(raw, source)
    if root is not None and in_alerts(path, root):
        check_file_stem(alert, path.stem, source)
    return with_signature(alert, raw, path, root)


def read_alerts(paths: Iterable[Path], root: Path) -> tuple[SubmittedAlert, ...]:
    """Read alerts, each id once, in the order of their ids. Follows no links.

    Raises InputError for one that cannot be read, and when two files claim the same id with other
    content. Equal fields are not enough: in Python 1, 1.0 and true are equal.
    """
    found: dict[str, SubmittedAlert] = {}
    for path in paths:
        submitted = read_alert(path, root)
        first = found.setdefault(submitted.alert.alert_id, submitted)
        if first.sha256 != submitted.sha256:
            raise InputError(
                f"{submitted.source}: another file has the same alert_id with other content.",
                hint=hint_on(first.raw, submitted.raw),
            )
    return tuple(found[alert_id] for alert_id in sorted(found))


def with_signature(alert: Alert, raw: bytes, path: Path, root: Path | None) -> SubmittedAlert:
    """Add the signature that lies beside an alert that was read from `path`, if there is one."""
    source = _source(path, root)
    beside = path.with_name(signature_file_name(path.name))
    if not os.path.lexists(beside):
        return SubmittedAlert(alert, raw, source)
    try:
        signature = read_plain_file(beside, root=root, limit=MAX_SIGNATURE_BYTES)
    except InputError as error:
        message = str(error).replace(str(beside), signature_file_name(source))
        return SubmittedAlert(alert, raw, source, unreadable=message)
    return SubmittedAlert(alert, raw, source, signature)


def in_alerts(path: Path, root: Path) -> bool:
    """Say whether the file lies in `alerts/`."""
    return path.resolve().parent == (root / ALERTS).resolve()


def _source(path: Path, root: Path | None) -> str:
    """Return the file's path from the root; what is kept in git names no path of this machine."""
    if root is None:
        return visible(str(path))
    if path.parent == root / ALERTS:  # as in an intake of thousands
        return visible(f"{ALERTS}/{path.name}")
    resolved, top = path.resolve(), root.resolve()
    inside = resolved.is_relative_to(top)
    return visible(resolved.relative_to(top).as_posix() if inside else str(path))


@dataclass(frozen=True)
class StoredAlert:
    """An alert in `alerts/`, with its receipt."""

    path: Path
    submitted: SubmittedAlert
    """Without its signature, which is read only where it is to be verified."""
    receipt: Receipt | None
    """The trusted receipt; None: it has not been taken in, or was changed since."""

    @property
    def alert(self) -> Alert:
        """The alert."""
        return self.submitted.alert

    @property
    def received(self) -> ReceivedAlert | None:
        """What history records of it; None for one that was refused or is a duplicate."""
        receipt = self.receipt
        if receipt is None or receipt.provenance.verdict not in ("verified", "unsigned"):
            return None
        return ReceivedAlert(
            alert=self.alert,
            received_at=receipt.received_at,
            trusted=receipt.provenance.may_retrain,
        )


def stored_alerts(root: Path, receipt_of: ReceiptOf) -> tuple[list[StoredAlert], list[str]]:
    """Return the alerts in `alerts/`, oldest first, and a message for each file that is none."""
    found, faults = [], []
    refuse_links(root / ALERTS, root)
    for path in documents.alert_files(root):
        try:
            found.append(_stored(path, receipt_of))
        except InputError as error:
            faults.append(str(error))
    return found, faults


def _stored(path: Path, receipt_of: ReceiptOf) -> StoredAlert:
    source = f"{ALERTS}/{path.name}"
    raw = read_plain_file(path, root=None, limit=20 * MAX_BYTES)
    alert = parse_alert(raw, source)
    check_file_stem(alert, path.stem, source)
    submitted = SubmittedAlert(alert, raw, source)
    receipt = receipt_of(alert.alert_id)
    changed = receipt is not None and receipt.sha256 != submitted.sha256
    return StoredAlert(path, submitted, None if changed else receipt)


def receipts_here(root: Path) -> frozenset[str]:
    """Return the ids of the alerts that have a receipt in the workspace."""
    folder = root / ALERTS
    there = folder.iterdir() if folder.is_dir() else ()
    end = documents.RECEIPT
    return frozenset(path.name.removesuffix(end) for path in there if path.name.endswith(end))


def receipt_here(root: Path, alert_id: str) -> Receipt | None:
    """Return the receipt in the workspace. Raises InputError for a broken one, or a link."""
    path = root / ALERTS / receipt_file_name(alert_id)
    refuse_links(path, root)
    receipt: Receipt = documents.read_document(path, Receipt)
    return receipt if receipt.alert_id == alert_id else None


def save_receipt(root: Path, receipt: Receipt, *, refuse_link: bool = False) -> None:
    """Write a receipt beside its alert; a link in its place is replaced, never followed.

    It can be made again, so no disk is waited for. Raises InputError with `refuse_link` for a link.
    """
    path = root / ALERTS / receipt_file_name(receipt.alert_id)
    if refuse_link:
        refuse_links(path, root)
    # The bytes of `to_json`, ten times as fast: a receipt has no numbers to write otherwise.
    files.write_bytes(path, receipt.model_dump_json(indent=2).encode() + b"\n", durable=False)
