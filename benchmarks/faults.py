"""Planted faults of each family: is the right action taken, and are the wrong ones blocked?

A fault is planted in the data (`benchmarks.planted`), the alert a monitor would raise is answered
by `retouch run`, and the half-month that follows is scored with clean data: by the model that was
never touched, by what ours left in place, and by the whole model fitted anew without asking.

What is right was written down beforehand, with its reason, in `benchmarks.fault_table`.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import planted
from benchmarks.fault_table import FAULTS, Planted
from benchmarks.scenarios import DECIMALS, outcome_of, said_of, table, tiers_tried
from benchmarks.worlds import (
    HALF_MONTH,
    PARAMS,
    REFERENCE,
    Answered,
    Bench,
    World,
    days_after,
    whole_year,
)
from retouch.dvc.params import load_params
from retouch.system import files

RESULTS = Path("reports/benchmarks")
_RESOLUTION = 0.1
"""Minutes: a smaller difference of losses is none."""


def measure() -> Iterator[dict[str, Any]]:
    """Plant every fault with every seed; yield what has been found so far after each."""
    began = time.monotonic()
    bench = Bench.fresh("faults")
    clean = whole_year(bench)
    found: list[dict[str, Any]] = []
    for fault in FAULTS:
        for seed in fault.seeds:
            found.append(_outcome(Planted(fault, seed), bench, clean))
            yield {
                "machine": {"python": platform.python_version()},
                "wall_seconds": round(time.monotonic() - began),
                "right": sum(each["is_right"] for each in found),
                "faults": found,
            }


def _outcome(case: Planted, bench: Bench, clean: World) -> dict[str, Any]:
    world = _planted(case, bench)
    world.build()
    answered = world.answer(_alert(case))
    before = world.production()
    ours = world.produced()
    losses = {"never": before, "ours": ours, "full": _fitted_anew(case, world)}
    known = {digest: _after(case, clean, digest) for digest in dict.fromkeys(losses.values())}
    after = {name: known[digest] for name, digest in losses.items()}
    right = case.fault.right if case.fault.right == "quarantine" else "leave"
    changed = after["ours"] != after["never"]
    action = _action(answered, changed=changed, other_bytes=before != ours)
    return {
        "name": case.name,
        "seed": case.seed,
        "fault": case.fault.message,
        "days": list(case.days),
        "clock": case.fault.clock,
        "slice": f"{case.column} = {case.value}",
        "alert": case.fault.alert["kind"],
        "right": case.fault.right,
        "because": case.fault.because,
        "action": action,
        "is_right": right == (answered.kept if changed else "leave"),
        "message": said_of(answered),
        "outcome": outcome_of(answered),
        "tiers": list(tiers_tried(answered)),
        "run_cpu_seconds": answered.cost.cpu_seconds,
        "half_month_after": after,
        "worse_than_never": after["ours"]["loss"] > after["never"]["loss"] + _RESOLUTION,
    }


def _planted(case: Planted, bench: Bench) -> World:
    """Return a copy of the repository that reads the data with the fault."""
    fault, package, digest = case.fault, None, ""
    if fault.change:
        package, digest = planted.plant(
            bench.folder / "packages" / case.name,
            fault.table,
            fault.change,
            case.days,
            {case.column: case.value},
            case.seed,
        )
    world = bench.copy(case.name, fault.clock, package)
    if fault.change:
        planted.pin(world, fault.table, digest)
    if fault.policy:
        path = world.root / "policies/retraining.yaml"
        files.write_text(path, fault.policy(files.read_text(path)))
    return world


def _alert(case: Planted) -> dict[str, Any]:
    """Say what the monitor would."""
    start, end = (f"{day}T00:00:00Z" for day in REFERENCE)
    reference = {"dataset": case.fault.alert["dataset"], "window": {"start": start, "end": end}}
    return {
        "monitor": "planted",
        "window": list(case.days),
        "where": {case.column: case.value},
        "message": f"Planted, seed {case.seed}: {case.fault.message.lower()}.",
        **case.fault.alert,
        **({"reference": reference} if case.fault.alert["kind"] == "performance" else {}),
    }


def _action(answered: Answered, *, changed: bool, other_bytes: bool) -> str:
    """Say in a few words what was done.

    A model is the same when it scores the same: its manifest may tell of other inputs.
    """
    if answered.run is None:
        return "held for review"
    if answered.kept is None:
        tried = ", ".join(attempt.tier for attempt in answered.run.attempts)
        return f"refused: {tried}"
    same = "a model that scores the same" if other_bytes else "the same model"
    return f"{answered.kept}, {'a new model' if changed else same}"


def _fitted_anew(case: Planted, world: World) -> str:
    """Fit the whole model again, on the data as they are, and return its hash."""
    world.put_back()
    holdout = days_after(case.fault.clock, -HALF_MONTH)
    until = days_after(holdout, -HALF_MONTH)
    windows = {"train.until": until, "calibrate.from": until, "calibrate.until": holdout}
    parts = load_params(world.root / PARAMS, PARAMS)["parts"]
    world.edit({f"parts.{part}.{key}": day for part in parts for key, day in windows.items()})
    world.python("retouch", "build")
    return world.produced()


def _after(case: Planted, clean: World, digest: str) -> dict[str, float]:
    """Return how a model does in the slice, on the clean half-month that follows."""
    until = days_after(case.fault.clock, HALF_MONTH)
    scores = clean.scores(clean.bundle(digest), case.fault.clock, until)
    rows = scores[scores[case.column] == case.value]
    found = {
        "loss": rows["loss"].mean(),
        "coverage": rows["label"].between(rows["lower"], rows["upper"]).mean(),
        "width": (rows["upper"] - rows["lower"]).mean(),
    }
    return {name: round(float(number), DECIMALS) for name, number in found.items()}


def show(result: dict[str, Any]) -> str:
    """Return the outcomes as a page of Markdown, the failures among them."""
    found = result["faults"]
    heads = ["Fault, seed", "Slice", "Right", "Done", "", "Never", "Ours", "Full", "CPU s"]
    rows = []
    for each in found:
        after = each["half_month_after"]
        rows.append(
            [
                f"{each['fault']}, {each['seed']}",
                each["slice"],
                each["right"],
                each["action"],
                ("right" if each["is_right"] else "**wrong**")
                + (", **and worse than never**" if each["worse_than_never"] else ""),
                *(f"{after[name]['loss']:.2f}" for name in ("never", "ours", "full")),
                f"{each['run_cpu_seconds']:.0f}",
            ]
        )
    lines = [
        "# Planted faults",
        "",
        "Made by `python -m benchmarks faults`: faults planted in the data, answered by "
        "`retouch run`. *Never*, *ours* and *full* are the mean absolute errors of the slice in "
        "minutes on the clean half-month that follows: of the untouched model, of what ours left "
        "in place, and of the whole model fitted anew on the data as they were. What is right was "
        "written down beforehand, in `benchmarks/fault_table.py`.",
        "",
        f"**{result['right']} of {len(found)} right**, "
        f"in {result['wall_seconds'] / 60:.0f} minutes.",
        "",
        *table(heads, rows),
        "",
        *_notes(found),
    ]
    return "\n".join(lines) + "\n"


def _notes(found: list[dict[str, Any]]) -> Iterator[str]:
    for each in found:
        yield f"- **{each['name']}** ({each['days'][0]} to {each['days'][1]}): {each['because']}"
        yield f"  Verdict: {each['outcome'].replace('_', ' ')}. {each['message']}"
        yield "  Intervals after: " + ", ".join(
            f"{name} {found['width']:.0f} min wide, covering {found['coverage']:.2f}"
            for name, found in each["half_month_after"].items()
        )
        for tier in each["tiers"]:
            stopped = [g for g in tier["guardrails"] if g["result"] != "pass"]
            said = "".join(f" Guardrail {g['name']} ({g['mode']}): {g['message']}" for g in stopped)
            outcome = tier["outcome"].replace("_", " ")
            yield f"  - {tier['tier']}: {outcome}. {tier['message']}{said}"


def main() -> None:
    """Measure, print, and write the figures down, after each fault what there is."""
    for result in measure():
        files.write_text(RESULTS / "faults.json", json.dumps(result, indent=2) + "\n")
        files.write_text(RESULTS / "faults.md", show(result))
        last = result["faults"][-1]
        sys.stdout.write(f"{last['name']}: {'right' if last['is_right'] else 'WRONG'}, ")
        sys.stdout.write(f"{last['action']}\n")
        sys.stdout.flush()
