"""A real bare git repository under the fake GitHub, through git's plumbing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_DATE = "2024-03-01T06:00:00Z"


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

    def tree(self, base: str | None, entries: Sequence[tuple[str, str, bytes | None]]) -> str:
        """Write a tree: that of `base` with entries of (path, mode, content) put in.

        An entry without content is taken out.
        """
        env = {"GIT_INDEX_FILE": str(self.folder / f"index-{os.urandom(8).hex()}")}
        if base is not None:
            self.git("read-tree", base, env=env)
        lines = []
        for path, mode, raw in entries:
            if raw is None:
                lines.append(f"0 {'0' * 40}\t{path}\0")
                continue
            blob = self.git("hash-object", "-w", "--stdin", given=raw).decode().strip()
            lines.append(f"{mode} {blob}\t{path}\0")
        self.git("update-index", "-z", "--index-info", given="".join(lines).encode(), env=env)
        tree = self.git("write-tree", env=env).decode().strip()
        Path(env["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        return tree

    def commit(self, tree: str, parents: Sequence[str], message: str, date: str = _DATE) -> str:
        """Write a commit that no branch points to."""
        parenthood = [arg for parent in parents for arg in ("-p", parent)]
        given = message.encode()
        return (
            self.git(
                "commit-tree", tree, *parenthood, "-F", "-", given=given, env=_by_the_fake(date)
            )
            .decode()
            .strip()
        )

    def point(self, branch: str, commit: str) -> None:
        """Let a branch point to a commit, wherever it pointed before."""
        self.refer(f"refs/heads/{branch}", commit)

    def refer(self, ref: str, commit: str) -> None:
        """Let a reference, by its full name, point to a commit."""
        self.git("update-ref", ref, commit)

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        self.git("update-ref", "-d", f"refs/heads/{branch}")

    def head(self, branch: str) -> str | None:
        """Return the commit of a branch; None when there is none."""
        return self.branches().get(branch)

    def branches(self) -> dict[str, str]:
        """Return the commit of every branch."""
        lines = self.git("for-each-ref", "--format=%(refname:strip=2) %(objectname)", "refs/heads")
        return {line.split()[0]: line.split()[1] for line in lines.decode().splitlines()}

    def resolve(self, name: str) -> str | None:
        """Return the commit that an id, a branch or a tag names; None for nothing."""
        given = f"{name}^{{commit}}\n".encode()
        said = self.git("cat-file", "--batch-check=%(objectname)", given=given).decode().split()
        return said[0] if len(said) == 1 else None

    def tag(self, name: str) -> tuple[str, str] | None:
        """Return kind and id of what a tag points to: of a tag object, or of a commit."""
        fields = "--format=%(objecttype) %(objectname)"
        said = self.git("for-each-ref", fields, f"refs/tags/{name}").decode().split()
        return (said[0], said[1]) if len(said) == 2 else None

    def is_ancestor(self, commit: str, other: str) -> bool:
        """Tell whether a commit is an ancestor of another one, or the same."""
        return not self.git("rev-list", "-n1", commit, f"^{other}", "--").strip()

    def merged_tree(self, one: str, other: str) -> str:
        """Merge two commits without a working tree; a conflict is an AssertionError."""
        return self.git("merge-tree", "--write-tree", one, other).decode().split()[0]

    def fork_point(self, one: str, other: str) -> str:
        """Return the commit where two lines of commits parted."""
        return self.git("merge-base", one, other).decode().strip()

    def changes(self, old: str, new: str) -> list[tuple[str, ...]]:
        """Return what changed: status (`A`, `M`, `D`, `R100`), path, and a moved file's new one."""
        listed = self.git("diff", "--name-status", "--find-renames", "-z", old, new).decode()
        words, found = iter(listed.split("\0")[:-1]), []
        for status in words:
            paths = [next(words) for _ in range(2 if status[0] in "RC" else 1)]
            found.append((status, *paths))
        return found

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

    def committed_at(self, commit: str) -> str:
        """Return when a commit was made, as GitHub writes times."""
        told = self.git(
            "log",
            "-1",
            "--date=format-local:%Y-%m-%dT%H:%M:%SZ",
            "--format=%cd",
            commit,
            env={"TZ": "UTC"},
        )
        return told.decode().strip()

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


def _by_the_fake(date: str) -> dict[str, str]:
    who = {"NAME": "Fake", "EMAIL": "fake@example.org", "DATE": date}
    return {f"GIT_{r}_{f}": value for r in ("AUTHOR", "COMMITTER") for f, value in who.items()}
