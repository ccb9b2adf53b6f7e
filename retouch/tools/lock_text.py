"""`dvc.lock` as text: its entries by name, moved as they stand. Pure, but for its callers."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ENTRY = re.compile(r"  (\? (?P<long>.+)|(?P<name>[^ ?].*):)")
"""The first line of an entry; a key of more than 128 characters has a question mark before it."""


def entry_names(text: str) -> frozenset[str]:
    """Return the names of the stages the lock has an entry for."""
    return frozenset(name for name, _ in _split(text)[1])


def in_evaluation_order(before: str, after: str, order: Sequence[str]) -> str:
    """Return `after` with the entries that `before` lacks sorted by `order`, DVC's own.

    DVC leaves known entries where they are and appends new ones as they finish. Several finishing
    at the same time would be in the order of the race; one `dvc repro` would have written `order`.
    """
    known = entry_names(before)
    head, entries, tail = _split(after)
    old = [entry for entry in entries if entry[0] in known]
    new = [entry for entry in entries if entry[0] not in known]
    rank = {name: place for place, name in enumerate(order)}
    new.sort(key=lambda entry: rank.get(entry[0], len(rank)))
    return head + "".join(text for _, text in [*old, *new]) + tail


def with_entry(text: str, name: str, entry: str) -> str:
    """Return the text with this entry in place of the one of the same name, or after all others.

    `entry` is the entry's own text, indentation and final newline included. Raises ValueError for a
    text that has no entries to put it among.
    """
    head, entries, tail = _split(text)
    if not entries:
        raise ValueError("no entries")
    if name in dict(entries):
        entries = [(n, entry if n == name else old) for n, old in entries]
    else:
        entries.append((name, entry))
    return head + "".join(old for _, old in entries) + tail


def _split(text: str) -> tuple[str, list[tuple[str, str]], str]:
    """Cut the text into what stands before the entries, the entries by name, and the rest."""
    head: list[str] = []
    entries: list[tuple[str, list[str]]] = []
    tail: list[str] = []
    within = False
    for line in text.splitlines(keepends=True):
        if not within:
            head.append(line)
            within = line.rstrip() == "stages:"
        elif tail or not line.startswith(" "):
            tail.append(line)
        elif found := _ENTRY.fullmatch(line.rstrip()):
            name = found["long"] or found["name"]
            entries.append((name.strip("'\""), [line]))
        else:
            (entries[-1][1] if entries else head).append(line)
    return "".join(head), [(name, "".join(lines)) for name, lines in entries], "".join(tail)
