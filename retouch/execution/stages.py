"""Run planned stages in the workspace, inside a transaction that records what they may change."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from retouch.dvc.project import DvcProject
from retouch.execution import transaction
from retouch.execution.model import Receipt
from retouch.execution.runner import PlainRunner, Progress
from retouch.lockfile.entries import in_evaluation_order, lock_file_of
from retouch.pipeline.model import Output, Pipeline
from retouch.planning.model import StagePlan
from retouch.system import files
from retouch.system.processes import Processes


class RunSettings(Protocol):
    """The settings for running stages."""

    @property
    def jobs(self) -> int:
        """How many stages may run at the same time."""

    @property
    def watch(self) -> Progress:
        """Who is notified of progress."""


def run_stages(
    root: Path,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    how: RunSettings,
    *,
    complete: bool = False,
    stop_after: float | None = None,
) -> tuple[Receipt, ...]:
    """Run planned stages in the workspace; `dvc.lock` keeps DVC's own order.

    `complete`: every output is wanted in the workspace. `stop_after`: seconds after which whatever
    is running is stopped, and fails. Call `begin_transaction` first, and keep or roll back
    afterwards.
    """
    locks = {path: _text(root / path) for path in lock_files(stages)}
    processes = Processes(on_start=lambda pid: transaction.record_child(root, pid))
    runner = PlainRunner(
        root,
        pipeline,
        stages,
        processes=processes,
        jobs=how.jobs,
        watch=how.watch,
        complete=complete,
    )
    with _stopping(processes, stop_after):
        receipts = runner.run()
    for path, before in locks.items():
        mine = [s.name for s in pipeline.stages if s.cmd and lock_file_of(s.name) == path]
        order = [name.rpartition("dvc.yaml:")[2] for name in mine]
        after = _text(root / path)
        ordered = in_evaluation_order(before, after, order)
        if ordered != after:
            files.write_text(root / path, ordered)
    return receipts


def lock_files(stages: tuple[StagePlan, ...]) -> tuple[str, ...]:
    """Return the lock files that record the planned stages."""
    planned = (s.stage for s in stages if s.decision != "reuse")
    return tuple(dict.fromkeys(lock_file_of(stage) for stage in planned))


def begin_transaction(
    root: Path,
    project: DvcProject,
    pipeline: Pipeline,
    stages: tuple[StagePlan, ...],
    *,
    work: str,
    edited: tuple[str, ...] = (),
    done_when: str | None = None,
) -> None:
    """Record everything that running these stages may change."""
    planned = {s.stage for s in stages if s.decision != "reuse"}
    outputs: list[Output] = [
        output for stage in pipeline.stages if stage.name in planned for output in stage.outputs
    ]
    ignores = {str(Path(output.path).parent / ".gitignore") for output in outputs}
    transaction.begin(
        root,
        work=work,
        small=[*edited, *lock_files(stages), *sorted(ignores)],
        outputs=outputs,
        cache_holds=project.cache_holds,
        done_when=done_when,
    )


@contextmanager
def _stopping(processes: Processes, after: float | None) -> Iterator[None]:
    """Stop running stages after so many seconds; None: never."""
    if after is None:
        yield
        return
    alarm = threading.Timer(max(0.0, after), processes.stop)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        alarm.join()  # if it fired, it ends with the last process


def _text(path: Path) -> str:
    return files.read_text(path) if path.exists() else ""
