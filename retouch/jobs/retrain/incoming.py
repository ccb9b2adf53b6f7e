"""What a branch of ours brings: read as data from git's objects. Nothing of it is believed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt, receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.git import branches
from retouch.jobs.packages.paths import REFUSED_HINT, WritablePaths, allowed, is_plain
from retouch.planning.model import Plan
from retouch.schema_errors import shown
from retouch.storage.documents import ALERTS, OVERRIDES, RECEIPT, REPORTS

_ALERT = re.compile(r"alerts/[^/]+\.json(\.sig)?")


@dataclass(frozen=True)
class Incoming:
    """A branch, held against the base branch."""

    branch: str
    head: str
    alerts: Mapping[str, bytes] = field(default_factory=dict)
    """Alerts and signatures the base has not, by path."""
    receipts: Mapping[str, Receipt] = field(default_factory=dict)
    """By alert id: when and how an earlier intake says they came in."""
    plans: tuple[Plan, ...] = ()
    runs: Mapping[str, Run] = field(default_factory=dict)
    """By report id."""
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """All JSON files of reports the base has not, by path."""
    locks: Mapping[str, str] = field(default_factory=dict)
    """Lock files that the branch changed."""
    faults: tuple[str, ...] = ()
    ours: bool = False
    """Its newest commit is one of ours."""
    edited: bool = False
    """A person committed something else than an alert after us."""

    @property
    def alert_ids(self) -> tuple[str, ...]:
        """The ids of the alerts it adds, sorted."""
        stems = (path.removeprefix(f"{ALERTS}/") for path in self.alerts if path.endswith(".json"))
        return tuple(sorted(name.removesuffix(".json") for name in stems))

    @property
    def overrides(self) -> dict[str, bytes]:
        """What people have said of its checks, by path."""
        return {p: raw for p, raw in self.documents.items() if p.endswith(f"/{OVERRIDES}")}


def read_incoming(
    root: Path, branch: str, head: str, base: str, writable: WritablePaths
) -> Incoming:
    """Return what a branch brings that the base has not. Raises InputError.

    Faults are sentences: what it touches that is not an answer's to touch, and alerts that are
    none.
    """
    since = branches.merge_base(root, base, head)
    if since is None:
        raise InputError(f"{shown(branch)}: has no history in common with the base branch.")
    changed = branches.changes(root, since, head)
    on_base = set(branches.paths_below(root, base, [ALERTS, REPORTS]))
    new = [c.path for c in changed if c.kind == "A" and c.plain and c.path not in on_base]
    faults = [sentence for c in changed if (sentence := _touches(c, on_base, writable))]
    alerts = branches.read_files(root, head, [path for path in new if _is_alert(path)])
    faults += _no_alerts(alerts)
    reports = [p for p in new if p.startswith(f"{REPORTS}/") and p.endswith(".json")]
    documents = branches.read_files(root, head, reports)
    receipts = branches.read_files(root, head, [p for p in new if p.endswith(RECEIPT)])
    locks = [c.path for c in changed if c.path in writable.lock_files and c.kind != "D"]
    return Incoming(
        branch=branch,
        head=head,
        alerts=alerts,
        receipts=_receipts(receipts),
        plans=tuple(_readable(documents, "plan.json", Plan).values()),
        runs=_readable(documents, "run.json", Run),
        documents=documents,
        locks={p: _text(raw) for p, raw in branches.read_files(root, head, locks).items()},
        faults=tuple(faults),
        ours=branches.is_ours(root, head),
        edited=branches.is_edited(root, head, base),
    )


def _is_alert(path: str) -> bool:
    return _ALERT.fullmatch(path) is not None and not path.endswith(RECEIPT) and is_plain(path)


def _touches(change: branches.Change, on_base: set[str], writable: WritablePaths) -> str | None:
    """Return why a change is not an answer's to make; None when it is."""
    path = change.path
    mine = path.startswith((f"{ALERTS}/", f"{REPORTS}/")) and path not in writable.tracked_outputs
    if change.plain and change.kind != "D":
        if mine and (change.kind == "A" or path not in on_base) and _is_alert(path):
            return None
        fits = allowed(path, writable)
        if fits and (change.kind == "A" or not mine):
            return None
    how = {"D": "deletes", "T": "rewritable"}.get(change.kind, "touches")
    return f"The branch {how} {shown(path)}. {REFUSED_HINT}"


def _no_alerts(alerts: Mapping[str, bytes]) -> Iterable[str]:
    """Yield a sentence for each file that is no alert, and for signatures of none."""
    for path, raw in alerts.items():
        try:
            if path.endswith(".sig"):
                if path.removesuffix(".sig") not in alerts:
                    yield f"{path}: there is no alert beside it."
                continue
            stem = path.removeprefix(f"{ALERTS}/").removesuffix(".json")
            check_file_stem(parse_alert(raw, path), stem, path)
        except InputError as error:
            yield str(error)


def _receipts(found: Mapping[str, bytes]) -> dict[str, Receipt]:
    receipts = {}
    for path, raw in found.items():
        try:
            receipt = Receipt.model_validate_json(raw)
        except ValueError:
            continue
        if path == f"{ALERTS}/{receipt_file_name(receipt.alert_id)}":
            receipts[receipt.alert_id] = receipt
    return receipts


def _readable(documents: Mapping[str, bytes], name: str, model: type[Plan | Run]) -> dict[str, Any]:
    """Return the documents of this name that can be read, by report; others tell us nothing."""
    found = {}
    for path, raw in documents.items():
        folder, _, last = path.rpartition("/")
        if last == name:
            try:
                found[folder.removeprefix(f"{REPORTS}/")] = model.model_validate_json(raw)
            except ValueError:
                continue
    return found


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def wanted_of(incoming: Incoming) -> tuple[str, ...]:
    """Return the alerts a branch is about: those it adds, else those it answers."""
    answered = (alert.alert_id for plan in incoming.plans for alert in plan.alerts)
    return incoming.alert_ids or tuple(sorted(set(answered)))


def files_of(incoming: Incoming) -> dict[str, bytes]:
    """Return what is laid into the base's checkout: alerts, signatures, and overrides."""
    return {**incoming.alerts, **incoming.overrides}


def alert_files_of(alert_ids: Iterable[str], found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of these alerts and their signatures, of those found."""
    names = [name for i in alert_ids for name in (f"{i}.json", signature_file_name(f"{i}.json"))]
    paths = (f"{ALERTS}/{name}" for name in names)
    return {path: found[path] for path in paths if path in found}
