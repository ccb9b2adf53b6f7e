"""Admit alerts: verify one by its signature and the base branch, and make its receipt.

A pull request may bring an alert, a signature, a receipt and a change of `policies/` at once. Only
the alert and its signature are read from it; `engine/base_branch.py` reads all else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retouch.alerts.model import MAX_BYTES
from retouch.alerts.parse import parse_alert
from retouch.alerts.receipt import Channel, Provenance, Receipt
from retouch.alerts.signature import Signature, parse_signature, signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.engine.base_branch import Trusted
from retouch.errors import InputError
from retouch.provenance.admission import Reception, SignatureCheck, admitted, key_fault
from retouch.provenance.reformatting import undone
from retouch.provenance.signers import ALLOWED_SIGNERS
from retouch.schema_errors import bad_input, shown
from retouch.system import files, ssh_keygen
from retouch.system.untrusted_files import read_plain_file, refuse_links


@dataclass(frozen=True)
class Transport:
    """How alerts came in, as the workflow knows it."""

    channel: Channel = "manual"
    sender: str | None = None
    """As GitHub authenticated them."""
    commit: str | None = None
    run_id: str | None = None

    def __post_init__(self) -> None:
        """Raise InputError for what GitHub never says; receipts keep it, and reports show it."""
        said = {"sender": self.sender, "GITHUB_SHA": self.commit, "GITHUB_RUN_ID": self.run_id}
        for name, (form, what) in _FORMS.items():
            value = said[name]
            if value and not form.fullmatch(value):
                raise InputError(f"{name}: {shown(value)} is not {what}.")


_FORMS = {
    # Those of an enterprise have underscores, those of apps end in [bot].
    "sender": (re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}(\[bot\])?"), "a login of GitHub"),
    "GITHUB_SHA": (re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?"), "the id of a commit"),
    "GITHUB_RUN_ID": (re.compile(r"[0-9]{1,20}"), "the number of a workflow run"),
}


def admit(
    submitted: SubmittedAlert,
    trusted: Trusted,
    transport: Transport,
    *,
    now: datetime,
    earlier: Receipt | None,
    ask: bool = True,
) -> Receipt:
    """Verify one alert and return its receipt; a new receipt holds no suppression state yet.

    What came in before, with the same bytes and by the same key, is judged as of then, and its
    receipt keeps how it came in; `earlier` is the trusted receipt of that id. Without `ask` all
    is judged but whether the signature fits. Raises InputError for a broken receipt of the base.
    """
    alert_id, now = submitted.alert.alert_id, now.replace(microsecond=0)
    first = _first_receipt(submitted, earlier)
    reception = Reception(
        channel=first.channel if first else transport.channel,
        sender=first.sender if first else transport.sender,
        received_at=first.received_at if first else now,
        known=trusted.known(alert_id),
    )
    examined = _examined(submitted, reception.received_at, trusted, ask=ask)
    provenance = admitted(submitted, reception, examined, trusted.registry)
    if first:
        return first.model_copy(update={"provenance": provenance})
    return Receipt(
        alert_id=alert_id,
        sha256=submitted.sha256,
        received_at=reception.received_at,
        channel=transport.channel,
        sender=transport.sender,
        commit=transport.commit,
        run_id=transport.run_id,
        provenance=provenance,
    )


def _first_receipt(submitted: SubmittedAlert, receipt: Receipt | None) -> Receipt | None:
    """Return the earlier receipt if it is of the very same alert, signed by the very same key.

    Of the same key: else who has an old, leaked key could sign what came in unsigned when the key
    was still valid.
    """
    if receipt is None or receipt.sha256 != submitted.sha256:
        return None
    return receipt if _same_key(submitted, receipt.provenance) else None


def _same_key(submitted: SubmittedAlert, provenance: Provenance) -> bool:
    if submitted.signature is None:
        return provenance.verdict == "unsigned" and submitted.unreadable is None
    try:
        signature = parse_signature(submitted.signature, submitted.source)
    except InputError:
        return False
    return (
        provenance.verdict == "verified" and provenance.key_fingerprint == signature.key_fingerprint
    )


def _examined(
    submitted: SubmittedAlert, received_at: datetime, trusted: Trusted, *, ask: bool
) -> SignatureCheck | None:
    """Ask ssh-keygen: once when the signature is good, and more often to say why it is not."""
    if submitted.signature is None:
        return SignatureCheck(fault=submitted.unreadable) if submitted.unreadable else None
    try:
        name = signature_file_name(submitted.source)
        signature = parse_signature(submitted.signature, name)
    except InputError as error:
        return SignatureCheck(fault=str(error))
    if not ask:
        return SignatureCheck(signature=signature, good=True)
    said = _verify(submitted, submitted.raw, received_at, trusted)
    examined = SignatureCheck(signature=signature, good=said.good, words=said.words)
    if said.good:
        return examined
    revoked = trusted.revoked
    if revoked is not None and ssh_keygen.is_binary_list(revoked):
        is_revoked = ssh_keygen.is_revoked(signature.key, revoked)
        examined = examined.model_copy(update={"revoked": is_revoked})
    if key_fault(
        submitted, received_at, signature, trusted.registry.signers, revoked=examined.revoked
    ):
        return examined
    for change, variant in undone(submitted.raw):
        if _verify(submitted, variant, received_at, trusted).good:
            return examined.model_copy(update={"undone": change})
    return examined


def _verify(
    submitted: SubmittedAlert, raw: bytes, received_at: datetime, trusted: Trusted
) -> ssh_keygen.SignatureCheck:
    """Verify the signature of an alert over `raw`, its bytes or what they may have been."""
    return ssh_keygen.verify(
        raw,
        submitted.signature or b"",
        principal=submitted.alert.monitor.id,
        signers=trusted.files.get(ALLOWED_SIGNERS, b""),
        revoked=trusted.revoked,
        at=received_at,
    )


def sign_alert(path: Path, key: Path) -> tuple[Path, Signature]:
    """Sign an alert's file as it stands; return the signature's file, which is replaced, and it.

    Raises InputError for an alert that is not valid or names no audience, and for a key that cannot
    sign. Nothing is written then.
    """
    hint = "Write one: `retouch alert new --help`."
    raw = read_plain_file(path, root=None, limit=20 * MAX_BYTES, hint=hint)
    if parse_alert(raw, str(path)).audience is None:
        message = "missing, so the same signature would be good in any repository"
        hint = 'Write one with `retouch alert new --audience owner/name`, or add `"audience"`.'
        raise bad_input(str(path), ("audience",), message, hint=hint)
    beside = path.with_name(signature_file_name(path.name))
    refuse_links(beside, path.parent)
    signature = ssh_keygen.sign(raw, key)
    said_of_it = parse_signature(signature, str(beside))
    files.write_bytes(beside, signature)
    return beside, said_of_it
