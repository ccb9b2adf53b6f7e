"""DVC's data on a branch of the repository itself: a remote that needs no account elsewhere.

The branch is kept in `.retouch/store`, which DVC uses as a local remote; `push` sends what is new
there to the branch. An object is named by its content, so two writers never conflict: if a push is
refused because another was first, its objects are added on top and pushed again. `collect` removes
what no branch and no tag needs, by rewriting the history of the branch.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retouch.dvc import dvc
from retouch.dvc import objects as dvc_objects
from retouch.dvc.object_files import check_object, outputs_of_object, recorded_in, records_outputs
from retouch.errors import CheckFailed, InputError
from retouch.git import git
from retouch.git_remote.branch import REMOTE, Branch
from retouch.git_remote.config import (
    FOLDER,
    configure_dvc,
    default_remote,
    keep_out_of_git,
    remote_name,
)
from retouch.lockfile.entries import OBJECT, directory_listing
from retouch.system import files
from retouch.system.processes import Finished, run

BRANCH = "dvc-store"
FILE_BYTES = 100 * 2**20
"""GitHub takes no larger file."""
PUSH_BYTES = 2 * 2**30
"""Nor more in one push."""
_CHOSEN = Path(".retouch/store.branch")
_PLACE = re.compile(r"files/md5/([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
_OLD_PLACE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")
_HOPELESS = re.compile(
    r"authentication failed|could not read username|permission|denied|\b40[13]\b|GH\d{3}"
    r"|protected branch|hook declined|not appear to be a git repository|repository.* not found",
    re.IGNORECASE,
)
_PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class PushRetries:
    """How often a push is tried, and how long it waits in between."""

    times: int = 10
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    """Drawn evenly from 0 to 1: writers that met once should not meet again."""

    def pause(self, attempt: int) -> None:
        """Wait after this attempt, the first being 1."""
        self.sleep(min(8.0, 0.25 * 2**attempt) * (0.25 + self.jitter()))


@dataclass(frozen=True)
class Store:
    """The branch as it is laid out here."""

    branch: Branch
    remote: str
    """What DVC knows it by."""
    default: bool
    """Whether it is DVC's default remote; a person may have chosen another."""


def open_store(root: Path, *, branch: str = BRANCH) -> Store:
    """Fetch the branch, lay it out in `.retouch/store`, and make that DVC's default remote here.

    Without a branch the store is empty, and the first push makes it. Nothing that is committed
    changes: DVC is configured in `.dvc/config.local`, where an own default remote stays. Raises
    InputError.
    """
    _require_remote(root)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*", branch) or ".." in branch:
        raise InputError(f"{branch!r} is not a valid branch name.")
    here = Branch(root, root / FOLDER, branch)
    with exclusive_lock(root):
        keep_out_of_git(root)
        here.lay_out(here.newest())
        files.write_text(root / _CHOSEN, f"{branch}\n")
        remote, default = configure_dvc(root)
    return Store(here, remote, default)


def opened(root: Path) -> Store | None:
    """Return the store that was opened here, None when there is none."""
    if not (root / _CHOSEN).exists() or not (root / FOLDER).is_dir():
        return None
    name = files.read_text(root / _CHOSEN, limit=1000).strip()
    remote = remote_name(root)
    if remote is None:
        return None
    default = default_remote(root) == remote
    return Store(Branch(root, root / FOLDER, name), remote, default)


def begin_store(store: Store, *, trying: PushRetries | None = None) -> None:
    """See to it that the branch is there, if only as an empty one. Raises CheckFailed."""
    with exclusive_lock(store.branch.root):
        _land(store.branch, {}, trying or PushRetries(), even_nothing=True)


def push_store(store: Store, *, trying: PushRetries | None = None) -> int:
    """Send what `dvc push` put into the folder to the branch; return how many objects were new.

    Raises InputError for a file that GitHub does not take, before anything is sent; CheckFailed
    when the remote takes nothing.
    """
    branch = store.branch
    with exclusive_lock(branch.root):
        branch.newest()  # if it is gone, all that is here is new to it
        branch.require_no_links()
        known = branch.laid_out()
        new = {path: at for path, at in _on_disk(branch.folder).items() if path not in known}
        objects = {name_of(path): at for path, at in new.items()}
        _check(branch.root, objects)
        return _land(branch, objects, trying or PushRetries())


def push_stages(stages: Iterable[str], *, root: Path) -> None:
    """Send the outputs of these stages to the default remote; if it is the store, to its branch.

    Raises CheckFailed when they do not get there.
    """
    dvc.push(stages, root=root)
    store = opened(root)
    if store is not None and store.default:
        push_store(store)


def push_objects(
    root: Path, objects: Mapping[str, Path], *, trying: PushRetries | None = None
) -> int:
    """Send these objects, name -> file, to DVC's default remote; return how many were new there.

    Where that is the store, they go to its branch, all in one commit. Raises InputError when one is
    not what its name says, before anything is sent; CheckFailed when the remote does not take them.
    """
    store = opened(root)
    if store is None or not store.default:
        return dvc_objects.push_objects(root, objects)
    _check(root, objects)
    with exclusive_lock(root):
        return _land(store.branch, objects, trying or PushRetries())


def _land(
    branch: Branch, objects: Mapping[str, Path], trying: PushRetries, *, even_nothing: bool = False
) -> int:
    """Put the objects on top of the branch; return how many it lacked at first."""
    wanted = {place_of(name): path for name, path in objects.items()}
    lacked: list[int] = []

    def on_top(newest: str) -> str | None:
        new = branch.other_content(newest, wanted)
        lacked.append(len(new))
        if not new:
            return newest if even_nothing else None
        return branch.commit(newest, new, f"Add {len(new)} object{'' if len(new) == 1 else 's'}")

    publish(branch, on_top, trying)
    if lacked[-1]:
        _read_back(branch, wanted)
    return lacked[0]


def _read_back(branch: Branch, wanted: Mapping[str, Path]) -> None:
    """Raise CheckFailed unless the branch has all of it now, as the remote gives it back."""
    lost = branch.other_content(branch.newest(), wanted)
    if lost:
        names = ", ".join(map(name_of, list(lost)[:3]))
        raise CheckFailed(
            f"The branch {branch.name!r} took the data, but lacks {len(lost)} of"
            f" {len(wanted)} objects now: {names}.",
            hint="Somebody may have cleaned it up meanwhile. Again: `retouch store push`.",
        )


def publish(
    branch: Branch, make: Callable[[str], str | None], trying: PushRetries, *, anew: bool = False
) -> None:
    """Bring a commit to the branch, made once more each time that another writer came first.

    `make` is given the newest commit and returns one to follow it, or, `anew`, to take its place;
    None: there is nothing to do. Raises CheckFailed when none is taken.
    """
    for attempt in range(1, trying.times + 1):
        newest = branch.newest()
        commit = make(newest)
        if commit is None:
            branch.lay_out(newest)
            return
        done = branch.push(commit, instead_of=newest if anew else None)
        if not done.exit_code:
            branch.lay_out(commit)
            return
        if _HOPELESS.search(done.output):
            break
        if attempt < trying.times:
            trying.pause(attempt)
    raise _given_up(branch, done, attempt)


def _given_up(branch: Branch, done: Finished, attempts: int) -> CheckFailed:
    tried = "once" if attempts == 1 else f"{attempts} times"
    return CheckFailed(
        f"The branch {branch.name!r} did not accept the data, pushed {tried}; git said:"
        f" {git.error_text(done.output)}.",
        hint="Nothing of it is there yet. Again: `retouch store push`.",
    )


def _check(root: Path, objects: Mapping[str, Path]) -> None:
    """Raise InputError unless all objects are what their names say, and GitHub takes them."""
    sizes = {name: path.stat().st_size for name, path in objects.items() if path.is_file()}
    for name, size in sizes.items():
        if size > FILE_BYTES:
            whose = outputs_of_object(root, name, objects)
            raise InputError(
                f"{whose or name}: has a file of {size:,} bytes, and GitHub takes"
                f" {FILE_BYTES:,} at most.",
                hint="Keep it smaller, or use another remote: docs/storage.md.",
            )
    if sum(sizes.values()) > PUSH_BYTES:
        raise InputError(
            f"The new data is {sum(sizes.values()):,} bytes, and GitHub takes {PUSH_BYTES:,} in one"
            " push.",
            hint="Send it in parts: `dvc push STAGE`, `retouch store push`, and so on.",
        )
    for name, path in objects.items():
        check_object(name, path)


def place_of(name: str) -> str:
    """Return where an object lies on the branch, as DVC lays out a remote."""
    return f"files/md5/{name[:2]}/{name[2:]}"


def name_of(place: str) -> str:
    """Return the name of the object at a path of the branch."""
    return place.removeprefix("files/md5/").replace("/", "")


def _on_disk(folder: Path) -> dict[str, Path]:
    """Return the objects in the folder by their path. Raises InputError for those of an old DVC."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    if any(_OLD_PLACE.fullmatch(path) for path in found):
        raise InputError(
            "Some outputs were recorded by a DVC before version 3, which the store does not keep.",
            hint="`dvc cache migrate --dvc-files`, commit, and `dvc push` again.",
        )
    return {path: at for path, at in found.items() if _PLACE.fullmatch(path)}


def _require_remote(root: Path) -> None:
    done = run(["git", "remote", "get-url", REMOTE], cwd=root)
    if done.exit_code:
        raise InputError(
            f"The repository has no remote named {REMOTE!r}, which the store would be a branch of.",
            hint=f"Add it: `git remote add {REMOTE} URL`.",
        )


@contextmanager
def exclusive_lock(root: Path) -> Iterator[None]:
    """Let one of us at a time work on the store of this checkout; the others wait."""
    import zc.lockfile

    path = root / ".retouch" / "store.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            lock = zc.lockfile.LockFile(str(path))
            break
        except zc.lockfile.LockError:
            if time.monotonic() > deadline:
                raise InputError("Another process is still working on the store.") from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.close()


_REFS = "refs/retouch/gc"


@dataclass(frozen=True)
class Garbage:
    """Objects that belong to no output at the newest commit of any branch, or at any tag."""

    places: tuple[str, ...]
    """Their paths on the branch."""
    bytes: int
    kept: int
    """How many objects stay."""


def find_garbage(store: Store) -> Garbage:
    """Return what could be removed. Raises InputError when that is uncertain."""
    with exclusive_lock(store.branch.root):
        newest = store.branch.newest()
        store.branch.lay_out(newest)
        return _garbage(store.branch, newest)


def collect(store: Store, *, trying: PushRetries | None = None) -> Garbage:
    """Remove it: the branch begins anew with what stays, unless somebody wrote in between.

    Then it is looked at once more, so that nothing new is lost. Raises InputError, and CheckFailed
    when the remote does not take it.
    """
    branch, found = store.branch, Garbage((), 0, 0)

    def without(newest: str) -> str | None:
        nonlocal found
        branch.lay_out(newest)
        found = _garbage(branch, newest)
        message = f"Keep {found.kept} object{'' if found.kept == 1 else 's'}"
        return branch.commit_without(newest, found.places, message) if found.places else None

    with exclusive_lock(branch.root):
        publish(branch, without, trying or PushRetries(), anew=True)
    return found


def _garbage(branch: Branch, newest: str) -> Garbage:
    needed = {place_of(name) for name in _needed(branch)}
    there = {path for path in branch.names_in(newest) if OBJECT.fullmatch(name_of(path))}
    places = tuple(sorted(there - needed))
    sizes = [files.size_of(branch.folder / place) for place in places]
    return Garbage(places, sum(sizes), len(there & needed))


def _needed(branch: Branch) -> Iterator[str]:
    """Yield the objects of all outputs that the remote's branches and tags record."""
    seen: set[str] = set()
    for commit in _tips(branch):
        for name in _recorded(branch, commit) - seen:
            seen.add(name)
            yield name
            listed = branch.folder / place_of(name)
            if name.endswith(".dir") and listed.exists():
                try:
                    check_object(name, listed)
                    yield from directory_listing(listed.read_bytes()).values()
                except (ValueError, InputError) as error:
                    message = f"The object {name} of the store is damaged: {error}."
                    raise InputError(message, hint="Nothing was removed.") from None


def _recorded(branch: Branch, commit: str) -> set[str]:
    top = git.top_level(branch.root)
    listed = run(["git", "ls-tree", "-r", "-z", "--name-only", commit], cwd=top)
    wanted = {path for path in listed.output.split("\0") if records_outputs(path)}
    folders = sorted({path.rpartition("/")[0] or "." for path in wanted})
    texts = git.files_at(top, commit, folders, wanted) if wanted else {}
    if listed.exit_code or set(texts) != wanted:
        raise InputError(f"The commit {commit[:10]} cannot be read.", hint="Nothing was removed.")
    found = set()
    for path, raw in texts.items():
        found |= {name for _, name in recorded_in(path, raw.decode(errors="replace"))}
    return {name for name in found if OBJECT.fullmatch(name)}


def _tips(branch: Branch) -> list[str]:
    """Fetch all branches and tags and return their commits, each once. Raises InputError."""
    root = branch.root
    shallow = run(["git", "rev-parse", "--is-shallow-repository"], cwd=root).output.strip()
    depth = ["--depth", "1"] if shallow == "true" else []
    wanted = [f"+refs/{kind}/*:{_REFS}/{kind}/*" for kind in ("heads", "tags")]
    quietly = ["--quiet", "--prune", "--no-tags", "--no-write-fetch-head"]
    done = run(["git", "fetch", *quietly, *depth, REMOTE, *wanted], cwd=root)
    if done.exit_code:
        raise InputError(f"The branches cannot be fetched: git said: {done.last_lines(1)}")
    refs = run(["git", "for-each-ref", "--format=%(refname)", _REFS], cwd=root).output.split()
    others = [ref for ref in refs if ref != f"{_REFS}/heads/{branch.name}"]
    commits = [git.commit_of(root, ref) for ref in others]
    for ref in refs:
        run(["git", "update-ref", "-d", ref], cwd=root)
    if not any(commits):
        raise InputError("The remote has no branch.", hint="Nothing was removed.")
    return sorted({commit for commit in commits if commit is not None})
