"""`dvc.lock` as text: its entries by name, moved as they stand. Pure, but for its callers."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Sequence
from typing import Any

from retouch.documents import digest_of
from retouch.errors import InputError
from retouch.lockfile.plain_yaml import NotPlain, read_events
from retouch.pipeline.model import Stage

_ENTRY = re.compile(r"  (\? (?P<long>.+)|(?P<name>[^ ?].*):)")
"""The first line of an entry; a key of more than 128 characters has a question mark before it."""

OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
"""The name of an object of DVC's cache: the md5 of its bytes; `.dir` lists a directory's files."""
_STRANGE = "it is not laid out as DVC writes it"


def entry_names(text: str) -> frozenset[str]:
    """Return the names of the stages the lock has an entry for."""
    return frozenset(name for name, _ in split(text)[1])


def entries(text: str, source: str = "dvc.lock") -> dict[str, str]:
    """Return the text of each entry by the name of its stage, in the order of the file.

    Raises InputError for a lock that is not laid out as DVC writes it: conflict markers, a stage
    twice, or anything that DVC would read as another entry than stands there line by line.
    """
    try:
        read = _stages_of(read_events(text))
        named = [(_single(entry), entry) for _, entry in split(text)[1]]
        if dict(pair for pair, _ in named) != read:
            raise NotPlain(_STRANGE)
    except NotPlain as error:
        file = source.partition(" (")[0]  # a side of a merge says which it is
        raise InputError(
            f"{source}: cannot be read entry by entry: {error}.",
            hint=f"Take it from a commit: `git checkout HEAD -- {file}`; then `retouch build`.",
        ) from None
    return {name: entry for (name, _), entry in named}


def entry_digest(entry: str) -> str:
    """Return the sha256 of what an entry says, however it is laid out; its name is part of it.

    Raises InputError for a text that is not one entry.
    """
    try:
        return digest_of(_single(entry))
    except NotPlain as error:
        raise InputError(f"dvc.lock: an entry cannot be read: {error}.") from None


def digest_in(text: str, name: str) -> str | None:
    """Return the digest of a stage's entry in a lock that DVC has just written; None without."""
    entry = dict(split(text)[1]).get(name)
    return None if entry is None else entry_digest(entry)


def entry_digests(text: str, source: str = "dvc.lock") -> dict[str, str]:
    """Return the digest of each entry by the name of its stage. Raises InputError."""
    return {name: entry_digest(entry) for name, entry in entries(text, source).items()}


def _stages_of(whole: Any) -> dict[str, Any]:
    """Return the entries of a whole lock as YAML has them. Raises NotPlain."""
    if whole is None:
        return {}
    if not isinstance(whole, dict):
        raise NotPlain(_STRANGE)
    if "stages" not in whole and {*whole} - {"schema", "datasets"}:
        raise NotPlain("it is of an older version of DVC, which `dvc repro` rewrites")
    stages = whole.get("stages", {})
    if stages == ["null", ""]:  # `stages:` with nothing behind it
        return {}
    if not isinstance(stages, dict):
        raise NotPlain(_STRANGE)
    return stages


def _single(entry: str) -> tuple[str, Any]:
    """Return the name and the content of one entry. Raises NotPlain."""
    read = read_events(entry)
    if not isinstance(read, dict) or len(read) != 1:
        raise NotPlain(_STRANGE)
    return next(iter(read.items()))


def without_entries(text: str, names: Collection[str]) -> str:
    """Return the lock without these entries; empty when none is left, which DVC cannot read."""
    head, found, tail = split(text)
    kept = [entry for name, entry in found if name not in names]
    return head + "".join(kept) + tail if kept else ""


def in_order_of(before: str, after: str) -> str:
    """Return `after` with its entries where `before` has them; new ones follow as they stand."""
    head, found, tail = split(after)
    rank = {name: place for place, (name, _) in enumerate(split(before)[1])}
    found.sort(key=lambda entry: rank.get(entry[0], len(rank)))
    return head + "".join(entry for _, entry in found) + tail


def in_evaluation_order(before: str, after: str, order: Sequence[str]) -> str:
    """Return `after` with the entries that `before` lacks sorted by `order`, DVC's own.

    DVC leaves known entries where they are and appends new ones as they finish. Several finishing
    at the same time would be in the order of the race; one `dvc repro` would have written `order`.
    """
    known = entry_names(before)
    head, entries, tail = split(after)
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
    head, entries, tail = split(text)
    if not entries:
        raise ValueError("no entries")
    if name in dict(entries):
        entries = [(n, entry if n == name else old) for n, old in entries]
    else:
        entries.append((name, entry))
    return head + "".join(old for _, old in entries) + tail


def split(text: str) -> tuple[str, list[tuple[str, str]], str]:
    """Cut the text into what stands before the entries, the entries by name, and the rest.

    Joined again they are the text, byte for byte.
    """
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
            entries.append((_unquoted(name), [line]))
        else:
            (entries[-1][1] if entries else head).append(line)
    return "".join(head), [(name, "".join(lines)) for name, lines in entries], "".join(tail)


def _unquoted(name: str) -> str:
    if name[:1] == "'" == name[-1:]:
        return name[1:-1].replace("''", "'")
    return name.strip('"')


def outputs_in(lock: str, stage: Stage) -> dict[str, str]:
    """Return the hashes the text of a `dvc.lock` holds for the stage's outputs: path -> hash."""
    name = stage.name.rpartition("dvc.yaml:")[2]
    outputs = _parse_lock(lock).get("stages", {}).get(name, {}).get("outs", [])
    return {
        posixpath.normpath(posixpath.join(stage.folder, out["path"])): _hash_of(out)
        for out in outputs
    }


def lock_file_of(stage: str) -> str:
    """Return the path of the lock file that records the stage, from the root."""
    folder, _, _ = stage.rpartition("dvc.yaml:")
    return f"{folder}dvc.lock"


def _parse_lock(text: str) -> dict[str, Any]:
    import yaml

    return yaml.load(text, Loader=yaml.CSafeLoader) or {}


def _hash_of(out: dict[str, Any]) -> str:
    return str(next((out[key] for key in ("md5", "etag", "checksum") if key in out), ""))


def listed_in(raw: bytes) -> dict[str, str]:
    """Return what the list of a directory names: path in it -> object. Raises ValueError."""
    entries = json.loads(raw)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("it is not a JSON list of files")
    found: dict[str, str] = {}
    for entry in entries:
        path, name = str(entry.get("relpath")), str(entry.get("md5"))
        outside = not {"", ".", ".."}.isdisjoint(path.split("/"))
        if outside or "\\" in path or "\0" in path:
            raise ValueError(f"it names {path!r}, which is no path in it")
        if not OBJECT.fullmatch(name) or name.endswith(".dir"):
            raise ValueError(f"it names {name!r}, which is no object")
        found[path] = name
    return found
