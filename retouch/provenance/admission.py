"""Whose alert it is, and whether it may cause a retraining without a person. Pure.

`ssh-keygen` decides whether a signature is good; what is parsed here explains a refusal. Both must
agree: what either of them refuses is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from retouch.alerts.moments import Time
from retouch.alerts.receipt import Channel, Provenance, Sha256
from retouch.alerts.signature import NAMESPACE, Signature, signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.documents import Value
from retouch.policy.monitors import MONITORS, Monitors, RegisteredMonitor
from retouch.provenance.reformatting import KEEP_LINE_ENDS, Change, with_line_ends
from retouch.provenance.signers import ALLOWED_SIGNERS, REVOKED_SIGNERS, Signer, Signers
from retouch.schema_errors import shown

AHEAD = timedelta(minutes=10)
"""How far a monitor's clock may be ahead of this machine's."""

_CHANGED: dict[Change, str] = {
    "line ends": "its line ends were changed after it was signed (CRLF for LF, or the reverse)",
    "final newline": "its final newline was added or taken away after it was signed",
    "indentation": "it was re-indented after it was signed",
}


class MonitorRegistry(Value):
    """What the base branch says about monitors and keys."""

    commit: str
    """The commit it was read from."""
    repository: str | None = None
    """This repository's `owner/name`, where it is known."""
    monitors: Monitors = Monitors()
    signers: Signers = Signers()


class Reception(Value):
    """How and when an alert was received."""

    channel: Channel
    sender: str | None = None
    received_at: Time
    """When it was first received, by our own clock; never a time from the alert."""
    known: frozenset[Sha256] = frozenset()
    """What the base branch holds under this id already."""


class SignatureCheck(Value):
    """The result of checking a signature file."""

    signature: Signature | None = None
    """None when it could not be read."""
    fault: str | None = None
    """The sentence that says why it could not be read."""
    good: bool = False
    """Whether ssh-keygen found it good, by the alert's monitor, at the time it was received."""
    words: str = ""
    """The message of ssh-keygen, when it was not good."""
    undone: Change | None = None
    """The change to the alert's file without which ssh-keygen would find it good."""
    revoked: bool = False
    """Whether ssh-keygen finds its key in a binary revocation list."""


def admitted(
    submitted: SubmittedAlert,
    reception: Reception,
    examined: SignatureCheck | None,
    registry: MonitorRegistry,
) -> Provenance:
    """Judge an alert by its signature, if it has one, and by what its monitor is registered for."""
    if examined is None:
        faults = tuple(_claims(submitted, reception, registry, signed=False))
        if faults:
            return Provenance(verdict="refused", registry_commit=registry.commit, reasons=faults)
        return _unsigned(submitted, registry)
    fault = signature_fault(submitted, reception.received_at, examined, registry)
    faults = (fault,) if fault else tuple(_claims(submitted, reception, registry, signed=True))
    signature = examined.signature
    return Provenance(
        verdict="refused" if faults else "verified",
        method="ssh",
        principal=None if faults else submitted.alert.monitor.id,
        key_fingerprint=signature.key_fingerprint if signature else None,
        registry_commit=registry.commit,
        may_retrain=not faults,
        reasons=faults,
    )


def key_fault(
    submitted: SubmittedAlert,
    received_at: datetime,
    signature: Signature,
    signers: Signers,
    *,
    revoked: bool = False,
) -> str | None:
    """Return why this key may not sign this alert, whatever the bytes; None when it may.

    `revoked`: whether a binary revocation list names it, which only ssh-keygen can read.
    """
    file, monitor = signature_file_name(submitted.source), submitted.alert.monitor.id
    again = f"Sign it with the key of {monitor!r}: `retouch alert sign {submitted.source}`."
    key, signer = signature.key_fingerprint, signers.by_key.get(signature.key_fingerprint)
    if signature.namespace != NAMESPACE:
        return (
            f"{file}: was made for the namespace {shown(signature.namespace)}, not {NAMESPACE!r}. "
            f"{again}"
        )
    if revoked or key in signers.revoked:
        return f"{file}: the key {key} is revoked in {REVOKED_SIGNERS}. {again}"
    if signer is None:
        return (
            f"{file}: the key {key} is not known: {ALLOWED_SIGNERS} of the base branch does not "
            "list it. Have it added there by a pull request of its own."
        )
    if signer.principal != monitor:
        return (
            f"{submitted.source}: monitor.id: is {monitor!r}, but the signature is by the key of "
            f"{signer.principal!r}. {again}"
        )
    if signer.namespaces is not None and NAMESPACE not in signer.namespaces:
        return (
            f"{file}: the key {key} may not sign alerts: {ALLOWED_SIGNERS}, line {signer.line}, "
            f"does not name {NAMESPACE!r} among its namespaces. {again}"
        )
    return _out_of_time(signer, key, file, received_at)


def _out_of_time(signer: Signer, key: str, file: str, at: datetime) -> str | None:
    at = at.replace(microsecond=0)  # ssh-keygen counts in whole seconds
    where = f"({ALLOWED_SIGNERS}, line {signer.line}), and the alert was received on {_utc(at)}"
    if signer.valid_before is not None and at > signer.valid_before:
        return (
            f"{file}: the key {key} of {signer.principal!r} expired on "
            f"{_utc(signer.valid_before)} {where}. Sign it with the monitor's new key."
        )
    if signer.valid_after is not None and at < signer.valid_after:
        return (
            f"{file}: the key {key} of {signer.principal!r} is not valid before "
            f"{_utc(signer.valid_after)} {where}. Sign it with the monitor's present key."
        )
    return None


def signature_fault(
    submitted: SubmittedAlert,
    received_at: datetime,
    examined: SignatureCheck,
    registry: MonitorRegistry,
) -> str | None:
    """Return the sentence that refuses the signature; None when it is good and by the right key."""
    source = submitted.source
    if examined.signature is None:
        return examined.fault or f"{signature_file_name(source)}: cannot be read."
    fault = key_fault(
        submitted, received_at, examined.signature, registry.signers, revoked=examined.revoked
    )
    if fault or examined.good:
        return fault
    if examined.undone is not None:
        return (
            f"{source}: {_CHANGED[examined.undone]}. Put the signed bytes back, keep formatters "
            "away from alerts/ and add `alerts/** -text` to .gitattributes."
        )
    if "incorrect signature" in examined.words:
        return (
            f"{source}: was changed after it was signed, or the signature is of another alert. "
            f"Have the monitor sign it again: `retouch alert sign {source}`."
        )
    return (
        f"{signature_file_name(source)}: ssh-keygen refuses the signature: "
        f"{shown(examined.words or 'it does not say why')}."
    )


def _unsigned(submitted: SubmittedAlert, registry: MonitorRegistry) -> Provenance:
    monitor = submitted.alert.monitor.id
    entry = registry.monitors.monitors.get(monitor)
    may_retrain = entry is not None and entry.unsigned == "retrain"
    if may_retrain:
        reason = (
            f"{submitted.source}: is unsigned, and {MONITORS} lets {monitor!r} retrain unsigned."
        )
    else:
        reason = (
            f"{submitted.source}: is unsigned, so it may be planned but not retrain by itself. "
            f"A person may run it: `retouch run {submitted.source} --accept-unsigned`."
        )
    return Provenance(
        verdict="unsigned",
        registry_commit=registry.commit,
        may_retrain=may_retrain,
        reasons=(reason,),
    )


def _claims(
    submitted: SubmittedAlert, reception: Reception, registry: MonitorRegistry, *, signed: bool
) -> Iterator[str]:
    """Yield what speaks against the alert itself, one sentence each."""
    entry = registry.monitors.monitors.get(submitted.alert.monitor.id)
    if signed and entry is None:
        yield (
            f"{submitted.source}: monitor.id: {submitted.alert.monitor.id!r} has a key in "
            f"{ALLOWED_SIGNERS} but no entry in {MONITORS} of the base branch. Add one there."
        )
    yield from _audience(submitted, registry, signed=signed)
    if entry is not None:
        yield from _registered_for(submitted, reception, entry)
    yield from _times(submitted, reception.received_at)
    others = reception.known - {submitted.sha256}
    if others:
        known = f"{submitted.source}: alert_id: {submitted.alert.alert_id!r} is on the base branch"
        if others <= {
            replace(submitted, raw=text).sha256 for text in with_line_ends(submitted.raw)
        }:
            yield f"{known} with other line ends. {KEEP_LINE_ENDS}"
        else:
            yield f"{known} with other bytes. A new alert needs a new id: `retouch alert new`."


def _audience(
    submitted: SubmittedAlert, registry: MonitorRegistry, *, signed: bool
) -> Iterator[str]:
    audience, here = submitted.alert.audience, registry.repository
    place = f"{submitted.source}: audience:"
    if audience is None:
        # Without a signature it would prove nothing; a hand-written alert may leave it out.
        if signed:
            yield (
                f"{place} missing, so the same signature would be good in any repository. Add "
                f'`"audience": "{here or "owner/name"}"` and sign it again.'
            )
    elif here is not None and audience.casefold() != here.casefold():
        yield f"{place} it was made for {audience!r}, and this repository is {here!r}."
    elif here is None and signed:
        yield (
            f"{place} is {audience!r}, but this repository's name is not known. Set `repository` "
            f"in {MONITORS}, or GITHUB_REPOSITORY."
        )


def _registered_for(
    submitted: SubmittedAlert, reception: Reception, entry: RegisteredMonitor
) -> Iterator[str]:
    alert, source = submitted.alert, submitted.source
    hint = f"{MONITORS} of the base branch says what it may raise; ask {entry.owner}."
    monitor, dataset = alert.monitor.id, alert.slice.current.dataset
    if entry.kinds is not None and alert.kind not in entry.kinds:
        yield f"{source}: kind: {monitor!r} is not registered for {alert.kind!r}. {hint}"
    if entry.datasets is not None and dataset not in entry.datasets:
        place = "slice.current.dataset"
        yield f"{source}: {place}: {monitor!r} is not registered for {dataset!r}. {hint}"
    if entry.senders is None:
        return
    if reception.sender is None:
        # At a terminal there is no authenticated sender; elsewhere the workflow has to name it.
        if reception.channel != "manual":
            yield f"{source}: its sender is unknown; give `--sender LOGIN`. {hint}"
    elif reception.sender.casefold() not in {login.casefold() for login in entry.senders}:
        yield f"{source}: {shown(reception.sender)} may not submit alerts of {monitor!r}. {hint}"


def _times(submitted: SubmittedAlert, received_at: datetime) -> Iterator[str]:
    alert, at = submitted.alert, received_at
    if alert.expires_at is not None and alert.expires_at <= at:
        yield (
            f"{submitted.source}: expires_at: it expired on {_utc(alert.expires_at)} and was "
            f"received on {_utc(at)}. If it still holds, have the monitor raise a new alert."
        )
    if alert.emitted_at > at + AHEAD:
        yield (
            f"{submitted.source}: emitted_at: {_utc(alert.emitted_at)} lies in the future; it was "
            f"received on {_utc(at)}. Set the monitor's clock."
        )


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(microsecond=0):%Y-%m-%dT%H:%M:%SZ}"
