"""What an answer may change of `dvc.lock`, and of the data it speaks of. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping

from retouch.errors import InputError
from retouch.execution.model import Receipt
from retouch.jobs.packages.facts import BaseFacts, Readers, lock_of
from retouch.schema_errors import shown

_EMPTY_LOCK = "schema: '2.0'\nstages:\n"


def check_locks(
    files: Mapping[str, bytes], vouched: Mapping[str, Receipt], base: BaseFacts
) -> Iterator[str]:
    """Yield the stages whose entry changed. Raises InputError where no receipt vouches for that."""
    stages = {stage.name: stage for stage in base.pipeline.stages if stage.cmd}
    for path in sorted(base.lock_files):
        before = base.texts.get(path, "")
        after = _text(files[path], path) if path in files else before
        old, new = (dict(base.readers.entries(text)) for text in (before, after))
        if removed := sorted(old.keys() - new.keys()):
            raise InputError(f"{path}: the entry of {shown(removed[0])} was removed.")
        skeleton = _without(before, old.values()) if old else _EMPTY_LOCK
        if after != before and (
            _without(after, new.values()) != skeleton or [n for n in new if n in old] != list(old)
        ):
            raise InputError(f"{path}: more than its entries was changed.")
        for entry, text in new.items():
            stage = _stage_of(path, entry)
            receipt, digest = vouched.get(stage), base.readers.digest(text)
            if receipt is not None and receipt.entry != digest:
                raise InputError(
                    f"{path}: the entry of {shown(stage)} is not what its receipt says."
                )
            if old.get(entry) == text:
                continue
            known = stages.get(stage)
            if known is None or receipt is None:
                message = f"{path}: the entry of {shown(stage)} was changed, and no receipt"
                raise InputError(f"{message} vouches for that.")
            if dict(receipt.outputs) != dict(base.readers.outputs(after, known)):
                raise InputError(
                    f"{path}: {shown(stage)} made other outputs than its receipt says."
                )
            yield stage


def check_tracked(files: Mapping[str, bytes], changed: Collection[str], base: BaseFacts) -> None:
    """Raise InputError for an output in git that is not what a changed entry says it is."""
    recorded: dict[str, str] = {}
    for stage in base.pipeline.stages:
        if stage.name in changed:
            path = lock_of(stage.name)
            recorded |= base.readers.outputs(_text(files[path], path), stage)
            before = {out.path: out.recorded for out in stage.outputs if not out.cached}
            for path in before.keys() & recorded.keys():
                same = recorded[path] in (before[path], None) or recorded[path].endswith(".dir")
                if not same and path not in files:
                    raise InputError(
                        f"{path}: {shown(stage.name)} made it anew, and it is missing."
                    )
    for path, raw in files.items():
        if path in base.pipeline.params or path in base.lock_files or _is_ours(path, base):
            continue
        holder = next((o for o in recorded if path == o or path.startswith(f"{o}/")), None)
        is_folder = holder is not None and recorded[holder].endswith(".dir")
        if holder is None or not (is_folder or (path == holder and _md5(raw) == recorded[path])):
            raise InputError(f"{path}: is not what a stage of this run recorded.")


def _is_ours(path: str, base: BaseFacts) -> bool:
    outputs = base.tracked_outputs
    output = any(path == out or path.startswith(f"{out}/") for out in outputs)
    return path.startswith(("alerts/", "reports/")) and not output


def check_objects(
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes | None],
    changed: Collection[str],
    base: BaseFacts,
) -> None:
    """Raise InputError for an object that is missing, or that no changed entry speaks of."""
    wanted, old = set[str](), set[str]()
    for stage in base.pipeline.stages:
        cached = {out.path: out.recorded for out in stage.outputs if out.cached}
        old |= {recorded for recorded in cached.values() if recorded}
        if stage.name in changed:
            path = lock_of(stage.name)
            made = base.readers.outputs(_text(files[path], path), stage)
            wanted |= {recorded for path, recorded in made.items() if path in cached}
    if missing := sorted(wanted - old - set(objects)):
        raise InputError(f"objects/{missing[0]}: dvc.lock speaks of it, and it is missing.")
    for name in sorted(wanted & set(objects)):
        raw = objects[name]
        if name.endswith(".dir") and raw is not None:
            members = set(_listed(name, raw, base.readers))
            if missing := sorted(members - set(objects)):
                raise InputError(f"objects/{missing[0]}: {name} lists it, and it is missing.")
            wanted |= members
    if extra := sorted(set(objects) - wanted):
        raise InputError(f"objects/{shown(extra[0])}: no stage of this run recorded it.")


def _listed(name: str, raw: bytes, readers: Readers) -> Collection[str]:
    try:
        return readers.listed(raw).values()
    except (ValueError, RecursionError):
        raise InputError(f"objects/{name}: does not list the files of a directory.") from None


def _text(raw: bytes, path: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text (byte {error.start}).") from None


def _without(text: str, parts: Collection[str]) -> str:
    for part in parts:
        text = text.replace(part, "", 1)
    return text


def _stage_of(lock: str, entry: str) -> str:
    folder = lock.removesuffix("dvc.lock")
    return f"{folder}dvc.yaml:{entry}" if folder else entry


def _md5(raw: bytes) -> str:
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
