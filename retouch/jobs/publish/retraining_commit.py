"""The one commit of a retraining: its files, and the trailer by which it is recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from retouch.alerts.receipt import receipt_file_name
from retouch.alerts.signature import signature_file_name
from retouch.documents import digest_of
from retouch.engine.report_files import report_files
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.git import branches, history
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.paths import ONLY_DOCUMENTS, allowed
from retouch.jobs.packages.proposal import Proposal
from retouch.planning.model import Plan
from retouch.reporting.case import Case
from retouch.storage.documents import ALERTS, OVERRIDES, RECEIPT, REPORTS

_ALERT_BYTES = 2_000_000
TRAILER = "Retouch-Proposal"


@dataclass(frozen=True)
class ReportDocuments:
    """The documents of one report."""

    plan: Plan
    run: Run | None = None
    verdict: Verdict | None = None

    @property
    def case(self) -> Case:
        """The documents side by side."""
        return Case(self.plan, self.run, self.verdict)


def alert_files(root: Path, proposal: Proposal, head: str | None) -> dict[str, bytes]:
    """Return the alert files of a branch: those of a proposal's alerts, and new ones.

    An alert that a package leaves out stays on its branch. Raises InputError for one that is not a
    plain file.
    """
    if head is None:
        return {}
    present = branches.paths_below(root, head, [ALERTS])
    on_base = {*branches.paths_below(root, proposal.base, [ALERTS])}
    named = {f"{ALERTS}/{name}" for i in proposal.alert_ids for name in _beside(i)}
    paths = [path for path in present if path in named or _is_new_alert(path, on_base)]
    return branches.read_files(root, head, paths, limit=_ALERT_BYTES)


def _beside(alert_id: str) -> tuple[str, str, str]:
    name = f"{alert_id}.json"
    return name, signature_file_name(name), receipt_file_name(alert_id)


def _is_new_alert(path: str, on_base: Collection[str]) -> bool:
    fits = allowed(path, ONLY_DOCUMENTS)
    return fits and path not in on_base


def committed_files(
    root: Path, package: Package, documents: ReportDocuments | None, head: str | None
) -> dict[str, str]:
    """Return the files of the commit: alerts, what the retraining changed, and the report.

    The report is rendered here from its documents; rendered files in the package are ignored.
    Alerts and overrides of the branch are kept. Files identical to the base's are left out. Raises
    InputError for an alert that differs from the branch's, and for a file that is not text.
    """
    report = f"{REPORTS}/{package.proposal.report_id}/"
    made = {path: raw for path, raw in package.files.items() if not path.startswith(report)}
    for path, raw in alert_files(root, package.proposal, head).items():
        if path.endswith(RECEIPT):
            made.setdefault(path, raw)
        elif made.setdefault(path, raw) != raw:
            raise InputError(f"{path}: differs from the alert on the branch; alerts never change.")
    if documents:
        filed = report_files(documents.plan, documents.run, documents.verdict)
        made |= {f"{report}{name}": raw for name, raw in filed.items()}
        overrides = f"{report}{OVERRIDES}"
        if head is not None:
            made |= branches.read_files(root, head, [overrides], limit=_ALERT_BYTES)
    present = branches.read_files(root, package.proposal.base, list(made))
    return {
        path: _text(path, raw) for path, raw in sorted(made.items()) if present.get(path) != raw
    }


def commit_holds(root: Path, commit: str | None, base: str, files: Mapping[str, str]) -> bool:
    """Tell whether a commit holds just these files on the base, and its trailer says so.

    The trailer alone proves nothing: anybody can write one.
    """
    if not commit:
        return False
    overrides = branches.proposal_of(branches.message_of(root, commit))
    changed = history.changed_between(root, base, commit)
    if overrides != proposal_digest(base, files) or {c.path for c in changed} != {*files}:
        return False
    raws = {path: text.encode() for path, text in files.items()}
    return all(c.plain for c in changed) and branches.read_files(root, commit, files) == raws


def proposal_digest(base: str, files: Mapping[str, str]) -> str:
    """Return the sha256 that identifies a commit's files on their base."""
    hashes = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    return digest_of({"base": base, "files": hashes})


def with_trailer(message: str, digest: str) -> str:
    """Return a commit message with the trailer by which Retouch recognises its commits."""
    return f"{message.rstrip()}\n\n{TRAILER}: {digest}\n"


def _text(path: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text, and only text is committed.") from None
