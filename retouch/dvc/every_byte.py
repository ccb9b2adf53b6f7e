"""Read every byte that a commit's outputs consist of, in DVC's cache and on the remotes.

Nothing is remembered and nothing is brought: objects of a remote are read and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.dvc.checked import Damaged, in_cache
from retouch.dvc.file_digests import KINDS, FileDigests, digest_of
from retouch.dvc.repository import one_line, open_repository
from retouch.errors import InputError
from retouch.lockfile.entries import OBJECT, directory_listing


def damaged_outputs(
    root: Path,
    outputs: Iterable[tuple[str, str]],
    *,
    jobs: int,
    watch: Callable[[str], None] = lambda _path: None,
) -> tuple[Damaged, ...]:
    """Return every file of these outputs whose bytes are not those of its digest.

    `outputs`: path and hash, as `dvc.lock` records them. `jobs`: how many objects of a remote are
    read at the same time. `watch` is called with the path of each output before it is read. What is
    missing is no matter here. Raises InputError when a remote does not answer.
    """
    with open_repository(root) as repo:
        named = {str(out): out.remote for out in repo.index.outs if out.remote}
        default = repo.config["core"].get("remote")
        found: dict[Damaged, None] = {}
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            for path, recorded in outputs:
                watch(path)
                output = _Output(repo, path, recorded, named.get(path, default), pool)
                found |= dict.fromkeys(output.damaged())
        return tuple(found)


@dataclass(frozen=True)
class _Output:
    """One output, and the remote it belongs to."""

    repo: Any
    path: str
    recorded: str
    remote: str | None
    pool: ThreadPoolExecutor

    def damaged(self) -> list[Damaged]:
        """Look where DVC of today keeps it, then where a DVC before version 3 did."""
        if not OBJECT.fullmatch(self.recorded):
            said = "is not the name of an object"
            return [Damaged(self.path, self.recorded, said, "dvc.lock")]
        found: list[Damaged] = []
        for kind in KINDS:
            held = in_cache(self.repo, self.recorded, kind, FileDigests(None), path=self.path)
            found += held.damaged
            found += self._at_remote(kind) if self.remote is not None else ()
        return found

    def _at_remote(self, kind: str) -> list[Damaged]:
        try:
            odb = self.repo.cloud.get_remote_odb(self.remote, "verify", hash_name=kind)
            if not self.recorded.endswith(".dir"):
                return list(self._compared(odb, {self.recorded: self.path}, kind))
            if wrong := list(self._compared(odb, {self.recorded: self.path}, KINDS[0])):
                return wrong
            names = {md5: f"{self.path}/{name}" for name, md5 in self._listed(odb).items()}
            return list(self._compared(odb, names, kind))
        except InputError:
            raise
        except Exception as error:  # each kind of storage has errors of its own
            message = f"The remote {self.remote!r} cannot be read: {one_line(error)}."
            raise InputError(message, hint="Check `dvc remote list`.") from None

    def _listed(self, odb: Any) -> Mapping[str, str]:
        """Return the files of the directory; none when the remote does not have its list."""
        try:
            with odb.fs.open(odb.oid_to_path(self.recorded), "rb") as file:
                return directory_listing(file.read())
        except FileNotFoundError:
            return {}
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.path}: {self.recorded} is no list: {error}.") from None

    def _compared(self, odb: Any, names: Mapping[str, str], kind: str) -> Iterator[Damaged]:
        where = f"the remote {self.remote!r}"
        read = self.pool.map(lambda name: _digest(odb, name, kind), names)
        for name, found in zip(names, read, strict=True):
            if found not in (None, name.removesuffix(".dir")):
                yield Damaged(names[name], name, str(found), where)


def _digest(odb: Any, name: str, kind: str) -> str | None:
    """Return the digest of an object of a remote; None when it does not have it."""
    place = odb.oid_to_path(name)
    if odb.fs.protocol == "local" and Path(place).is_symlink():
        return "a symbolic link"
    try:
        with odb.fs.open(place, "rb") as file:
            return digest_of(file, kind)
    except FileNotFoundError:
        return None
