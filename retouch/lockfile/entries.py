"""`dvc.lock` as text: its entries by name, moved as they are, read without building objects.

A lock may come from a stranger's branch: reading is bounded in size and depth, text stays text, and
what YAML reads as something else (a number, a date, `yes`) keeps its spelling, marked. Pure.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from retouch.errors import InputError

if TYPE_CHECKING:
    from retouch.pipeline.model import Stage

_DEEPEST, _MOST_NODES = 60, 2_000_000
_TEXT = "tag:yaml.org,2002:str"


class UnreadableYaml(ValueError):
    """The text is no YAML, or one that grows beyond its bounds; says why in a few words."""


def parse_plain_yaml(text: str) -> Any:
    """Return the one document of a YAML text; None for an empty one. Raises UnreadableYaml."""
    try:
        return _Reader(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableYaml(f"line {line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UnreadableYaml(str(error).splitlines()[0]) from None


class _Reader:
    """One reading of one text."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._nodes = 0
        self._resolver = yaml.resolver.Resolver()

    def document(self) -> Any:
        found: Any = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise UnreadableYaml("it has more than one document")
                found = self._node(next(self._events), 0)
        return found

    def _node(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise UnreadableYaml(f"*{event.anchor} is an undefined alias")
            value, weight = self._anchors[event.anchor]
            self._count(weight)
            return value
        if depth > _DEEPEST:
            raise UnreadableYaml(f"it is nested more than {_DEEPEST} deep")
        before = self._nodes
        self._count(1)
        value = self._value(event, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = value, self._nodes - before
        return value

    def _value(self, event: yaml.Event, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(event, depth + 1))
            return items
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            name = key if isinstance(key, str) else json.dumps(key, sort_keys=True)
            if name in mapping:
                raise UnreadableYaml(f"{name!r} occurs twice")
            mapping[name] = self._node(next(self._events), depth + 1)
        return mapping

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:
            return event.value if event.tag in (None, "!") else [event.tag, event.value]
        tag = self._resolver.resolve(yaml.ScalarNode, event.value, (True, False))  # type: ignore[no-untyped-call]
        return event.value if tag == _TEXT else [tag.rpartition(":")[2], event.value]

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise UnreadableYaml("its aliases make it too large")


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
        read = _stages_of(parse_plain_yaml(text))
        named = [(_single(entry), entry) for _, entry in split(text)[1]]
        if dict(pair for pair, _ in named) != read:
            raise UnreadableYaml(_STRANGE)
    except UnreadableYaml as error:
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
    # Imported here, with pydantic, because every process that runs a stage imports this module.
    from retouch.documents import digest_of

    try:
        return digest_of(_single(entry))
    except UnreadableYaml as error:
        raise InputError(f"dvc.lock: an entry cannot be read: {error}.") from None


def digest_in(text: str, name: str) -> str | None:
    """Return the digest of a stage's entry in a lock that DVC has just written; None without."""
    entry = dict(split(text)[1]).get(name)
    return None if entry is None else entry_digest(entry)


def entry_digests(text: str, source: str = "dvc.lock") -> dict[str, str]:
    """Return the digest of each entry by the name of its stage. Raises InputError."""
    return {name: entry_digest(entry) for name, entry in entries(text, source).items()}


def _stages_of(whole: Any) -> dict[str, Any]:
    """Return the entries of a whole lock as YAML has them. Raises UnreadableYaml."""
    if whole is None:
        return {}
    if not isinstance(whole, dict):
        raise UnreadableYaml(_STRANGE)
    if "stages" not in whole and {*whole} - {"schema", "datasets"}:
        raise UnreadableYaml("it is of an older version of DVC, which `dvc repro` rewrites")
    stages = whole.get("stages", {})
    if stages == ["null", ""]:  # `stages:` with nothing behind it
        return {}
    if not isinstance(stages, dict):
        raise UnreadableYaml(_STRANGE)
    return stages


def _single(entry: str) -> tuple[str, Any]:
    """Return the name and the content of one entry. Raises UnreadableYaml."""
    read = parse_plain_yaml(entry)
    if not isinstance(read, dict) or len(read) != 1:
        raise UnreadableYaml(_STRANGE)
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


def directory_listing(raw: bytes) -> dict[str, str]:
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
