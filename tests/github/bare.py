"""A real bare git repository under the fake GitHub, through git's plumbing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_WHO = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (
        ("NAME", "Fake"),
        ("EMAIL", "fake@example.org"),
        ("DATE", "2024-03-01T06:00:00Z"),
    )
}


@dataclass(frozen=True)
class Bare:
    """One bare repository. Objects are named by their ids, branches by their names."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, files: Mapping[str, bytes], branch: str = "main") -> Bare:
        """Make a repository with one commit of these files on a branch."""
        folder.mkdir()
        bare = cls(folder)
        bare.git("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}")
        bare.commit_on(branch, files)
        return bare

    def copy(self, folder: Path) -> Bare:
        """Copy it, which is quicker than to make one."""
        shutil.copytree(self.folder, folder)
        return Bare(folder)

    def git(self, *args: str, given: bytes | None = None, env: Mapping[str, str] = {}) -> bytes:
        """Run git and return its output; an error is an AssertionError with what it said."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.folder,
            input=given if given is not None else b"",
            capture_output=True,
            env={**os.environ, **env},
            check=False,
        )
        assert done.returncode == 0, f"git {args}: {done.stderr.decode()}"
        return done.stdout

    def commit_on(self, branch: str, files: Mapping[str, bytes]) -> str:
        """Add files to a branch in one commit of its own, and return its id."""
        head = self.head(branch)
        base = self.tree_of(head) if head else None
        tree = self.tree(base, [(path, "100644", raw) for path, raw in files.items()])
        commit = self.commit(tree, [head] if head else [], f"Add {', '.join(files)}")
        self.point(branch, commit)
        return commit

    def tree(self, base: str | None, entries: Sequence[tuple[str, str, bytes]]) -> str:
        """Write a tree: that of `base` with entries of (path, mode, content) put in."""
        env = {"GIT_INDEX_FILE": str(self.folder / f"index-{os.urandom(8).hex()}")}
        if base is not None:
            self.git("read-tree", base, env=env)
        lines = []
        for path, mode, raw in entries:
            blob = self.git("hash-object", "-w", "--stdin", given=raw).decode().strip()
            lines.append(f"{mode} {blob}\t{path}\0")
        self.git("update-index", "-z", "--index-info", given="".join(lines).encode(), env=env)
        tree = self.git("write-tree", env=env).decode().strip()
        Path(env["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        return tree

    def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Write a commit that no branch points to."""
        parenthood = [arg for parent in parents for arg in ("-p", parent)]
        given = message.encode()
        return (
            self.git("commit-tree", tree, *parenthood, "-F", "-", given=given, env=_WHO)
            .decode()
            .strip()
        )

    def point(self, branch: str, commit: str) -> None:
        self.git("update-ref", f"refs/heads/{branch}", commit)

    def delete(self, branch: str) -> None:
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def head(self, branch: str) -> str | None:
        """Return the commit of a branch; None when there is none."""
        return self.branches().get(branch)

    def branches(self) -> dict[str, str]:
        """Return the commit of every branch."""
        lines = self.git("for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/heads")
        return {line.split()[0]: line.split()[1] for line in lines.decode().splitlines()}

    def kind(self, name: str) -> str | None:
        """Return `commit`, `tree` or `blob` for what an id or a branch names; None for nothing."""
        given = f"{name}\n".encode()
        said = self.git("cat-file", "--batch-check=%(objecttype)", given=given).decode().strip()
        return said if said in ("commit", "tree", "blob") else None

    def tree_of(self, commit: str) -> str:
        return self.git("rev-parse", f"{commit}^{{tree}}").decode().strip()

    def parents(self, commit: str) -> list[str]:
        return self.git("rev-list", "--parents", "-n1", commit).decode().split()[1:]

    def message(self, commit: str) -> str:
        return self.git("log", "-1", "--format=%B", commit).decode()

    def entry(self, commit: str, path: str) -> tuple[str, str] | None:
        """Return type and id of what a commit has at a path."""
        listed = self.git("ls-tree", "-z", commit, "--", path).decode()
        if not listed:
            return None
        _, kind, name = listed.partition("\t")[0].split()
        return kind, name

    def file(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes as a commit has it."""
        entry = self.entry(commit, path)
        return None if entry is None else self.git("cat-file", "blob", entry[1])

    def new_commits(self, base: str, branch: str) -> list[str]:
        """Return the commits that a branch has and the base has not."""
        return self.git("rev-list", f"{base}..refs/heads/{branch}").decode().split()
