"""An output by its hash, whatever the workspace holds: from DVC's cache, or the default remote.

It consists of objects: see `object_files`.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.dvc.checked import (
    CACHE_HINT,
    Held,
    cache_of,
    in_cache,
    refusal,
    remove_damaged,
)
from retouch.dvc.file_digests import KINDS, FileDigests, digests_of
from retouch.dvc.object_files import check_object, files_before_lists, place_object
from retouch.dvc.repository import open_repository
from retouch.errors import CheckFailed, InputError
from retouch.lockfile.entries import OBJECT, directory_listing
from retouch.system import files

if TYPE_CHECKING:
    from dvc.repo import Repo


def write_output(recorded: str, target: Path, *, root: Path) -> None:
    """Write the output that a `dvc.lock` records by this hash to `target`; what was there is gone.

    Only the cache of the project changes. Raises InputError when neither the cache nor a remote
    has it whole, and CheckFailed when what they have is damaged.
    """
    logging.getLogger("dvc").setLevel(logging.ERROR)  # what matters becomes our error
    files.remove(target)
    with open_repository(root) as repo:
        kind = _had(repo, recorded, root)
        for source, name in _files_of(repo, recorded, kind):
            path = target.joinpath(*name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        if recorded.endswith(".dir"):
            target.mkdir(parents=True, exist_ok=True)  # it may hold nothing


def objects_of(root: Path, outputs: Sequence[tuple[str, str]]) -> dict[str, Path]:
    """Return all objects these outputs consist of: name -> where DVC's cache has it.

    `outputs`: path and hash, as `dvc.lock` records them, of outputs that DVC caches; those of
    `cache: false` are in git. The files of a directory come before their list. What the cache lacks
    is fetched. Raises InputError when neither the cache nor a remote has an output whole, and
    CheckFailed when what they have is damaged.
    """
    found: dict[str, Path] = {}
    with open_repository(root) as repo:
        for path, recorded in outputs:
            try:
                found |= _objects(repo, recorded, root)
            except (InputError, CheckFailed) as error:
                raise type(error)(f"{path}: {error.message}", hint=error.hint) from None
    return found


def _objects(repo: Repo, recorded: str, root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the objects of one output. Raises InputError when it is nowhere to be had."""
    if not OBJECT.fullmatch(recorded):
        raise InputError(f"{recorded!r} is not the name of an object in DVC's cache.")
    if _had(repo, recorded, root) != "md5":
        raise InputError(
            "It was recorded by a DVC before version 3.", hint="Run it again: `dvc repro --force`."
        )
    for source, _ in _files_of(repo, recorded, "md5"):
        # The cache keeps an object in a folder named by the first two letters of its name.
        yield source.parent.name + source.name, source
    yield recorded, Path(cache_of(repo, "md5").oid_to_path(recorded))


def import_objects(root: Path, objects: Mapping[str, Path]) -> None:
    """Lay these objects, name -> file, into DVC's cache; what it has already is kept.

    All are looked at before the first is written, so that none comes in with another. Raises
    InputError when the bytes of one are not those of its name, or a directory is no list of files
    within it.
    """
    for name, source in objects.items():
        check_object(name, source)
    with open_repository(root) as repo:
        cache = cache_of(repo, "md5")
        for name in files_before_lists(objects):
            place_object(objects[name], Path(cache.oid_to_path(name)), name)


def push_objects(root: Path, objects: Mapping[str, Path]) -> int:
    """Send these objects to DVC's default remote; return how many were new there.

    They come into the cache first. The files of a directory are sent before their list. Raises
    InputError when one is not what its name says; CheckFailed when the remote does not take all of
    them.
    """
    from dvc_data.hashfile.hash_info import HashInfo

    import_objects(root, objects)
    if not objects:
        return 0
    lists = [name for name in sorted(objects) if name.endswith(".dir")]
    sent = 0
    with open_repository(root) as repo:
        for some in (sorted(objects.keys() - set(lists)), lists):
            try:
                done = repo.cloud.push([HashInfo("md5", name) for name in some])
            except Exception as error:  # each kind of storage has errors of its own
                reason = (str(error) or type(error).__name__).splitlines()[0]
                message = f"The outputs did not reach the remote: {reason.rstrip('.')}."
                raise CheckFailed(
                    message, hint="Check `dvc remote list`, or `retouch store open`."
                ) from None
            if done.failed:
                missed = f"{len(done.failed)} of {len(objects)} objects"
                raise CheckFailed(
                    f"{missed} could not be pushed to the remote.",
                    hint="Run the same command again.",
                )
            sent += len(done.transferred)
    return sent


def _had(repo: Repo, recorded: str, root: Path) -> str:
    """Have the output in the cache, whole and sound; return how it is hashed.

    Raises InputError when it is nowhere to be had, and CheckFailed for a damaged object, which is
    taken out of the cache.
    """
    digests = digests_of(root)
    known: frozenset[str] = frozenset()
    for kind in KINDS:
        held = in_cache(repo, recorded, kind, digests)
        _require_sound(repo, held, kind)
        if _is_whole(repo, recorded, kind):
            return kind
        known |= held.objects
    reason = ""
    for kind, remote in ((kind, remote) for kind in KINDS for remote in _remotes(repo)):
        try:
            _pull(repo, recorded, kind, remote)
        except Exception as error:  # each kind of storage has errors of its own
            reason = reason or f": {(str(error) or type(error).__name__).splitlines()[0]}"
        where = f"the remote {remote!r}"
        _require_sound(repo, in_cache(repo, recorded, kind, digests, where=where), kind)
        if _is_whole(repo, recorded, kind):
            return kind
    raise InputError(
        f"{recorded}: not in DVC's cache, and the remote does not have it{reason}.",
        hint="Check `dvc remote list`; whoever made it may not have pushed it: `dvc push`.",
    )


def _require_sound(repo: Repo, held: Held, kind: str) -> None:
    if held.damaged:
        remove_damaged(repo, held.damaged, kind)
        raise refusal(held.damaged, CACHE_HINT)


def _remotes(repo: Repo) -> list[str | None]:
    """Return the default remote, then those that outputs name for themselves."""
    default = repo.config["core"].get("remote")
    named = {out.remote for out in repo.index.outs if out.remote} - {default}
    return [default, *sorted(named)]


def _is_whole(repo: Repo, recorded: str, kind: str) -> bool:
    """Return whether the cache has the output, all files of a directory included."""
    if not cache_of(repo, kind).exists(recorded):
        return False
    return all(source.exists() for source, _ in _files_of(repo, recorded, kind))


def _pull(repo: Repo, recorded: str, kind: str, remote: str | None) -> None:
    """Ask the remote for the output: of a directory the list of its files, then these."""
    from dvc_data.hashfile.hash_info import HashInfo

    repo.cloud.pull([HashInfo(kind, recorded)], remote=remote)
    held = in_cache(repo, recorded, kind, FileDigests(None))
    if recorded.endswith(".dir") and recorded in held.objects and not held.damaged:
        missing = [at for at, _ in _files_of(repo, recorded, kind) if not at.exists()]
        # The cache keeps an object in a folder named by the first two letters of its hash.
        names = [HashInfo(kind, at.parent.name + at.name) for at in missing]
        repo.cloud.pull(names, remote=remote)


def _files_of(repo: Repo, recorded: str, kind: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the files of an output: where the cache has each, and its name below the output."""
    cache = cache_of(repo, kind)
    place = Path(cache.oid_to_path(recorded))
    if not recorded.endswith(".dir"):
        yield place, ()
        return
    for name, md5 in directory_listing(place.read_bytes()).items():
        yield Path(cache.oid_to_path(md5)), tuple(name.split("/"))
