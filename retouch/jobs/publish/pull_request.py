"""What GitHub shows on a pull request of Retouch: title, body, labels, one comment, one status.

Everything is compared before it is written, so writing the same texts twice writes nothing. The
status comes last: once it is there, everything else is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from retouch.alerts.parse import parse_alert
from retouch.alerts.words import AlertSummary, summarise
from retouch.errors import InputError
from retouch.github import issues, pulls, records
from retouch.github.issues import Comment
from retouch.github.pulls import PullRequest
from retouch.github.records import StatusState
from retouch.github.repository import Repository
from retouch.jobs.package_folder import Package
from retouch.jobs.packages.event import Event, ScheduleEvent
from retouch.jobs.publish.retraining_commit import ReportDocuments, alert_files
from retouch.reporting.case import BaseMoved
from retouch.reporting.marker import MARKER_PREFIX, with_result_commit
from retouch.reporting.pull_request import (
    HOLD,
    PullRequestState,
    PullRequestSubject,
    PullRequestTexts,
    alert_branch,
    is_generated_title,
    merge_labels,
    pull_request_texts,
)

WORKFLOWS_LOGIN = "github-actions[bot]"
"""The login of a workflow's token."""
_OUR_BODY = re.compile(r"<!-- retouch:(report|alert) v1 ")


@dataclass(frozen=True)
class Site:
    """The repository to write to, and the identity to write as."""

    repo: Repository
    login: str = WORKFLOWS_LOGIN
    """The login that writes: only its comments are edited."""
    as_app: bool = False
    """The token is an App's, whose pull requests start workflows at once."""
    run_url: str | None = None
    """What the status links to."""


def sync_pull(site: Site, pull: PullRequest, texts: PullRequestTexts, commit: str) -> int:
    """Update a pull request, its status on this commit; return the number of writes."""
    written = _edit(site, pull, texts)
    written += set_labels(site, pull, merge_labels(pull.labels, texts.labels))
    written += _comment(site, pull, texts.comment)
    return written + set_verdict_status(site, commit, texts.state, texts.description)


def set_labels(site: Site, pull: PullRequest, wanted: tuple[str, ...]) -> int:
    """Set the labels of a pull request, unless it has them."""
    if {*wanted} == {*pull.labels}:
        return 0
    issues.set_labels(site.repo, pull.number, wanted)
    return 1


def set_verdict_status(site: Site, commit: str, state: StatusState, description: str) -> int:
    """Set the status `retouch/verdict` of a commit, unless it is set."""
    wanted = (state, records.short_description(description))
    if records.latest_status(site.repo, commit) == wanted:
        return 0
    records.set_status(site.repo, commit, state, description, site.run_url)
    return 1


def comment_once(site: Site, number: int, marker: str, text: str) -> None:
    """Comment once on an event; the marker tells whether that was done."""
    issues.add_comment(site.repo, number, f"{marker}\n{text}\n", marker=marker, author=site.login)


def _edit(site: Site, pull: PullRequest, texts: PullRequestTexts) -> int:
    """Write title and body, but do not overwrite a person's."""
    title = texts.title if is_generated_title(pull.title) and pull.title != texts.title else None
    current, body = pull.body or "", texts.body
    if body is None and current.startswith(MARKER_PREFIX):  # of a report that is outdated
        body = texts.comment
    if body is not None and (_same(current, body) or (current and not _OUR_BODY.match(current))):
        body = None
    if title is None and body is None:
        return 0
    pulls.edit_pull(site.repo, pull.number, title=title, body=body)
    return 1


def _comment(site: Site, pull: PullRequest, text: str) -> int:
    """Keep one comment with the report, the oldest of this login; others link to it."""
    mine, number = _reports(site, pull.number), pull.number
    if not mine:
        issues.add_comment(site.repo, number, text, marker=MARKER_PREFIX, author=site.login)
        return 1
    written = 0
    if not _same(mine[0].body, text):
        issues.edit_comment(site.repo, mine[0].id, text)
        written += 1
    for double in mine[1:]:
        issues.edit_comment(site.repo, double.id, f"The report is [here]({mine[0].html_url}).")
        written += 1
    return written


def _reports(site: Site, number: int) -> list[Comment]:
    """Return this login's comments that carry a report, oldest first."""
    found = issues.list_comments(site.repo, number)
    return [c for c in found if c.author == site.login and c.body.startswith(MARKER_PREFIX)]


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are the same but for line endings, which GitHub may change."""
    return one.split() == other.split()


@dataclass(frozen=True)
class Publisher:
    """Where packages are published, and as whom."""

    root: Path
    """A checkout of the base branch."""
    site: Site
    base_branch: str
    event: Event = field(default_factory=ScheduleEvent)
    """What started this job, as GitHub reports it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of the process; it names the target of a pull request."""


@dataclass(frozen=True)
class Publication:
    """One package while it is published."""

    package: Package
    documents: ReportDocuments | None
    pull: PullRequest | None
    head: str | None

    @property
    def base(self) -> str:
        """The commit it was made on."""
        return self.package.proposal.base


def sync_publication(
    publisher: Publisher,
    publication: Publication,
    pull: PullRequest,
    commit: str,
    *,
    moved: BaseMoved | None = None,
    edited: bool = False,
    waits_for: tuple[int, ...] = (),
) -> int:
    """Update a package's pull request, its status on this commit; return the number of writes."""
    subject = subject_of(publication, publisher)
    situation = replace(subject.state, edited=edited, waits_for=waits_for, held=HOLD in pull.labels)
    case = replace(subject.case, moved=moved) if subject.case else None
    subject = replace(subject, case=case, state=situation)
    is_result = moved is None and not edited and not situation.faults
    at = pull.html_url.rpartition("/pull/")[0]
    report_id = publication.package.proposal.report_id
    folder = f"{at}/blob/{commit}/reports/{report_id}/" if at and report_id else ""
    waits = not publisher.site.as_app
    texts = pull_request_texts(subject, folder=folder, checks_wait=waits)
    if is_result:
        texts = replace(texts, comment=with_result_commit(texts.comment, commit))
    return sync_pull(publisher.site, pull, texts, commit)


def plan_only(publication: Publication) -> Publication:
    """Return a publication without its candidate: only the alerts and the plan."""
    package, documents = publication.package, publication.documents
    assert documents
    plan = f"reports/{package.proposal.report_id}/plan.json"
    left = {p: raw for p, raw in package.files.items() if p == plan or p.startswith("alerts/")}
    return replace(
        publication,
        package=replace(package, files=left, objects={}),
        documents=ReportDocuments(documents.plan),
    )


def subject_of(publication: Publication, publisher: Publisher) -> PullRequestSubject:
    """Return the subject of a publication's pull request."""
    proposal, documents = publication.package.proposal, publication.documents
    situation = PullRequestState(faults=proposal.faults, message=proposal.message)
    if documents is not None:
        plan = documents.plan
        return PullRequestSubject(plan.model, plan.alerts, documents.case, situation)
    alerts = _alerts(publication, publisher)
    model = alerts[0][0] if alerts else ""
    return PullRequestSubject(model, tuple(summary for _, summary in alerts), None, situation)


def _alerts(publication: Publication, publisher: Publisher) -> list[tuple[str, AlertSummary]]:
    """Return model and summary of the alerts in the package or on its branch."""
    proposal = publication.package.proposal
    current = {
        **alert_files(publisher.root, proposal, publication.head),
        **publication.package.files,
    }
    found = []
    for alert_id in proposal.alert_ids:
        raw = current.get(f"alerts/{alert_id}.json")
        if raw is None:
            continue
        try:
            alert = parse_alert(raw, alert_id)
        except InputError:
            continue
        found.append((alert.model, summarise(alert)))
    return found


def supersede(publication: Publication, pull: PullRequest, publisher: Publisher) -> int:
    """Link the pull requests of the group's other alerts to this one.

    Return the number of writes.
    """
    proposal, site = publication.package.proposal, publisher.site
    if publication.documents is None or len(proposal.alert_ids) < 2:
        return 0
    written = 0
    for alert_id in proposal.alert_ids:
        branch = alert_branch(alert_id)
        if branch == proposal.branch:
            continue
        other = pulls.find_pull_request(site.repo, branch)
        if other is None or other.status != "open":
            continue
        summaries = tuple(a for a in publication.documents.plan.alerts if a.alert_id == alert_id)
        situation = PullRequestState(superseded_by=pull.number)
        texts = pull_request_texts(
            PullRequestSubject(publication.documents.plan.model, summaries, None, situation)
        )
        written += sync_pull(site, other, replace(texts, title=other.title), other.head.sha)
    return written
