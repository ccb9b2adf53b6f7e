"""A few things at the same time: in order, all or nothing, and Ctrl-C ends them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from retouch.system.processes import Processes, run_parallel

LONG = """
import sys
from functools import partial
from pathlib import Path
from retouch.system.processes import run_parallel
from retouch.system.processes import Processes
here, processes = Path("."), Processes(on_start=lambda pid: print(pid, flush=True))
sleep = ["sleep", "60"]
work = [partial(processes.run, sleep, cwd=here, log=Path(name)) for name in ("a", "b")]
run_parallel(work, processes, jobs=2)
"""


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_what_they_give_comes_in_order_whatever_ends_first(jobs):
    def slowly(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number

    work = [partial(slowly, number) for number in range(3)]
    assert run_parallel(work, Processes(), jobs=jobs) == (0, 1, 2)


def test_nothing_to_do_gives_nothing():
    assert run_parallel([], Processes(), jobs=2) == ()


def test_when_one_fails_the_others_are_stopped_and_its_exception_goes_on(tmp_path: Path):
    processes = Processes()
    sleep = partial(processes.run, ["sleep", "60"], cwd=tmp_path, log=tmp_path / "log")

    def fail() -> None:
        time.sleep(0.2)
        raise LookupError("it is not there")

    began = time.monotonic()
    with pytest.raises(LookupError, match="it is not there"):
        run_parallel([sleep, fail], processes, jobs=2)
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_of_them(tmp_path: Path, number):
    process = subprocess.Popen(
        [sys.executable, "-c", LONG],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said
    for pid in pids:
        assert (
            not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text()
        )
