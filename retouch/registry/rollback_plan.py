"""Which version is rolled back, which one is restored, and what the revert changes. Pure.

The plan follows from the tags alone. The revert undoes the changes of merged versions wherever the
base branch still has them: `dvc.lock` by stage, params files by key, outputs tracked by git by
file. What has changed since is left, and listed: a person decides. Alerts and reports stay, they
are the record.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from retouch.documents import Value
from retouch.errors import InputError, visible
from retouch.lockfile import entries
from retouch.policy.edits import ParamEdit, edited_text
from retouch.registry.registry import (
    CANARY,
    PROD,
    ModelRegistry,
    Stage,
    StageEvent,
    Version,
)
from retouch.registry.tags import Tag


@dataclass(frozen=True)
class RollbackPlan:
    """One rollback, and what of it is done."""

    bad: Version
    target: Version
    taken_out: Tag | None = None
    """The tag that removed the bad one; None: to be written."""
    put_in: Tag | None = None
    """The tag that assigned the restored one; None: to be written."""
    reason: str = ""
    """From the tag of one begun before."""
    forward: bool = False
    """It restores a newer version, which undoes a rollback: nothing is bad then."""
    reverted: str | None = None
    """The commit of the base branch that reverted the bad one, where that is why."""


class Move(Value):
    """A version is assigned to a stage, or removed from it."""

    kind: Literal["move"] = "move"
    action: Literal["assign", "unassign"]
    version: str
    commit: str
    stage: Stage
    details: Mapping[str, Any]
    """For the tag's message."""
    message: str


def rollback_moves(
    registry: ModelRegistry, found: RollbackPlan, *, base: str, reverted: str | None = None
) -> list[Move]:
    """Return the moves of a rollback that are left; the removal comes first.

    Readers that only look at the newest tag then find the restored version. `base`: the newest
    commit of the base branch. `reverted`: the commit that reverted the version there, where that is
    why it is rolled back: then a person may bring it back by another merge.
    """
    bad, target = found.bad, found.target
    why: dict[str, Any] = {"reason": found.reason, "base": base}
    reverted = reverted or found.reverted
    down: dict[str, Any] = (
        {"reverted": reverted} if reverted else {"rolled_back": not found.forward}
    )
    moves = []
    if found.taken_out is None:
        details = {**why, **down, "model": bad.hash, "to": target.name}
        moves.append(_move("unassign", bad, PROD, details))
    if found.put_in is None:
        details = {**why, "model": target.hash, "rollback_of": bad.name}
        moves.append(_move("assign", target, PROD, details))
    canaries = [event.version for event in registry.active(CANARY)]
    if not found.forward and bad in canaries and _still_down(registry, found):
        # Otherwise it would return to production once it passes.
        moves.append(_move("unassign", bad, CANARY, {**why, **down, "model": bad.hash}))
    return moves


def _still_down(registry: ModelRegistry, found: RollbackPlan) -> bool:
    """Tell whether nobody has assigned the bad version to the canary stage since."""
    if found.taken_out is None:
        return True
    last = [e for e in registry.active(CANARY) if e.version == found.bad][-1]
    return last.tag.order < found.taken_out.order


def _move(
    action: Literal["assign", "unassign"],
    version: Version,
    stage: Stage,
    details: Mapping[str, Any],
) -> Move:
    how = "is assigned to" if action == "assign" else "is removed from"
    return Move(
        action=action,
        version=version.name,
        commit=version.commit,
        stage=stage,
        details=details,
        message=f"{version.name} {how} {stage}",
    )


def plan_rollback(registry: ModelRegistry, to: str | None) -> RollbackPlan:
    """Return the rollback to carry out: one begun before, else a new one.

    A rollback that has begun is continued, unless another version is requested; one that is done is
    returned as done, so without a version no rollback is rolled back. Raises InputError when
    nothing is in production, or there is no version to restore.
    """
    begun = begun_rollback(registry)
    if begun is not None and to in (None, begun.target.name):
        return begun
    bad = registry.in_stage(PROD)
    if begun is not None and begun.put_in is None:
        raise InputError(
            f"A rollback from {begun.bad.name} to {begun.target.name} was interrupted.",
            hint="Finish it first: `retouch rollback`.",
        )
    if bad is None:
        raise InputError(
            f"No version of {registry.model} is in {PROD}, so there is none to roll back.",
            hint="See `retouch status`; tags come with `git fetch --tags`.",
        )
    return RollbackPlan(bad, _before(registry, bad) if to is None else _named(registry, to, bad))


def begun_rollback(registry: ModelRegistry) -> RollbackPlan | None:
    """Return the rollback recorded by the newest tags of the stage; None without one."""
    history = registry.history(PROD)
    for at in (len(history) - 1, len(history) - 2):
        if at < 0 or not _begins(history[at]):
            continue
        out, details = history[at], history[at].tag.details
        target = registry.find(str(details["to"]))
        rest = history[at + 1 :]
        own = [
            e for e in rest if e.assigns and e.tag.details.get("rollback_of") == out.version.name
        ]
        if target is None or not registry.is_up(target) or len(own) != len(rest):
            return None
        if any(event.version.commit != target.commit for event in own):
            return None
        put_in = own[-1].tag if own else None
        reason, forward = str(details.get("reason") or ""), details.get("rolled_back") is False
        by = details.get("reverted")
        reverted = by if isinstance(by, str) else None
        return RollbackPlan(out.version, target, out.tag, put_in, reason, forward, reverted)
    return None


def _begins(event: StageEvent) -> bool:
    return not event.assigns and isinstance(event.tag.details.get("to"), str)


def _before(registry: ModelRegistry, bad: Version) -> Version:
    """Return the version that was in production before, of those that may be restored."""
    for event in reversed(registry.history(PROD)):
        version = event.version
        if event.assigns and version.commit != bad.commit and _is_restorable(registry, version):
            return version
    raise InputError(
        f"No version was in {PROD} before {bad.name} that could be restored.",
        hint="Name one: `retouch rollback --to VERSION`.",
    )


def _is_restorable(registry: ModelRegistry, version: Version) -> bool:
    down = version.hash is not None and registry.blocked(version.hash) is not None
    return registry.is_up(version) and not down


def _named(registry: ModelRegistry, name: str, bad: Version) -> Version:
    found = registry.find(name)
    if found is None or not registry.is_up(found):
        known = ", ".join(version.name for version in registry.versions[-10:]) or "none"
        raise InputError(
            f"--to {visible(name)!r}: is not a registered version of {registry.model}; known:"
            f" {known}."
        )
    if found.commit == bad.commit:
        raise InputError(f"--to {found.name}: is already in {PROD}.", hint="See `retouch status`.")
    return found


class RecordedChange(Value):
    """A commit of the base branch in which the recorded model changed."""

    commit: str
    before: str | None
    """The hash that its first parent records; None: none."""
    after: str | None
    retrained: bool = False
    """A report was committed with it, or before the next change."""


def changes_to_revert(
    changes: Sequence[RecordedChange],
    *,
    bad: str | None,
    target: str | None,
    versions: Collection[str],
) -> tuple[RecordedChange, ...]:
    """Return the changes that lead from the restored model to the bad one, newest first.

    `changes`: those after the restored version up to the bad one, newest first. `bad`, `target`
    and `versions` are models' hashes. First comes the newest change to the bad one; before it,
    those to versions and by retrainings. Models that people built by hand in between stay.
    """
    found: list[RecordedChange] = []
    for change in changes:
        if found and found[-1].before == target:
            break
        is_bad = not found and bad in (None, change.after)
        if is_bad or (found and (change.retrained or change.after in versions)):
            found.append(change)
    return tuple(found)


def with_earlier_edits(merge: MergedVersion, edits: Sequence[ParamEdit]) -> MergedVersion:
    """Return what a version changed, with those of its edits that earlier commits made.

    A rebase merge makes commits of one retraining: the one with the lock may come after the one
    with the params. `merge` holds every params file that an edit names, before and after.
    """
    before = dict(merge.before)
    for edit in edits:
        text = before.get(edit.file)
        undo = ParamEdit(file=edit.file, key=edit.key, before=edit.after, after=edit.before)
        with contextlib.suppress(InputError, ValueError):  # it is among the changes, or gone
            if text is not None:
                before[edit.file] = edited_text(text, [undo], edit.file)
    return replace(merge, before=before)


_STAYS = ("alerts/", "reports/")
Texts = Mapping[str, str | None]
"""A file's text by its path; None: there is no such file."""


@dataclass(frozen=True)
class MergedVersion:
    """What one version changed on the base branch: the same files before it and with it."""

    version: str
    before: Texts
    after: Texts


@dataclass
class ReversePatch:
    """The files to commit, and what they revert and leave."""

    files: dict[str, str | None] = field(default_factory=dict)
    """Only files that change; None: it is deleted."""
    done: list[tuple[str, str]] = field(default_factory=list)
    """(file, stage or key; empty for the whole file)."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """The same, for what the base branch has changed since."""


@dataclass(frozen=True)
class RevertibleFiles:
    """Which files are reverted, besides lock files."""

    params_files: frozenset[str]
    tracked_outputs: frozenset[str]
    """Files or folders."""

    def method(self, path: str) -> Callable[[_File], _Reversal] | None:
        """Return how a file is reverted; None when it is not."""
        if path.rpartition("/")[2] == "dvc.lock":
            return _entries
        if path in self.params_files:
            return _keys
        outputs = self.tracked_outputs
        in_output = any(path == out or path.startswith(f"{out}/") for out in outputs)
        return _whole if in_output else None


def reverse_versions(
    now: Texts, merges: Sequence[MergedVersion], files: RevertibleFiles
) -> ReversePatch:
    """Revert versions, the newest first, in the files as the base branch has them now."""
    found, texts = ReversePatch(), dict(now)
    for merge in merges:
        for path in sorted({*merge.before, *merge.after}):
            before, after, here = merge.before.get(path), merge.after.get(path), texts.get(path)
            if path.startswith(_STAYS) or before == after or here == before:
                continue
            way = files.method(path)
            one = way(_File(path, here, before, after)) if way else _left_alone(here)
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
class _Reversal:
    text: str | None
    done: Sequence[str]
    left: Sequence[str]


def _left_alone(now: str | None) -> _Reversal:
    return _Reversal(now, [], [""])


def _whole(file: _File) -> _Reversal:
    if file.now == file.after:
        return _Reversal(file.before, [""], [])
    return _left_alone(file.now)


def _entries(file: _File) -> _Reversal:
    """Revert by stage; an entry the merge added stays, as its stage needs one."""
    if file.now is None or file.before is None or file.after is None:
        return _whole(file)
    try:
        now, before, after = map(entries.entries, (file.now, file.before, file.after))
    except InputError:
        return _left_alone(file.now)
    text, done, left = file.now, [], []
    for stage in _differing(before, after):
        if now.get(stage) == before.get(stage):
            continue
        if stage in before and stage in now and now[stage] == after.get(stage):
            text = entries.with_entry(text, stage, before[stage])
            done.append(stage)
        else:
            left.append(stage)
    return _Reversal(text, done, left)


def _keys(file: _File) -> _Reversal:
    """Revert by key; comments and everything else are kept."""
    if file.now == file.after or None in (file.now, file.before, file.after):
        return _whole(file)
    assert file.now is not None and file.before is not None and file.after is not None
    try:
        now, before, after = (
            dict(_leaves(_parsed(text, file.path))) for text in (file.now, file.before, file.after)
        )
    except ValueError:
        return _left_alone(file.now)
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
    return _Reversal(text, done, left)


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys((*before, *after))
    return [name for name in names if before.get(name) != after.get(name)]


def _parsed(text: str, path: str) -> Any:
    """Return a params file's content. Raises ValueError for one that is not YAML or JSON."""
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
