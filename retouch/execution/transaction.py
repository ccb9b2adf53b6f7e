"""A transaction around a run: what it is about to change is recorded first, so it can be undone.

The journal is in `.retouch/run/`. It is complete before the first change and deleted after the last
one, so finding it means that a run was interrupted. Large outputs are not copied: DVC's cache has
them.

    begin -> (edits, stages, gate) -> keep       the run's result stays
                                   -> put_back   everything is as it was
    killed anywhere in between     -> put_back, by the next run
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from retouch.documents import Document
from retouch.dvc import dvc
from retouch.errors import InputError
from retouch.pipeline.model import Output
from retouch.system import files

if TYPE_CHECKING:
    import zc.lockfile

_FOLDER = Path(".retouch/run")
_LOCK = Path(".retouch/lock")
_LOCK_TIMEOUT_SECONDS = 0.5


class Journal(Document):
    """The state before the run."""

    work: str
    """What was being done, for the message after a crash."""
    copied: tuple[str, ...]
    """Paths kept as copies below `.retouch/run/before/`."""
    absent: tuple[str, ...]
    """Paths that did not exist: rolling back removes them."""
    in_cache: tuple[str, ...]
    """Outputs that DVC's cache holds: rolling back checks them out."""
    done_when: str | None = None
    """The file that is written last when the run's result stays."""


@contextmanager
def exclusive_lock(root: Path) -> Iterator[None]:
    """Hold the lock that allows one run at a time here. Raises InputError when it is taken.

    The operating system releases it when the process dies, however it dies.
    """
    (root / _LOCK).parent.mkdir(parents=True, exist_ok=True)
    lock = _locked(root / _LOCK)
    try:
        yield
    finally:
        lock.close()


def _locked(path: Path) -> zc.lockfile.LockFile:
    import zc.lockfile

    # A process that was killed while it started another one leaves the lock to that one, which
    # releases it a moment later, when it becomes the command it is to run.
    deadline = time.monotonic() + _LOCK_TIMEOUT_SECONDS
    while True:
        try:
            return zc.lockfile.LockFile(str(path), content_template="{pid}")
        except zc.lockfile.LockError:
            if time.monotonic() > deadline:
                raise InputError(
                    "Another `retouch` run is active in this checkout.",
                    hint="Wait until it has ended.",
                ) from None
        time.sleep(0.02)


def begin(
    root: Path,
    *,
    work: str,
    small: Iterable[str],
    outputs: Iterable[Output],
    cache_holds: Callable[[str], bool],
    done_when: str | None = None,
) -> None:
    """Record the state before a run.

    `small`: files to copy (params, locks, what git tracks). `outputs`: of the stages that may run.
    `cache_holds`: whether DVC's cache has the object of this hash. `done_when`: the file that is
    written last; once it is there, an interrupted run is not undone.
    """
    folder = root / _FOLDER
    files.remove(folder)
    to_copy = set(small)
    in_cache: set[str] = set()
    absent: set[str] = set()
    for output in outputs:
        if not (root / output.path).exists():
            absent.add(output.path)
        elif _is_restorable(output, cache_holds):
            in_cache.add(output.path)
        else:
            to_copy.add(output.path)
    absent |= {path for path in to_copy if not (root / path).exists()}
    for path in sorted(to_copy - absent):
        files.copy(root / path, folder / "before" / path)
    journal = Journal(
        work=work,
        copied=tuple(sorted(to_copy - absent)),
        absent=tuple(sorted(absent)),
        in_cache=tuple(sorted(in_cache)),
        done_when=done_when,
    )
    files.write_text(folder / "journal.json", journal.to_json())


def _is_restorable(output: Output, cache_holds: Callable[[str], bool]) -> bool:
    """Return whether `dvc checkout` restores what is in the workspace."""
    as_recorded = output.recorded is not None and output.workspace == output.recorded
    return output.cached and as_recorded and cache_holds(output.recorded or "")


def keep(root: Path) -> None:
    """Keep the run's changes: end the transaction."""
    (root / _FOLDER / "journal.json").unlink(missing_ok=True)
    files.remove(root / _FOLDER)


def roll_back(root: Path) -> None:
    """Restore everything as it was before the run; safe to repeat after an interruption."""
    journal = _read(root)
    if journal is None:
        return
    for path in journal.absent:
        files.remove(root / path)
        files.remove_half_written(root / path)
    for path in journal.copied:
        files.remove_half_written(root / path)
        files.copy(root / _FOLDER / "before" / path, root / path)
    dvc.checkout(journal.in_cache, root=root)
    keep(root)


def recover(root: Path) -> str | None:
    """Undo an interrupted run, if there was one, and return what it was doing.

    Call it with `only_one` held. Stages it had finished are in DVC's run cache, so running
    the plan again restores them.
    """
    journal = _read(root)
    if journal is None:
        files.remove(root / _FOLDER)
        return None
    _end_children(root)
    if journal.done_when is not None and (root / journal.done_when).exists():
        keep(root)
        return None
    roll_back(root)
    return journal.work


def interrupted_work(root: Path) -> str | None:
    """Return what an interrupted run was doing; None when there is none."""
    journal = _read(root)
    return journal.work if journal else None


def record_child(root: Path, pid: int) -> None:
    """Record a process of the run, in case this one dies first."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        created = psutil.Process(pid).create_time()
        path = root / _FOLDER / "children" / str(pid)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(repr(created))


def _end_children(root: Path) -> None:
    """Kill the processes that a dead run left: they would go on writing to `dvc.lock`."""
    import psutil

    for path in (root / _FOLDER / "children").glob("*"):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, ValueError):
            process = psutil.Process(int(path.name))
            if repr(process.create_time()) == path.read_text():  # not a new process of that number
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=10)


def _read(root: Path) -> Journal | None:
    path = root / _FOLDER / "journal.json"
    if not path.exists():
        return None
    return Journal.model_validate(json.loads(path.read_text()))
