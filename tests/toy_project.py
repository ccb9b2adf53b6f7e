"""The project in `tests/toy` as a git repository with DVC: built once, then copied for each test.

<folder>/toy      the checkout: built, committed, pushed
<folder>/store    its DVC remote, which its config names by a relative path
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import yaml

from retouch.alerts.new import alert_json, new_alert
from retouch.cli.main import main
from retouch.execution.model import Receipt, Run

ROOT = Path(__file__).parents[1]
SOURCE = Path(__file__).parent / "toy"
FIRST_DAY, JUMP = date(2024, 1, 1), date(2024, 2, 1)
NOT_COMPARED = {".git", ".retouch", "__pycache__", "reports", "alerts"}
"""Where a run may leave something of ours, whatever becomes of it."""


@dataclass(frozen=True)
class Told:
    """What a command said."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


@dataclass(frozen=True)
class Toy:
    """One checkout of the toy project."""

    root: Path

    def retouch(self, *args: str) -> Told:
        """Run our command line within this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.chdir(self.root),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(list(args))
        return Told(code, out.getvalue(), err.getvalue())

    def start(self, *args: str, slow: float = 0) -> subprocess.Popen[bytes]:
        """Start our command line as a process of its own, in its own group as a shell would.

        Fitting a region takes `slow` seconds, which no hash knows of.
        """
        return subprocess.Popen(
            [sys.executable, "-m", "retouch", *args],
            cwd=self.root,
            env={**os.environ, "TOY_SLOW": str(slow)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def git(self, *args: str) -> str:
        return _checked(["git", *args], self.root)

    def dvc(self, *args: str) -> str:
        """Run DVC's command line within this process, which saves it the second it takes to start.

        Needs the main thread. What it logs of an error goes where the test's own log goes.
        """
        from dvc.cli import main as dvc_main

        out = io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(out):
            code = dvc_main(list(args))
        assert code == 0, f"dvc {' '.join(args)}: exit code {code}\n{out.getvalue()}"
        return out.getvalue()

    def commit(self, message: str = "A change") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def clone(self, name: str) -> Toy:
        """Return a fresh clone beside this checkout: same remote, no data."""
        self.git("clone", "--quiet", ".", f"../{name}")
        return Toy(self.root.parent / name)

    def copy(self, name: str) -> Toy:
        shutil.copytree(self.root, self.root.parent / name, symlinks=True)
        return Toy(self.root.parent / name)

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there in a file."""
        text = (self.root / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        (self.root / path).write_text(text.replace(old, new))

    def fit_until(self, region: str, day: str) -> None:
        text = (self.root / "params.yaml").read_text()
        found = re.sub(rf"({region}: {{until: ')[^']+", rf"\g<1>{day}", text)
        assert found != text
        (self.root / "params.yaml").write_text(found)

    def slow(self, region: str, seconds: float) -> None:
        """Make fitting a region take this long. Changes its params, as any edit does."""
        text = (self.root / "params.yaml").read_text()
        found = re.sub(rf"({region}: .*slow: )[\d.]+", rf"\g<1>{seconds}", text)
        assert found != text
        (self.root / "params.yaml").write_text(found)

    def alert(self, kind: str, number: int = 1, **said: Any) -> str:
        """Write an alert and return its path; the same number gives the same id."""
        now = datetime(2024, 3, 1, 6, tzinfo=UTC)
        words = {"kind": kind, "model": "means", "monitor": "daily", "dataset": "rows", **said}
        made = new_alert(words, now=now, randomness=number.to_bytes(10))
        path = self.root / "alerts" / f"{made.alert_id}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(alert_json(made))
        return f"alerts/{path.name}"

    def report(self, alert: str) -> Path:
        return self.root / "reports" / Path(alert).stem

    def last_run(self, name: str = "build") -> Run:
        path = self.root / "reports" / Path(name).stem / "run.json"
        return Run.model_validate_json(path.read_text())

    def receipts(self, name: str = "build", attempt: int = -1) -> dict[str, Receipt]:
        return {r.stage: r for r in self.last_run(name).attempts[attempt].receipts}

    def outcomes(self, name: str = "build", attempt: int = -1) -> dict[str, str]:
        return {stage: r.outcome for stage, r in self.receipts(name, attempt).items()}

    def params(self) -> Any:
        return yaml.safe_load((self.root / "params.yaml").read_text())

    def lock(self) -> str:
        return (self.root / "dvc.lock").read_text()

    def tree(self) -> dict[str, str]:
        """Return the digest and the mode of every file: inputs, outputs, locks, what git keeps."""
        return {
            path.relative_to(self.root).as_posix(): _digest(path)
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not _left_out(path.relative_to(self.root))
        }

    def processes(self) -> list[str]:
        """Return the commands of the processes that work in this checkout."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(self.root) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
        return found


def wait_for(what: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait until something holds; fail when it does not come about."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill this one process as the system does when memory runs out: nobody can clean up."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def write_project(folder: Path) -> Toy:
    """Write the project without a git repository, and its data."""
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".gitignore").write_text("/.retouch/\n__pycache__/\n")
    (folder / "data").mkdir()
    _write_rows(folder / "data/rows.csv")
    return Toy(folder)


def make_project(folder: Path) -> Toy:
    """Write the project, put it under git and DVC, and commit it; nothing has run yet."""
    toy = write_project(folder)
    toy.git("init", "--quiet")
    toy.dvc("init", "--quiet")
    toy.dvc("remote", "add", "--quiet", "--default", "store", "../store")
    toy.dvc("add", "--quiet", "data/rows.csv")
    toy.commit("The project")
    return toy


def _write_rows(path: Path) -> None:
    """Sixty days of two regions; labels around 100, and from `JUMP` on those of eu around 130."""
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "day", "region", "label"])
        for number in range(60 * 2 * 8):
            day = FIRST_DAY + timedelta(days=number // 16)
            if number % 16 == 0:
                of_the_day = chance.gauss(0, 1)
            region = "eu" if number % 16 < 8 else "us"
            jump = 30 if region == "eu" and day >= JUMP else 0
            label = 100 + of_the_day + jump + chance.gauss(0, 2)
            writer.writerow([number + 1, day.isoformat(), region, round(label, 3)])


def _checked(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _left_out(path: Path) -> bool:
    inside = path.as_posix()
    return inside.startswith((".dvc/tmp/", ".dvc/cache/")) or not NOT_COMPARED.isdisjoint(
        path.parts
    )


def _digest(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def sealed_environment(home: Path) -> dict[str, str]:
    """Return variables that keep git, DVC and Python away from whoever runs the tests."""
    (home / "gitconfig").write_text(
        "[user]\n    name = Toy\n    email = toy@example.org\n"
        "[init]\n    defaultBranch = main\n[gc]\n    auto = 0\n[core]\n    fsync = none\n"
    )
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache/matplotlib")),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "100",
    }
