"""May a package be published? What it holds, whose word it rests on, and what the base has since.

The job that ran the repository's code may have forged any of it: so the plan's account of its
alerts is compared with the alerts' own bytes, their signatures are verified again, and whoever
approved or overrode must have done so on GitHub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from retouch.alerts.model import Alert
from retouch.alerts.parse import parse_alert
from retouch.alerts.receipt import Provenance, Receipt
from retouch.alerts.signature import signature_file_name
from retouch.alerts.words import summarise
from retouch.dvc import object_files
from retouch.engine.admission import Submission, Transport
from retouch.engine.project import Project
from retouch.engine.provenance import Judge, Trust
from retouch.errors import InputError
from retouch.git import branches, git
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import DOCUMENT, Package
from retouch.jobs.packages.base_facts import BaseFacts
from retouch.jobs.packages.event import Asked, Wake
from retouch.jobs.packages.overlap import Claim
from retouch.jobs.packages.package_policy import CheckedDocuments, check_contents
from retouch.jobs.packages.paths import WritablePaths
from retouch.jobs.packages.proposal import Proposal
from retouch.jobs.publish.answer_commit import Documents
from retouch.jobs.publish.pull_request_content import Answer, Publisher
from retouch.jobs.retrain.authorization import Hearing
from retouch.jobs.retrain.open_pulls import brought_by, claims_of
from retouch.pipeline.model import Pipeline
from retouch.planning.model import Plan
from retouch.reporting.case import BaseMoved
from retouch.schema_errors import shown
from retouch.storage.documents import ALERTS, OVERRIDES, REPORTS, receipt_path
from retouch.system.untrusted_files import read_plain_file

_ALWAYS_READ = ("policies/", ".dvc/")
_METADATA = (".dvc", ".dvcignore", "dvc.yaml", "dvc.lock")


def check_package(root: Path, package: Package) -> Documents | None:
    """Return the documents of a package that holds only what a retraining may change.

    None when nothing was planned. Raises InputError for the first violation.
    """
    found = checked_package(root, package)
    return Documents(found.plan, found.run, found.verdict) if found.plan else None


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


def named_in(folder: Path) -> Proposal | None:
    """Return the proposal of a package that could not be read as a whole, if there is one."""
    try:
        raw = read_plain_file(folder / DOCUMENT, root=folder, limit=1_000_000)
        return Proposal.model_validate_json(raw)
    except (InputError, ValueError):
        return None


@dataclass(frozen=True)
class Stale:
    """The base branch moved on under a package."""

    moved: BaseMoved
    documents: Documents
    """Its plan alone: nothing else of it was checked."""


def stages_moved(root: Path, package: Package, newest: str) -> Stale | None:
    """Return what is to run anew when the base branch moved on under a package; else None.

    Only a change of what a plan reads counts: policies, the pipeline and its data. An unrelated
    line of history counts as well. Raises InputError.
    """
    base, report_id = package.proposal.base, package.proposal.report_id
    if base == newest or report_id is None:
        return None
    if branches.is_ancestor(root, base, newest):
        read = _paths_read(Project(root).pipeline)
        if not any(_is_read(change.path, read) for change in branches.changes(root, base, newest)):
            return None
    documents = Documents(_plan(package, report_id))
    tier = documents.case.tier
    return Stale(BaseMoved(newest, tier.named("run") if tier else ()), documents)


def held_by(root: Path, pulls: Iterable[PullRequest], newest: str) -> tuple[Claim, ...]:
    """Return what open pull requests hold; one that cannot be read holds nothing."""
    found: list[Claim] = []
    project = Project(root)
    for pull in pulls:
        writable = WritablePaths.of(project.pipeline)  # read once, if there is a pull request
        try:
            brought = brought_by(root, [pull], newest, writable)
        except InputError:
            continue
        for number, incoming in brought.items():
            found += claims_of(number, incoming)
    return tuple(found)


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


def check_claims(answer: Answer, publisher: Publisher, now: datetime) -> None:
    """Raise InputError where a package claims a provenance, an approval or an override in vain.

    Its contents have been checked, and the branch's head was fetched.
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
        raise InputError(
            f"{where}: {shown(by)} is named as approver, but has not approved its alerts."
        )
    unproven = [i for i, one in found.items() if not one.may_retrain]
    if documents.run is not None and unproven and by is None:
        raise InputError(f"{where}: {unproven[0]} is not approved, so nothing should have run.")


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
        path = receipt_path(alert_id)
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
    path = receipt_path(alert_id)
    if claimed is not None and claimed.received_at > now:
        raise InputError(f"{path}: received_at: lies in the future.")
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
        raise InputError(f"{path}: overstates its provenance: the alert {_words(found)}.")
    return found


def _of_plan(plan: Plan, brought: _Brought, found: Mapping[str, Provenance]) -> Iterator[str]:
    """Yield what a plan says of its alerts and they do not."""
    for alert in plan.alerts:
        own = brought.alert(alert.alert_id)
        if alert != summarise(own) or plan.model != own.model:
            yield f"misstates the alert {alert.alert_id}"
    proven = {one.alert_id: one.provenance for one in plan.provenance}
    for alert_id, one in found.items():
        if alert_id not in proven:
            yield f"lacks the provenance of {alert_id}"
        elif _says_more(proven[alert_id], one):
            yield f"overstates the provenance of {alert_id}: it {_words(one)}"


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
    fault = _hearing(answer, publisher).case_fault(path, there[path])
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
    return Trust(base, publisher.site.repo.name, publisher.environment)
