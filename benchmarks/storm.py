"""What does a storm of alerts cost? 10,000 alerts over 200 fingerprints, in one intake.

Twenty data sets with ten columns each drift for two windows, and a monitor tells of each of them
25 times per window. Once nobody signs (and the registry lets the monitor retrain), once everything
is signed. Both are taken in by `retouch alert intake`, whose CPU seconds and peak memory are those
of the process and all its children, `ssh-keygen` and `git` included.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retouch.alerts.new import alert_json, new_alert
from retouch.git import git
from retouch.system import files

RESULT = Path("reports/benchmarks/storm.json")
RUNS = 3
"""Of each storm, in a project of its own; the one of median CPU counts."""
DATASETS, COLUMNS, WINDOWS, TIMES = 20, 10, 2, 25
START = datetime(2026, 11, 1, tzinfo=UTC)

POLICY = """
version: 1
model: storm
tiers:
  refit:
    description: Fit again.
    module: train
    must: improve
    edits: [{set: revision, increase_by: 1}]
rules:
  - name: Drift is answered
    why: It is a storm.
    when: {family: distribution shift}
    try: [refit]
    examples: [{given: {kind: data_drift}, expect: {try: [refit]}}]
suppression: {group_wait: 0 minutes}
"""
STAGES = """
stages:
  train:
    cmd: touch model
    params: [revision]
    outs: [model]
    meta: {retouch: {module: train, dataset: data-0}}
"""
MONITORS = """
version: 1
repository: acme/storm
monitors:
  weather: {description: It looks at everything., owner: the benchmark, unsigned: UNSIGNED}
"""


def measure() -> dict[str, Any]:
    """Run both storms and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        key, runs = _key(Path(folder)), range(RUNS)
        unsigned = _median([_storm(Path(folder) / f"unsigned-{n}", None) for n in runs])
        signed = _median([_storm(Path(folder) / f"signed-{n}", key) for n in runs])
    return {
        "alerts": DATASETS * COLUMNS * WINDOWS * TIMES,
        "fingerprints": DATASETS * COLUMNS,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "runs": RUNS,
        "unsigned": unsigned,
        "signed": signed,
    }


def _storm(root: Path, key: Path | None) -> dict[str, Any]:
    _make_project(root, key)
    _write_alerts(root)
    if key is not None:
        alerts = sorted(str(path) for path in (root / "alerts").glob("*.json"))
        sign = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "retouch-alert"]
        for first in range(0, len(alerts), 1000):
            subprocess.run([*sign, *alerts[first : first + 1000]], check=True, capture_output=True)
    return _intake(root)


def _median(runs: list[dict[str, Any]]) -> dict[str, Any]:
    ranked = sorted(runs, key=lambda run: run["cpu_seconds"])
    found = ranked[len(ranked) // 2]
    return {**found, "cpu_seconds_of_all_runs": [run["cpu_seconds"] for run in ranked]}


def _make_project(root: Path, key: Path | None) -> None:
    for name, text in {
        "dvc.yaml": STAGES,
        "params.yaml": "revision: 1\n",
        "policies/retraining.yaml": POLICY,
        "policies/monitors.yaml": MONITORS.replace("UNSIGNED", "hold" if key else "retrain"),
    }.items():
        files.write_text(root / name, text.lstrip())
    if key is not None:
        public = key.with_suffix(".pub").read_text()
        files.write_text(
            root / "policies/allowed_signers", f'weather namespaces="retouch-alert" {public}'
        )
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    git.commit_all(root, "A project")


def _write_alerts(root: Path) -> None:
    (root / "alerts").mkdir()
    number = 0
    for window in range(WINDOWS):
        day = START + timedelta(days=window)
        for time_of_day in range(TIMES):
            for dataset in range(DATASETS):
                for column in range(COLUMNS):
                    number += 1
                    said = {
                        "kind": "data_drift",
                        "model": "storm",
                        "monitor": "weather",
                        "audience": "acme/storm",
                        "dataset": f"data-{dataset}",
                        "window": [f"{day:%Y-%m-%d}", f"{day + timedelta(days=1):%Y-%m-%d}"],
                        "findings": [{"metric": "psi", "column": f"c{column}", "value": 0.3}],
                    }
                    moment = day + timedelta(days=1, minutes=5 * time_of_day, seconds=dataset)
                    alert = new_alert(said, now=moment, randomness=number.to_bytes(10))
                    path = root / "alerts" / f"{alert.alert_id}.json"
                    files.write_bytes(path, alert_json(alert).encode(), durable=False)


def _key(folder: Path) -> Path:
    make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / "key")]
    subprocess.run(make, check=True)
    return folder / "key"


def _intake(root: Path) -> dict[str, Any]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "retouch", "alert", "intake", "--json"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    groups = [group["key"] for group in told["groups"]]
    return {
        "cpu_seconds": round(cpu, 2),
        "wall_seconds": round(wall, 2),
        "peak_memory_mb": round(after.ru_maxrss / 1024),
        "decided": len(told["receipts"]),
        "states": dict(Counter(one["standing"]["state"] for one in told["receipts"])),
        "verdicts": dict(Counter(one["provenance"]["verdict"] for one in told["receipts"])),
        "groups": len(groups),
        "most_groups_per_key": max(Counter(groups).values(), default=0),
    }


def main() -> None:
    """Measure, print and write the figures."""
    found = measure()
    print(json.dumps(found, indent=2))  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
