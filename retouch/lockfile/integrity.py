"""Is every entry of `dvc.lock` one that a run made? Git can make up entries that no run did. Pure.

Git merges `dvc.lock` line by line. Where both sides ran a stage, the merged entry may pair the
inputs of both with an output of one: DVC finds nothing to do, and the model is wrong. So after a
merge an entry must be, as a whole, a parent's or one that a run's receipt vouches for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from retouch.documents import Document, Value

Found = Literal["same_as_parent", "recorded", "made_here", "first", "doubtful"]
Digests = Mapping[str, str]
"""The stage's address -> the digest of its entry."""
REPAIR_COMMAND = "retouch verify --repair"


class EntryFound(Value):
    """One stage's entry, and where it comes from."""

    stage: str
    found: Found
    """`same_as_parent`: a parent has it. `recorded`: a run's receipt has it. `made_here`: neither,
    in an ordinary commit by a person, who may well have run DVC. `first`: nothing is before this
    commit. `doubtful`: neither, where git or a retraining wrote the lock."""


class StaleStage(Value):
    """A stage that DVC would run: its entry does not fit what is around it."""

    stage: str
    because: str
    """In words, lower case, no full stop."""


class Integrity(Document):
    """What is to be said of the lock files of one commit."""

    schema_version: Literal["1.0"] = "1.0"
    commit: str
    parents: tuple[str, ...]
    """The commits it was held against."""
    entries: tuple[EntryFound, ...] = ()
    stale: tuple[StaleStage, ...] = ()
    faults: tuple[str, ...] = ()
    """Sentences: what a retraining touches and may not."""
    missing: tuple[str, ...] = ()
    """Sentences: outputs that the cache and the remote lack. Only where that was asked."""

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The stages with a doubtful entry."""
        return self.named("doubtful")

    @property
    def sound(self) -> bool:
        """Nothing stands against this commit."""
        return not (self.doubtful or self.stale or self.faults or self.missing)

    def named(self, found: Found) -> tuple[str, ...]:
        """Return the stages whose entry was found to be this."""
        return tuple(entry.stage for entry in self.entries if entry.found == found)

    @property
    def message(self) -> tuple[str, ...]:
        """A sentence for each thing that stands against it: what, why, and what mends it."""
        doubts = tuple(f"{stage}: {_DOUBT} Repair: `{REPAIR_COMMAND}`." for stage in self.doubtful)
        stale = tuple(
            f"{s.stage}: stale: {s.because}. Repair: `{REPAIR_COMMAND}`." for s in self.stale
        )
        return (*doubts, *stale, *self.faults, *self.missing)


_DOUBT = (
    "doubtful: its entry in dvc.lock is no parent's, and no run recorded it;"
    " git may have made it from two halves."
)


def classify(
    entries: Digests,
    parents: Collection[Digests],
    recorded: Collection[tuple[str, str]],
    *,
    must_be_known: bool,
    doubted: Collection[tuple[str, str]] = (),
) -> tuple[EntryFound, ...]:
    """Say of each entry where it comes from, in the order given.

    `recorded`: stage and digest of every receipt. `must_be_known`: a merge, or a commit that
    carries a retraining; an entry from nowhere is doubtful there, and a person's own elsewhere.
    `doubted`: entries that a merge on the way here made up, so that no person made them either.
    """
    known = {pair for parent in parents for pair in parent.items()}

    def found(stage: str, digest: str) -> Found:
        if (stage, digest) in recorded:
            return "recorded"
        if (stage, digest) in known:
            return "same_as_parent"
        if (stage, digest) in doubted:
            return "doubtful"
        if not parents:
            return "first"
        return "doubtful" if must_be_known else "made_here"

    return tuple(EntryFound(stage=s, found=found(s, d)) for s, d in entries.items())


def unattributed_entries(
    entries: Digests, parents: Collection[Digests], recorded: Collection[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """Return the entries of a merge that are no parent's and not recorded."""
    known = {pair for parent in parents for pair in parent.items()}
    return frozenset(entries.items()) - known - {*recorded}


def only(entries: Digests, stages: Iterable[str]) -> dict[str, str]:
    """Return the entries of these stages, in their order; what `dvc.yaml` dropped is no matter."""
    return {stage: entries[stage] for stage in stages if stage in entries}
