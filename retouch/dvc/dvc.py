"""DVC's command line: run one stage, bring data, put outputs back. One process a call."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retouch.dvc.checked import CACHE_HINT, from_json, refusal, require_recorded
from retouch.dvc.repository import open_repository
from retouch.errors import CheckFailed, InputError
from retouch.lockfile.entries import lock_file_of
from retouch.pipeline.model import Output
from retouch.system import files
from retouch.system.processes import Finished, Processes, run
from retouch.system.stage_environment import dvc_environment

_REPRO = (sys.executable, "-m", "retouch.dvc.main")
_BRING = (sys.executable, "-m", "retouch.dvc.bring")
_LOCK_POLL_SECONDS = 0.05
_LONGEST = 400
"""Characters of a reason that DVC gives."""


@dataclass(frozen=True)
class Reproduced:
    """What `dvc repro` did with one stage."""

    did: Literal["ran", "restored", "nothing", "failed"]
    finished: Finished


def repro_one(
    stage: str, *, root: Path, processes: Processes, log: Path, allow_missing: bool
) -> Reproduced:
    """Run `dvc repro` on exactly this stage; several may run at the same time.

    `allow_missing`: outputs that are not in the workspace are no reason to run.

    `--wait-for-lock` must stand before `repro`: DVC lets go of its lock only while the command
    runs, and without the option the one that finds it taken throws its finished work away.
    `--single-item` because otherwise an unchanged, shared upstream fails the others at once.
    """
    options = ("--single-item", "--allow-missing") if allow_missing else ("--single-item",)
    command = (*_REPRO, "--wait-for-lock", "repro", *options, stage)
    finished = processes.run(command, cwd=root, log=log, environment=dvc_environment)
    if finished.exit_code:
        return Reproduced("failed", finished)
    if "is cached - skipping run" in finished.output:
        return Reproduced("restored", finished)
    ran = f"Running stage '{stage}'" in finished.output
    return Reproduced("ran" if ran else "nothing", finished)


def bring(outputs: Iterable[Output], *, root: Path) -> None:
    """Have these outputs in the workspace, with the bytes that are recorded for them.

    What is not there is pulled; then all of it is compared with the digests, the files of a
    directory too. Raises InputError when an output is nowhere to be had, and CheckFailed, with
    nothing changed, when there are other bytes in the workspace, the cache or the remote.
    """
    wanted = {output.path: output for output in outputs}
    pull((path for path in wanted if not (root / path).exists()), root=root)
    require_recorded(wanted.values(), root=root)


def pull(paths: Iterable[str], *, root: Path) -> None:
    """Bring these outputs into the workspace, from the cache or the remote, and nothing else.

    Raises InputError when they are in neither, and CheckFailed when an object is damaged.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return
    done = _brought("fetch", wanted, root)
    missing = [path for path in wanted if not (root / path).exists()]
    if done.exit_code or missing:
        what = ", ".join(missing or wanted)
        raise InputError(
            f"{what}: not in DVC's cache, and the remote does not have it: {_reason(done)}",
            hint="Check `dvc remote list`, or build everything here: `retouch build`.",
        )


def checkout(paths: Iterable[str], *, root: Path) -> None:
    """Put these outputs back to what `dvc.lock` says.

    Raises CheckFailed when the cache lacks them, or what it has is damaged.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return
    done = _brought("checkout", wanted, root)
    if done.exit_code:
        raise CheckFailed(
            f"DVC could not restore {', '.join(wanted)}: {_reason(done)}.",
            hint="Run `dvc pull`, with enough space on the disk.",
        )


def _brought(command: str, paths: Sequence[str], root: Path) -> Finished:
    """Run `retouch.dvc.bring`. Raises CheckFailed for damaged objects, which it has removed."""
    with files.temporary_folder("bring") as folder:
        reply = folder / "damaged.json"
        done = run([*_BRING, str(reply), command, *paths], cwd=root)
        if reply.exists():
            raise refusal(from_json(files.read_text(reply)), CACHE_HINT)
    return done


def push(stages: Iterable[str], *, root: Path) -> None:
    """Send the outputs of these stages to the default remote.

    Raises CheckFailed when that fails, and, before anything is sent, for a damaged object.
    """
    wanted = sorted(set(stages))
    if not wanted:
        return
    done = _brought("push", wanted, root)
    if done.exit_code:
        raise CheckFailed(
            f"The run is complete, but its outputs were not pushed to the remote: {_reason(done)}",
            hint="Run `dvc push` before you merge: the data is only here.",
        )


def has_remote(root: Path) -> bool:
    """Say whether the project has a default remote."""
    with open_repository(root) as repo:
        return bool(repo.config["core"].get("remote"))


def recorded_lock(stage: str, *, root: Path) -> str:
    """Return the text of the lock that records the stage, as it is now; empty without one.

    DVC rewrites the file in place, so it is read under DVC's own lock.
    """
    path = root / lock_file_of(stage)
    with _repository_lock(root):
        return path.read_text() if path.exists() else ""


@contextmanager
def _repository_lock(root: Path) -> Iterator[None]:
    import zc.lockfile

    path = root / ".dvc" / "tmp" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            lock = zc.lockfile.LockFile(str(path))
            break
        except zc.lockfile.LockError:
            time.sleep(_LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        lock.close()


def _reason(done: Finished) -> str:
    """Return what DVC says of an error: from there on, as many lines as one sentence may need."""
    lines = [line.strip() for line in done.output.splitlines()]
    first = next((at for at, line in enumerate(lines) if line.startswith("ERROR")), None)
    if first is None:
        return done.last_lines(1)
    said = [line for line in lines[first:] if line and not line.startswith("Having any troubles")]
    text = " ".join(said).removeprefix("ERROR:").replace(" ERROR:", ";").strip().rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rpartition(' ')[0]} ..."
