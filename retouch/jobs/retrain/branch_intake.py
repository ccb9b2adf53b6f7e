"""Take in what a branch brings, and what came to the base branch itself, each as of when it came.

The same alerts give the same receipts, byte for byte, however often they are taken in: a job that
is run again writes nothing new, and a group that waits does not begin to wait anew.
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
from retouch.engine.provenance import Trust
from retouch.errors import InputError
from retouch.git import branches, git
from retouch.jobs.packages.event import Dispatch, Event, Push
from retouch.storage import documents
from retouch.storage.report_history import receipts_here
from retouch.suppression.state import Outcome


@dataclass(frozen=True)
class TakenIn:
    """What intake made of a branch and of the base branch together."""

    outcome: Outcome
    """Where all alerts stand now, and the groups to plan."""
    receipts: Mapping[str, bytes]
    """Those that are new, by path."""
    faults: tuple[str, ...]
    """Of the branch's own alerts: a sentence each."""
    others: tuple[str, ...] = ()
    """Of what lies on the base branch; the branch is not to blame."""

    def receipts_of(self, alert_ids: Collection[str]) -> dict[str, bytes]:
        """Return the new receipts of these alerts, by path."""
        wanted = {documents.receipt_path(alert_id) for alert_id in alert_ids}
        return {path: raw for path, raw in self.receipts.items() if path in wanted}

    def says_of(self, alert_ids: Collection[str]) -> str:
        """Return why these alerts are not planned now, each reason once."""
        standings = (self.outcome.standing_of(alert_id) for alert_id in alert_ids)
        message = dict.fromkeys(standing.message for standing in standings if standing is not None)
        return " ".join(message) or "It is not believed."


@dataclass(frozen=True)
class Brought:
    """Alerts that a branch brings, and who is held to have brought them."""

    head: str
    alert_ids: frozenset[str]
    sender: str | None
    """Whoever the event names, or the author of the pull request."""


def take_in_all(
    project: Project,
    brought: Brought | None,
    recorded: Mapping[str, Receipt],
    trust: Trust,
    event: Event,
    now: datetime,
) -> TakenIn:
    """Take in the alerts of a branch, which were laid in, and those of the base without a receipt.

    `recorded`: receipts that an earlier intake wrote on a branch. They say when and how an alert
    came; all else is judged anew. Raises InputError for what is wrong with the base branch.
    """
    root = project.root
    there = receipts_here(root)
    lacking = [path for path in documents.alert_files(root) if path.stem not in there]
    theirs = brought.alert_ids if brought else frozenset()
    came: dict[tuple[datetime, Transport, bool], list[Path]] = defaultdict(list)
    for path in lacking:
        arrival = _as_recorded(recorded.get(path.stem), now) or (
            _on_branch(brought, trust, event, now)
            if brought is not None and path.stem in theirs
            else _on_base(path, root, trust, event, now)
        )
        came[*arrival, path.stem in theirs].append(path)
    faults: list[str] = []
    others: list[str] = []
    for (moment, transport, is_theirs), paths in sorted(came.items(), key=lambda one: one[0][0]):
        told = intake.take_in(project, paths, replace(trust, transport=transport), moment)
        (faults if is_theirs else others).extend(told.faults)
    outcome = intake.look(project, trust, now).outcome
    receipts = documents.receipt_files(root, (path.stem for path in lacking))
    return TakenIn(outcome, receipts, tuple(dict.fromkeys(faults)), tuple(dict.fromkeys(others)))


def _as_recorded(earlier: Receipt | None, now: datetime) -> tuple[datetime, Transport] | None:
    """Return when and how an alert came, by its receipt; None when that cannot be."""
    if earlier is None or earlier.received_at > now:
        return None
    try:
        transport = Transport(earlier.channel, earlier.sender, earlier.commit, earlier.run_id)
    except InputError:  # no receipt of ours has such a sender
        return None
    return earlier.received_at, transport


def _on_branch(
    brought: Brought, trust: Trust, event: Event, now: datetime
) -> tuple[datetime, Transport]:
    """Return how an alert of a branch came just now, by the event or the pull request."""
    run_id = trust.transport.run_id
    match event:
        case Dispatch(sender=sender):
            return now, Transport("dispatch", sender, brought.head, run_id)
        case _:
            return now, Transport("commit", brought.sender, brought.head, run_id)


def _on_base(
    path: Path, root: Path, trust: Trust, event: Event, now: datetime
) -> tuple[datetime, Transport]:
    """Return when and how an alert came to the base branch: with the commit that brought it."""
    commit = git.head_commit(root)
    came = branches.came_at(root, f"{documents.ALERTS}/{path.name}", commit)
    sender = event.sender if isinstance(event, Push) else None
    return min(came or now, now), Transport("commit", sender, None, trust.transport.run_id)
