"""Issues, comments and labels on GitHub; to GitHub a pull request is an issue as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AwareDatetime, Field

from retouch.github.repository import LabelNames, Line, Login, Repository, ResponseModel, Text

Reaction = Literal["eyes", "+1", "-1"]


class Comment(ResponseModel):
    """A comment on an issue or a pull request."""

    id: int
    body: Text = ""
    author: Login = Field(validation_alias="user")
    html_url: Line
    created_at: Annotated[AwareDatetime, Field(strict=False)]
    updated_at: Annotated[AwareDatetime, Field(strict=False)]
    """Later than `created_at` once somebody, not only its author, has edited it."""


class Issue(ResponseModel):
    """An issue."""

    number: int
    html_url: Line
    state: Literal["open", "closed"]
    title: Line
    body: Text = ""
    labels: LabelNames = ()


class _Label(ResponseModel):
    name: Line


class _ListedIssue(Issue):
    pull_request: dict[str, Any] | None = None
    """Lists of issues hold pull requests too."""


def list_comments(repo: Repository, number: int) -> tuple[Comment, ...]:
    """Return the comments of an issue or a pull request, oldest first."""
    found = {one.id: one for one in repo.list(Comment, "issues", str(number), "comments")}
    return tuple(found[number] for number in sorted(found))


def add_comment(repo: Repository, number: int, body: str, *, marker: str, author: str) -> Comment:
    """Comment once; `marker` is a part of `body` that identifies the comment.

    An existing comment with the marker by `author`, our own login, is returned instead. Comments of
    others never are, whatever their text: somebody may want ours suppressed.
    """
    _check_marker(body, marker)

    def found() -> Comment | None:
        there = list_comments(repo, number)
        return next((c for c in there if c.author == author and marker in c.body), None)

    parts = ("issues", str(number), "comments")
    return found() or repo.create(Comment, *parts, body={"body": body}, found=found)


def edit_comment(repo: Repository, comment_id: int, body: str) -> None:
    """Replace the text of a comment."""
    repo.client.patch(repo.path("issues/comments", str(comment_id)), {"body": body})


def add_reaction(repo: Repository, comment_id: int, content: Reaction) -> None:
    """Add a reaction to a comment; GitHub keeps one of each kind and user."""
    path = repo.path("issues/comments", str(comment_id), "reactions")
    repo.client.post(path, {"content": content}, repeatable=True)


def get_labels(repo: Repository, number: int) -> tuple[str, ...]:
    """Return the names of the labels of an issue or a pull request, as GitHub orders them."""
    return tuple(label.name for label in repo.list(_Label, "issues", str(number), "labels"))


def set_labels(repo: Repository, number: int, labels: Sequence[str]) -> None:
    """Give an issue or a pull request exactly these labels; missing ones are created.

    Creating a label needs the permission Issues: write, on a pull request too.
    """
    path = repo.path("issues", str(number), "labels")
    if labels:
        repo.client.put(path, {"labels": list(labels)})
        return
    # GitHub's API description requires at least one label in a PUT.
    for name in get_labels(repo, number):
        repo.client.delete(f"{path}/{quote(name, safe='')}")


def find_issue(repo: Repository, marker: str, label: str) -> Issue | None:
    """Return the issue with this label whose text holds the marker: an open one, else the last.

    Only people with write access can label an issue, so that no stranger's is mistaken for ours.
    """
    found = [
        issue
        for issue in repo.list(_ListedIssue, "issues", state="all", labels=label)
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

    An existing one is returned as it is, even if somebody has closed it.
    """
    _check_marker(body, marker)

    def found() -> Issue | None:
        return find_issue(repo, marker, labels[0])

    fields = {"title": title, "body": body, "labels": list(labels)}
    return found() or repo.create(Issue, "issues", body=fields, found=found)


def edit_issue(
    repo: Repository, number: int, *, body: str, state: Literal["open", "closed"]
) -> None:
    """Replace the text of an issue, and open or close it."""
    repo.client.patch(repo.path("issues", str(number)), {"body": body, "state": state})


def _check_marker(body: str, marker: str) -> None:
    if not marker or marker not in body:
        raise ValueError("The marker is not part of the text, so it would never be found.")
