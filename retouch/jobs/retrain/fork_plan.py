"""What a fork's alerts would come to: a plan, and nothing else. Needs no token, writes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from retouch.alerts.fingerprint import group_key
from retouch.alerts.parse import parse_alert
from retouch.engine.admission import Transport
from retouch.engine.project import Project
from retouch.engine.provenance import Trust
from retouch.engine.run import plan_alerts
from retouch.errors import InputError
from retouch.execution.clean_checkout import added_files
from retouch.git import branches
from retouch.jobs.packages.event import AlertPull, Event
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.retrain.incoming import Incoming, files_of, read_incoming
from retouch.jobs.retrain.open_pulls import checked_base
from retouch.reporting.escape import inline
from retouch.reporting.report import render_report


def plans_of(
    root: Path, number: int, base_branch: str, event: Event, trust: Trust, now: datetime
) -> str:
    """Return the plans of a pull request's alerts as Markdown; of a fork's too.

    Raises InputError for one that is not there. What is wrong with its files is in the text.
    """
    base = checked_base(root, base_branch)
    head = branches.fetch(root, f"refs/pull/{number}/head")
    if head is None:
        raise InputError(f"origin has no pull request {number}.")
    writable = WritablePaths.of(Project(root).pipeline)
    incoming = read_incoming(root, f"pull/{number}", head, base, writable)
    if incoming.faults:
        return "".join(f"- {inline(fault)}\n" for fault in incoming.faults)
    if not incoming.alerts:
        return f"Pull request {number} brings no alert.\n"
    sender = event.sender if isinstance(event, AlertPull) else None
    trust = replace(trust, transport=Transport("commit", sender, head, trust.transport.run_id))
    return "\n".join(_plans(root, incoming, trust, now))


def _plans(root: Path, incoming: Incoming, trust: Trust, now: datetime) -> list[str]:
    """Return a text for each group of alerts about one model and data set."""
    groups: dict[str, list[str]] = {}
    for path, raw in incoming.alerts.items():
        if path.endswith(".json"):
            groups.setdefault(group_key(parse_alert(raw, path)), []).append(path)
    texts = []
    with added_files(root, files_of(incoming)):
        for paths in groups.values():
            try:
                names = [root / path for path in paths]
                plan = plan_alerts(Project(root), names, now, jobs=1, trust=trust)
                texts.append(render_report(plan, None, None, figures={}))
            except InputError as error:
                texts.append(f"- {inline(str(error))}\n")
    return texts
