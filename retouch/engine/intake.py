"""Intake: alerts are verified, compared with the history, and given receipts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import filterfalse
from pathlib import Path

from retouch.alerts.envelope import unseal_alert
from retouch.alerts.model import MAX_BYTES
from retouch.alerts.parse import expected_file_name
from retouch.alerts.receipt import AlertState, Receipt, receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.engine.project import Project
from retouch.engine.provenance import AdmissionCheck, TrustSettings, receipts_for_new
from retouch.engine.report_history import answers
from retouch.errors import InputError
from retouch.pipeline.lineage import touched_by
from retouch.policy.model import Policy
from retouch.provenance.reformatting import hint_on
from retouch.storage import documents
from retouch.storage.alert_files import StoredAlert, read_alert, save_receipt, stored_alerts
from retouch.suppression.cost_bound import cost_of_first_tier
from retouch.suppression.records import Touches
from retouch.suppression.replay import replay
from retouch.suppression.replay_diff import Replay
from retouch.suppression.state import Outcome, alert_states
from retouch.system import files
from retouch.system.untrusted_files import refuse_links

EVENT_BYTES = 1_000_000


@dataclass(frozen=True)
class Intake:
    """The result of one intake."""

    receipts: tuple[Receipt, ...]
    """Of the alerts that were new, with their state."""
    faults: tuple[str, ...]
    """A sentence for each file that is no alert, or that is refused."""
    outcome: Outcome
    """The state of all alerts now, and the groups to plan."""


@dataclass(frozen=True)
class AlertOverview:
    """The state of all alerts, without taking any in."""

    stored: tuple[StoredAlert, ...]
    """All alerts; those that are new with the receipt they would get."""
    new: frozenset[str]
    """The ids of those that have not been taken in."""
    faults: tuple[str, ...]
    outcome: Outcome

    def state_of(self, stored: StoredAlert) -> AlertState | None:
        """Return the state of an alert, also of one that history leaves out."""
        standing = self._states.get(stored.alert.alert_id)
        return standing or (stored.receipt.standing if stored.receipt else None)

    @cached_property
    def _states(self) -> dict[str, AlertState]:
        return {one.alert_id: one.standing for one in self.outcome.alerts}


def take_in(project: Project, paths: Sequence[Path], trust: TrustSettings, now: datetime) -> Intake:
    """Take in these alerts, or all in `alerts/` that are new, and write a receipt beside each.

    Raises InputError for what is wrong with the repository; of a file that is wrong,
    `Intake.faults` tells, and the others are taken in all the same.
    """
    submitted, faults = _submitted(project, paths)
    overview = _overview(project, submitted, trust, now)
    receipts = []
    for stored in overview.stored:
        if stored.alert.alert_id in overview.new and stored.receipt is not None:
            receipt = stored.receipt.model_copy(update={"standing": overview.state_of(stored)})
            try:
                save_receipt(project.root, receipt)
            except InputError as error:  # a folder in its place, say; the others get theirs
                faults.append(str(error))
            receipts.append(receipt)
    refused = [
        reason
        for receipt in receipts
        if receipt.provenance.verdict == "refused"
        for reason in receipt.provenance.reasons
    ]
    said = dict.fromkeys([*faults, *refused, *(overview.faults if not paths else ())])
    return Intake(tuple(receipts), tuple(said), overview.outcome)


def take_in_event(project: Project, event: Path, trust: TrustSettings, now: datetime) -> Intake:
    """Take in the alert of a `repository_dispatch` event; one that is refused leaves no file.

    Raises InputError, and writes nothing, for an event that carries no alert or whose id is taken
    by other bytes.
    """
    written, path, trust = _unpacked(project, event, trust)
    try:
        taken = take_in(project, [path], trust, now)
    except BaseException:
        _remove(written)
        raise
    if any(receipt.provenance.verdict == "refused" for receipt in taken.receipts):
        _remove([*written, path.with_name(receipt_file_name(path.stem))])
    return taken


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        files.remove(path)


def overview(project: Project, trust: TrustSettings, now: datetime) -> AlertOverview:
    """Say where all alerts stand; those not taken in yet as if they were now. Changes nothing.

    With a time of the past, what came in later is left out. Raises InputError for what is wrong
    with the repository.
    """
    seen = _overview(project, None, trust, now)
    there = (one for one in seen.stored if one.receipt is None or one.receipt.received_at <= now)
    return replace(seen, stored=tuple(there))


def _unpacked(
    project: Project, event: Path, trust: TrustSettings
) -> tuple[list[Path], Path, TrustSettings]:
    """Write an event's alert into `alerts/`, byte for byte.

    Returns the files written, the alert's, and the trust that knows who sent it.
    """
    login, wanted = _files_of(event, project.root / documents.ALERTS)
    for target, content in wanted.items():
        refuse_links(target, project.root)
        here = files.read_bytes(target, limit=20 * MAX_BYTES) if files.exists(target) else content
        if here != content:
            shown = target.relative_to(project.root)
            raise InputError(
                f"{shown}: is there already, with other content than the alert that was sent.",
                hint=hint_on(here, content),
            )
    transport = replace(trust.transport, channel="dispatch", sender=login)
    *signatures, path = wanted
    if files.exists(path) and any(not files.exists(signature) for signature in signatures):
        raise InputError(
            f"{path.relative_to(project.root)}: is there already, without the signature that was "
            "sent.",
            hint="A new alert needs a new id: `retouch alert new`.",
        )
    written = [target for target in wanted if not files.exists(target)]
    for target in written:
        files.write_bytes(target, wanted[target])
    return written, path, replace(trust, transport=transport)


def _files_of(event: Path, folder: Path) -> tuple[str, dict[Path, bytes]]:
    """Return who sent the event, and the files it makes.

    The alert's last: cut short in between, it must not be left there as an unsigned one.
    """
    hint = "Send one with `retouch alert open FILE --dispatch`."
    raw = files.read_bytes(event, limit=EVENT_BYTES)
    try:
        content = json.loads(raw)
        payload, login = content["client_payload"], content["sender"]["login"]
    except (ValueError, TypeError, KeyError, RecursionError):
        message = f"{event}: is no repository_dispatch event with a client_payload and a sender."
        raise InputError(message, hint=hint) from None
    if not isinstance(login, str) or not login:
        raise InputError(f"{event}: sender.login: is not a login of GitHub.", hint=hint)
    alert, envelope = unseal_alert(payload, "client_payload")
    path = folder / expected_file_name(alert)
    wanted = {}
    if envelope.signature is not None:
        signature = path.with_name(signature_file_name(path.name))
        wanted[signature] = envelope.signature.encode()
    return login, {**wanted, path: envelope.alert}


def _submitted(
    project: Project, paths: Sequence[Path]
) -> tuple[list[SubmittedAlert] | None, list[str]]:
    """Return the alerts in these files; None, for whatever is new, without any."""
    if not paths:
        return None, []
    found, faults = [], []
    for path in filterfalse(documents.lies_beside, paths):
        try:
            if path.resolve().parent != (project.root / documents.ALERTS).resolve():
                message = f"{path}: does not lie in alerts/, so it gets no receipt."
                raise InputError(message, hint=f"Move it: `mv {path} alerts/`.")
            found.append(read_alert(path, project.root))
        except InputError as error:
            faults.append(str(error))
    return found, faults


def _overview(
    project: Project,
    only: Sequence[SubmittedAlert] | None,
    trust: TrustSettings,
    now: datetime,
) -> AlertOverview:
    """Judge what is new (of it `only` these, if given) and return the state of all alerts."""
    root = project.root
    ids = [path.stem for path in documents.alert_files(root)]
    admission = AdmissionCheck(root, trust, ids)
    stored, faults = stored_alerts(root, admission.trusted_receipt)
    wanted = None if only is None else {submitted.alert.alert_id for submitted in only}
    new = {
        one.alert.alert_id
        for one in stored
        if one.receipt is None and (wanted is None or one.alert.alert_id in wanted)
    }
    judged = receipts_for_new(admission, root, stored, new, project.policy.suppression, now)
    taken = [taken for one in judged if (taken := one.received) is not None]
    outcome = alert_states(
        taken,
        answers(root, {one.alert.alert_id: one.alert for one in judged}),
        project.silences.silences,
        project.policy.suppression,
        _touches(project),
        now,
        project.version_at(now) if any(one.alert.model_version for one in judged) else None,
    )
    return AlertOverview(tuple(judged), frozenset(new), tuple(faults), outcome)


def replays(
    project: Project,
    policies: Sequence[Policy],
    trust: TrustSettings,
    now: datetime,
    since: datetime | None,
) -> tuple[Replay, ...]:
    """Decide all past alerts again, by each of these policies. Changes nothing.

    An alert that was never taken in counts as received when it was emitted. Raises InputError for
    what is wrong with the repository.
    """
    seen = _overview(project, None, trust, now)
    taken = [
        one.model_copy(update={"received_at": stored.alert.emitted_at})
        if stored.alert.alert_id in seen.new
        else one
        for stored in seen.stored
        if (one := stored.received) is not None
    ]
    touches, silences = _touches(project), project.silences.silences
    return tuple(
        replay(
            taken,
            policy,
            silences,
            touches,
            cost_of_first_tier(policy, project.pipeline, project.costs, touches),
            now,
            since,
        )
        for policy in policies
    )


def _touches(project: Project) -> Touches:
    return lambda alert: frozenset(touched_by([alert], project.pipeline).stages)
