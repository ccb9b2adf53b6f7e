"""Issues, comments and labels on GitHub; to GitHub a pull request is an issue as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from retouch.github.repository import LabelNames, Line, Login, Repository, Seen, Text

Reaction = Literal["eyes", "+1", "-1"]


class Comment(Seen):
    """A comment on an issue or a pull request."""

    id: int
    body: Text = ""
    author: Login = Field(validation_alias="user")
    html_url: Line


class Issue(Seen):
    """An issue."""

    number: int
    html_url: Line
    state: Literal["open", "closed"]
    title: Line
    body: Text = ""
    labels: LabelNames = ()


class _Label(Seen):
    name: Line


class _ListedIssue(Issue):
    pull_request: dict[str, Any] | None = None
    """Lists of issues hold pull requests too."""


def comments(repo: Repository, number: int) -> tuple[Comment, ...]:
    """Return the comments of an issue or a pull request, oldest first."""
    path = repo.path("issues", str(number), "comments")
    found = {read.id: read for read in (repo.read(Comment, c) for c in repo.client.pages(path))}
    return tuple(found[number] for number in sorted(found))


def add_comment(repo: Repository, number: int, body: str, *, marker: str, author: str) -> Comment:
    """Comment once; `marker` is a part of `body` by which the comment is known again.

    A comment of `author`, who we are, with the marker is returned in its place. Nobody else's is,
    whatever its text: somebody may want ours to be left out.
    """
    _must_hold(body, marker)

    def found() -> Comment | None:
        there = comments(repo, number)
        return next((c for c in there if c.author == author and marker in c.body), None)

    path = repo.path("issues", str(number), "comments")
    there = found()
    return there or repo.read(Comment, repo.client.post(path, {"body": body}, found=found))


def edit_comment(repo: Repository, comment_id: int, body: str) -> None:
    """Give a comment another text."""
    repo.client.patch(repo.path("issues/comments", str(comment_id)), {"body": body})


def react(repo: Repository, comment_id: int, content: Reaction) -> None:
    """Put a reaction under a comment; GitHub keeps one of each kind and user."""
    path = repo.path("issues/comments", str(comment_id), "reactions")
    repo.client.post(path, {"content": content}, repeatable=True)


def labels_of(repo: Repository, number: int) -> tuple[str, ...]:
    """Return the names of the labels of an issue or a pull request, as GitHub orders them."""
    path = repo.path("issues", str(number), "labels")
    return tuple(repo.read(_Label, item).name for item in repo.client.pages(path))


def set_labels(repo: Repository, number: int, labels: Sequence[str]) -> None:
    """Give an issue or a pull request exactly these labels; new ones come into being.

    To create a label takes the permission Issues: write, on a pull request too.
    """
    path = repo.path("issues", str(number), "labels")
    if labels:
        repo.client.put(path, {"labels": list(labels)})
        return
    # GitHub's description of its API wants at least one label to be set.
    for name in labels_of(repo, number):
        repo.client.delete(f"{path}/{quote(name, safe='')}")


def find_issue(repo: Repository, marker: str, label: str) -> Issue | None:
    """Return the issue with this label whose text holds the marker: an open one, else the last.

    Only who may write here can label an issue, so that no stranger's is taken for ours.
    """
    path = repo.path("issues")
    listed = [
        repo.read(_ListedIssue, item) for item in repo.client.pages(path, state="all", labels=label)
    ]
    found = [
        issue
        for issue in listed
        if issue.pull_request is None
        and marker in issue.body
        and label.lower() in (name.lower() for name in issue.labels)
    ]
    best = max(found, key=lambda issue: (issue.state == "open", issue.number), default=None)
    return None if best is None else Issue.model_validate(best.model_dump())


def open_issue(
    repo: Repository, title: str, body: str, labels: Sequence[str], *, marker: str
) -> Issue:
    """Open an issue once; `marker` is a part of `body`, and it is found by the first label.

    One that is there is returned as it is, also when somebody has closed it.
    """
    _must_hold(body, marker)

    def look() -> Issue | None:
        return find_issue(repo, marker, labels[0])

    there = look()
    if there is not None:
        return there
    asked = {"title": title, "body": body, "labels": list(labels)}
    return repo.read(Issue, repo.client.post(repo.path("issues"), asked, found=look))


def _must_hold(body: str, marker: str) -> None:
    if not marker or marker not in body:
        raise ValueError("The marker is no part of the text, so that it would never be found.")
