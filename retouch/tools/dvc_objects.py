"""An output by its hash, whatever the workspace holds: from DVC's cache, or the default remote."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.errors import BadInput
from retouch.tools import files

if TYPE_CHECKING:
    from dvc.repo import Repo

_KINDS = ("md5", "md5-dos2unix")
"""How DVC hashes; the second is what it did before version 3."""


def write_output(recorded: str, target: Path, *, root: Path) -> None:
    """Write the output that a `dvc.lock` records by this hash to `target`; what was there is gone.

    Only the cache of the project changes. Raises BadInput when neither the cache nor the remote has
    it whole.
    """
    from dvc.repo import Repo

    files.remove(target)
    with Repo(str(root)) as repo:
        kind = next((kind for kind in _KINDS if _in_cache(repo, recorded, kind)), None)
        kind = kind or _fetched(repo, recorded)
        for source, name in _files_of(repo, recorded, kind):
            path = target.joinpath(*name)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)
        if recorded.endswith(".dir"):
            target.mkdir(parents=True, exist_ok=True)  # it may hold nothing


def _in_cache(repo: Repo, recorded: str, kind: str) -> bool:
    """Say whether the cache has the output, all files of a directory included."""
    if not _cache(repo, kind).exists(recorded):
        return False
    return all(source.exists() for source, _ in _files_of(repo, recorded, kind))


def _fetched(repo: Repo, recorded: str) -> str:
    """Bring the output into the cache; return how it is hashed. Raises BadInput."""
    reason = ""
    for kind in _KINDS:
        try:
            _pull(repo, recorded, kind)
        except Exception as error:  # each kind of storage has errors of its own
            reason = reason or f": {(str(error) or type(error).__name__).splitlines()[0]}"
        if _in_cache(repo, recorded, kind):
            return kind
    raise BadInput(
        f"{recorded}: not in DVC's cache, and the remote does not give it{reason}.",
        mend="Check `dvc remote list`; whoever made it may not have pushed it: `dvc push`.",
    )


def _pull(repo: Repo, recorded: str, kind: str) -> None:
    """Ask the remote for the output: of a directory the list of its files, then these."""
    from dvc_data.hashfile.hash_info import HashInfo

    repo.cloud.pull([HashInfo(kind, recorded)])
    if recorded.endswith(".dir") and _cache(repo, kind).exists(recorded):
        missing = [at for at, _ in _files_of(repo, recorded, kind) if not at.exists()]
        # The cache keeps an object in a folder named by the first two letters of its hash.
        repo.cloud.pull([HashInfo(kind, at.parent.name + at.name) for at in missing])


def _files_of(repo: Repo, recorded: str, kind: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the files of an output: where the cache has each, and its name below the output."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    cache = _cache(repo, kind)
    if not recorded.endswith(".dir"):
        yield _whole(Path(cache.oid_to_path(recorded)), recorded, kind), ()
        return
    _whole(Path(cache.oid_to_path(recorded)), recorded, kind)
    for name, _, item in Tree.load(cache, HashInfo(kind, recorded)):
        if ".." in name:
            raise BadInput(f"{recorded}: names a file outside of its directory: {'/'.join(name)}.")
        yield _whole(Path(cache.oid_to_path(item.value)), item.value, kind), name


def _whole(path: Path, recorded: str, kind: str) -> Path:
    """Return the path of an object. Raises BadInput when its bytes are not those of its hash."""
    if kind == "md5" and path.exists():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        if found.hexdigest() != recorded.removesuffix(".dir"):
            raise BadInput(
                f"{path}: DVC's cache is damaged: the file is not the one of its hash.",
                mend="Remove it; then `dvc fetch` brings it again.",
            )
    return path


def _cache(repo: Repo, kind: str) -> Any:
    return repo.cache.local if kind == "md5" else repo.cache.legacy
