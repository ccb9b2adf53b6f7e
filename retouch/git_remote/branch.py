"""A branch that shares no history with the code and holds files by their content: git's plumbing.

It is never checked out as a branch is: its files lie in a folder with an index of its own, so that
no branch, index or worktree of the person who works here is touched. Whatever is killed half-way is
done again by the next call.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retouch.errors import InputError
from retouch.git import git
from retouch.system import files
from retouch.system.processes import Finished, pipe, run
from retouch.system.untrusted_files import refuse_links

REMOTE = "origin"
_REF = "refs/retouch/store"
"""Where the newest commit that was fetched is kept: out of the way, and safe from `git gc`."""
_PLAIN = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.sparseCheckout=false"),
    *("-c", "core.fsmonitor=false"),
    # The bytes of an object are its name: nothing may turn line ends around.
    *("-c", "core.autocrlf=false"),
    *("-c", "core.attributesFile=/dev/null"),
)
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Retouch"), ("EMAIL", "retouch@localhost"))
}
_AT_NO_TIME = {"GIT_AUTHOR_DATE": "@0 +0000", "GIT_COMMITTER_DATE": "@0 +0000"}
_ROOT_FILES = {
    ".gitattributes": "* -text -diff -merge -filter -ident\n",
    "README.md": (
        "Data of the pipeline, as DVC keeps it: each file is named by the md5 of its content.\n"
        "`retouch store` writes this branch; docs/storage.md says how to read it.\n"
    ),
}
_EXPECTED = frozenset({*_ROOT_FILES, "files", "runs"})
_PLAIN_FILES = ("100644", "100755")
_AT_A_TIME = 200


@dataclass(frozen=True)
class Branch:
    """One such branch, and where its files lie."""

    root: Path
    """A checkout of the repository."""
    folder: Path
    name: str

    @property
    def environment(self) -> dict[str, str]:
        """What tells git to work on the folder with an index of its own."""
        return {
            "GIT_DIR": self._rev_parse("--absolute-git-dir"),
            "GIT_WORK_TREE": str(self.folder),
            "GIT_INDEX_FILE": str(self._index),
            "GIT_TERMINAL_PROMPT": "0",
            **_IDENTITY,
        }

    def _rev_parse(self, option: str) -> str:
        found = run(["git", "rev-parse", option], cwd=self.root)
        if found.exit_code:
            raise InputError(f"{self.root}: is not in a git repository.", hint="Run `git init`.")
        return found.output.removesuffix("\n")

    @property
    def _index(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.index")

    def newest(self) -> str:
        """Fetch and return the newest commit; where there is no branch yet, an empty first one.

        Raises InputError when the remote does not answer, or the branch is no store.
        """
        at = f"refs/heads/{self.name}"
        listed = self._at_remote("ls-remote", "--exit-code", REMOTE, at)
        if listed.exit_code == 2:
            # Should it have been deleted, what was laid out from it is here alone, and stays.
            files.remove(self._index)
            return self._first()
        _checked(listed, f"The remote {REMOTE!r} cannot list the branch {self.name!r}")
        # A clone that is whole stays so: `--depth` would make a shallow one of it.
        shallow = self._output("rev-parse", "--is-shallow-repository") == "true"
        quietly = ("--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")
        depth = ("--depth", "1") if shallow else ()
        fetched = self._at_remote("fetch", *quietly, *depth, REMOTE, f"+{at}:{_REF}")
        _checked(fetched, f"The branch {self.name!r} cannot be fetched")
        commit = self._output("rev-parse", "--verify", f"{_REF}^{{commit}}")
        top = self._output("ls-tree", "--full-tree", "-z", "--name-only", commit)
        others = {*filter(None, top.split("\0"))} - _EXPECTED
        if others:
            raise InputError(
                f"The branch {self.name!r} contains more than DVC's data:"
                f" {', '.join(sorted(others)[:3])}.",
                hint="Name another branch for the store.",
            )
        self.blobs_in(commit)
        return commit

    def blobs_in(self, commit: str) -> dict[str, str]:
        """Return the files in a commit of the branch: path -> git's name of the content.

        Raises InputError when there is anything else: through a link, files would be written
        elsewhere.
        """
        listed = self._output("ls-tree", "--full-tree", "-z", "-r", commit)
        found = {}
        for entry in filter(None, listed.split("\0")):
            (mode, _, blob), path = entry.partition("\t")[0].split(), entry.partition("\t")[2]
            if mode not in _PLAIN_FILES:
                what = "a symbolic link" if mode == "120000" else "no plain file"
                raise InputError(
                    f"The branch {self.name!r}: {path}: is {what}.",
                    hint=f"Somebody put it there: remove it from the branch {self.name!r}.",
                )
            found[path] = blob
        return found

    def names_in(self, commit: str) -> frozenset[str]:
        """Return the paths of all files in a commit of the branch. Raises InputError."""
        return frozenset(self.blobs_in(commit))

    def laid_out(self) -> frozenset[str]:
        """Return the paths of the files in the folder that are as they were laid out."""
        listed = [self._git("ls-files", "-z", *which) for which in ((), ("--modified",))]
        if any(result.exit_code for result in listed):
            return frozenset()
        whole, changed = ({*result.output.split("\0")} for result in listed)
        return frozenset(whole - changed - {""})

    def lay_out(self, commit: str) -> None:
        """Make the folder hold the files of a commit; files that never were on the branch stay.

        Raises InputError when the folder is a link, or holds one.
        """
        self.require_no_links()
        self._clear(self._index)
        laid = self._git("read-tree", "--reset", "-u", commit)
        if laid.exit_code:  # an index that was cut short
            files.remove(self._index)
            laid = self._git("read-tree", "--reset", "-u", commit)
        if not laid.exit_code:  # also those that were damaged here
            laid = self._git("checkout-index", "--quiet", "--force", "--all")
        _checked(laid, f"{self.folder}: the files of the branch cannot be laid out")

    def require_no_links(self) -> None:
        """Raise InputError when the folder is a link, or holds one: it would lead elsewhere."""
        refuse_links(self.folder, self.root)
        for where, folders, names in os.walk(self.folder):
            for path in (Path(where) / name for name in (*folders, *names)):
                if path.is_symlink():
                    raise InputError(
                        f"{path}: is a symbolic link, which is not followed.",
                        hint="Remove it; then `retouch store open`.",
                    )

    def other_content(self, commit: str, wanted: Mapping[str, Path]) -> dict[str, Path]:
        """Return those of these files, path on the branch -> source, that a commit lacks, or has
        with other bytes."""
        there = self.blobs_in(commit)
        both = [path for path in wanted if path in there]
        ids = self._blobs([wanted[path] for path in both], write=False)
        same = {path for path, blob in zip(both, ids, strict=True) if there[path] == blob}
        return {path: wanted[path] for path in sorted(wanted.keys() - same)}

    def commit(self, parent: str, new: Mapping[str, Path], message: str) -> str:
        """Return a commit that has these files, path on the branch -> source, and `parent`'s."""
        blobs = dict(zip(new, self._blobs(list(new.values())), strict=True))
        tree = self._tree(parent, "".join(f"100644 {b}\t{p}\n" for p, b in blobs.items()))
        return self._output("commit-tree", tree, "-p", parent, "-m", message)

    def commit_without(self, parent: str, gone: Sequence[str], message: str) -> str:
        """Return a commit with no history that lacks these files of `parent`'s."""
        zero = "0" * 40
        tree = self._tree(parent, "".join(f"0 {zero}\t{path}\n" for path in gone))
        return self._output("commit-tree", tree, "-m", message)

    def push(self, commit: str, *, instead_of: str | None = None) -> Finished:
        """Send a commit to the branch, on top of what is there, or in place of exactly this."""
        at = f"refs/heads/{self.name}"
        lease = (f"--force-with-lease={at}:{instead_of}",) if instead_of else ()
        plainly = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules")
        done = self._at_remote("push", *plainly, "--no-signed", *lease, REMOTE, f"{commit}:{at}")
        if not done.exit_code:
            self._git("update-ref", _REF, commit)
        return done

    def _first(self) -> str:
        """Return the first commit of a new branch: the same one wherever it is made."""
        entries = ""
        for name, text in sorted(_ROOT_FILES.items()):
            blob = self._pipe("hash-object", "-w", "--no-filters", "--stdin", data=text)
            entries += f"100644 blob {blob}\t{name}\n"
        tree = self._pipe("mktree", data=entries)
        return self._output("commit-tree", tree, "-m", "Begin the store", env=_AT_NO_TIME)

    def _tree(self, parent: str, changes: str) -> str:
        index = self.folder.with_name(f"{self.folder.name}.next")
        self._clear(index)
        files.remove(index)
        env = {"GIT_INDEX_FILE": str(index)}
        self._output("read-tree", parent, env=env)
        self._pipe("update-index", "--index-info", data=changes, env=env)
        tree = self._output("write-tree", env=env)
        files.remove(index)
        return tree

    def _blobs(self, sources: Sequence[Path], *, write: bool = True) -> list[str]:
        blobs: list[str] = []
        how = ("-w", "--no-filters") if write else ("--no-filters",)
        for start in range(0, len(sources), _AT_A_TIME):
            some = [str(path.resolve()) for path in sources[start : start + _AT_A_TIME]]
            result = self._output("hash-object", *how, "--", *some).split()
            if len(result) != len(some) or not all(
                re.fullmatch("[0-9a-f]{40,64}", b) for b in result
            ):
                raise InputError(f"git did not take the files: {' '.join(result)[:200]}")
            blobs += result
        return blobs

    def _clear(self, index: Path) -> None:
        # Only we write these, and the caller sees to it that one of us does at a time.
        files.remove(index.with_name(f"{index.name}.lock"))

    def _git(self, *args: str, env: Mapping[str, str] | None = None) -> Finished:
        self.folder.mkdir(parents=True, exist_ok=True)
        known = {**self.environment, **(env or {})}
        return run(["git", *_PLAIN, *args], cwd=self.folder, env=known)

    def _at_remote(self, *args: str) -> Finished:
        """Talk to the remote, whose address may be relative to the checkout."""
        top = Path(self._rev_parse("--show-toplevel"))
        return run(["git", *_PLAIN, *args], cwd=top, env=self.environment)

    def _output(self, *args: str, env: Mapping[str, str] | None = None) -> str:
        return _checked(self._git(*args, env=env), "The store cannot be changed").output.strip()

    def _pipe(self, *args: str, data: str, env: Mapping[str, str] | None = None) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        known = {**self.environment, **(env or {})}
        done = pipe(["git", *_PLAIN, *args], data.encode(), cwd=self.folder, env=known)
        if done.exit_code:
            raise InputError(f"The store cannot be changed: git said: {done.errors.strip()}")
        return done.output.decode().strip()


def _checked(done: Finished, message: str) -> Finished:
    if done.exit_code:
        raise InputError(f"{message}: git said: {git.error_text(done.output)}.")
    return done
