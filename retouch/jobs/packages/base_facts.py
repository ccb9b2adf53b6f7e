"""What the publishing job reads from the base branch and compares a package with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retouch.jobs.packages.paths import WritablePaths
from retouch.pipeline.model import Pipeline


@dataclass(frozen=True)
class BaseFacts:
    """The base branch at one commit, and what is known of the pull request's branch."""

    commit: str
    pipeline: Pipeline
    texts: Mapping[str, str]
    """Its params files and lock files, by path."""
    known: Mapping[str, bytes]
    """Alerts, signatures and overrides that the base or the branch holds, by path."""

    @property
    def writable(self) -> WritablePaths:
        """Where its pipeline lets a retraining write."""
        return WritablePaths.of(self.pipeline)
