"""A checkout as its commit has it: asked for before others' files are laid in, and given back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from retouch.dvc import dvc
from retouch.dvc.project import DvcProject
from retouch.errors import InputError
from retouch.execution import transaction
from retouch.git import git
from retouch.system import files
from retouch.system.processes import run
from retouch.system.untrusted_files import refuse_links

_NOTE = Path(".retouch/laid.json")
"""Lists what was laid in, while it lies there."""
_OURS = ("alerts", "reports")


@contextmanager
def laid_in(root: Path, texts: Mapping[str, bytes]) -> Iterator[None]:
    """Lay files into `alerts/` and `reports/`; afterwards all is as the commit has it again.

    What an earlier call left that was cut short is removed first. Raises InputError for a checkout
    that differs from its commit.
    """
    _remove_what_was_left(root)
    _require_pristine(root)
    for path in texts:
        if path.split("/")[0] not in _OURS:
            raise InputError(f"{path}: lies in neither alerts/ nor reports/.")
        refuse_links(root / path, root)
    files.write_text(root / _NOTE, json.dumps(sorted(texts)))
    try:
        for path, content in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(root / path, content, durable=False)
        yield
    finally:
        back_to_commit(root)


def _remove_what_was_left(root: Path) -> None:
    """Undo what a call that was killed left: its run, and the files it laid in; no one else's."""
    if not (root / _NOTE).exists():
        return
    with transaction.only_one(root):
        transaction.recover(root)
    if tracked := _tracked(root):
        _git(root, "checkout", "--quiet", "HEAD", "--", *tracked)
    _git(root, "clean", "-fdxq", "--", *_OURS)
    files.remove(root / _NOTE)


def _tracked(root: Path) -> list[str]:
    """Return those of our folders that the commit has."""
    asked = {name: ["git", "cat-file", "-e", f"HEAD:./{name}"] for name in _OURS}
    return [name for name, command in asked.items() if run(command, cwd=root).exit_code == 0]


def back_to_commit(root: Path) -> None:
    """Put tracked files, `alerts/`, `reports/` and DVC's outputs back to what the commit has.

    An output that the cache lacks is removed: whoever needs it pulls it.
    """
    changed = git.modified_files(root)
    if changed:
        _git(root, "reset", "--quiet", "--hard", "HEAD")
    _git(root, "clean", "-fdxq", "--", *_OURS)
    _put_outputs_back(root)
    files.remove(root / _NOTE)


def changed_files(root: Path) -> tuple[str, ...]:
    """Return the paths that differ from the commit, new ones that git does not ignore included."""
    told = run(["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=root)
    new = {path for path in told.output.split("\0") if path} if told.exit_code == 0 else set()
    return tuple(sorted(new.union(git.modified_files(root))))


def _put_outputs_back(root: Path) -> None:
    project = DvcProject(root)
    try:
        outputs = [output for stage in project.pipeline().stages for output in stage.outputs]
        other = [o for o in outputs if o.cached and o.workspace not in (None, o.recorded)]
        there = [o.path for o in other if o.recorded and project.cache_holds(o.recorded)]
    finally:
        project.close()
    for output in other:
        files.remove(root / output.path)
    dvc.checkout(there, root=root)


def _require_pristine(root: Path) -> None:
    told = run(["git", "status", "--porcelain", "-z", "--untracked-files=all"], cwd=root)
    tracked = git.modified_files(root)
    lying = [
        entry[3:]
        for entry in told.output.split("\0")
        if entry.startswith("?? ") and entry[3:].split("/")[0] in _OURS
    ]
    if told.exit_code or tracked or lying:
        which = next(iter([*tracked, *lying]), told.last_lines(1))
        raise InputError(
            f"{which}: differs from the commit, and the jobs of the loop start from a commit.",
            hint="Commit it, put it aside (`git stash --include-untracked`), or use a fresh clone.",
        )


def _git(root: Path, *command: str) -> None:
    done = run(["git", *command], cwd=root)
    if done.exit_code:
        raise InputError(f"git said: {done.last_lines(1)}")
