"""Take back what merged versions changed, wherever the base branch still has it as they left it.

`dvc.lock` by stage, params files by key, outputs that git keeps by file. What has changed since is
left, and named: a person decides. Alerts and reports stay, they are the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from retouch.errors import InputError
from retouch.jobs.packages.paths import WritablePaths
from retouch.lockfile import entries
from retouch.policy.edits import ParamEdit, edited_text

_STAYS = ("alerts/", "reports/")
Texts = Mapping[str, str | None]
"""A file's text by its path; None: there is no such file."""


@dataclass(frozen=True)
class Merge:
    """What one version changed on the base branch: the same files before it and with it."""

    version: str
    before: Texts
    after: Texts


@dataclass
class TakenBack:
    """What is to be committed, and in words what it takes back and leaves."""

    files: dict[str, str | None] = field(default_factory=dict)
    """Only files that change; None: it goes."""
    done: list[tuple[str, str]] = field(default_factory=list)
    """(file, stage or key; empty for the whole file)."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """The same, of what the base branch has changed since."""


def _way_of(path: str, writable: WritablePaths) -> Callable[[_File], _Found] | None:
    """Return how a file is taken back; None when it is not."""
    if PurePosixPath(path).name == "dvc.lock":
        return _entries
    if path in writable.params_files:
        return _keys
    return _whole if writable.has_output(path) else None


def take_back(now: Texts, merges: Sequence[Merge], writable: WritablePaths) -> TakenBack:
    """Take back merges, the newest first, from the files as the base branch has them now."""
    found, texts = TakenBack(), dict(now)
    for merge in merges:
        for path in sorted({*merge.before, *merge.after}):
            before, after, here = merge.before.get(path), merge.after.get(path), texts.get(path)
            if path.startswith(_STAYS) or before == after or here == before:
                continue
            way = _way_of(path, writable)
            one = way(_File(path, here, before, after)) if way else _left(here)
            texts[path] = one.text
            found.done += [(path, what) for what in one.done]
            found.left += [(path, what) for what in one.left]
    found.files = {path: text for path, text in texts.items() if text != now.get(path)}
    found.done, found.left = (list(dict.fromkeys(some)) for some in (found.done, found.left))
    return found


@dataclass(frozen=True)
class _File:
    path: str
    now: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True)
class _Found:
    text: str | None
    done: Sequence[str]
    left: Sequence[str]


def _left(now: str | None) -> _Found:
    return _Found(now, [], [""])


def _whole(file: _File) -> _Found:
    if file.now == file.after:
        return _Found(file.before, [""], [])
    return _left(file.now)


def _entries(file: _File) -> _Found:
    """Take back by stage; an entry that the merge brought in stays, as its stage needs one."""
    if file.now is None or file.before is None or file.after is None:
        return _whole(file)
    try:
        now, before, after = map(entries.entries, (file.now, file.before, file.after))
    except InputError:
        return _left(file.now)
    text, done, left = file.now, [], []
    for stage in _differing(before, after):
        if now.get(stage) == before.get(stage):
            continue
        if stage in before and stage in now and now[stage] == after.get(stage):
            text = entries.with_entry(text, stage, before[stage])
            done.append(stage)
        else:
            left.append(stage)
    return _Found(text, done, left)


def _keys(file: _File) -> _Found:
    """Take back by key, comments and all else kept as they are."""
    if file.now == file.after or None in (file.now, file.before, file.after):
        return _whole(file)
    assert file.now is not None and file.before is not None and file.after is not None
    try:
        now, before, after = (
            dict(_leaves(_parsed(text, file.path))) for text in (file.now, file.before, file.after)
        )
    except ValueError:
        return _left(file.now)
    text, done, left = file.now, [], []
    for key in _differing(before, after):
        if (key in now, now.get(key)) == (key in before, before.get(key)):
            continue
        if all(key in some for some in (now, before, after)) and now[key] == after[key]:
            try:
                edit = ParamEdit(file=file.path, key=key, before=after[key], after=before[key])
                text = edited_text(text, [edit], file.path)
            except (InputError, ValueError):
                left.append(key)
            else:
                done.append(key)
        else:
            left.append(key)
    return _Found(text, done, left)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys((*before, *after))
    return [name for name in names if before.get(name) != after.get(name)]


def _parsed(text: str, path: str) -> Any:
    """Return a params file's content. Raises ValueError for one that is no YAML or JSON."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if not path.endswith((".yaml", ".yml", ".json")):
        raise ValueError("no YAML or JSON")
    try:
        return YAML(typ="safe").load(text)  # JSON is YAML
    except YAMLError as error:
        raise ValueError("cannot be parsed") from error


def _leaves(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no mapping by its dotted key."""
    if not isinstance(value, dict):
        yield above, value
        return
    for key, inner in value.items():
        yield from _leaves(inner, f"{above}.{key}" if above else str(key))
