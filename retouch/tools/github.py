"""The endpoints of GitHub we use: thin functions that ask, and check the shape of the answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from retouch.errors import BadInput
from retouch.tools.github_answer import one_line
from retouch.tools.github_client import Client
from retouch.tools.github_errors import Refused


class _Seen(BaseModel):
    """The part of an answer we read; GitHub may add fields at any time."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


Seen = TypeVar("Seen", bound=_Seen)
Line = Annotated[str, AfterValidator(one_line)]
"""Printed on terminals."""


class RepositoryFacts(_Seen):
    """What GitHub says of a repository."""

    full_name: str
    """Its name today: `owner/name`."""
    default_branch: str


class _Named(_Seen):
    full_name: str


class _Head(_Seen):
    ref: str
    sha: str
    repo: _Named | None = None
    """None once the fork is deleted."""


class _Base(_Seen):
    ref: str


class PullRequest(_Seen):
    """A pull request."""

    number: int
    html_url: Line
    state: Literal["open", "closed"]
    merged_at: str | None = None
    head: _Head
    base: _Base

    @property
    def standing(self) -> Literal["open", "merged", "closed"]:
        """What became of it."""
        return "merged" if self.merged_at is not None else self.state


class _Object(_Seen):
    sha: str


class _Reference(_Seen):
    object: _Object


class _Commit(_Seen):
    sha: str
    tree: _Object


class _Content(_Seen):
    type: str
    encoding: str | None = None
    content: str | None = None


@dataclass(frozen=True)
class Repository:
    """One repository, through a client."""

    client: Client
    name: str
    """`owner/name`."""

    def path(self, *rest: str) -> str:
        """Return the path of one of its endpoints; slashes within a part stay."""
        return "/".join(["repos", self.name, *(quote(part, safe="/") for part in rest)])

    def read(self, model: type[Seen], data: Any) -> Seen:
        """Return an answer as a model. Raises BadInput when GitHub answers in another shape."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"])) or "its answer"
            raise BadInput(
                f"{self.name}: GitHub's answer is not as its API describes it: {place}.",
                mend="Check GITHUB_API_URL.",
            ) from None


def repository_facts(repo: Repository) -> RepositoryFacts:
    """Return what GitHub says of the repository. Raises BadInput when it is not to be seen."""
    return repo.read(RepositoryFacts, repo.client.get(repo.path()))


def branch_head(repo: Repository, branch: str) -> str | None:
    """Return the commit a branch points to; None when there is no such branch."""
    found = repo.client.get_or_none(repo.path("git/ref/heads", branch))
    return None if found is None else repo.read(_Reference, found).object.sha


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


def commit_files(repo: Repository, parent: str, files: Mapping[str, str], message: str) -> str:
    """Make one commit that adds these texts (by path) to a commit's tree, and return its id.

    No branch points to it yet. All of it is addressed by content, so that a second call after a
    lost answer does no harm. Author and date are left to GitHub, which then signs for the token.
    """
    commits = repo.path("git/commits")
    base = repo.read(_Commit, repo.client.get(f"{commits}/{parent}"))
    entries = [
        {"path": path, "mode": "100644", "type": "blob", "content": text}
        for path, text in files.items()
    ]
    body = {"base_tree": base.tree.sha, "tree": entries}
    tree = repo.read(_Object, repo.client.post(repo.path("git/trees"), body, repeatable=True))
    body = {"message": message, "tree": tree.sha, "parents": [parent]}
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
    ours = [pull for pull in found if pull.head.ref == branch and _is_of(repo, pull)]
    order = ("closed", "merged", "open")
    return max(ours, key=lambda pull: (order.index(pull.standing), pull.number), default=None)


def open_pull_request(
    repo: Repository, *, branch: str, base: str, title: str, body: str
) -> PullRequest:
    """Open a pull request from a branch, or return the one that is there already."""
    asked = {"title": title, "head": branch, "base": base, "body": body}

    def found() -> Any:
        there = pull_request_of(repo, branch)
        return None if there is None else there.model_dump()

    try:
        made = repo.client.post(repo.path("pulls"), asked, found=found)
    except Refused as refused:
        there = found() if refused.status == 422 else None
        if there is None:
            raise
        made = there
    return repo.read(PullRequest, made)


def dispatch(repo: Repository, event_type: str, payload: Mapping[str, Any]) -> None:
    """Send a `repository_dispatch`. GitHub keeps no record of it that one could look up.

    So it is sent again only when it surely was not carried out. Raises SaidNo when nobody knows.
    """
    body = {"event_type": event_type, "client_payload": dict(payload)}
    repo.client.post(repo.path("dispatches"), body)


def _is_of(repo: Repository, pull: PullRequest) -> bool:
    head = pull.head.repo
    return head is not None and head.full_name.lower() == repo.name.lower()
