"""May a package be published? Its contents, its claims, and what the base has changed since.

The job that ran the repository's code may have forged any of it: so the plan's account of its
alerts is compared with the alerts' own bytes, their signatures are verified again, and whoever
approved or overrode must have done so on GitHub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from retouch.alerts.model import Alert
from retouch.alerts.parse import parse_alert
from retouch.alerts.receipt import Provenance, Receipt
from retouch.alerts.signature import signature_file_name
from retouch.alerts.verified import SubmittedAlert
from retouch.alerts.words import summarise
from retouch.dvc import object_files
from retouch.engine.admission import Transport
from retouch.engine.project import Project
from retouch.engine.provenance import AdmissionCheck, TrustSettings
from retouch.errors import InputError
from retouch.git import branches, git, history
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import DOCUMENT, Package
from retouch.jobs.packages.base_facts import BaseFacts
from retouch.jobs.packages.event import RetrainRequest, ScheduleEvent
from retouch.jobs.packages.overlap import Claim
from retouch.jobs.packages.package_policy import CheckedDocuments, check_contents
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.packages.proposal import Proposal
from retouch.jobs.publish.pull_request import Publication, Publisher
from retouch.jobs.publish.retraining_commit import ReportDocuments
from retouch.jobs.retrain.authorization import CommentAuthority
from retouch.jobs.retrain.branch_contents import BaseBranch, claims_in, readable_pulls
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Plan
from retouch.reporting.case import BaseMoved
from retouch.schema_errors import shown
from retouch.storage.documents import ALERTS, OVERRIDES, REPORTS, receipt_path
from retouch.system.untrusted_files import read_plain_file

_ALWAYS_READ = ("policies/", ".dvc/")
_METADATA = (".dvc", ".dvcignore", "dvc.yaml", "dvc.lock")


def check_package(root: Path, package: Package) -> ReportDocuments | None:
    """Return the documents of a package that holds only what a retraining may change.

    None when nothing was planned. Raises InputError for the first violation.
    """
    found = checked_package(root, package)
    return ReportDocuments(found.plan, found.run, found.verdict) if found.plan else None


def checked_package(root: Path, package: Package) -> CheckedDocuments:
    """Return what passed of a package that may be published on the checked-out base branch.

    The branch's head must have been fetched. Raises InputError for the first violation.
    """
    lists = {}
    for name, path in package.objects.items():
        object_files.check_object(name, path)
        is_list = name.endswith(".dir")
        lists[name] = read_plain_file(path, root=None, limit=_LIST_BYTES) if is_list else None
    facts = _base_facts(root, package.proposal)
    return check_contents(package.proposal, package.files, lists, facts)


_LIST_BYTES = 100 * 2**20


def _base_facts(root: Path, proposal: Proposal) -> BaseFacts:
    """Return what a package is compared with: its base commit, and the head of its branch.

    Raises InputError for a base on another line of history.
    """
    pipeline, base = Project(root).pipeline, proposal.base
    if not branches.is_ancestor(root, base, git.head_commit(root)):
        raise InputError(f"The package was made on {base[:10]}, which the base branch lacks.")
    writable = WritablePaths.of(pipeline)
    texts = branches.read_files(root, base, writable.params_files | writable.lock_files)
    named = [f"{ALERTS}/{alert_id}.json" for alert_id in proposal.alert_ids]
    wanted = [*named, *map(signature_file_name, named)]
    if proposal.report_id is not None:
        wanted.append(f"{REPORTS}/{proposal.report_id}/{OVERRIDES}")
    known = branches.read_files(root, base, wanted)
    if proposal.head is not None:
        known = {**branches.read_files(root, proposal.head, wanted), **known}
    return BaseFacts(
        commit=base,
        pipeline=pipeline,
        texts={path: raw.decode(errors="replace") for path, raw in texts.items()},
        known=known,
    )


def read_proposal(folder: Path) -> Proposal | None:
    """Return the proposal of a package that could not be read as a whole, if there is one."""
    try:
        raw = read_plain_file(folder / DOCUMENT, root=folder, limit=1_000_000)
        return Proposal.model_validate_json(raw)
    except (InputError, ValueError):
        return None


@dataclass(frozen=True)
class StalePackage:
    """The base branch moved on under a package."""

    moved: BaseMoved
    documents: ReportDocuments
    """Its plan alone: nothing else of it was checked."""


def stale_since(root: Path, package: Package, newest: str) -> StalePackage | None:
    """Return what is to run anew when the base branch moved on under a package; else None.

    Only a change of what a plan reads counts: policies, the pipeline and its data. An unrelated
    line of history counts as well. Raises InputError.
    """
    base, report_id = package.proposal.base, package.proposal.report_id
    if base == newest or report_id is None:
        return None
    if branches.is_ancestor(root, base, newest):
        read = _paths_read(Project(root).pipeline)
        if not any(
            _is_read(change.path, read) for change in history.changed_between(root, base, newest)
        ):
            return None
    documents = ReportDocuments(_plan(package, report_id))
    tier = documents.case.tier
    return StalePackage(BaseMoved(newest, tier.named("run") if tier else ()), documents)


def open_claims(root: Path, pulls: Sequence[PullRequest], newest: str) -> tuple[Claim, ...]:
    """Return the claims of open pull requests; one that cannot be read claims nothing."""
    if not pulls:
        return ()
    base = BaseBranch(root, newest, WritablePaths.of(Project(root).pipeline))
    return claims_in(readable_pulls(base, pulls))


def _paths_read(pipeline: Pipeline) -> frozenset[str]:
    read: set[str] = set(pipeline.params)
    for stage in pipeline.stages:
        read |= {item.path for item in stage.inputs} | {item.path for item in stage.outputs}
        read |= {item.file for item in stage.params}
    return frozenset(read)


def _is_read(path: str, read: Iterable[str]) -> bool:
    name = PurePosixPath(path).name
    if path.startswith(_ALWAYS_READ) or name.endswith(_METADATA):
        return True
    above = {path, *map(str, PurePosixPath(path).parents)}
    return not above.isdisjoint(read)


def _plan(package: Package, report_id: str) -> Plan:
    path = f"reports/{report_id}/plan.json"
    try:
        return Plan.model_validate_json(package.files.get(path, b""))
    except ValueError:
        raise InputError(f"{path}: is not a valid plan.") from None


def check_claims(publication: Publication, publisher: Publisher, now: datetime) -> None:
    """Raise InputError where a package claims a false provenance, approval or override.

    Its contents have been checked, and the branch's head was fetched.
    """
    proposal, documents = publication.package.proposal, publication.documents
    _check_overrides(publication, publisher)
    if documents is None:
        ids: tuple[str, ...] = proposal.alert_ids
    else:
        ids = tuple(alert.alert_id for alert in documents.plan.alerts)
    packaged = _PackagedAlerts(publication, publisher.root)
    senders = _senders(publication, publisher)
    judge = AdmissionCheck(publisher.root, _trust(publisher, proposal.base), ids)
    found = {i: _provenance(packaged, judge, publisher, i, senders, now) for i in ids}
    if documents is None:
        return
    plan = documents.plan
    where = f"{REPORTS}/{plan.report_id}/plan.json"
    for message in _plan_faults(plan, packaged, found):
        raise InputError(f"{where}: {message}.")
    by = plan.accepted_by
    if by is not None and not _is_approved(by, publication, publisher):
        raise InputError(
            f"{where}: {shown(by)} is named as approver, but has not approved its alerts."
        )
    unproven = [i for i, one in found.items() if not one.may_retrain]
    if documents.run is not None and unproven and by is None:
        raise InputError(f"{where}: {unproven[0]} is not approved, so nothing should have run.")


@dataclass(frozen=True)
class _PackagedAlerts:
    """The alerts of a package with their signatures and receipts: in it, or on its branch."""

    publication: Publication
    root: Path

    def get(self, name: str) -> bytes | None:
        """Return a file of `alerts/`: the base's, else the branch's, else the package's."""
        path, package = f"{ALERTS}/{name}", self.publication.package
        for commit in filter(None, (package.proposal.base, self.publication.head)):
            found = branches.read_files(self.root, commit, [path])
            if path in found:
                return found[path]
        return package.files.get(path)

    def submitted(self, alert_id: str) -> SubmittedAlert:
        name = f"{alert_id}.json"
        raw, source = self.get(name), f"{ALERTS}/{name}"
        if raw is None:
            raise InputError(f"{source}: is missing.")
        signature = self.get(signature_file_name(name))
        return SubmittedAlert(parse_alert(raw, source), raw, source, signature)

    def alert(self, alert_id: str) -> Alert:
        return self.submitted(alert_id).alert

    def receipts(self, alert_id: str) -> Mapping[str, Receipt]:
        """Return an alert's receipts: `new` in the package, `old` on its branch."""
        path = receipt_path(alert_id)
        package, head = self.publication.package, self.publication.head
        there = branches.read_files(self.root, head, [path]) if head else {}
        raws = {"new": package.files.get(path), "old": there.get(path)}
        found: dict[str, Receipt] = {}
        for name, raw in raws.items():
            try:
                found |= {name: Receipt.model_validate_json(raw)} if raw is not None else {}
            except ValueError:  # the package's was checked; the branch's may be anything
                continue
        return found


def _provenance(
    packaged: _PackagedAlerts,
    judge: AdmissionCheck,
    publisher: Publisher,
    alert_id: str,
    senders: frozenset[str],
    now: datetime,
) -> Provenance:
    """Return the provenance of an alert. Raises InputError for a receipt that overstates it."""
    receipts, submitted = packaged.receipts(alert_id), packaged.submitted(alert_id)
    claimed = receipts.get("new") or receipts.get("old")
    path = receipt_path(alert_id)
    if claimed is not None and claimed.received_at > now:
        raise InputError(f"{path}: received_at: lies in the future.")
    old = receipts.get("old")
    known = {*senders, old.sender} if old is not None else senders
    judge_of_claim = judge
    if claimed is not None:
        sender = claimed.sender if claimed.sender in known else None
        transport = Transport(claimed.channel, sender, claimed.commit, claimed.run_id)
        judge_of_claim = judge.coming_by(transport)
    at = claimed.received_at if claimed is not None else now
    found = judge_of_claim.receipt(submitted, at).provenance
    new = receipts.get("new")
    if new is not None and _overstates(new.provenance, found):
        raise InputError(f"{path}: overstates its provenance: the alert {_standing_text(found)}.")
    return found


def _plan_faults(
    plan: Plan, packaged: _PackagedAlerts, found: Mapping[str, Provenance]
) -> Iterator[str]:
    """Yield where a plan misstates its alerts."""
    for alert in plan.alerts:
        own = packaged.alert(alert.alert_id)
        if alert != summarise(own) or plan.model != own.model:
            yield f"misstates the alert {alert.alert_id}"
    proven = {one.alert_id: one for one in plan.provenance}
    for alert_id, one in found.items():
        if alert_id not in proven:
            yield f"lacks the provenance of {alert_id}"
        elif proven[alert_id].sha256 not in (None, packaged.submitted(alert_id).sha256):
            yield f"was made from other bytes of the alert {alert_id}"
        elif _overstates(proven[alert_id].provenance, one):
            yield f"overstates the provenance of {alert_id}: it {_standing_text(one)}"


def _overstates(claimed: Provenance, found: Provenance) -> bool:
    proven = claimed.verdict == "verified" and found.verdict != "verified"
    return proven or (claimed.may_retrain and not found.may_retrain)


def _standing_text(found: Provenance) -> str:
    may = "may" if found.may_retrain else "may not"
    return f"is {found.verdict.replace('_', ' ')}, and {may} retrain by itself"


def _check_overrides(publication: Publication, publisher: Publisher) -> None:
    """Raise InputError for new overrides on the branch that no person requested."""
    proposal = publication.package.proposal
    if proposal.report_id is None or publication.head is None:
        return
    path = f"{REPORTS}/{proposal.report_id}/{OVERRIDES}"
    there = branches.read_files(publisher.root, publication.head, [path])
    if not there or there == branches.read_files(publisher.root, proposal.base, [path]):
        return
    fault = _authority(publication, publisher).override_fault(path, there[path])
    if fault is not None:
        raise InputError(fault)


def _is_approved(login: str, publication: Publication, publisher: Publisher) -> bool:
    """Tell whether a person approves: in a comment, or by starting this workflow by hand."""
    event, authority = publisher.event, _authority(publication, publisher)
    if not isinstance(event, RetrainRequest):
        return authority.approved(login, publisher.root)
    if event.accepted_by == login == event.sender and authority.may_write(login):
        return True
    asked = CommentAuthority(publisher.site.repo, event.pull)
    return any(one.approved(login, publisher.root) for one in (authority, asked))


def _authority(publication: Publication, publisher: Publisher) -> CommentAuthority:
    return CommentAuthority(
        publisher.site.repo, publication.pull.number if publication.pull else None
    )


def _senders(publication: Publication, publisher: Publisher) -> frozenset[str]:
    """Return who may have submitted an alert just now, as GitHub reports it."""
    event, pull = publisher.event, publication.pull
    judge_of_claim = [] if isinstance(event, ScheduleEvent) else [event.sender]
    return frozenset([*judge_of_claim, pull.author] if pull else judge_of_claim)


def _trust(publisher: Publisher, base: str) -> TrustSettings:
    return TrustSettings(base, publisher.site.repo.name, publisher.environment)
