"""What GitHub shows of a pull request of ours: title, body, labels, one comment, one status.

Everything is compared before it is written, so that the same texts twice write nothing. The status
comes last: once it is there, all else is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from retouch.github import issues, pulls, records
from retouch.github.issues import Comment
from retouch.github.pulls import PullRequest
from retouch.github.records import StatusState
from retouch.github.repository import Repository
from retouch.reporting.marker import MARKER_PREFIX, read_marker
from retouch.reporting.pull_request import PullRequestTexts, is_generated_title, merge_labels

WORKFLOWS_LOGIN = "github-actions[bot]"
"""Who writes with the token of a workflow."""
_OUR_BODY = re.compile(r"<!-- retouch:(report|alert) v1 ")


@dataclass(frozen=True)
class Site:
    """Where we write, and as whom."""

    repo: Repository
    us: str = WORKFLOWS_LOGIN
    """Our login: nobody else's comment is taken for ours."""
    as_app: bool = False
    """The token is an App's, whose pull requests start workflows at once."""
    run_url: str | None = None
    """Where the status leads."""


def show(site: Site, pull: PullRequest, texts: PullRequestTexts, commit: str) -> int:
    """Bring a pull request up to date, its status on this commit; return how much was written."""
    written = _edit(site, pull, texts)
    written += label(site, pull, merge_labels(pull.labels, texts.labels))
    written += _comment(site, pull, texts.comment)
    return written + say(site, commit, texts.state, texts.description)


def label(site: Site, pull: PullRequest, wanted: tuple[str, ...]) -> int:
    """Give a pull request these labels, if it has others."""
    if {*wanted} == {*pull.labels}:
        return 0
    issues.set_labels(site.repo, pull.number, wanted)
    return 1


def say(site: Site, commit: str, state: StatusState, description: str) -> int:
    """Put our status on a commit, if it is not there."""
    wanted = (state, records.short_description(description))
    if records.latest_status(site.repo, commit) == wanted:
        return 0
    records.set_status(site.repo, commit, state, description, site.run_url)
    return 1


def tell_once(site: Site, number: int, marker: str, text: str) -> None:
    """Comment once on something that happened; the marker tells whether we have."""
    issues.add_comment(site.repo, number, f"{marker}\n{text}\n", marker=marker, author=site.us)


def our_report(site: Site, number: int) -> str | None:
    """Return the id of the report that our comment on a pull request is about; None without one."""
    mine = _reports(site, number)
    marker = read_marker(mine[0].body) if mine else None
    return marker.alert if marker and marker.alert else None


def _edit(site: Site, pull: PullRequest, texts: PullRequestTexts) -> int:
    """Write title and body, but not over a person's."""
    title = texts.title if is_generated_title(pull.title) and pull.title != texts.title else None
    there, body = pull.body or "", texts.body
    if body is None and there.startswith(MARKER_PREFIX):  # of an answer that stands no more
        body = texts.comment
    if body is not None and (_same(there, body) or (there and not _OUR_BODY.match(there))):
        body = None
    if title is None and body is None:
        return 0
    pulls.edit_pull(site.repo, pull.number, title=title, body=body)
    return 1


def _comment(site: Site, pull: PullRequest, text: str) -> int:
    """Keep one comment with the report: the oldest of ours. Others point to it."""
    mine, number = _reports(site, pull.number), pull.number
    if not mine:
        issues.add_comment(site.repo, number, text, marker=MARKER_PREFIX, author=site.us)
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
    """Return our comments that carry a report, oldest first."""
    found = issues.list_comments(site.repo, number)
    return [c for c in found if c.author == site.us and c.body.startswith(MARKER_PREFIX)]


def _same(one: str, other: str) -> bool:
    """Tell whether two texts are the same but for the ends of lines, which GitHub may change."""
    return one.split() == other.split()
