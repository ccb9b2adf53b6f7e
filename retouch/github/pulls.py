"""Pull requests on GitHub: opened once, listed, changed."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.repository import LabelNames, Line, Login, Repository, Seen

_MAX_FILES = 3000
"""GitHub lists no more files of one pull request."""


class _Named(Seen):
    full_name: str


class _Head(Seen):
    ref: str
    sha: str
    repo: _Named | None = None
    """None once the fork is deleted."""


class _Base(Seen):
    ref: str


class _File(Seen):
    filename: str
    previous_filename: str | None = None


class PullRequest(Seen):
    """A pull request."""

    number: int
    html_url: Line
    state: Literal["open", "closed"]
    title: Line
    body: str | None = None
    labels: LabelNames = ()
    author: Login = Field(validation_alias="user")
    draft: bool = False
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    """Once it is merged, the commit that came of it; before that, GitHub's trial of one."""
    head: _Head
    base: _Base

    @property
    def standing(self) -> Literal["open", "merged", "closed"]:
        """What became of it."""
        return "merged" if self.merged_at is not None else self.state


def pull(repo: Repository, number: int) -> PullRequest | None:
    """Return a pull request by its number; None when there is none of it."""
    found = repo.client.get_or_none(repo.path("pulls", str(number)))
    return None if found is None else repo.read(PullRequest, found)


def open_pulls(repo: Repository, base: str | None = None) -> tuple[PullRequest, ...]:
    """Return the open pull requests, oldest first; of one base branch when it is named."""
    query = {"state": "open", "sort": "created", "direction": "asc"}
    if base is not None:
        query["base"] = base
    read = [repo.read(PullRequest, item) for item in repo.client.pages(repo.path("pulls"), **query)]
    found = {
        pull.number: pull for pull in read if pull.state == "open" and base in (None, pull.base.ref)
    }
    return tuple(found[number] for number in sorted(found))


def pull_request_of(repo: Repository, branch: str) -> PullRequest | None:
    """Return the pull request from a branch of the repository itself: open, else merged, else last.

    None when there never was one.
    """
    owner = repo.name.partition("/")[0]
    found = [
        repo.read(PullRequest, item)
        for item in repo.client.pages(repo.path("pulls"), head=f"{owner}:{branch}", state="all")
    ]
    # GitHub leaves a filter out that it does not understand, and then lists everybody's.
    ours = [pull for pull in found if pull.head.ref == branch and is_of(repo, pull)]
    order = ("closed", "merged", "open")
    return max(ours, key=lambda pull: (order.index(pull.standing), pull.number), default=None)


def open_pull_request(
    repo: Repository, *, branch: str, base: str, title: str, body: str
) -> PullRequest:
    """Open a pull request from a branch, or return the one that is there already."""
    asked = {"title": title, "head": branch, "base": base, "body": body}

    def found() -> PullRequest | None:
        return pull_request_of(repo, branch)

    try:
        made: Any = repo.client.post(repo.path("pulls"), asked, found=found)
    except Refused as refused:
        there = found() if refused.status == 422 else None
        if there is None:
            raise
        made = there
    return repo.read(PullRequest, made)


def edit_pull(
    repo: Repository,
    number: int,
    *,
    title: str | None = None,
    body: str | None = None,
    state: Literal["open", "closed"] | None = None,
) -> None:
    """Change what is given of a pull request; nothing is asked when nothing is given."""
    given = {"title": title, "body": body, "state": state}
    asked = {name: value for name, value in given.items() if value is not None}
    if asked:
        repo.client.patch(repo.path("pulls", str(number)), asked)


def changed_files(repo: Repository, number: int) -> tuple[str, ...]:
    """Return the paths a pull request touches, sorted; of a moved file the old one too.

    Raises InputError when it touches so many that GitHub does not list them all.
    """
    listed = list(repo.client.pages(repo.path("pulls", str(number), "files")))
    if len(listed) >= _MAX_FILES:
        raise InputError(
            f"{repo.name}#{number}: it changes {_MAX_FILES:,} files or more, and GitHub lists no "
            "more than that.",
            hint="Split it.",
        )
    files = [repo.read(_File, item) for item in listed]
    paths = {path for file in files for path in (file.filename, file.previous_filename) if path}
    return tuple(sorted(paths))


def is_of(repo: Repository, pull: PullRequest) -> bool:
    """Tell whether a pull request's branch lies in the repository itself, and in no fork."""
    head = pull.head.repo
    return head is not None and head.full_name.lower() == repo.name.lower()
