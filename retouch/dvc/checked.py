"""Bytes compared with the digests that `dvc.lock` records: in the workspace, and in DVC's cache.

Whatever decides comes through here before it is read: production, candidate, canary, what scoring
and stages read, what a run made or restored. A name proves nothing: whoever can write to the remote
can lay other bytes under it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retouch.dvc.file_digests import KINDS, FileDigests, NotPlain, digests_of
from retouch.dvc.repository import open_repository
from retouch.errors import CheckFailed, InputError
from retouch.lockfile.entries import OBJECT, directory_listing
from retouch.pipeline.model import Output
from retouch.system import files

_SHOWN = 3


@dataclass(frozen=True)
class Damaged:
    """One file whose bytes are not those of the digest that is recorded."""

    path: str
    """Of a file in the workspace, from the root; or of the object."""
    expected: str
    """The digest."""
    found: str
    """The digest, or what lies there in its stead."""
    where: str
    """`the workspace`, `the cache of DVC`, `the remote 'store'`."""

    @property
    def message(self) -> str:
        """One clause, without a full stop."""
        return f"{self.path} ({self.where}): dvc.lock records {self.expected}, found {self.found}"


def refusal(damaged: Sequence[Damaged], hint: str) -> CheckFailed:
    """Return the error for bytes that were exchanged or damaged."""
    shown = "; ".join(one.message for one in damaged[:_SHOWN])
    more = f"; and {len(damaged) - _SHOWN} more" if len(damaged) > _SHOWN else ""
    return CheckFailed(
        f"Damaged or exchanged data, so nothing was decided by it: {shown}{more}.", hint=hint
    )


WORKSPACE_HINT = (
    "Put it back: `dvc checkout --force PATH`, or `dvc pull --force PATH`. If you changed it on"
    " purpose, record it first: `dvc commit PATH`."
)

CACHE_HINT = (
    "The bad copy was taken out of DVC's cache. Where the remote is sound, run the same command"
    " again; where it is not, push from a checkout that has the data: remove the object there, then"
    " `dvc push`. `retouch verify --data --hash` lists all that is damaged."
)


def require_recorded(outputs: Iterable[Output], *, root: Path, below: str = "") -> None:
    """Raise CheckFailed unless each output that lies in the workspace is what is recorded for it.

    `below`: a folder, from the root, that holds copies of the outputs at their own paths. One that
    is not there, or has never been recorded, is passed over: reading it fails by itself.
    """
    workspace, damaged = Workspace(root, below=below), []
    for output in outputs:
        path = f"{below}/{output.path}" if below else output.path
        damaged += workspace.damaged(path, output)
    if damaged:
        raise refusal(damaged, WORKSPACE_HINT)


def require_inputs(
    paths: Iterable[str],
    outputs: Mapping[str, Output],
    made: Mapping[str, str | None],
    *,
    root: Path,
) -> None:
    """Raise CheckFailed unless what a stage reads is as its makers recorded it.

    `paths`: what it reads: an output, a part of one, or a folder that holds several; those of no
    output are git's. `outputs`: all there are, by path. `made`: path -> hash of those that were
    recorded since.
    """
    workspace, damaged = Workspace(root), list[Damaged]()
    for path in dict.fromkeys(paths):
        around = next((str(p) for p in Path(path).parents if str(p) in outputs), None)
        if path in outputs:
            damaged += workspace.damaged(path, recorded_now(outputs[path], made))
        elif around is not None:
            damaged += workspace.damaged_part(path, recorded_now(outputs[around], made))
        else:
            inside = [p for p in outputs if p.startswith(f"{path}/")]
            for p in inside:
                damaged += workspace.damaged(p, recorded_now(outputs[p], made))
    if damaged:
        raise refusal(damaged, WORKSPACE_HINT)


def recorded_now(output: Output, made: Mapping[str, str | None]) -> Output:
    """Return the output as it is recorded since stages were run: `made`, path -> hash."""
    if output.path not in made:
        return output
    return output.model_copy(update={"recorded": made[output.path]})


class Workspace:
    """The digests of what lies in a checkout, as DVC makes them."""

    def __init__(self, root: Path, *, below: str = "") -> None:
        """`below`: a folder, from the root, with copies of outputs; empty for the outputs."""
        self._root, self._below = root, below
        self._digests = digests_of(root)
        self._ignore: Any = None
        self._cache_folders: dict[str, Path] | None = None

    def digest(self, path: str, kind: str = "md5") -> str | None:
        """Return the digest of a file, or of a directory; None when nothing is there.

        As DVC does, of a link to a file it takes the file, and passes over one to a directory:
        `damaged` is what refuses links. Raises InputError for what cannot be read.
        """
        place = self._root / path
        if not place.exists() or self._dvcignore.is_ignored(_localfs(), self._original(place)):
            return None
        try:
            if not place.is_dir():
                return self._digests.of(place.resolve(), kind)
            here = {n: at.resolve() for n, at in self._files(place).items() if not at.is_dir()}
            read = self._digests.of_all(here.values(), kind)
        except (OSError, NotPlain) as error:
            raise InputError(f"{path}: cannot be read: {error}.") from None
        return _listing_digest({name: read[file] for name, file in here.items()}, kind)

    def damaged(self, path: str, output: Output) -> list[Damaged]:
        """Return what of an output at `path` is not what is recorded, each file of a directory."""
        place, expected = self._root / path, output.recorded
        if expected is None or not files.is_there(place) or "://" in path:
            return []
        if (link := self._link_above(path)) is not None:
            return [Damaged(path, expected, f"{link} is a symbolic link", "the workspace")]
        if not OBJECT.fullmatch(expected):
            return [Damaged(path, expected, "no digest of DVC's", "the workspace")]
        # What an old DVC recorded may have been recorded anew since, by the other kind of hash.
        kinds = reversed(KINDS) if output.legacy else KINDS[:1]
        tried = [self._damaged_as(path, expected, kind) for kind in kinds]
        return [] if [] in tried else tried[0]

    def _damaged_as(self, path: str, expected: str, kind: str) -> list[Damaged]:
        place = self._root / path
        if not expected.endswith(".dir"):
            return self._damaged_files({path: place}, {path: expected}, kind)
        if not place.is_dir():
            return [Damaged(path, expected, "no directory", "the workspace")]
        return self._damaged_directory(path, expected, kind)

    def damaged_part(self, path: str, output: Output) -> list[Damaged]:
        """Return what of a part of a directory is not what its recorded list says.

        For when not all of it is here. Without its list, all of it is compared with the digest.
        """
        kind = KINDS[1] if output.legacy else KINDS[0]
        listed = self._listed(output.recorded or "", kind)
        if listed is None:
            return self.damaged(output.path, output)
        if (link := self._link_above(path)) is not None:
            found = f"{link} is a symbolic link"
            return [Damaged(path, output.recorded or "", found, "the workspace")]
        within = path.removeprefix(f"{output.path}/")
        wanted = {
            f"{output.path}/{name}": digest
            for name, digest in listed.items()
            if name == within or name.startswith(f"{within}/")
        }
        place = self._root / path
        here = self._files(place) if place.is_dir() else {"": place}
        places = {f"{path}/{name}".rstrip("/"): file for name, file in here.items()}
        return self._compared(places, wanted, kind)

    def _damaged_directory(self, path: str, expected: str, kind: str) -> list[Damaged]:
        here = {f"{path}/{name}": at for name, at in self._files(self._root / path).items()}
        refused = self._damaged_files(here, {}, kind)
        if refused:
            return refused
        if (found := self.digest(path, kind)) == expected:
            return []
        listed = self._listed(expected, kind)
        if listed is not None:
            wanted = {f"{path}/{name}": digest for name, digest in listed.items()}
            if named := self._compared(here, wanted, kind):
                return named
        return [Damaged(path, expected, str(found), "the workspace")]

    def _compared(
        self, places: Mapping[str, Path], wanted: Mapping[str, str], kind: str
    ) -> list[Damaged]:
        """Compare the files of a directory with its list: exchanged ones, missing, additional."""
        both = {path: place for path, place in places.items() if path in wanted}
        return [
            *self._damaged_files(both, wanted, kind),
            *(Damaged(p, wanted[p], "nothing", "the workspace") for p in wanted if p not in places),
            *(Damaged(p, "no such file", "one", "the workspace") for p in places.keys() - wanted),
        ]

    def _damaged_files(
        self, places: Mapping[str, Path], wanted: Mapping[str, str], kind: str
    ) -> list[Damaged]:
        """Compare files with their digests. Of those without one, only links are refused."""
        damaged: list[Damaged] = []
        real = {}
        for path, place in places.items():
            expected = wanted.get(path)
            target = self._target(place, expected, kind)
            if target is None:
                said = f"a symbolic link to {os.readlink(place)}"  # noqa: PTH115
                damaged.append(Damaged(path, expected or "a file", said, "the workspace"))
            elif expected is not None:
                real[path] = target
        damaged += _held(self._digests, real, wanted, kind, "the workspace")
        return sorted(damaged, key=lambda one: one.path)

    def _target(self, place: Path, expected: str | None, kind: str) -> Path | None:
        """Return the file itself, or the object of the cache that DVC has linked in its place.

        None for any other link.
        """
        if not place.is_symlink():
            return place
        target = Path(os.readlink(place))  # noqa: PTH115
        name = target.parent.name + target.name
        if not OBJECT.fullmatch(name) or expected not in (None, name):
            return None
        where = os.path.realpath(target.parent)
        folder = self._cache(kind) / name[:2]
        is_ours = where == os.path.realpath(folder) and not target.is_symlink()
        return target if is_ours and target.is_file() else None

    def _link_above(self, path: str) -> str | None:
        """Return the folder on the way to a path that is a link; None without one."""
        return next(
            (
                str(folder)
                for folder in list(Path(path).parents)[:-1]
                if not Path(path).is_absolute() and (self._root / folder).is_symlink()
            ),
            "it" if (self._root / path).is_dir() and (self._root / path).is_symlink() else None,
        )

    def _files(self, place: Path) -> dict[str, Path]:
        """Return the files below a folder by their path in it, but for those DVC ignores."""
        found = {}
        for where, below, within in os.walk(place):
            folders, names = self._dvcignore(self._original(Path(where)), below, within)
            below[:] = folders
            links = [name for name in folders if (Path(where) / name).is_symlink()]
            for name in (*names, *links):
                file = Path(where) / name
                found[file.relative_to(place).as_posix()] = file
        return found

    def _original(self, place: Path) -> str:
        """Return the path by which DVC decides whether to ignore a file: of a copy, its original's.

        Copies lie in a folder that a project may well have DVC ignore as a whole.
        """
        if not self._below:
            return str(place)
        return str(self._root / place.relative_to(self._root / self._below))

    def _listed(self, expected: str, kind: str) -> dict[str, str] | None:
        """Return what the list of a directory in DVC's cache says, if that is sound."""
        place = self._cache(kind) / expected[:2] / expected[2:]
        try:
            if self._digests.of(place) != expected.removesuffix(".dir"):
                return None
            return directory_listing(place.read_bytes())
        except (OSError, NotPlain, ValueError, RecursionError):
            return None

    @property
    def _dvcignore(self) -> Any:
        from dvc.ignore import DvcIgnoreFilter

        if self._ignore is None:
            self._ignore = DvcIgnoreFilter(_localfs(), str(self._root))
        return self._ignore

    def _cache(self, kind: str) -> Path:
        if self._cache_folders is None:
            with open_repository(self._root) as repo:
                self._cache_folders = {k: Path(cache_of(repo, k).path) for k in KINDS}
        return self._cache_folders[kind]


def _localfs() -> Any:
    from dvc.fs import localfs

    return localfs


def _listing_digest(listed: Mapping[str, str], kind: str) -> str:
    """Return the digest of a directory with these files, as DVC makes it."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    tree = Tree()  # type: ignore[no-untyped-call]
    for name, digest in listed.items():
        tree.add(tuple(name.split("/")), None, HashInfo(kind, digest))
    tree.digest()
    return str(tree.hash_info.value)


def _held(
    digests: FileDigests,
    places: Mapping[str, Path],
    wanted: Mapping[str, str],
    kind: str,
    where: str,
) -> Iterator[Damaged]:
    """Yield the files that are not those of their digests; all are read first, many at a time."""
    try:
        read = digests.of_all(places.values(), kind)
    except (NotPlain, OSError):
        read = {}  # one of them cannot be read: each by itself says which
    for path, place in places.items():
        expected = wanted[path].removesuffix(".dir")
        try:
            found = read.get(place) or digests.of(place, kind)
        except NotPlain as error:
            found = str(error)
        except OSError as error:
            found = f"nothing that can be read ({error.strerror})"
        if found != expected:
            yield Damaged(path, wanted[path], found, where)


def cache_of(repo: Any, kind: str) -> Any:
    """Return DVC's cache of objects of a kind."""
    return repo.cache.local if kind == KINDS[0] else repo.cache.legacy


@dataclass(frozen=True)
class Held:
    """What was found of one output in DVC's cache."""

    objects: frozenset[str]
    """Those that are there."""
    damaged: tuple[Damaged, ...]


def in_cache(
    repo: Any, recorded: str, kind: str, digests: FileDigests, *, path: str = "", where: str = ""
) -> Held:
    """Compare the objects of one output that are in DVC's cache with their names.

    `path`: of the output, for messages. Nothing is removed.
    """
    cache, where = cache_of(repo, kind), where or "the cache of DVC"
    places = {recorded: Path(cache.oid_to_path(recorded))}
    names = {recorded: path}
    damaged = _held_objects(digests, places, names, kind, where)
    if damaged or not recorded.endswith(".dir") or not files.is_there(places[recorded]):
        return Held(frozenset(n for n, at in places.items() if files.is_there(at)), tuple(damaged))
    try:
        listed = directory_listing(places[recorded].read_bytes())
    except (ValueError, RecursionError) as error:
        return Held(
            frozenset(places),
            (Damaged(path or recorded, recorded, f"no list of its files: {error}", where),),
        )
    members = {name: Path(cache.oid_to_path(name)) for name in listed.values()}
    names |= {name: f"{path}/{file}" if path else file for file, name in listed.items()}
    there = {name: at for name, at in members.items() if files.is_there(at)}
    damaged = _held_objects(digests, there, names, kind, where)
    return Held(frozenset({recorded, *there}), tuple(damaged))


def _held_objects(
    digests: FileDigests,
    places: Mapping[str, Path],
    names: Mapping[str, str],
    kind: str,
    where: str,
) -> list[Damaged]:
    lists = {name: at for name, at in places.items() if name.endswith(".dir")}
    others = {name: at for name, at in places.items() if name not in lists}
    found: list[Damaged] = []
    for some, how in ((lists, KINDS[0]), (others, kind)):
        there = {name: at for name, at in some.items() if files.is_there(at)}
        held = _held(digests, there, {name: name for name in there}, how, where)
        found += [
            Damaged(names[one.path] or one.path, one.expected, one.found, where) for one in held
        ]
    return found


def remove_damaged(repo: Any, damaged: Iterable[Damaged], kind: str) -> None:
    """Take damaged objects out of DVC's cache, so that it fetches them again."""
    for one in damaged:
        if OBJECT.fullmatch(one.expected):
            files.remove(Path(cache_of(repo, kind).oid_to_path(one.expected)))


def to_json(damaged: Iterable[Damaged]) -> str:
    """Return them as text, for another process."""
    return json.dumps([vars(one) for one in damaged])


def from_json(text: str) -> list[Damaged]:
    """Return what `to_json` has written."""
    return [Damaged(**one) for one in json.loads(text)]
