"""How much of the full pipeline does a targeted answer cost? On the shipped alert, on this machine.

Three things are measured side by side, in copies of this repository set back to before the alert:

- the full pipeline by `dvc repro` (the peer) and by `retouch build`, from nothing;
- the same alert's edit answered by `dvc repro` and by `retouch run`, on the built pipeline;
- `retouch plan`, five times, with all data there and with none.

CPU seconds are those of the processes and all their children. Wall seconds depend on the machine.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from retouch.cli.run import committed_run, copy_before
from retouch.dvc.params import apply_edits
from retouch.engine.project import Project, open_project
from retouch.execution.model import Attempt, Outcome, Run
from retouch.git import git
from retouch.storage import documents
from retouch.system import files

RESULT = Path("reports/benchmarks/targeted.json")
PLANS = 5


def measure() -> dict[str, Any]:
    """Run everything and return the figures."""
    project = open_project(Path.cwd())
    shipped = committed_run(project, None)
    alert = f"{documents.ALERTS}/{shipped.alert_ids[0]}.json"
    copies = [_fresh_copy(project, shipped, name) for name in ("dvc", "retouch", "bare")]
    by_dvc, by_retouch, bare = copies
    full = {
        "dvc_repro": _timed(["dvc", "repro", "--quiet"], by_dvc),
        "retouch_build": _timed(["retouch", "build"], by_retouch),
        "same_lock": _lock(by_dvc) == _lock(by_retouch),
    }
    for copy in (by_dvc, by_retouch):
        git.commit_all(copy, "The pipeline before the alert")
    plan = {
        name: _medians([_timed(["retouch", "plan", alert], copy) for _ in range(PLANS)])
        for name, copy in (("with_data", by_retouch), ("without_data", bare))
    }
    return {
        "alert": shipped.alert_ids[0],
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "full": full,
        "targeted": _targeted(shipped, alert, by_dvc, by_retouch),
        "plan": plan,
    }


def _targeted(shipped: Run, alert: str, by_dvc: Path, by_retouch: Path) -> dict[str, Any]:
    """Answer the alert in one copy; make its edit and run `dvc repro` in the other."""
    by_run = _timed(["retouch", "run", "--no-push", alert], by_retouch)
    for path, text in apply_edits(by_dvc, shipped.attempts[-1].edits).items():
        files.write_text(by_dvc / path, text)
    by_repro = _timed(["dvc", "repro", "--quiet"], by_dvc)
    run = documents.read_document(by_retouch / "reports" / shipped.alert_ids[0] / "run.json", Run)
    return {
        "dvc_repro": by_repro,
        "retouch_run_with_gate_and_report": by_run,
        "stages": _stages(run.attempts),
        "stages_cpu_seconds": round(sum(a.cpu_seconds for a in run.attempts), 2),
        "same_lock": _lock(by_dvc) == _lock(by_retouch),
    }


def _fresh_copy(project: Project, shipped: Run, name: str) -> Path:
    """Return a clone set back to before the alert, with a cache of its own."""
    root = project.root / ".retouch/bench" / name
    shutil.rmtree(root, ignore_errors=True)
    copy_before(project, shipped, root)
    git.commit_all(root, "Before the alert")
    return root


def _timed(command: list[str], root: Path) -> dict[str, float]:
    """Run a command of this environment to its end and return its cost."""
    here = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(
        command, cwd=root, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": round(cpu, 2), "wall_seconds": round(wall, 2)}


def _medians(costs: list[dict[str, float]]) -> dict[str, float]:
    return {key: median(cost[key] for cost in costs) for key in costs[0]}


def _stages(attempts: tuple[Attempt, ...]) -> dict[str, list[str]]:
    outcomes: tuple[Outcome, ...] = ("ran", "restored", "cut_off")
    return {o: [s for attempt in attempts for s in attempt.named(o)] for o in outcomes}


def _lock(root: Path) -> str:
    return (root / "dvc.lock").read_text()


def show(result: dict[str, Any]) -> str:
    """Return the figures as lines for a person, ratios included."""
    full, targeted, plan = result["full"], result["targeted"], result["plan"]
    whole = full["retouch_build"]["cpu_seconds"]
    rows = [
        ("full pipeline, dvc repro", full["dvc_repro"]),
        ("full pipeline, retouch build", full["retouch_build"]),
        ("the alert's edit, dvc repro", targeted["dvc_repro"]),
        ("the alert, retouch run (gate, report)", targeted["retouch_run_with_gate_and_report"]),
        ("retouch plan, all data there", plan["with_data"]),
        ("retouch plan, no data there", plan["without_data"]),
    ]
    lines = [f"{'':40}{'CPU s':>9}{'wall s':>9}{'CPU / full':>12}"]
    for name, cost in rows:
        share = cost["cpu_seconds"] / whole
        lines.append(f"{name:40}{cost['cpu_seconds']:9.1f}{cost['wall_seconds']:9.1f}{share:12.2f}")
    alone = targeted["stages_cpu_seconds"]
    lines.append(f"{'the stages of retouch run alone':40}{alone:9.1f}{'':9}{alone / whole:12.2f}")
    lines.append(f"ran: {', '.join(targeted['stages']['ran'])}")
    lines.append(
        "dvc.lock byte-identical to dvc repro's: "
        f"full {full['same_lock']}, targeted {targeted['same_lock']}"
    )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the figures down."""
    result = measure()
    sys.stdout.write(show(result) + "\n")
    files.write_text(RESULT, json.dumps(result, indent=2) + "\n")
