"""Is every entry of `dvc.lock` one that a run made? A merge can combine two into a false one.

Git merges `dvc.lock` line by line. Where both sides ran a stage, the merged entry may pair the
inputs of both with an output of one: DVC finds nothing to do, and the model is wrong. So after a
merge an entry must be, as a whole, a parent's or one that a run's receipt records.
`merge_locks` merges by entry instead: no entry is ever made up of two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from retouch.documents import Document, Value
from retouch.errors import InputError
from retouch.lockfile.entries import entries, entry_digest, split

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
    """The findings about the lock files of one commit."""

    schema_version: Literal["1.0"] = "1.0"
    commit: str
    parents: tuple[str, ...]
    """The commits it was compared with."""
    entries: tuple[EntryFound, ...] = ()
    stale: tuple[StaleStage, ...] = ()
    faults: tuple[str, ...] = ()
    """Sentences: what a retraining touches and may not."""
    missing: tuple[str, ...] = ()
    """Sentences: outputs that the cache and the remote lack. Only where that was requested."""
    damaged: tuple[str, ...] = ()
    """Sentences: files whose bytes are others than recorded. Only where that was requested."""

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The stages with a doubtful entry."""
        return self.named("doubtful")

    @property
    def sound(self) -> bool:
        """Nothing was found against this commit."""
        return not (self.doubtful or self.stale or self.faults or self.missing or self.damaged)

    def named(self, found: Found) -> tuple[str, ...]:
        """Return the stages whose entry was found to be this."""
        return tuple(entry.stage for entry in self.entries if entry.found == found)

    @property
    def message(self) -> tuple[str, ...]:
        """A sentence for each finding against it: what, why, and how to repair it."""
        doubts = tuple(f"{stage}: {_DOUBT} Repair: `{REPAIR_COMMAND}`." for stage in self.doubtful)
        stale = tuple(
            f"{s.stage}: stale: {s.because}. Repair: `{REPAIR_COMMAND}`." for s in self.stale
        )
        return (*doubts, *stale, *self.faults, *self.missing, *self.damaged)


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
    `doubted`: entries that an earlier merge produced, so that no person made them either.
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


_EMPTY = "schema: '2.0'\nstages:\n"


class Merged(NamedTuple):
    """The result of a merge."""

    text: str
    left_out: tuple[str, ...]
    """The stages that both sides ran, each with another result: they have no entry now."""


def merge_locks(base: str, ours: str, theirs: str, *, source: str = "dvc.lock") -> Merged:
    """Merge by entry, each byte for byte as one side has it.

    One side changed it: that side's. Both alike: that. Both, and differently: it is left out, and
    DVC runs the stage again. One took it out and the other changed it: the changed one stays. What
    stands around the entries is merged the same way. Raises InputError for a lock that cannot be
    read, and where both changed that.
    """
    texts = (base, ours, theirs)
    was, mine, other = (
        entries(text, f"{source} ({side})")
        for text, side in zip(texts, ("base", "ours", "theirs"), strict=True)
    )
    left_out, kept = [], []
    for name in dict.fromkeys((*mine, *other)):
        entry = _merged(was, mine, other, name)
        if entry:
            kept.append(entry)
        elif entry is None:
            left_out.append(name)
    head, tail = _around(texts, source)
    if not kept:  # DVC does not read a lock that says `stages:` and then nothing
        head = head.replace("stages:\n", "stages: {}\n")
    return Merged(head + "".join(kept) + tail, tuple(left_out))


def _merged(
    was: Mapping[str, str], mine: Mapping[str, str], other: Mapping[str, str], name: str
) -> str | None:
    """Return the merged entry, empty where it was taken out; None where it must be left out."""
    texts = [side.get(name) for side in (was, mine, other)]
    before, ours, theirs = (None if text is None else entry_digest(text) for text in texts)
    if ours == theirs or theirs == before:
        return texts[1] or ""
    if ours == before:
        return texts[2] or ""
    if ours is None or theirs is None:
        return texts[1] or texts[2]
    return None


def _one_side(texts: tuple[str, ...]) -> str | None:
    """Return what one side changed, or both alike; None where they differ."""
    before, ours, theirs = texts
    if ours == theirs or theirs == before:
        return ours
    return theirs if ours == before else None


def _around(texts: tuple[str, ...], source: str) -> tuple[str, str]:
    """Return what stands before the entries and behind them. Raises InputError."""
    parts = [split(text) for text in texts]
    tail = _one_side(tuple(tail for _, _, tail in parts))
    heads = [head for head, found, _ in parts[1:] if found]
    same = len({*heads}) < 2
    head = next(iter(heads), _EMPTY) if same else _one_side(tuple(part[0] for part in parts))
    if head is None or tail is None:
        raise InputError(
            f"{source}: both sides changed what stands around its entries.",
            hint=f"Take one: `git checkout --ours -- {source}`; then `retouch build`.",
        )
    return head, tail
