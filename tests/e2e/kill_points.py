"""Jobs that die at a call, and what brings their work to its end: the triggers that exist.

A point is one call, or one push, of one job of a workflow. It goes wrong in one of four ways:

- `SIGKILL` of all processes of the step, after a write took effect, before a read is answered;
- `403`: this one call is refused;
- `500`: GitHub is down from this call on, until the job has ended;
- `no answer`: a write takes effect and its answer is lost, and so is everything after it.

After that only what fires on GitHub fires: the schedule and a push of somebody's unrelated commit,
in an order drawn by lot; then the button *Re-run failed jobs*, which somebody has to press, and the
schedule once more. For `403` and `no answer` the lot decides on the button, too. Workflows are
interpreted (`interpreter.py`), by a quick clock.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

import psutil

from tests.e2e.end_state import UNRELATED, differences, end_state
from tests.e2e.interpreter import Interpreter, Run
from tests.e2e.scene import Scene, stand_on
from tests.github.fake import Drop, Kill, Status

Fault = Literal["SIGKILL", "403", "500", "no answer"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
STAGE = "a stage runs"
"""In place of a call: the retrain job dies as of too little memory."""
_REFUSED = {"message": "Resource not accessible by integration"}


@dataclass(frozen=True)
class Flow:
    """A story of which one part is disturbed."""

    name: str
    title: str
    start: str
    """The name of the ground it stands on."""
    happens: Callable[[Scene], None]
    """What starts the jobs that die."""


@dataclass(frozen=True)
class Point:
    """One call of one job, and how it goes wrong."""

    flow: str
    job: str
    """`alert/retrain/publish`, or a pattern."""
    number: int
    """Of the call within the job, from 0."""
    call: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.flow}: {self.job} {self.number + 1}. {self.call}: {self.fault}"


@dataclass(frozen=True)
class Undisturbed:
    """A run in which nothing goes wrong."""

    end: dict[str, Any]
    calls: dict[str, list[str]]
    """By job: `alert/receive`."""

    def points(self, flow: str) -> list[Point]:
        """Return where its jobs can die: at each write, and at the first read of each kind."""
        stages = [job for job in self.calls if job.endswith("/retrain/retrain")]
        return [Point(flow, job, -1, STAGE, "SIGKILL") for job in stages] + [
            Point(flow, job, number, call, fault)
            for job, calls in self.calls.items()
            for number, call in enumerate(calls)
            for fault in _faults(call, calls[:number])
        ]


@dataclass(frozen=True)
class Outcome:
    """What came of a point."""

    point: Point
    died: bool
    """Whether the job failed at all: some faults are got over within it."""
    triggers: tuple[str, ...]
    """What fired, in order."""
    settled: int | None
    """After how many of them all was as it should be, and stayed so; None: never."""
    differs: tuple[str, ...]
    said: bool = False
    """Whether a comment or an issue says that a person has to do something."""

    @property
    def same(self) -> bool:
        return self.settled is not None


def undisturbed(flow: Flow, ground: Path, folder: Path) -> Undisturbed:
    """Play a flow to its end, and note the calls of each job."""
    scene = stand_on(ground, folder)
    with scene.github:
        calls: dict[str, list[str]] = {}
        starts: dict[str, int] = {}
        interpreter = scene.interpreted()
        outgoing = scene.github.outgoing

        def begins(run: Run, job: str) -> None:
            starts[job] = len(outgoing)

        def ended(run: Run, job: str) -> None:
            calls.setdefault(f"{run.workflow}/{job}", outgoing[starts[job] :])

        interpreter.on_job, interpreter.after_job = begins, ended
        flow.happens(scene)
        interpreter.on_job = interpreter.after_job = _nothing
        for trigger in ("push", "schedule"):
            _fire(scene, trigger)
        return Undisturbed(end_state(scene), calls)


def disturbed(flow: Flow, point: Point, ground: Path, folder: Path, expected: Any) -> Outcome:
    """Let a job die, let triggers fire, and compare what it comes to."""
    scene = stand_on(ground, folder)
    with scene.github:
        interpreter = scene.interpreted()
        trap = Trap(point, scene, interpreter)
        interpreter.on_job, interpreter.after_job = trap.begins, trap.ended
        flow.happens(scene)
        interpreter.on_job = interpreter.after_job = _nothing
        assert trap.sprung, f"{point}: no such job"
        died = any(run.failed for run in interpreter.runs)
        triggers = _triggers(point, died)
        found = [differences(end_state(scene), expected)]
        for trigger in triggers:
            _fire(scene, trigger)
            found.append(differences(end_state(scene), expected))
        settled = next((n for n in range(len(found)) if not any(found[n:])), None)
        end = end_state(scene)
        return Outcome(point, died, triggers, settled, tuple(found[-1]), _says(end, expected))


def _says(end: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Tell whether people are told that something was not done."""
    more = [body for _, body in end["comments"] - expected["comments"]]
    told = any("could not be done" in body or "on hold" in body for body in more)
    return told or len(end["issues"]) > len(expected["issues"])


def _triggers(point: Point, died: bool) -> tuple[str, ...]:
    """Return what fires after a point, in order."""
    chance = random.Random(str(point))
    button = ["re-run"] if died else []
    free, last = ["schedule", "push"], ["schedule"]
    if point.fault in ("403", "no answer"):
        free, button = free + button, []
    chance.shuffle(free)
    return (*free, *button, *last)


class Trap:
    """Arms the fault when the job of a point begins, the first time."""

    def __init__(self, point: Point, scene: Scene, interpreter: Interpreter) -> None:
        self.point, self.github, self.interpreter = point, scene.github, interpreter
        self.sprung = self._armed = False

    def begins(self, run: Run, job: str) -> None:
        if self.sprung or not fnmatchcase(f"{run.workflow}/{job}", self.point.job):
            return
        self.sprung = self._armed = True
        at = len(self.github.outgoing) + self.point.number
        writes = not self.point.call.startswith("GET ")
        self.github.on_kill = self.interpreter.kill
        if self.point.call == STAGE:
            threading.Thread(target=self._kill_stage, daemon=True).start()
        elif self.point.fault == "SIGKILL":
            self.github.outgoing_fails_at(at, Kill(after=writes))
        elif self.point.fault == "403":
            self.github.outgoing_fails_at(at, Status(403, _REFUSED))
        elif self.point.fault == "500":
            self.github.outgoing_fails_from(at, Status(500, {"message": "Server Error"}))
        else:
            self.github.outgoing_fails_at(at, Drop(after=writes))
            self.github.outgoing_fails_from(at + 1, Drop())

    def ended(self, run: Run, job: str) -> None:
        if self._armed:
            self._armed = False
            self.github.heal()

    def _kill_stage(self) -> None:
        while self._armed:
            for pid in self.interpreter.descendants():
                try:
                    words = psutil.Process(pid).cmdline()
                except psutil.Error:
                    continue
                if any(word.endswith("fit.py") for word in words):
                    self.interpreter.kill()
                    return
            time.sleep(0.02)


def _fire(scene: Scene, trigger: str) -> None:
    interpreter = scene.interpreter
    assert interpreter is not None
    if trigger == "schedule":
        scene.hours_pass()
    elif trigger == "push":
        (scene.at_main().root / UNRELATED).write_text("Seen.\n")
        scene.push("A note that concerns nobody")
    else:
        for run in [one for one in interpreter.runs if one.failed]:
            scene.rerun(run)


def _faults(call: str, before: Iterable[str]) -> tuple[Fault, ...]:
    if not call.startswith("GET "):
        return FAULTS
    return () if call in before else ("SIGKILL", "500")


def _nothing(run: Run, job: str) -> None:
    pass
