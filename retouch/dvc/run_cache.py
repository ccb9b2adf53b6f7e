"""Teach DVC's run cache what another branch's `dvc.lock` says was made of what.

A later `dvc repro` with the same inputs then brings the outputs instead of running the stage. The
run cache itself need not travel: an http remote has none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.dvc import objects
from retouch.dvc.index import first_line
from retouch.dvc.remote import in_cache
from retouch.errors import InputError
from retouch.lockfile.entries import entries, entry_digest
from retouch.system import files

if TYPE_CHECKING:
    from dvc.repo import Repo


def seed(
    root: Path,
    lock_texts: Mapping[str, str],
    *,
    fetch: bool = True,
    kept_by_git: Mapping[str, bytes] | None = None,
) -> tuple[str, ...]:
    """Put the runs that these locks record into DVC's run cache; return the stages it now knows.

    `lock_texts`: path of a lock from the root -> its text on the other branch. `fetch`: bring the
    outputs that the cache lacks from the remote. `kept_by_git`: outputs of `cache: false` as that
    branch has them, by their path; DVC wants them in its cache to restore a run.

    Left out are entries that the workspace has itself, that do not fit dvc.yaml as it is here (the
    command, what is read, what is made), that DVC would not restore, and those whose outputs cannot
    be had. The workspace does not change. The entries are trusted: seed from a branch that
    only we write to. Raises InputError for a lock that cannot be read.
    """
    wanted = dict(_other_entries(root, lock_texts))
    if not wanted:
        return ()
    repo = _open(root)
    try:
        return tuple(
            address
            for address, stage in _fitting(repo, wanted)
            if _have_outputs(root, stage, fetch, kept_by_git or {}) and _save(stage)
        )
    finally:
        repo.close()


def _other_entries(root: Path, lock_texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield address and text of the entries that are not as the workspace has them."""
    for lock, text in lock_texts.items():
        here = root / lock
        ours = entries(files.read_text(here), lock) if here.exists() else {}
        known = {name: entry_digest(entry) for name, entry in ours.items()}
        folder = lock.removesuffix("dvc.lock")
        for name, entry in entries(text, lock).items():
            if known.get(name) != entry_digest(entry):
                yield (f"{folder}dvc.yaml:{name}" if folder else name), entry


def _open(root: Path) -> Repo:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        return Repo(str(root))
    except DvcException as error:
        raise InputError(f"{root}: DVC cannot open the project: {first_line(error)}") from None


def _fitting(repo: Repo, wanted: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Return the stages of dvc.yaml that may have been run so, filled in with what was recorded."""
    from dvc.exceptions import DvcException
    from dvc.stage.loader import StageLoader
    from dvc.stage.serialize import to_single_stage_lockfile

    try:
        stages = list(repo.index.stages)
    except DvcException as error:
        raise InputError(f"DVC cannot read the pipeline: {first_line(error)}") from None
    found = []
    for stage in stages:
        address = _address(repo, stage)
        if address not in wanted:
            continue
        recorded = _parsed(wanted[address])
        StageLoader.fill_from_lock(stage, recorded)
        try:
            as_filled = to_single_stage_lockfile(stage)
        except (AssertionError, DvcException):  # it reads or makes what the entry knows nothing of
            continue
        if _plain(as_filled) == _plain(recorded):
            found.append((address, stage))
    return found


def _address(repo: Repo, stage: Any) -> str:
    folder = Path(stage.path).parent.relative_to(repo.root_dir).as_posix()
    name = getattr(stage, "name", None) or ""
    return name if folder == "." else f"{folder}/dvc.yaml:{name}"


def _parsed(entry: str) -> dict[str, Any]:
    """Return the content of one entry as DVC itself reads it."""
    from dvc.utils.serialize import parse_yaml

    read = parse_yaml(f"stages:\n{entry}", "dvc.lock")
    return dict(next(iter(read["stages"].values())))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _have_outputs(root: Path, stage: Any, fetch: bool, kept: Mapping[str, bytes]) -> bool:
    """Have the objects of all outputs in the cache, as far as they can be had."""
    wanted = []
    for out in stage.outs:
        path = Path(out.fs_path).relative_to(root.resolve()).as_posix()
        recorded = str(out.hash_info.value)
        if in_cache(stage.repo, recorded):
            continue
        raw = kept.get(path)
        if raw is not None and hashlib.md5(raw, usedforsecurity=False).hexdigest() == recorded:
            stage.repo.cache.local.add_bytes(recorded, raw)
        else:
            wanted.append((path, recorded))
    if not wanted:
        return True
    if not fetch:
        return False
    try:
        objects.objects_of(root, wanted)
    except InputError:
        return False
    return True


def _save(stage: Any) -> bool:
    """Write the run where DVC looks for it: as the newest with these inputs, which it takes.

    DVC's own `StageCache.save` is for a stage that has just run: it looks at the workspace. Returns
    whether it is a stage that DVC restores.
    """
    from dvc.stage.cache import StageCache, _get_cache_hash
    from dvc.stage.serialize import to_single_stage_lockfile
    from dvc.utils.serialize import dumps_yaml

    if not _is_restorable(stage):
        return False
    inputs = _get_cache_hash(to_single_stage_lockfile(stage), key=True)
    run = to_single_stage_lockfile(stage)
    path = Path(StageCache(stage.repo)._get_cache_path(inputs, _get_cache_hash(run)))
    files.write_text(path, dumps_yaml(run))
    return True


def _is_restorable(stage: Any) -> bool:
    """Return whether DVC restores such a stage: its own rules, without the workspace."""
    if stage.is_callback or stage.always_changed or not (stage.cmd and stage.deps and stage.outs):
        return False
    deps = all(dep.protocol == "local" and dep.def_path and dep.hash_info for dep in stage.deps)
    return deps and all(
        out.protocol == "local" and out.def_path and not out.persist and out.is_in_repo
        for out in stage.outs
    )
