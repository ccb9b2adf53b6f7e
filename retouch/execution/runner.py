"""Run one tier of a plan: its stages, in parallel where they are independent, a receipt each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from retouch.dvc import dvc
from retouch.dvc.checked import recorded_now, require_inputs, require_recorded
from retouch.execution.model import Outcome, Receipt
from retouch.lockfile.entries import digest_in, outputs_in
from retouch.pipeline.graph import waits_for
from retouch.pipeline.model import FileInput, Pipeline, Stage
from retouch.planning.model import StagePlan
from retouch.system import files
from retouch.system.processes import Processes, on_interrupt


class Progress(Protocol):
    """Notified of what happens, to show it."""

    def planned(self, stages: Iterable[str]) -> None:
        """The stages that may run, before the first starts."""

    def started(self, stage: str) -> None:
        """A stage has started."""

    def finished(self, receipt: Receipt) -> None:
        """A stage has ended."""


class StageQueue:
    """The stages of one attempt in dependency order, and which of them a failure leaves out. Pure.

    `take` a stage, then `finish` it, until `finished`. After a failed stage the stages downstream
    of it are still taken: `failed_upstream` tells them apart, and they are finished unrun.
    """

    def __init__(self, waits_for: Mapping[str, frozenset[str]]) -> None:
        """`waits_for`: each stage and the stages that must be done first, in the plan's order."""
        self._waits_for = waits_for
        self._position = {stage: number for number, stage in enumerate(waits_for)}
        self._sorter = TopologicalSorter(waits_for)
        self._sorter.prepare()
        self._ready: list[str] = []
        self._failed: dict[str, str] = {}  # stage -> the stage that failed: itself, or upstream

    @property
    def finished(self) -> bool:
        """Whether every stage is finished."""
        return not self._sorter.is_active()

    def take(self) -> str | None:
        """Return a stage that can start now, the first in the plan's order; None without one."""
        self._ready += self._sorter.get_ready()
        self._ready.sort(key=self._position.__getitem__)
        return self._ready.pop(0) if self._ready else None

    def failed_upstream(self, stage: str) -> str | None:
        """Return the failed stage that leaves this one out, if there is one."""
        upstream = sorted(self._waits_for[stage] & self._failed.keys())
        return self._failed[upstream[0]] if upstream else None

    def finish(self, stage: str, *, ok: bool = True) -> None:
        """Record that a taken stage has ended; one behind a failure counts as failed too."""
        cause = self.failed_upstream(stage)
        if cause is not None or not ok:
            self._failed[stage] = cause or stage
        self._sorter.done(stage)


class PlainRunner:
    """Calls `dvc repro` once per stage, several at the same time. One runner runs one plan.

    A failed stage stops only the stages downstream of it. Serial is the same path with one job.
    Rolling back after a failure is up to the caller.
    """

    name = "dvc repro, one process per stage"

    def __init__(
        self,
        root: Path,
        pipeline: Pipeline,
        plan: tuple[StagePlan, ...],
        *,
        processes: Processes,
        jobs: int,
        watch: Progress,
        complete: bool = False,
    ) -> None:
        """`pipeline` has the plan's edits applied, and nothing has run yet.

        `complete`: every output is wanted in the workspace.
        """
        self._complete = complete
        self._root = root
        self._stages = {stage.name: stage for stage in pipeline.stages}
        self._outputs = {o.path: o for stage in pipeline.stages for o in stage.outputs}
        self._plan = {s.stage: s for s in plan if s.decision != "reuse"}
        self._queue = StageQueue(waits_for(pipeline, self._plan))
        self._processes = processes
        self._jobs = jobs
        self._watch = watch
        self._made: dict[str, str | None] = {}  # outputs of the stages that ran or were restored
        self._receipts: dict[str, Receipt] = {}
        self._running_count = 0
        self._ended: SimpleQueue[Future[Receipt] | None] = SimpleQueue()
        """Stages that have ended; None for an interrupt. Its `put` is safe in a signal handler."""

    def run(self) -> tuple[Receipt, ...]:
        """Run the planned stages and return their receipts, in the plan's order.

        On any exception, KeyboardInterrupt included, running stages are stopped and the exception
        is raised. Raises InputError when an input is neither here nor in the remote.
        """
        self._began = time.monotonic()
        self._watch.planned(self._plan)
        with (
            on_interrupt(lambda: self._ended.put(None)),
            ThreadPoolExecutor(max_workers=self._jobs) as pool,
        ):
            try:
                while not self._queue.finished:
                    self._start_ready(pool)
                    if self._running_count:
                        self._record(self._wait_for_stage())
            except BaseException:
                self._processes.stop()
                raise
        return tuple(self._receipts[name] for name in self._plan)

    def _wait_for_stage(self) -> Receipt:
        """Wait for a stage to end. Raises what it raised, and KeyboardInterrupt."""
        job = self._ended.get()
        if job is None:
            raise KeyboardInterrupt
        self._running_count -= 1
        return job.result()

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        while self._running_count < self._jobs and (stage := self._queue.take()):
            # Neither of these costs anything, and both may make others ready.
            if cause := self._queue.failed_upstream(stage):
                self._record(_receipt(stage, "skipped", f"{cause} failed"))
            elif self._is_cut_off(stage):
                self._record(_receipt(stage, "cut_off", "its inputs came out identical"))
            else:
                self._watch.started(stage)
                self._running_count += 1
                pool.submit(self._run_stage, stage).add_done_callback(self._ended.put)

    def _is_cut_off(self, stage: str) -> bool:
        may_run = self._plan[stage].decision == "may_run"
        return may_run and not new_inputs(self._stages[stage], self._made)

    def _record(self, receipt: Receipt) -> None:
        self._receipts[receipt.stage] = receipt
        self._made.update(receipt.outputs)
        self._watch.finished(receipt)
        self._queue.finish(receipt.stage, ok=receipt.outcome != "failed")

    def _bring_inputs(self, stage: Stage) -> None:
        """Have what other stages made for this one, with the bytes that they recorded."""
        read = [item.path for item in stage.inputs if item.producer]
        dvc.pull((path for path in read if not (self._root / path).exists()), root=self._root)
        require_inputs(read, self._outputs, self._made, root=self._root)

    def _run_stage(self, name: str) -> Receipt:
        stage = self._stages[name]
        started = time.monotonic() - self._began
        self._bring_inputs(stage)
        log = Path(".retouch/logs") / f"{name.replace('/', '_')}.log"
        did = dvc.repro_one(
            name,
            root=self._root,
            processes=self._processes,
            log=self._root / log,
            allow_missing=not self._complete,
        )
        outcome, because = _OUTCOMES[did.did]
        happened = outcome in ("ran", "restored")
        recorded = dvc.recorded_lock(name, root=self._root) if happened else ""
        made = outputs_in(recorded, stage)
        if outcome != "failed":  # it may have left anything
            # A restored run comes from the cache, as does one whose result the cache had before.
            require_recorded((recorded_now(o, made) for o in stage.outputs), root=self._root)
        return Receipt(
            stage=name,
            outcome=outcome,
            because=because,
            started_after=round(started, 3),
            wall_seconds=round(did.finished.wall_seconds, 3),
            cpu_seconds=round(did.finished.cpu_seconds, 3),
            peak_memory_bytes=did.finished.peak_memory_bytes,
            output_bytes=sum(files.size_of(self._root / out.path) for out in stage.outputs),
            outputs=made,
            entry=digest_in(recorded, name.rpartition("dvc.yaml:")[2]),
            log=log.as_posix(),
            exit_code=did.finished.exit_code,
        )


_OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "ran": ("ran", "its command was run"),
    "restored": ("restored", "DVC's run cache has this run"),
    "nothing": ("cut_off", "DVC found nothing changed"),
    "failed": ("failed", "its command failed"),
}


def _receipt(stage: str, outcome: Outcome, because: str) -> Receipt:
    return Receipt(stage=stage, outcome=outcome, because=because)


def new_inputs(stage: Stage, made: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the stage's inputs that are not as `dvc.lock` recorded them.

    `made`: path -> hash of every output of the stages that ran or were restored in this attempt.
    An input that is a part of such an output, or holds several, has no hash of its own there: it
    counts as new, and DVC has the last word. Any other input is as the plan found it, which need
    not be what the stage was recorded with.
    """
    return tuple(item.path for item in stage.inputs if _is_new(item, made))


def _is_new(item: FileInput, made: Mapping[str, str | None]) -> bool:
    if item.path in made:
        return made[item.path] != item.recorded
    within_or_around = any(
        item.path.startswith(f"{out}/") or out.startswith(f"{item.path}/") for out in made
    )
    return within_or_around or item.changed
