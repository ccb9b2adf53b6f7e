"""What the publishing job knows by itself: the base branch, and how its texts are read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from retouch.pipeline.model import Pipeline, Stage
from retouch.policy.edits import ParamEdit


@dataclass(frozen=True)
class Readers:
    """How texts are read; the formats are the business of `storage`."""

    entries: Callable[[str], Mapping[str, str]]
    """The text of each entry of a lock, by its name. Raises InputError."""
    digest: Callable[[str], str]
    """Of one entry's text, as receipts have it."""
    outputs: Callable[[str, Stage], Mapping[str, str]]
    """Path -> hash, as the text of a lock has them for a stage."""
    edited: Callable[[str, Sequence[ParamEdit], str], str]
    """A params file's text with edits made: text, edits, path. Raises InputError."""
    listed: Callable[[bytes], Mapping[str, str]]
    """What the list of a directory names: path in it -> object. Raises ValueError."""


@dataclass(frozen=True)
class BaseFacts:
    """What the base branch has, and the branch of the pull request."""

    commit: str
    pipeline: Pipeline
    texts: Mapping[str, str]
    """Its params files and lock files, by path."""
    known: Mapping[str, bytes]
    """Alerts, signatures and overrides that the base or the branch holds, by path."""
    readers: Readers

    @property
    def lock_files(self) -> frozenset[str]:
        """Where the base's stages are recorded."""
        return frozenset(lock_of(s.name) for s in self.pipeline.stages if s.cmd)

    @property
    def tracked_outputs(self) -> frozenset[str]:
        """Outputs that git keeps, or nobody."""
        stages = [s for s in self.pipeline.stages if s.cmd]
        return frozenset(out.path for s in stages for out in s.outputs if not out.cached)


def lock_of(stage: str) -> str:
    """Return the path of the lock file that records a stage."""
    return f"{stage.rpartition('dvc.yaml:')[0]}dvc.lock"
