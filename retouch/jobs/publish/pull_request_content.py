"""What a package says on its pull request: the texts of one answer, brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from retouch.alerts.parse import parse_alert
from retouch.alerts.words import AlertSummary, summarise
from retouch.errors import InputError
from retouch.github import pulls
from retouch.github.pulls import PullRequest
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.event import Event, Wake
from retouch.jobs.publish.answer_commit import Documents, alert_files
from retouch.jobs.publish.pull_request_sync import Site, show
from retouch.reporting.case import BaseMoved
from retouch.reporting.pull_request import (
    HOLD,
    PullRequestState,
    PullRequestSubject,
    alert_branch,
    pull_request_texts,
)


@dataclass(frozen=True)
class Publisher:
    """Where answers are written, and how."""

    root: Path
    """A checkout of the base branch."""
    site: Site
    base_branch: str
    event: Event = field(default_factory=Wake)
    """What started this job, as GitHub reports it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the process; it names the target of a pull request."""


@dataclass(frozen=True)
class Answer:
    """One package on its way."""

    package: Package
    documents: Documents | None
    pull: PullRequest | None
    head: str | None

    @property
    def base(self) -> str:
        """The commit it was made on."""
        return self.package.proposal.base


def show_answer(
    publisher: Publisher,
    answer: Answer,
    pull: PullRequest,
    commit: str,
    *,
    moved: BaseMoved | None = None,
    edited: bool = False,
    waits_for: tuple[int, ...] = (),
) -> int:
    """Bring the pull request up to date, its status on this commit; return how much was written."""
    subject = subject_of(answer, publisher)
    said = replace(subject.state, edited=edited, waits_for=waits_for, held=HOLD in pull.labels)
    case = replace(subject.case, moved=moved) if subject.case else None
    subject = replace(subject, case=case, state=said)
    at = pull.html_url.rpartition("/pull/")[0]
    report_id = answer.package.proposal.report_id
    folder = f"{at}/blob/{commit}/reports/{report_id}/" if at and report_id else ""
    waits = not publisher.site.as_app
    return show(
        publisher.site, pull, pull_request_texts(subject, folder=folder, checks_wait=waits), commit
    )


def only_planned(answer: Answer) -> Answer:
    """Return an answer without its candidate: the alerts and the plan are left."""
    package, documents = answer.package, answer.documents
    assert documents
    plan = f"reports/{package.proposal.report_id}/plan.json"
    left = {p: raw for p, raw in package.files.items() if p == plan or p.startswith("alerts/")}
    return replace(
        answer,
        package=replace(package, files=left, objects={}),
        documents=Documents(documents.plan),
    )


def subject_of(answer: Answer, publisher: Publisher) -> PullRequestSubject:
    """Return what the pull request of an answer is about."""
    proposal, documents = answer.package.proposal, answer.documents
    said = PullRequestState(faults=proposal.faults, message=proposal.message)
    if documents is not None:
        plan = documents.plan
        return PullRequestSubject(plan.model, plan.alerts, documents.case, said)
    alerts = _alerts(answer, publisher)
    model = alerts[0][0] if alerts else ""
    return PullRequestSubject(model, tuple(summary for _, summary in alerts), None, said)


def _alerts(answer: Answer, publisher: Publisher) -> list[tuple[str, AlertSummary]]:
    """Return model and words of the alerts that come along or lie on the branch."""
    proposal = answer.package.proposal
    there = {**alert_files(publisher.root, proposal, answer.head), **answer.package.files}
    found = []
    for alert_id in proposal.alert_ids:
        raw = there.get(f"alerts/{alert_id}.json")
        if raw is None:
            continue
        try:
            alert = parse_alert(raw, alert_id)
        except InputError:
            continue
        found.append((alert.model, summarise(alert)))
    return found


def supersede(answer: Answer, pull: PullRequest, publisher: Publisher) -> int:
    """Say on the pull requests of other alerts of the group where they are answered.

    Return how much was written.
    """
    proposal, site = answer.package.proposal, publisher.site
    if answer.documents is None or len(proposal.alert_ids) < 2:
        return 0
    written = 0
    for alert_id in proposal.alert_ids:
        branch = alert_branch(alert_id)
        if branch == proposal.branch:
            continue
        other = pulls.find_pull_request(site.repo, branch)
        if other is None or other.status != "open":
            continue
        summaries = tuple(a for a in answer.documents.plan.alerts if a.alert_id == alert_id)
        said = PullRequestState(superseded_by=pull.number)
        texts = pull_request_texts(
            PullRequestSubject(answer.documents.plan.model, summaries, None, said)
        )
        written += show(site, other, replace(texts, title=other.title), other.head.sha)
    return written
