"""Run one tier of a plan: its stages, as parallel as they may be, with a receipt each."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from retouch.dvc import dvc
from retouch.execution.cutoff import new_inputs
from retouch.execution.model import Outcome, Receipt
from retouch.execution.schedule import Schedule
from retouch.lockfile.entries import digest_in, outputs_in
from retouch.pipeline.graph import waits_for
from retouch.pipeline.model import Pipeline
from retouch.planning.model import StagePlan
from retouch.system import files
from retouch.system.processes import Processes, telling_of_interrupts


class Progress(Protocol):
    """Told what happens, for a person to see."""

    def planned(self, stages: Iterable[str]) -> None:
        """Say which stages may run, before the first starts."""

    def started(self, stage: str) -> None:
        """Say that a stage has started."""

    def finished(self, receipt: Receipt) -> None:
        """Say how a stage ended."""


class PlainRunner:
    """Calls `dvc repro` once per stage, several at the same time. One runner runs one plan.

    A stage that fails stops its dependents only. Serial is the same path with one job. Putting
    things back after a failure is up to the caller.
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
        """`pipeline` has the plan's edits made, and nothing has run yet.

        `complete`: the plan is one that wants every output in the workspace.
        """
        self._complete = complete
        self._root = root
        self._stages = {stage.name: stage for stage in pipeline.stages}
        self._plan = {s.stage: s for s in plan if s.decision != "reuse"}
        self._schedule = Schedule(waits_for(pipeline, self._plan))
        self._processes = processes
        self._jobs = jobs
        self._watch = watch
        self._made: dict[str, str | None] = {}  # outputs of the stages that ran or were restored
        self._receipts: dict[str, Receipt] = {}
        self._under_way = 0
        self._ended: SimpleQueue[Future[Receipt] | None] = SimpleQueue()
        """What has ended; None for an interrupt. Its `put` may be called in a signal handler."""

    def run(self) -> tuple[Receipt, ...]:
        """Run the planned stages and return their receipts, in the plan's order.

        On any exception (KeyboardInterrupt as well) everything under way is stopped and the
        exception goes on. Raises InputError when an input is nowhere to be had.
        """
        self._began = time.monotonic()
        self._watch.planned(self._plan)
        with (
            telling_of_interrupts(lambda: self._ended.put(None)),
            ThreadPoolExecutor(max_workers=self._jobs) as pool,
        ):
            try:
                while not self._schedule.finished:
                    self._start_what_can(pool)
                    if self._under_way:
                        self._settle(self._next_ended())
            except BaseException:
                self._processes.stop()
                raise
        return tuple(self._receipts[name] for name in self._plan)

    def _next_ended(self) -> Receipt:
        """Wait for a stage to end. Raises what it raised, and KeyboardInterrupt."""
        job = self._ended.get()
        if job is None:
            raise KeyboardInterrupt
        self._under_way -= 1
        return job.result()

    def _start_what_can(self, pool: ThreadPoolExecutor) -> None:
        while self._under_way < self._jobs and (ready := self._schedule.ready()):
            stage = ready[0]
            self._schedule.start(stage)
            if self._is_cut_off(stage):  # costs nothing, and may make others ready
                self._settle(_receipt(stage, "cut_off", "its inputs came out identical"))
            else:
                self._watch.started(stage)
                self._under_way += 1
                pool.submit(self._run_stage, stage).add_done_callback(self._ended.put)

    def _is_cut_off(self, stage: str) -> bool:
        may_run = self._plan[stage].decision == "may_run"
        return may_run and not new_inputs(self._stages[stage], self._made)

    def _settle(self, receipt: Receipt) -> None:
        self._receipts[receipt.stage] = receipt
        self._made.update(receipt.outputs)
        self._watch.finished(receipt)
        skipped = self._schedule.finish(receipt.stage, ok=receipt.outcome != "failed")
        for stage, cause in skipped.items():
            self._receipts[stage] = _receipt(stage, "skipped", f"{cause} failed")
            self._watch.finished(self._receipts[stage])

    def _run_stage(self, name: str) -> Receipt:
        stage = self._stages[name]
        started = time.monotonic() - self._began
        absent = [i.path for i in stage.inputs if i.producer and not (self._root / i.path).exists()]
        dvc.pull(absent, root=self._root)
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
        return Receipt(
            stage=name,
            outcome=outcome,
            because=because,
            started_after=round(started, 3),
            wall_seconds=round(did.finished.wall_seconds, 3),
            cpu_seconds=round(did.finished.cpu_seconds, 3),
            peak_memory_bytes=did.finished.peak_memory_bytes,
            output_bytes=sum(files.size_of(self._root / out.path) for out in stage.outputs),
            outputs=outputs_in(recorded, stage),
            entry=digest_in(recorded, name.rpartition("dvc.yaml:")[2]),
            log=log.as_posix(),
            exit_code=did.finished.exit_code,
        )


_OUTCOMES: dict[str, tuple[Outcome, str]] = {
    "ran": ("ran", "its command was run"),
    "restored": ("restored", "DVC's run cache had this very run"),
    "nothing": ("cut_off", "DVC found nothing changed"),
    "failed": ("failed", "its command failed"),
}


def _receipt(stage: str, outcome: Outcome, because: str) -> Receipt:
    return Receipt(stage=stage, outcome=outcome, because=because)
