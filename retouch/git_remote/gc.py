"""What no branch and no tag needs any more goes from the store; its history is written anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retouch.dvc.output_names import recorded_in, records_outputs
from retouch.errors import InputError
from retouch.git import git
from retouch.git_remote.branch import REMOTE, Branch
from retouch.git_remote.store import Store, Trying, land, name_of, only_one, place_of
from retouch.lockfile.entries import OBJECT, listed_in
from retouch.system import files
from retouch.system.processes import run

_REFS = "refs/retouch/gc"


@dataclass(frozen=True)
class Garbage:
    """Objects that belong to no output at the newest commit of any branch, or at any tag."""

    places: tuple[str, ...]
    """Their paths on the branch."""
    bytes: int
    kept: int
    """How many objects stay."""


def garbage(store: Store) -> Garbage:
    """Say what could go. Raises InputError when it cannot be told for certain."""
    with only_one(store.branch.root):
        newest = store.branch.newest()
        store.branch.lay_out(newest)
        return _garbage(store.branch, newest)


def collect(store: Store, *, trying: Trying | None = None) -> Garbage:
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

    with only_one(branch.root):
        land(branch, without, trying or Trying(), anew=True)
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
                    yield from listed_in(listed.read_bytes()).values()
                except ValueError as error:
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
