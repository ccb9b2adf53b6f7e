"""Git data on GitHub, without a checkout: commits, branches, tags and files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.repository import Login, Repository, ResponseModel


class _Object(ResponseModel):
    sha: str


class _Reference(ResponseModel):
    object: _Object


class Push(ResponseModel):
    """A change of a branch, as GitHub recorded it: its time is GitHub's own."""

    before: str
    after: str
    timestamp: Annotated[AwareDatetime, Field(strict=False)]
    actor: Login = "ghost"
    """Whose token pushed."""


class Commit(ResponseModel):
    """A commit."""

    sha: str
    tree: _Object


class _Content(ResponseModel):
    type: str
    encoding: str | None = None
    content: str | None = None


def get_commit(repo: Repository, commit: str) -> Commit:
    """Return a commit by its id. Raises InputError when there is no such commit."""
    return repo.get(Commit, "git/commits", commit)


def branch_head(repo: Repository, branch: str) -> str | None:
    """Return the commit a branch points to; None when there is no such branch."""
    found = repo.get_or_none(_Reference, "git/ref/heads", branch)
    return found.object.sha if found else None


def pushes_after(repo: Repository, branch: str, moment: datetime) -> tuple[Push, ...] | None:
    """Return the changes of a branch since a moment, the newest first.

    None where the server keeps no record of them, or this token may not read it.
    """
    found = []
    try:
        for push in repo.list(Push, "activity", ref=f"refs/heads/{branch}"):
            if push.timestamp < moment:
                break
            found.append(push)
    except Refused as refused:
        if refused.status in (403, 404):
            return None
        raise
    return tuple(found)


def tag_exists(repo: Repository, tag: str) -> bool:
    """Return whether GitHub has a tag of this name."""
    return repo.client.get_or_none(repo.path("git/ref/tags", tag)) is not None


def file_at(repo: Repository, path: str, commit: str) -> bytes | None:
    """Return a file as it is in a commit; None when nothing is there.

    A folder, a link, or a file over a megabyte comes back as no bytes at all: Retouch writes none.
    """
    found = repo.client.get_or_none(repo.path("contents", path), ref=commit)
    if found is None:
        return None
    if isinstance(found, list):
        return b""
    content = repo.parse(_Content, found)
    if content.type != "file" or content.encoding != "base64" or content.content is None:
        return b""
    try:
        return base64.b64decode(content.content)
    except (binascii.Error, ValueError):
        return b""


def create_commit(
    repo: Repository,
    base: str,
    files: Mapping[str, str | None],
    message: str,
    *,
    parents: Sequence[str] | None = None,
) -> str:
    """Create a commit of a commit's tree with these texts (by path) written, and return its id.

    None deletes a file, if it is there. The parents are `base` unless others are named. No branch
    points to the commit yet. All of it is addressed by content, so that a second call after a lost
    response does no harm. Author and date are left to GitHub, which then signs for the token.
    Raises InputError for a text that is not valid UTF-8.
    """
    tree = get_commit(repo, base).tree.sha
    entries = [
        _entry(repo, path, text)
        for path, text in files.items()
        # GitHub refuses the whole tree when a file to delete is not there.
        if text is not None or file_at(repo, path, base) is not None
    ]
    if entries:
        body = {"base_tree": tree, "tree": entries}
        made = repo.client.post(repo.path("git/trees"), body, repeatable=True)
        tree = repo.parse(_Object, made).sha
    body = {"message": message, "tree": tree, "parents": [base] if parents is None else [*parents]}
    made = repo.client.post(repo.path("git/commits"), body, repeatable=True)
    return repo.parse(_Object, made).sha


def create_branch(repo: Repository, branch: str, commit: str) -> str:
    """Create a branch, and return the commit it points to: another one if it was there before."""
    body = {"ref": f"refs/heads/{branch}", "sha": commit}
    try:
        made = repo.client.post(repo.path("git/refs"), body, repeatable=True)
    except Refused as refused:
        head = branch_head(repo, branch) if refused.status == 422 else None
        if head is None:
            raise
        return head
    return repo.parse(_Reference, made).object.sha


def fast_forward_branch(repo: Repository, branch: str, commit: str) -> bool:
    """Move a branch forward to a commit. False when that is no descendant of the branch's head."""
    body = {"sha": commit, "force": False}
    try:
        repo.client.patch(repo.path("git/refs/heads", branch), body)
    except Refused as refused:
        # A protected branch or a missing one is a 422 as well.
        if refused.status == 422 and "fast forward" in str(refused):
            return False
        raise
    return True


def delete_branch(repo: Repository, branch: str) -> None:
    """Delete a branch, if there is one."""
    try:
        repo.client.delete(repo.path("git/refs/heads", branch))
    except Refused as refused:
        if refused.status != 422 or branch_head(repo, branch) is not None:
            raise


def _entry(repo: Repository, path: str, text: str | None) -> dict[str, str | None]:
    entry: dict[str, str | None] = {"path": path, "mode": "100644", "type": "blob"}
    if text is None:
        return entry | {"sha": None}
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{path}: the text is not valid UTF-8, and only such texts are committed to "
            f"{repo.name}."
        ) from None
    return entry | {"content": text}
