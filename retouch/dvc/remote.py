"""DVC's default remote: which it is, whether it answers, and which outputs it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retouch.dvc.repository import one_line, open_repository
from retouch.errors import CheckFailed, InputError

if TYPE_CHECKING:
    from dvc.repo import Repo

_KINDS = ("md5", "md5-dos2unix")


def missing_outputs(root: Path, outputs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the paths of the outputs that the cache and the default remote lack, whole or in part.

    `outputs`: path and hash. Data is looked for, not brought; only the lists of directories are.
    Raises InputError when the remote does not answer.
    """
    with open_repository(root) as repo:
        wanted = [(path, recorded, in_cache(repo, recorded)) for path, recorded in outputs]
        absent = [(path, recorded) for path, recorded, here in wanted if not here]
        if not absent:
            return ()
        try:
            remotes = _remotes(repo)
            return tuple(
                path
                for path, recorded in absent
                if not any(_there(repo, by_kind, recorded) for by_kind in remotes)
            )
        except Exception as error:  # each kind of storage has errors of its own
            message = f"The DVC remote cannot be listed: {_line(error)}."
            raise InputError(message, hint="Check `dvc remote list`.") from None


def in_cache(repo: Repo, recorded: str) -> bool:
    """Return whether the cache has an output, all files of a directory included."""
    return any(not _lacking(_cache(repo, kind), recorded, kind) for kind in _KINDS)


def _there(repo: Repo, remotes: dict[str, Any], recorded: str) -> bool:
    """Return whether the cache and the remote have all of an output between them."""
    from dvc_data.hashfile.hash_info import HashInfo

    for kind, remote in remotes.items():
        cache = _cache(repo, kind)
        if recorded.endswith(".dir") and not cache.exists(recorded) and remote.exists(recorded):
            repo.cloud.pull([HashInfo(kind, recorded)], odb=remote)
        lacking = _lacking(cache, recorded, kind)
        if _has(remote, lacking):
            return True
    return False


def _has(remote: Any, names: list[str]) -> bool:
    """Return whether a remote has all of these objects."""
    if remote.fs.protocol == "local":
        # Here `oids_exist` reads those that are not read-only, and deletes what it finds damaged.
        return all(remote.exists(name) for name in names)
    return set(remote.oids_exist(names)) >= set(names)


def _lacking(cache: Any, recorded: str, kind: str) -> list[str]:
    """Return the objects of an output that the cache lacks; of an unknown directory, its list."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree
    from dvc_objects.errors import ObjectFormatError

    if not cache.exists(recorded):
        return [recorded]
    if not recorded.endswith(".dir"):
        return []
    try:
        members = {item.value for _, _, item in Tree.load(cache, HashInfo(kind, recorded))}
    except ObjectFormatError:
        return [recorded]
    return sorted(member for member in members if not cache.exists(member))


def _remotes(repo: Repo) -> list[dict[str, Any]]:
    """Return the default remote, and those that outputs name, each by kind of hash."""
    default = repo.config["core"].get("remote")
    names = {default: None} | {out.remote: None for out in repo.index.outs if out.remote}
    return [
        {kind: repo.cloud.get_remote_odb(name, "verify", hash_name=kind) for kind in _KINDS}
        for name in names
        if name
    ]


def _cache(repo: Repo, kind: str) -> Any:
    return repo.cache.local if kind == "md5" else repo.cache.legacy


@dataclass(frozen=True)
class Remote:
    """A remote as the project's configuration names it."""

    name: str
    url: str

    @property
    def is_folder(self) -> bool:
        """It is a folder of this machine."""
        return "://" not in self.url


def default_remote(root: Path) -> Remote | None:
    """Return the default remote; None without one. Raises CheckFailed when DVC cannot open the
    project."""
    try:
        repo = open_repository(root)
    except InputError as error:
        raise CheckFailed(error.message, hint=error.hint) from None
    with repo:
        name = repo.config["core"].get("remote")
        if not name:
            return None
        return Remote(str(name), str(repo.config["remote"].get(name, {}).get("url", "")))


def remote_exists(root: Path, name: str) -> bool:
    """Return whether there is anything at a remote's address. Raises CheckFailed when it does not
    answer."""
    from dvc.exceptions import DvcException

    try:
        with open_repository(root) as repo:
            odb = repo.cloud.get_remote_odb(name=name)
            return bool(odb.fs.exists(odb.path))
    except InputError as error:
        raise CheckFailed(error.message, hint=error.hint) from None
    except (DvcException, OSError, ValueError, ImportError) as error:
        raise CheckFailed(_line(error)) from None


def _line(error: Exception) -> str:
    return one_line(error)[:300]
