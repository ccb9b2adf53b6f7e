"""Pull requests on GitHub: opened once, listed, changed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from retouch.errors import InputError
from retouch.github.repository import LabelNames, Line, Login, Repository, ResponseModel

_MAX_FILES = 3000
"""GitHub lists no more files of one pull request."""


class _HeadRepository(ResponseModel):
    full_name: str


class _Head(ResponseModel):
    ref: str
    sha: str
    repo: _HeadRepository | None = None
    """None once the fork is deleted."""


class _Base(ResponseModel):
    ref: str


class _File(ResponseModel):
    filename: str
    previous_filename: str | None = None


class PullRequest(ResponseModel):
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
    """Once it is merged, the merge commit; before that, GitHub's trial merge."""
    head: _Head
    base: _Base

    @property
    def status(self) -> Literal["open", "merged", "closed"]:
        """Its state, with merged distinguished from closed."""
        return "merged" if self.merged_at is not None else self.state


def get_pull(repo: Repository, number: int) -> PullRequest | None:
    """Return a pull request by its number; None when there is none."""
    return repo.get_or_none(PullRequest, "pulls", str(number))


def list_open_pulls(repo: Repository, base: str | None = None) -> tuple[PullRequest, ...]:
    """Return the open pull requests, oldest first; of one base branch when it is named."""
    query = {"state": "open", "sort": "created", "direction": "asc"}
    if base is not None:
        query["base"] = base
    found = {
        pull.number: pull
        for pull in repo.list(PullRequest, "pulls", **query)
        if pull.state == "open" and base in (None, pull.base.ref)
    }
    return tuple(found[number] for number in sorted(found))


def find_pull_request(repo: Repository, branch: str) -> PullRequest | None:
    """Return the pull request from a branch of the repository itself: open, else merged, else last.

    None when there never was one.
    """
    owner = repo.name.partition("/")[0]
    # GitHub ignores a filter that it does not understand, and then lists all pull requests.
    found = [
        pull
        for pull in repo.list(PullRequest, "pulls", head=f"{owner}:{branch}", state="all")
        if pull.head.ref == branch and is_from_own_branch(repo, pull)
    ]
    order = ("closed", "merged", "open")
    return max(found, key=lambda pull: (order.index(pull.status), pull.number), default=None)


def open_pull_request(
    repo: Repository, *, branch: str, base: str, title: str, body: str
) -> PullRequest:
    """Open a pull request from a branch, or return the one that exists."""
    fields = {"title": title, "head": branch, "base": base, "body": body}
    return repo.create(
        PullRequest, "pulls", body=fields, found=lambda: find_pull_request(repo, branch)
    )


def edit_pull(
    repo: Repository,
    number: int,
    *,
    title: str | None = None,
    body: str | None = None,
    state: Literal["open", "closed"] | None = None,
) -> None:
    """Change the given fields of a pull request; sends nothing when none is given."""
    given = {"title": title, "body": body, "state": state}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        repo.client.patch(repo.path("pulls", str(number)), changes)


def changed_files(repo: Repository, number: int) -> tuple[str, ...]:
    """Return the paths a pull request touches, sorted; of a moved file the old one too.

    Raises InputError when it touches so many that GitHub does not list them all.
    """
    files = list(repo.list(_File, "pulls", str(number), "files"))
    if len(files) >= _MAX_FILES:
        raise InputError(
            f"{repo.name}#{number}: it changes {_MAX_FILES:,} files or more, and GitHub lists no "
            "more than that.",
            hint="Split it.",
        )
    paths = {path for file in files for path in (file.filename, file.previous_filename) if path}
    return tuple(sorted(paths))


def is_from_own_branch(repo: Repository, pull: PullRequest) -> bool:
    """Return whether a pull request comes from a branch of the repository itself, not a fork."""
    head = pull.head.repo
    return head is not None and head.full_name.lower() == repo.name.lower()
