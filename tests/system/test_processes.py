"""Processes: measured with their children, stopped with their children, logged."""

from __future__ import annotations

import resource
import sys
import threading
import time
from pathlib import Path

import psutil

from retouch.system.processes import Processes, run
from tests.toy_project import wait_for


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


BURN = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.4: pass"
WITH_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {BURN!r}])"
WITH_GRANDCHILD = """
import os, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-S", "-c", "import signal, time;"
     "signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"]
)
print(os.getpid(), child.pid, flush=True)
time.sleep(60)
"""


def test_what_a_command_cost_includes_its_children(tmp_path: Path):
    done = Processes().run(python(WITH_CHILD), cwd=tmp_path, log=tmp_path / "log")
    assert done.exit_code == 0
    assert 0.4 <= done.cpu_seconds < 5
    assert done.wall_seconds >= 0.4


def test_memory_is_told_where_a_process_took_more_than_we_do(tmp_path: Path):
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    large = f"held = bytearray(b'x') * {ours + 100_000_000}"
    done = Processes().run(python(large), cwd=tmp_path, log=tmp_path / "log")
    assert ours + 100_000_000 < done.peak_memory_bytes < ours + 300_000_000
    done = Processes().run(python("pass"), cwd=tmp_path, log=tmp_path / "log")
    assert done.peak_memory_bytes == 0, "it began with our peak, which says nothing of it"


def test_output_and_errors_are_kept_in_the_log_and_the_exit_code_is_told(tmp_path: Path):
    log = tmp_path / "folder/that/is/new/log"
    code = "import sys; print('said', flush=True); sys.exit('complained')"
    done = Processes().run(python(code), cwd=tmp_path, log=log)
    assert done.exit_code == 1
    assert log.read_text() == "said\ncomplained\n" == done.output
    assert done.last_lines(1) == "complained"


def test_a_command_that_fails_in_silence_says_so(tmp_path: Path):
    done = Processes().run(python("raise SystemExit(3)"), cwd=tmp_path, log=tmp_path / "log")
    assert (done.ending, done.last_lines()) == ("exit code 3", "it wrote nothing")


def test_where_the_disk_takes_no_output_that_is_said(tmp_path: Path):
    """A limit on the size of files is as good as a full disk, and needs no rights."""
    code = f"""
import pathlib, resource, sys
from retouch.system.processes import Processes
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
here = pathlib.Path({str(tmp_path)!r})
fails = [sys.executable, "-S", "-c", "print('why'); raise SystemExit(1)"]
print(Processes().run(fails, cwd=here, log=here / "log").last_lines())
"""
    done = run((sys.executable, "-c", code), cwd=Path.cwd())
    assert done.output == f"nothing could be written to {tmp_path}: File too large\n"


def test_a_process_that_was_killed_has_a_negative_exit_code(tmp_path: Path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = Processes().run(python(code), cwd=tmp_path, log=tmp_path / "log")
    assert (done.exit_code, done.ending) == (-9, "killed by SIGKILL")


def test_stopping_kills_grandchildren_that_do_not_listen_and_starts_nothing_new(tmp_path: Path):
    processes, log = Processes(), tmp_path / "log"
    worker = threading.Thread(
        target=processes.run, args=(python(WITH_GRANDCHILD),), kwargs={"cwd": tmp_path, "log": log}
    )
    worker.start()
    wait_for(lambda: log.exists() and "deaf" in log.read_text() and len(log.read_text()) > 6)
    pids = [int(word) for word in log.read_text().split() if word.isdigit()]
    assert len(pids) == 2

    processes.stop(grace_seconds=0.3)
    worker.join(timeout=10)

    assert not worker.is_alive()
    wait_for(lambda: not any(_lives(pid) for pid in pids), seconds=5)
    after = processes.run(python("open('made', 'w')"), cwd=tmp_path, log=tmp_path / "log")
    assert after.exit_code == 130
    assert not (tmp_path / "made").exists()


def test_a_command_does_not_begin_before_its_process_is_noted_down(tmp_path: Path):
    made = tmp_path / "made"
    seen: list[bool] = []

    def note(pid: int) -> None:
        time.sleep(0.3)
        seen.append(psutil.pid_exists(pid) and not made.exists())

    Processes(on_start=note).run(python("open('made', 'w')"), cwd=tmp_path, log=tmp_path / "log")
    assert seen == [True]
    assert made.exists()


def test_a_command_never_begins_when_we_die_before_noting_it_down(tmp_path: Path):
    code = (
        "import os; from pathlib import Path; from retouch.system.processes import Processes;"
        "Processes(on_start=lambda pid: os._exit(9)).run("
        "['touch', 'made'], cwd=Path('.'), log=Path('log'))"
    )
    assert run([sys.executable, "-c", code], cwd=tmp_path).exit_code == 9
    time.sleep(0.2)
    assert not (tmp_path / "made").exists()


def test_python_in_a_command_is_the_python_we_run_in(tmp_path: Path):
    done = run(["python", "-c", "import sys; print(sys.executable)"], cwd=tmp_path)
    assert Path(done.output.strip()).parent == Path(sys.executable).parent


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
