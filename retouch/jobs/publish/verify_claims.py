"""Whose word an answer stands on, found out again: the job that ran code may have made it up.

What its plan says of alerts is held against the alerts' own bytes, their signatures are looked at
again, and who vouches or overrides must have said so on GitHub.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retouch.alerts.model import Alert
from retouch.alerts.parse import parse_alert
from retouch.alerts.receipt import Provenance, Receipt, receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.alerts.words import summarise
from retouch.engine.admission import Submission, Transport
from retouch.engine.provenance import Judge, Trust
from retouch.errors import InputError
from retouch.git import branches
from retouch.jobs.packages.event import Asked, Wake
from retouch.jobs.publish.pull_request_content import Answer, Publisher
from retouch.jobs.retrain.authorization import Hearing
from retouch.planning.model import Plan
from retouch.schema_errors import shown
from retouch.storage.documents import ALERTS, OVERRIDES, REPORTS


def check_believed(answer: Answer, publisher: Publisher, now: datetime) -> None:
    """Raise InputError where an answer stands on a word that nobody gave.

    The package itself has passed the boundary, and the branch's head was fetched.
    """
    proposal, documents = answer.package.proposal, answer.documents
    _check_overrides(answer, publisher)
    if documents is None:
        ids: tuple[str, ...] = proposal.alert_ids
    else:
        ids = tuple(alert.alert_id for alert in documents.plan.alerts)
    brought = _Brought(answer, publisher.root)
    senders = _senders(answer, publisher)
    judge = Judge(publisher.root, _trust(publisher, proposal.base), ids)
    found = {i: _provenance(brought, judge, publisher, i, senders, now) for i in ids}
    if documents is None:
        return
    plan = documents.plan
    where = f"{REPORTS}/{plan.report_id}/plan.json"
    for message in _of_plan(plan, brought, found):
        raise InputError(f"{where}: {message}.")
    by = plan.accepted_by
    if by is not None and not _vouched(by, answer, publisher):
        raise InputError(f"{where}: {shown(by)} is to vouch for its alerts, and has not said so.")
    unproven = [i for i, one in found.items() if not one.may_retrain]
    if documents.run is not None and unproven and by is None:
        raise InputError(f"{where}: nobody vouches for {unproven[0]}, so nothing should have run.")


@dataclass(frozen=True)
class _Brought:
    """The alerts of an answer, with what lies beside them: along with it, or on its branch."""

    answer: Answer
    root: Path

    def get(self, name: str) -> bytes | None:
        """Return a file of `alerts/`. The base's comes first, then the branch's."""
        path, package = f"{ALERTS}/{name}", self.answer.package
        for commit in filter(None, (package.proposal.base, self.answer.head)):
            found = branches.read_files(self.root, commit, [path])
            if path in found:
                return found[path]
        return package.files.get(path)

    def submission(self, alert_id: str) -> Submission:
        name = f"{alert_id}.json"
        raw, source = self.get(name), f"{ALERTS}/{name}"
        if raw is None:
            raise InputError(f"{source}: is missing.")
        signature = self.get(signature_file_name(name))
        return Submission(parse_alert(raw, source), raw, source, signature)

    def alert(self, alert_id: str) -> Alert:
        return self.submission(alert_id).alert

    def receipts(self, alert_id: str) -> Mapping[str, Receipt]:
        """Return what says how it came in: `new` in the package, `old` on its branch."""
        path = f"{ALERTS}/{receipt_file_name(alert_id)}"
        package, head = self.answer.package, self.answer.head
        there = branches.read_files(self.root, head, [path]) if head else {}
        raws = {"new": package.files.get(path), "old": there.get(path)}
        found: dict[str, Receipt] = {}
        for name, raw in raws.items():
            try:
                found |= {name: Receipt.model_validate_json(raw)} if raw is not None else {}
            except ValueError:  # the boundary has looked at ours; the branch's may be anything
                continue
        return found


def _provenance(
    brought: _Brought,
    judge: Judge,
    publisher: Publisher,
    alert_id: str,
    senders: frozenset[str],
    now: datetime,
) -> Provenance:
    """Return whose alert one is. Raises InputError for a receipt that says more of it."""
    receipts, submission = brought.receipts(alert_id), brought.submission(alert_id)
    claimed = receipts.get("new") or receipts.get("old")
    path = f"{ALERTS}/{receipt_file_name(alert_id)}"
    if claimed is not None and claimed.received_at > now:
        raise InputError(f"{path}: says that the alert came in the future.")
    old = receipts.get("old")
    known = {*senders, old.sender} if old is not None else senders
    told = judge
    if claimed is not None:
        sender = claimed.sender if claimed.sender in known else None
        came = Transport(claimed.channel, sender, claimed.commit, claimed.run_id)
        told = judge.coming_by(came)
    at = claimed.received_at if claimed is not None else now
    found = told.receipt(submission, at).provenance
    new = receipts.get("new")
    if new is not None and _says_more(new.provenance, found):
        raise InputError(f"{path}: says more than is so: the alert {_words(found)}.")
    return found


def _of_plan(plan: Plan, brought: _Brought, found: Mapping[str, Provenance]) -> Iterator[str]:
    """Yield what a plan says of its alerts and they do not."""
    for alert in plan.alerts:
        own = brought.alert(alert.alert_id)
        if alert != summarise(own) or plan.model != own.model:
            yield f"says of {alert.alert_id} what the alert does not"
    proven = {one.alert_id: one.provenance for one in plan.provenance}
    for alert_id, one in found.items():
        if alert_id not in proven:
            yield f"does not say whose alert {alert_id} is"
        elif _says_more(proven[alert_id], one):
            yield f"says more than is so: {alert_id} {_words(one)}"


def _says_more(claimed: Provenance, found: Provenance) -> bool:
    proven = claimed.verdict == "verified" and found.verdict != "verified"
    return proven or (claimed.may_retrain and not found.may_retrain)


def _words(found: Provenance) -> str:
    may = "may" if found.may_retrain else "may not"
    return f"is {found.verdict.replace('_', ' ')}, and {may} retrain by itself"


def _check_overrides(answer: Answer, publisher: Publisher) -> None:
    """Raise InputError for overrides on the branch, and not on the base, that nobody asked for."""
    proposal = answer.package.proposal
    if proposal.report_id is None or answer.head is None:
        return
    path = f"{REPORTS}/{proposal.report_id}/{OVERRIDES}"
    there = branches.read_files(publisher.root, answer.head, [path])
    if not there or there == branches.read_files(publisher.root, proposal.base, [path]):
        return
    fault = _hearing(answer, publisher).fault_of(path, there[path])
    if fault is not None:
        raise InputError(fault)


def _vouched(login: str, answer: Answer, publisher: Publisher) -> bool:
    """Tell whether a person vouches: in a comment, or by starting this very workflow by hand."""
    event, hearing = publisher.event, _hearing(answer, publisher)
    if not isinstance(event, Asked):
        return hearing.vouched(login)
    if event.accepted_by == login == event.sender and hearing.may_write(login):
        return True
    return hearing.vouched(login) or Hearing(publisher.site.repo, event.pull).vouched(login)


def _hearing(answer: Answer, publisher: Publisher) -> Hearing:
    return Hearing(publisher.site.repo, answer.pull.number if answer.pull else None)


def _senders(answer: Answer, publisher: Publisher) -> frozenset[str]:
    """Return who may have brought an alert just now, as GitHub knows it."""
    event, pull = publisher.event, answer.pull
    told = [] if isinstance(event, Wake) else [event.sender]
    return frozenset([*told, pull.author] if pull else told)


def _trust(publisher: Publisher, base: str) -> Trust:
    return Trust(base, publisher.site.repo.name, os.environ)
