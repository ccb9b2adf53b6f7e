"""The endpoints of GitHub for git data and workflows: they ask, and check the answer's shape.

Pull requests, issues, statuses, deployments and releases have modules of their own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from retouch.errors import InputError
from retouch.github.errors import Refused
from retouch.github.pulls import PullRequest, open_pull_request, pull_request_of
from retouch.github.repository import Repository, Seen

__all__ = [
    "Permission",
    "PullRequest",
    "Repository",
    "RepositoryFacts",
    "branch_head",
    "commit_files",
    "create_branch",
    "delete_branch",
    "dispatch",
    "file_at",
    "move_branch",
    "open_pull_request",
    "permission_of",
    "pull_request_of",
    "repository_facts",
    "run_workflow",
    "tag_is_there",
]

Permission = Literal["admin", "write", "read", "none"]
"""GitHub counts `maintain` as write, and `triage` as read."""
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\[bot\])?")


class RepositoryFacts(Seen):
    """What GitHub says of a repository."""

    full_name: str
    """Its name today: `owner/name`."""
    default_branch: str


class _Object(Seen):
    sha: str


class _Reference(Seen):
    object: _Object


class _Commit(Seen):
    sha: str
    tree: _Object


class _Content(Seen):
    type: str
    encoding: str | None = None
    content: str | None = None


class _Permission(Seen):
    permission: str


def repository_facts(repo: Repository) -> RepositoryFacts:
    """Return what GitHub says of the repository. Raises InputError when it is not to be seen."""
    return repo.read(RepositoryFacts, repo.client.get(repo.path()))


def branch_head(repo: Repository, branch: str) -> str | None:
    """Return the commit a branch points to; None when there is no such branch."""
    found = repo.client.get_or_none(repo.path("git/ref/heads", branch))
    return None if found is None else repo.read(_Reference, found).object.sha


def tag_is_there(repo: Repository, tag: str) -> bool:
    """Tell whether GitHub has a tag of this name."""
    return repo.client.get_or_none(repo.path("git/ref/tags", tag)) is not None


def file_at(repo: Repository, path: str, commit: str) -> bytes | None:
    """Return a file as a commit has it; None when it has nothing there.

    What is there and is no file, or one over a megabyte, comes back as no bytes at all: it is
    nothing of ours.
    """
    found = repo.client.get_or_none(repo.path("contents", path), ref=commit)
    if found is None:
        return None
    if isinstance(found, list):
        return b""
    read = repo.read(_Content, found)
    if read.type != "file" or read.encoding != "base64" or read.content is None:
        return b""
    try:
        return base64.b64decode(read.content)
    except (binascii.Error, ValueError):
        return b""


def commit_files(
    repo: Repository,
    base: str,
    files: Mapping[str, str | None],
    message: str,
    *,
    parents: Sequence[str] | None = None,
) -> str:
    """Make one commit of a commit's tree with these texts (by path) put in, and return its id.

    None takes a file out, and a file that is not there is left out already. The parents are `base`
    unless others are named. No branch points to the commit yet. All of it is addressed by content,
    so that a second call after a lost answer does no harm. Author and date are left to GitHub,
    which then signs for the token. Raises InputError for a text that is no UTF-8.
    """
    commits = repo.path("git/commits")
    tree = repo.read(_Commit, repo.client.get(f"{commits}/{base}")).tree.sha
    entries = [
        _entry(repo, path, text)
        for path, text in files.items()
        # GitHub refuses the whole tree for one file that is not there to be taken out.
        if text is not None or file_at(repo, path, base) is not None
    ]
    if entries:
        body = {"base_tree": tree, "tree": entries}
        made = repo.client.post(repo.path("git/trees"), body, repeatable=True)
        tree = repo.read(_Object, made).sha
    body = {"message": message, "tree": tree, "parents": [base] if parents is None else [*parents]}
    return repo.read(_Object, repo.client.post(commits, body, repeatable=True)).sha


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
    return repo.read(_Reference, made).object.sha


def move_branch(repo: Repository, branch: str, commit: str) -> bool:
    """Move a branch forward to a commit. False when it is no descendant of where the branch is."""
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
    """Delete a branch; that there is none is as good."""
    try:
        repo.client.delete(repo.path("git/refs/heads", branch))
    except Refused as refused:
        if refused.status != 422 or branch_head(repo, branch) is not None:
            raise


def dispatch(repo: Repository, event_type: str, payload: Mapping[str, Any]) -> None:
    """Send a `repository_dispatch`. GitHub keeps no record of it that one could look up.

    So it is sent again only when it surely was not carried out. Raises CheckFailed when nobody
    knows.
    """
    body = {"event_type": event_type, "client_payload": dict(payload)}
    repo.client.post(repo.path("dispatches"), body)


def run_workflow(repo: Repository, workflow_file: str, ref: str, inputs: Mapping[str, str]) -> None:
    """Start a workflow by the name of its file, as that of `ref` has it.

    A lost answer sends it again: our workflows find nothing left to do the second time.
    """
    path = repo.path("actions/workflows", workflow_file, "dispatches")
    repo.client.post(path, {"ref": ref, "inputs": dict(inputs)}, repeatable=True)


def permission_of(repo: Repository, login: str) -> Permission:
    """Return what a user may do in the repository; `none` for a name that nobody can have."""
    if not _LOGIN.fullmatch(login):
        return "none"
    found = repo.client.get_or_none(repo.path("collaborators", login, "permission"))
    if found is None:
        return "none"
    said = repo.read(_Permission, found).permission
    known: dict[str, Permission] = {name: name for name in get_args(Permission)}
    return known.get(said, "none")


def _entry(repo: Repository, path: str, text: str | None) -> dict[str, str | None]:
    entry: dict[str, str | None] = {"path": path, "mode": "100644", "type": "blob"}
    if text is None:
        return entry | {"sha": None}
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{path}: it is no UTF-8 text, and only texts are committed to {repo.name}."
        ) from None
    return entry | {"content": text}
