"""Intake of the alerts on a branch and on the base branch, each at the time it arrived.

The same alerts give the same receipts, byte for byte, however often this runs: a repeated job
writes nothing new, and a group that waits does not start over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from retouch.alerts.receipt import Receipt
from retouch.engine import intake
from retouch.engine.admission import Transport
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings
from retouch.errors import InputError
from retouch.git import branches, git
from retouch.jobs.packages.event import DispatchEvent, Event, PushEvent
from retouch.storage import documents
from retouch.storage.alert_files import receipts_here
from retouch.suppression.state import Outcome


@dataclass(frozen=True)
class IntakeResult:
    """The result of intake for a branch and the base branch together."""

    outcome: Outcome
    """The state of all alerts, and the groups to plan."""
    receipts: Mapping[str, bytes]
    """The new ones, by path."""
    faults: tuple[str, ...]
    """Of the branch's own alerts, a sentence each."""
    others: tuple[str, ...] = ()
    """Of the base branch's alerts; not the branch's fault."""

    def receipts_of(self, alert_ids: Collection[str]) -> dict[str, bytes]:
        """Return the new receipts of these alerts, by path."""
        wanted = {documents.receipt_path(alert_id) for alert_id in alert_ids}
        return {path: raw for path, raw in self.receipts.items() if path in wanted}

    def reason_for(self, alert_ids: Collection[str]) -> str:
        """Return why these alerts are not planned now, each reason once."""
        states = (self.outcome.state_of(alert_id) for alert_id in alert_ids)
        message = dict.fromkeys(standing.message for standing in states if standing is not None)
        return " ".join(message) or "It is not trusted."


@dataclass(frozen=True)
class AlertSource:
    """The alerts a branch adds, and their sender."""

    head: str
    alert_ids: frozenset[str]
    sender: str | None
    """The sender of the event, or the author of the pull request."""


def intake_all(
    project: Project,
    source: AlertSource | None,
    recorded: Mapping[str, Receipt],
    trust: TrustSettings,
    event: Event,
    now: datetime,
) -> IntakeResult:
    """Take in the alerts of a branch, which lie in the checkout, and the base's without a receipt.

    `recorded`: receipts that an earlier intake wrote on a branch. Only their time and transport
    are used; everything else is decided anew. Raises InputError for a fault of the base branch.
    """
    root = project.root
    there = receipts_here(root)
    lacking = [path for path in documents.alert_files(root) if path.stem not in there]
    of_branch = source.alert_ids if source else frozenset()
    by_arrival: dict[tuple[datetime, Transport, bool], list[Path]] = defaultdict(list)
    for path in lacking:
        arrival = _as_recorded(recorded.get(path.stem), now) or (
            _on_branch(source, trust, event, now)
            if source is not None and path.stem in of_branch
            else _on_base(path, root, trust, event, now)
        )
        by_arrival[*arrival, path.stem in of_branch].append(path)
    faults: list[str] = []
    others: list[str] = []
    for (moment, transport, is_theirs), paths in sorted(
        by_arrival.items(), key=lambda one: one[0][0]
    ):
        intake_result = intake.take_in(project, paths, replace(trust, transport=transport), moment)
        (faults if is_theirs else others).extend(intake_result.faults)
    outcome = intake.overview(project, trust, now).outcome
    receipts = documents.receipt_files(root, (path.stem for path in lacking))
    return IntakeResult(
        outcome, receipts, tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(others))
    )


def _as_recorded(earlier: Receipt | None, now: datetime) -> tuple[datetime, Transport] | None:
    """Return time and transport of an alert by its receipt; None for an impossible one."""
    if earlier is None or earlier.received_at > now:
        return None
    try:
        transport = Transport(earlier.channel, earlier.sender, earlier.commit, earlier.run_id)
    except InputError:  # intake writes no such sender
        return None
    return earlier.received_at, transport


def _on_branch(
    source: AlertSource, trust: TrustSettings, event: Event, now: datetime
) -> tuple[datetime, Transport]:
    """Return time and transport of an alert on a branch, by the event or the pull request."""
    run_id = trust.transport.run_id
    match event:
        case DispatchEvent(sender=sender):
            return now, Transport("dispatch", sender, source.head, run_id)
        case _:
            return now, Transport("commit", source.sender, source.head, run_id)


def _on_base(
    path: Path, root: Path, trust: TrustSettings, event: Event, now: datetime
) -> tuple[datetime, Transport]:
    """Return time and transport of an alert on the base branch: its commit's."""
    commit = git.head_commit(root)
    by_arrival = branches.added_at(root, f"{documents.ALERTS}/{path.name}", commit)
    sender = event.sender if isinstance(event, PushEvent) else None
    return min(by_arrival or now, now), Transport("commit", sender, None, trust.transport.run_id)
