"""The one commit of an answer: which files it holds, and the line by which it is known again."""

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
from retouch.git import branches
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.paths import ONLY_DOCUMENTS, allowed
from retouch.jobs.packages.proposal import Proposal
from retouch.planning.model import Plan
from retouch.reporting.case import Case
from retouch.storage.documents import ALERTS, OVERRIDES, RECEIPT, REPORTS

_ALERT_BYTES = 2_000_000
TRAILER = "Retouch-Proposal"


@dataclass(frozen=True)
class Documents:
    """What a package says of one report."""

    plan: Plan
    run: Run | None = None
    verdict: Verdict | None = None

    @property
    def case(self) -> Case:
        """The documents side by side."""
        return Case(self.plan, self.run, self.verdict)


def alert_files(root: Path, proposal: Proposal, head: str | None) -> dict[str, bytes]:
    """Return the alerts of a branch and what lies beside them: those of a proposal, and new ones.

    A package that leaves an alert out takes none off its branch. Raises InputError for one that is
    no plain file.
    """
    if head is None:
        return {}
    there = branches.paths_below(root, head, [ALERTS])
    on_base = {*branches.paths_below(root, proposal.base, [ALERTS])}
    named = {f"{ALERTS}/{name}" for i in proposal.alert_ids for name in _beside(i)}
    paths = [path for path in there if path in named or _is_new_alert(path, on_base)]
    return branches.read_files(root, head, paths, limit=_ALERT_BYTES)


def _beside(alert_id: str) -> tuple[str, str, str]:
    name = f"{alert_id}.json"
    return name, signature_file_name(name), receipt_file_name(alert_id)


def _is_new_alert(path: str, on_base: Collection[str]) -> bool:
    fits = allowed(path, ONLY_DOCUMENTS)
    return fits and path not in on_base


def answer_files(
    root: Path, package: Package, documents: Documents | None, head: str | None
) -> dict[str, str]:
    """Return the files of the commit: alerts, what the retraining changed, and the report.

    The report is made here from its documents; texts that came along are left out. What the branch
    has of alerts and overrides stands. What the base has already is left out. Raises InputError for
    an alert with other bytes than the branch has, and for a file that is no text.
    """
    report = f"{REPORTS}/{package.proposal.report_id}/"
    made = {path: raw for path, raw in package.files.items() if not path.startswith(report)}
    for path, raw in alert_files(root, package.proposal, head).items():
        if path.endswith(RECEIPT):
            made.setdefault(path, raw)
        elif made.setdefault(path, raw) != raw:
            raise InputError(f"{path}: is another alert than the branch has; alerts never change.")
    if documents:
        filed = report_files(documents.plan, documents.run, documents.verdict)
        made |= {f"{report}{name}": raw for name, raw in filed.items()}
        said = f"{report}{OVERRIDES}"
        if head is not None:
            made |= branches.read_files(root, head, [said], limit=_ALERT_BYTES)
    there = branches.read_files(root, package.proposal.base, list(made))
    return {path: _text(path, raw) for path, raw in sorted(made.items()) if there.get(path) != raw}


def is_at(root: Path, commit: str | None, base: str, files: Mapping[str, str]) -> bool:
    """Tell whether a commit is this answer: it says so, and holds just these files on the base.

    Anybody can write a message that says so.
    """
    if not commit:
        return False
    said = branches.proposal_of(branches.message_of(root, commit))
    changed = branches.changes(root, base, commit)
    if said != proposal_digest(base, files) or {c.path for c in changed} != {*files}:
        return False
    raws = {path: text.encode() for path, text in files.items()}
    return all(c.plain for c in changed) and branches.read_files(root, commit, files) == raws


def proposal_digest(base: str, files: Mapping[str, str]) -> str:
    """Return the sha256 that names an answer: the same files on the same base are the same one."""
    hashes = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    return digest_of({"base": base, "files": hashes})


def with_trailer(message: str, digest: str) -> str:
    """Return a commit message that ends with the line by which we know a commit of ours."""
    return f"{message.rstrip()}\n\n{TRAILER}: {digest}\n"


def _text(path: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no UTF-8 text, and only texts are committed.") from None
