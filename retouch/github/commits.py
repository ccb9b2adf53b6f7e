"""Commits on GitHub, as its API tells of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from retouch.github.repository import Repository, Seen


class _Committer(Seen):
    date: Annotated[AwareDatetime, Field(strict=False)]


class Commit(Seen):
    """A commit."""

    sha: str
    message: str
    committer: _Committer

    @property
    def committed_at(self) -> datetime:
        """When it was made, as it says itself: who pushes it can write any date."""
        return self.committer.date


def commit_at(repo: Repository, commit: str) -> Commit:
    """Return a commit by its id. Raises InputError when there is no such commit."""
    return repo.read(Commit, repo.client.get(repo.path("git/commits", commit)))


def commit_message(repo: Repository, commit: str) -> str:
    """Return the whole message of a commit. Raises InputError when there is no such commit."""
    return commit_at(repo, commit).message
