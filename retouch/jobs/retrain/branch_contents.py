"""What the branches of open pull requests bring: read as data from git, and not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retouch.alerts.identifiers import ULID
from retouch.alerts.parse import check_file_stem, parse_alert
from retouch.alerts.receipt import Receipt
from retouch.alerts.signature import signature_file_name
from retouch.engine.project import Project
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.git import branches, git, history
from retouch.github.pulls import PullRequest, find_pull_request, is_from_own_branch, list_open_pulls
from retouch.github.repository import Repository
from retouch.jobs.packages.overlap import Claim, certain
from retouch.jobs.packages.package_policy import is_kept
from retouch.jobs.packages.paths import REFUSED_HINT, WritablePaths, allowed, is_plain
from retouch.jobs.packages.proposal import Proposal
from retouch.planning.model import Plan
from retouch.schema_errors import shown
from retouch.storage.documents import ALERTS, OVERRIDES, RECEIPT, REPORTS, receipt_path

_RETOUCH_BRANCH = re.compile(rf"retouch/(alert|retrain)/{ULID}")
_ALERT = re.compile(r"alerts/[^/]+\.json(\.sig)?")


LEFT_ALONE = frozenset({"hold", "discarded"})
"""Labels with which people stop the retraining of a pull request."""


@dataclass(frozen=True)
class BaseBranch:
    """The base branch at one commit: what branches are compared with."""

    root: Path
    commit: str
    writable: WritablePaths
    """Where its pipeline lets a retraining write."""


@dataclass(frozen=True)
class Destination:
    """Where the result of a retraining goes."""

    branch: str
    base: str
    """The commit of the base branch it is made on."""
    head: str | None = None
    """The branch's commit; None: there is no branch yet."""
    pull: int | None = None

    def proposal(
        self,
        alert_ids: tuple[str, ...],
        *,
        report_id: str | None = None,
        waits_for: tuple[int, ...] = (),
        faults: tuple[str, ...] = (),
        message: str = "",
    ) -> Proposal:
        """Return a proposal for this destination."""
        return Proposal(
            branch=self.branch,
            base=self.base,
            head=self.head,
            pull=self.pull,
            alert_ids=alert_ids,
            report_id=report_id,
            waits_for=waits_for,
            faults=faults,
            message=message,
        )


@dataclass(frozen=True)
class BranchContents:
    """What a branch adds to the base branch."""

    branch: str
    head: str
    alerts: Mapping[str, bytes] = field(default_factory=dict)
    """Alerts and signatures the base has not, by path."""
    receipts: Mapping[str, Receipt] = field(default_factory=dict)
    """By alert id: the receipt of an earlier intake."""
    plans: tuple[Plan, ...] = ()
    runs: Mapping[str, Run] = field(default_factory=dict)
    """By report id."""
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """All JSON files of reports the base has not, by path."""
    faults: tuple[str, ...] = ()
    """What it changes and may not, and invalid alerts; a sentence each."""
    published: bool = False
    """Its newest commit is a result of ours, reported on its pull request (see `authorized`)."""
    edited: bool = False
    """A person committed more than alerts after the last retraining."""

    @property
    def alert_ids(self) -> tuple[str, ...]:
        """The ids of the alerts it adds, sorted."""
        stems = (path.removeprefix(f"{ALERTS}/") for path in self.alerts if path.endswith(".json"))
        return tuple(sorted(name.removesuffix(".json") for name in stems))

    @property
    def subject_ids(self) -> tuple[str, ...]:
        """The alerts it is about: those it adds, else those of its plans."""
        planned = (alert.alert_id for plan in self.plans for alert in plan.alerts)
        return self.alert_ids or tuple(sorted(set(planned)))

    @property
    def overrides(self) -> dict[str, bytes]:
        """The overrides of its checks, by path."""
        return {p: raw for p, raw in self.documents.items() if p.endswith(f"/{OVERRIDES}")}

    @property
    def overlay(self) -> dict[str, bytes]:
        """What is laid into the base's checkout: alerts, signatures, and overrides."""
        return {**self.alerts, **self.overrides}

    def files_of(self, alert_ids: Iterable[str]) -> dict[str, bytes]:
        """Return the files of these alerts and their signatures, those it adds, by path."""
        names = [
            name for i in alert_ids for name in (f"{i}.json", signature_file_name(f"{i}.json"))
        ]
        paths = (f"{ALERTS}/{name}" for name in names)
        return {path: self.alerts[path] for path in paths if path in self.alerts}

    def claims(self, pull: int) -> list[Claim]:
        """Return what its plans claim; `pull`: the number of its pull request."""
        return [
            Claim(
                pull=pull,
                branch=self.branch,
                report_id=plan.report_id,
                alert_ids=tuple(alert.alert_id for alert in plan.alerts),
                stages=certain(plan),
                kept=is_kept(self.runs.get(plan.report_id)),
            )
            for plan in self.plans
        ]


def checked_base(root: Path, base_branch: str) -> BaseBranch:
    """Return the base branch at the commit that is checked out.

    Raises InputError for a checkout of anything else.
    """
    if git.top_level(root) != root.resolve():
        raise InputError(f"{root}: the DVC project must be at the top of its repository.")
    head, tip = git.head_commit(root), branches.fetch(root, base_branch)
    if tip is None or not branches.is_ancestor(root, head, tip):
        raise InputError(
            f"HEAD ({head[:10]}) is not a commit of the base branch {base_branch!r}.",
            hint=f"Check it out: `git checkout --detach origin/{base_branch}`.",
        )
    return BaseBranch(root, head, WritablePaths.of(Project(root).pipeline))


def is_retouch_pull(repo: Repository, pull: PullRequest) -> bool:
    """Tell whether a pull request comes from a branch of Retouch in this repository."""
    return _RETOUCH_BRANCH.fullmatch(pull.head.ref) is not None and is_from_own_branch(repo, pull)


def retouch_pulls(repo: Repository, base_branch: str) -> tuple[PullRequest, ...]:
    """Return Retouch's open pull requests onto the base branch, oldest first."""
    return tuple(pull for pull in list_open_pulls(repo, base_branch) if is_retouch_pull(repo, pull))


def fetch_branch(base: BaseBranch, branch: str) -> BranchContents | None:
    """Return what a branch of `origin` adds; None without such a branch. Raises InputError."""
    head = branches.fetch(base.root, branch)
    return None if head is None else read_branch(base, branch, head)


def readable_pulls(base: BaseBranch, pulls: Iterable[PullRequest]) -> dict[int, BranchContents]:
    """Return what the branches of these pull requests add, by number.

    A branch that was deleted or cannot be read is left out: it claims nothing.
    """
    found: dict[int, BranchContents] = {}
    for pull in pulls:
        try:
            contents = fetch_branch(base, pull.head.ref)
        except InputError:
            continue
        if contents is not None:
            found[pull.number] = contents
    return found


def claims_in(contents: Mapping[int, BranchContents]) -> tuple[Claim, ...]:
    """Return the claims of pull requests by their number."""
    return tuple(claim for number, one in contents.items() for claim in one.claims(number))


def retrain_branch(repo: Repository, report_id: str, base: BaseBranch) -> Destination:
    """Return the branch of a report whose alert has no branch of its own."""
    branch = f"retouch/retrain/{report_id}"
    existing = find_pull_request(repo, branch)
    is_open = existing is not None and existing.status == "open"
    number = existing.number if existing is not None and is_open else None
    return Destination(branch, base.commit, branches.fetch(base.root, branch), number)


def read_branch(base: BaseBranch, branch: str, head: str) -> BranchContents:
    """Return what a branch adds to the base; `head`: its commit, fetched. Raises InputError."""
    root = base.root
    since = history.merge_base(root, base.commit, head)
    if since is None:
        raise InputError(f"{shown(branch)}: has no history in common with the base branch.")
    changed = history.changed_between(root, since, head)
    on_base = set(branches.paths_below(root, base.commit, [ALERTS, REPORTS]))
    new = [c.path for c in changed if c.added and c.plain and c.path not in on_base]
    faults = [fault for c in changed if (fault := _forbidden(c, on_base, base.writable))]
    alerts = branches.read_files(root, head, [path for path in new if _is_alert(path)])
    faults += _invalid_alerts(alerts)
    reports = [p for p in new if p.startswith(f"{REPORTS}/") and p.endswith(".json")]
    documents = branches.read_files(root, head, reports)
    receipts = branches.read_files(root, head, [p for p in new if p.endswith(RECEIPT)])
    return BranchContents(
        branch=branch,
        head=head,
        alerts=alerts,
        receipts=_receipts(receipts),
        plans=tuple(_readable(documents, "plan.json", Plan).values()),
        runs=_readable(documents, "run.json", Run),
        documents=documents,
        faults=tuple(faults),
        edited=branches.is_edited_by_others(root, head, base.commit),
    )


def _is_alert(path: str) -> bool:
    return _ALERT.fullmatch(path) is not None and not path.endswith(RECEIPT) and is_plain(path)


def _forbidden(change: history.Changed, on_base: set[str], writable: WritablePaths) -> str | None:
    """Return why a change is not a retraining's to make; None when it is."""
    path = change.path
    own = path.startswith((f"{ALERTS}/", f"{REPORTS}/")) and path not in writable.tracked_outputs
    if change.plain:
        if own and (change.added or path not in on_base) and _is_alert(path):
            return None
        if allowed(path, writable) and (change.added or not own):
            return None
    how = {"D": "deletes", "T": "replaces"}.get(change.kind, "touches")
    return f"The branch {how} {shown(path)}. {REFUSED_HINT}"


def _invalid_alerts(alerts: Mapping[str, bytes]) -> Iterable[str]:
    """Yield a sentence for each file that is not an alert, and each signature without one."""
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
        if path == receipt_path(receipt.alert_id):
            receipts[receipt.alert_id] = receipt
    return receipts


def _readable(documents: Mapping[str, bytes], name: str, model: type[Plan | Run]) -> dict[str, Any]:
    """Return the valid documents of this name, by report; others are ignored."""
    found = {}
    for path, raw in documents.items():
        folder, _, last = path.rpartition("/")
        if last == name:
            try:
                found[folder.removeprefix(f"{REPORTS}/")] = model.model_validate_json(raw)
            except ValueError:
                continue
    return found
