"""Merge two versions of a `dvc.lock` stage by stage: no entry is ever made up of two. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from retouch.errors import InputError
from retouch.lockfile.entries import entries, entry_digest, split

_EMPTY = "schema: '2.0'\nstages:\n"


class Merged(NamedTuple):
    """What came of it."""

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
