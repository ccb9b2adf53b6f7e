"""What a retraining may change of `dvc.lock`, and of the data its entries name. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping

from retouch.errors import InputError
from retouch.execution.model import Receipt
from retouch.jobs.packages.base_facts import BaseFacts
from retouch.lockfile.entries import entries, entry_digest, listed_in, lock_file_of, outputs_in
from retouch.pipeline.model import Stage
from retouch.schema_errors import shown

_EMPTY_LOCK = "schema: '2.0'\nstages:\n"


def check_locks(
    files: Mapping[str, bytes], receipts: Mapping[str, Receipt], base: BaseFacts
) -> Iterator[str]:
    """Yield the stages whose entry changed.

    `receipts`: of the kept candidate, by stage. Raises InputError for a change that none records.
    """
    stages = {stage.name: stage for stage in base.pipeline.stages if stage.cmd}
    for path in sorted(base.writable.lock_files):
        before = base.texts.get(path, "")
        after = _text(files[path], path) if path in files else before
        old, new = entries(before), entries(after)
        _check_rest(path, before, after, old, new)
        for entry, text in new.items():
            stage = _stage_of(path, entry)
            receipt = receipts.get(stage)
            if receipt is not None and receipt.entry != entry_digest(text):
                raise InputError(
                    f"{path}: the entry of {shown(stage)} is not the one its receipt records."
                )
            if old.get(entry) != text:
                _check_change(path, after, stages.get(stage), stage, receipt)
                yield stage


def _check_rest(
    path: str, before: str, after: str, old: Mapping[str, str], new: Mapping[str, str]
) -> None:
    """Raise InputError where anything but the text of entries changed."""
    if removed := sorted(old.keys() - new.keys()):
        raise InputError(f"{path}: the entry of {shown(removed[0])} was removed.")
    frame = _without(before, old.values()) if old else _EMPTY_LOCK
    if after != before and (
        _without(after, new.values()) != frame or [n for n in new if n in old] != list(old)
    ):
        raise InputError(f"{path}: more than its entries was changed.")


def _check_change(
    path: str, after: str, known: Stage | None, stage: str, receipt: Receipt | None
) -> None:
    if known is None or receipt is None:
        raise InputError(
            f"{path}: the entry of {shown(stage)} was changed, and no receipt records that."
        )
    if dict(receipt.outputs) != outputs_in(after, known):
        raise InputError(f"{path}: {shown(stage)} has other outputs than its receipt records.")


def check_tracked(files: Mapping[str, bytes], changed: Collection[str], base: BaseFacts) -> None:
    """Raise InputError for an output tracked by git that does not match its changed lock entry."""
    recorded: dict[str, str] = {}
    for stage in base.pipeline.stages:
        if stage.name in changed:
            path = lock_file_of(stage.name)
            recorded |= outputs_in(_text(files[path], path), stage)
            before = {out.path: out.recorded for out in stage.outputs if not out.cached}
            for path in before.keys() & recorded.keys():
                same = recorded[path] in (before[path], None) or recorded[path].endswith(".dir")
                if not same and path not in files:
                    raise InputError(
                        f"{path}: is missing from the package, and {shown(stage.name)} changed it."
                    )
    for path, raw in files.items():
        if path in base.writable.params_files or path in base.writable.lock_files:
            continue
        if path.startswith(("alerts/", "reports/")) and not base.writable.has_output(path):
            continue
        holder = next((o for o in recorded if path == o or path.startswith(f"{o}/")), None)
        is_folder = holder is not None and recorded[holder].endswith(".dir")
        if holder is None or not (is_folder or (path == holder and _md5(raw) == recorded[path])):
            raise InputError(f"{path}: is not what a stage of this run recorded.")


def check_objects(
    files: Mapping[str, bytes],
    objects: Mapping[str, bytes | None],
    changed: Collection[str],
    base: BaseFacts,
) -> None:
    """Raise InputError for an object that is missing, or that no changed entry names."""
    wanted, old = set[str](), set[str]()
    for stage in base.pipeline.stages:
        cached = {out.path: out.recorded for out in stage.outputs if out.cached}
        old |= {recorded for recorded in cached.values() if recorded}
        if stage.name in changed:
            path = lock_file_of(stage.name)
            made = outputs_in(_text(files[path], path), stage)
            wanted |= {recorded for path, recorded in made.items() if path in cached}
    if missing := sorted(wanted - old - set(objects)):
        raise InputError(f"objects/{missing[0]}: is missing, and dvc.lock names it.")
    for name in sorted(wanted & set(objects)):
        raw = objects[name]
        if name.endswith(".dir") and raw is not None:
            members = _members(name, raw)
            if missing := sorted(members - set(objects)):
                raise InputError(f"objects/{missing[0]}: is missing, and {name} lists it.")
            wanted |= members
    if extra := sorted(set(objects) - wanted):
        raise InputError(f"objects/{shown(extra[0])}: no stage of this run recorded it.")


def _members(name: str, raw: bytes) -> set[str]:
    try:
        return set(listed_in(raw).values())
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
