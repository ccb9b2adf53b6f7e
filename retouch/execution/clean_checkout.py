"""A clean checkout: required before files of others are added, and restored afterwards."""

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

_NOTE = Path(".retouch/added-files.json")
"""Lists the added files while they are there."""
_FOLDERS = ("alerts", "reports")


@contextmanager
def added_files(root: Path, texts: Mapping[str, bytes]) -> Iterator[None]:
    """Add files to `alerts/` and `reports/`; afterwards the checkout is reset to its commit.

    What an interrupted call left is removed first. Raises InputError for a checkout that differs
    from its commit.
    """
    _clean_up_interrupted(root)
    _require_clean(root)
    for path in texts:
        if path.split("/")[0] not in _FOLDERS:
            raise InputError(f"{path}: is in neither alerts/ nor reports/.")
        refuse_links(root / path, root)
    files.write_text(root / _NOTE, json.dumps(sorted(texts)))
    try:
        for path, content in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            files.write_bytes(root / path, content, durable=False)
        yield
    finally:
        reset_to_commit(root)


def _clean_up_interrupted(root: Path) -> None:
    """Undo what a killed call left: its run and the files it added, and nothing else."""
    if not (root / _NOTE).exists():
        return
    with transaction.exclusive_lock(root):
        transaction.recover(root)
    if tracked := _tracked(root):
        _git(root, "checkout", "--quiet", "HEAD", "--", *tracked)
    _git(root, "clean", "-fdxq", "--", *_FOLDERS)
    files.remove(root / _NOTE)


def _tracked(root: Path) -> list[str]:
    """Return those of the folders that the commit has."""
    commands = {name: ["git", "cat-file", "-e", f"HEAD:./{name}"] for name in _FOLDERS}
    return [name for name, command in commands.items() if run(command, cwd=root).exit_code == 0]


def reset_to_commit(root: Path) -> None:
    """Reset tracked files, `alerts/`, `reports/` and DVC's outputs to the commit.

    An output that the cache lacks is removed: `dvc pull` brings it.
    """
    changed = git.modified_files(root)
    if changed:
        _git(root, "reset", "--quiet", "--hard", "HEAD")
    _git(root, "clean", "-fdxq", "--", *_FOLDERS)
    _restore_outputs(root)
    files.remove(root / _NOTE)


def changed_files(root: Path) -> tuple[str, ...]:
    """Return the paths that differ from the commit, new ones that git does not ignore included."""
    listed = run(["git", "ls-files", "-z", "--others", "--exclude-standard"], cwd=root)
    new = {path for path in listed.output.split("\0") if path} if listed.exit_code == 0 else set()
    return tuple(sorted(new.union(git.modified_files(root))))


def _restore_outputs(root: Path) -> None:
    project = DvcProject(root)
    try:
        outputs = [output for stage in project.pipeline().stages for output in stage.outputs]
        other = [o for o in outputs if o.cached and o.workspace not in (None, o.recorded)]
        cached = [o.path for o in other if o.recorded and project.cache_holds(o.recorded)]
    finally:
        project.close()
    for output in other:
        files.remove(root / output.path)
    dvc.checkout(cached, root=root)


def _require_clean(root: Path) -> None:
    status = run(["git", "status", "--porcelain", "-z", "--untracked-files=all"], cwd=root)
    tracked = git.modified_files(root)
    untracked = [
        entry[3:]
        for entry in status.output.split("\0")
        if entry.startswith("?? ") and entry[3:].split("/")[0] in _FOLDERS
    ]
    if status.exit_code or tracked or untracked:
        which = next(iter([*tracked, *untracked]), status.last_lines(1))
        raise InputError(
            f"{which}: differs from the commit, and jobs need a clean checkout.",
            hint="Commit it, stash it (`git stash --include-untracked`), or use a fresh clone.",
        )


def _git(root: Path, *command: str) -> None:
    done = run(["git", *command], cwd=root)
    if done.exit_code:
        raise InputError(f"git said: {done.last_lines(1)}")
