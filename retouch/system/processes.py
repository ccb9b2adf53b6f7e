"""Run commands: measured, with bytes on standard input, several at the same time.

Nothing else in Retouch starts a process.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TypeVar, cast

from retouch.errors import InputError
from retouch.system.stage_environment import stage_environment


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    command: tuple[str, ...]
    exit_code: int
    output: str
    """What it wrote to standard output and standard error, together."""
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    """User and system, of the process and all its children it waited for."""
    peak_memory_bytes: int = 0
    """Of the largest of these processes; 0 where it is not known."""

    @property
    def ending(self) -> str:
        """How it ended: `exit code 1`, or `killed by SIGKILL`."""
        if self.exit_code >= 0:
            return f"exit code {self.exit_code}"
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-self.exit_code).name}"
        return f"killed by signal {-self.exit_code}"

    def last_lines(self, count: int = 5) -> str:
        """Return the last lines of the output that say anything, or that there are none."""
        lines = [line.rstrip() for line in self.output.splitlines() if line.strip()]
        return "\n".join(lines[-count:]) or "it wrote nothing"


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
    """Run a short command to its end and return its output. Never raises on its exit code."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return Finished(tuple(command), done.returncode, done.stdout.decode(errors="replace"))


_ONCE_TOLD = ("/bin/sh", "-c", 'read -r go && exec "$@" < /dev/null', "sh")
"""Waits for a line, then becomes the command: nothing of it runs before its process is noted down,
and nothing at all when we die before that."""


class Processes:
    """The long commands under way; all of them can be stopped at once, children included."""

    def __init__(self, on_start: Callable[[int], None] = lambda _pid: None) -> None:
        """`on_start` is called with the process id of each."""
        self._on_start = on_start
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        log: Path,
        environment: Callable[[Mapping[str, str]], dict[str, str]] = stage_environment,
    ) -> Finished:
        """Run a command with its output in `log`, and measure it.

        `environment`: what it gets of our environment variables: no token, unless it says so.
        Once `stop` was called nothing new is started: the answer is exit code 130.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        started = time.monotonic()
        ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with log.open("wb") as file:
            with self._lock:
                if self._stopped:
                    return Finished(tuple(command), 130, "")
                process = _held_back(command, cwd, environment(_environment(None)), file)
                self._running.add(process)
                self._on_start(process.pid)
            with contextlib.suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as stdin:
                stdin.write(b"go\n")
            _, status, usage = os.wait4(process.pid, 0)
            with self._lock:
                self._running.discard(process)
                process.returncode = os.waitstatus_to_exitcode(status)
        return Finished(
            tuple(command),
            process.returncode,
            _output(log, failed=process.returncode != 0),
            wall_seconds=time.monotonic() - started,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=_peak(usage.ru_maxrss, ours),
        )

    def stop(self, grace_seconds: float = 5.0) -> None:
        """Interrupt everything under way; kill what has not ended after the grace."""
        with self._lock:
            self._stopped = True
            groups = [process.pid for process in self._running]
        _signal_all(groups, signal.SIGINT)
        deadline = time.monotonic() + grace_seconds
        while self._running and time.monotonic() < deadline:
            time.sleep(0.05)
        _signal_all(groups, signal.SIGKILL)  # a command that has ended may leave children behind


def _output(log: Path, *, failed: bool) -> str:
    """Return what a command wrote; of one that failed in silence, why nothing was kept of it.

    On a full disk a command fails and cannot say so: its log takes no more than its outputs do.
    """
    output = log.read_bytes().decode(errors="replace")
    if output.strip() or not failed:
        return output
    try:
        with tempfile.TemporaryFile(dir=log.parent) as file:
            file.write(b"\0" * 4096)
    except OSError as error:
        return f"nothing could be written to {log.parent}: {error.strerror}"
    return output


def _held_back(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str], output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a process that becomes the command once it is told to."""
    # A session of its own, so that stopping it reaches the stage's own children.
    return subprocess.Popen(
        [*_ONCE_TOLD, *command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _peak(theirs: int, ours: int) -> int:
    """Return bytes; 0 where a process used no more than this one.

    On Linux a new process begins with the peak of the one that started it, so a smaller peak
    cannot be measured.
    """
    return 0 if theirs <= ours else theirs * (1 if sys.platform == "darwin" else 1024)


def _signal_all(groups: Iterable[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)


def cpu_count() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Turn SIGTERM into KeyboardInterrupt, as Ctrl-C is: one path cleans up after both."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def on_interrupt(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` for Ctrl-C and SIGTERM, where KeyboardInterrupt would be raised otherwise.

    Raised at any point, it may leave a lock of the thread pool taken for ever: a thread that wants
    it never ends, and neither do we. `tell` must be safe in a signal handler.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda _number, _frame: tell()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Leave cyclic garbage alone: among tens of thousands of values, looking for it costs a lot.

    Parsing a large YAML file takes half the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_seconds_used() -> float:
    """Return the CPU time of this process and of all it has waited for."""
    return sum(os.times()[:4])


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return our environment with this interpreter's scripts first, so `python` is our python."""
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath)
    return {
        **os.environ,
        "PATH": path if path.split(os.pathsep)[0] == here else f"{here}{os.pathsep}{path}",
        "DVC_NO_ANALYTICS": "1",
        **(extra or {}),
    }


PIPE_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class PipeResult:
    """A command that has ended."""

    exit_code: int
    output: bytes
    """What it wrote to standard output."""
    errors: str
    """What it wrote to standard error."""


def pipe(
    command: Sequence[str], data: bytes, *, cwd: Path, env: Mapping[str, str] | None = None
) -> PipeResult:
    """Run a short command with bytes on its standard input. Never raises on its exit code.

    It has no terminal, so it cannot wait for a person. `env` is added to ours. Raises InputError
    when there is no such command, or when it does not end within PIPE_TIMEOUT_SECONDS.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            input=data,
            capture_output=True,
            check=False,
            env={**os.environ, **(env or {})},
            # A passphrase prompt goes to the terminal itself, not on standard input.
            start_new_session=True,
            timeout=PIPE_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise InputError(f"{command[0]} is not installed.") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{command[0]} did not end within {PIPE_TIMEOUT_SECONDS:.0f} s.") from None
    return PipeResult(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


T = TypeVar("T")


def run_parallel(
    work: Sequence[Callable[[], T]], processes: Processes, *, jobs: int
) -> tuple[T, ...]:
    """Call each, at most `jobs` at a time, and return what they give, in order.

    What they start belongs to `processes`. On any exception of theirs, and on Ctrl-C, these are
    stopped, and the exception goes on once every call has ended.
    """
    ended: SimpleQueue[Future[T] | None] = SimpleQueue()
    with (
        on_interrupt(lambda: ended.put(None)),
        ThreadPoolExecutor(max_workers=max(1, min(jobs, len(work)))) as pool,
    ):
        try:
            futures = [pool.submit(each) for each in work]
            for future in futures:
                future.add_done_callback(ended.put)
            for _ in futures:
                done = ended.get()
                if done is None:
                    raise KeyboardInterrupt
                done.result()
        except BaseException:
            processes.stop()
            raise
    return tuple(future.result() for future in futures)
