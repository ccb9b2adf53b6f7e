"""Jobs of the shipped workflows die at every call, and the triggers that exist finish their work.

`python -m benchmarks kills` tries all points (hours on two cores) and writes
reports/benchmarks/kills.md; `python -m benchmarks.kills --flow hold --most 20 --seed 7` tries a
sample of them and leaves what is known of the others. What a point is, and how it goes wrong, is
described in tests/e2e/kill_points.py; what is compared, in tests/e2e/end_state.py.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import signal
import sys
import tempfile
import traceback
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from tests.e2e.kill_flows import FLOWS, GROUNDS, make
from tests.e2e.kill_points import FAULTS, Outcome, Point, Undisturbed, disturbed, undisturbed
from tests.toy_project import sealed_environment

REPORTS = Path(__file__).parents[1] / "reports/benchmarks"
KNOWN, TABLE = REPORTS / "kills.json", REPORTS / "kills.md"
AT_ONCE = 2
OF_A_JOB = ("GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_OUTPUT", "GITHUB_RUN_ID")


@dataclass(frozen=True)
class Bench:
    """What every process that tries points knows."""

    folder: Path
    at_once: int

    def ground(self, name: str) -> Path:
        """Return what flows stand on, made once."""
        path = self.folder / name.replace(" ", "-")
        if not path.exists():
            below = GROUNDS[name][0]
            if below:
                self.ground(below)
            make(name, path, self.ground)
        return path

    def undisturbed(self, flow: str) -> Undisturbed:
        """Play a flow in which nothing goes wrong."""
        told = FLOWS[flow]
        return undisturbed(told, self.ground(told.start), self.folder / f"{flow}-undisturbed")

    def disturbed(self, task: tuple[Point, dict[str, Any]]) -> Outcome:
        """Try one point; an error of the trial itself is an outcome, too."""
        point, end = task
        told = FLOWS[point.flow]
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix=f"{point.flow}-"))
        try:
            return disturbed(told, point, self.ground(told.start), folder / "scene", end)
        except Exception:
            return Outcome(point, True, (), None, (traceback.format_exc(limit=-3),))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def main(
    flows: Sequence[str] = (), most: int | None = None, seed: int = 7, at_once: int = AT_ONCE
) -> None:
    """Try the points of some flows, and write the table after each."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # folders are removed, too
    with (
        tempfile.TemporaryDirectory(prefix="retouch-kills-") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        (folder / "home").mkdir()
        for variable, value in sealed_environment(folder / "home").items():
            patch.setenv(variable, value)
        patch.setenv("NO_PROXY", "127.0.0.1")
        for variable in OF_A_JOB:
            patch.delenv(variable, raising=False)
        _try(Bench(folder, at_once), flows or tuple(FLOWS), most, random.Random(seed))


def _try(bench: Bench, flows: Sequence[str], most: int | None, chance: random.Random) -> None:
    known = _read()
    for start in dict.fromkeys(FLOWS[flow].start for flow in flows):
        bench.ground(start)
    with multiprocessing.get_context("spawn").Pool(bench.at_once) as pool:
        ends = dict(zip(flows, pool.map(bench.undisturbed, flows, 1), strict=True))
        points = [point for flow in flows for point in ends[flow].points(flow)]
        for flow in flows:
            of_flow = {str(point) for point in points if point.flow == flow}
            told = known.get(flow, {"rows": {}})["rows"]
            rows = {name: row for name, row in told.items() if name in of_flow}
            known[flow] = {"points": len(of_flow), "rows": rows}
        chosen = chance.sample(points, min(most or len(points), len(points)))
        tasks = [(point, ends[point.flow].end) for point in chosen]
        for outcome in pool.imap_unordered(bench.disturbed, tasks):
            point = outcome.point
            known[point.flow]["rows"][str(point)] = _row(outcome)
            if not outcome.same and not outcome.said:
                click.echo(f"{point} ({', '.join(outcome.triggers)})", err=True)
                for line in outcome.differs:
                    click.echo(f"    {line}", err=True)
            _write(known)  # a run cut short leaves what it has tried


def _row(outcome: Outcome) -> dict[str, Any]:
    point = asdict(outcome.point)
    facts = {
        name: getattr(outcome, name) for name in ("died", "triggers", "settled", "differs", "said")
    }
    return {name: value for name, value in point.items() if name != "flow"} | facts


def _read() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    return {flow: told for flow, told in known.items() if flow in FLOWS}


def _write(known: dict[str, Any]) -> None:
    KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True, default=list) + "\n")
    TABLE.write_text(_table(known))


def _table(known: dict[str, Any]) -> str:
    rows = [row for told in known.values() for row in told["rows"].values()]
    same = sum(row["settled"] is not None for row in rows)
    said = sum(row["said"] for row in rows if row["settled"] is None)
    total = sum(told["points"] for told in known.values())
    lines = [
        "# Jobs that die, and what finishes their work",
        "",
        "`python -m benchmarks kills`: a job of the shipped workflows dies at a call to GitHub or a"
        " push of git. Then only what fires on GitHub fires: the schedule and a push of somebody's"
        " unrelated commit, in an order drawn by lot, then *Re-run failed jobs*, which somebody has"
        " to press, and the schedule once more; where one call was refused or its answer lost, the"
        " lot decides on the button, too. The end must be that of a run in which nothing went"
        " wrong, and stay so. `tests/e2e/end_state.py` says what is compared,"
        " `tests/e2e/kill_points.py` how a call goes wrong. The workflow files are interpreted,"
        " step by step, with their own commands (`tests/e2e/interpreter.py`); the stories of"
        " `make e2e` run them with act.",
        "",
        f"**{same} of {len(rows)} points tried come to the same end; of {said} a comment says what"
        f" a person has to do; there are {total} points.**",
        "",
        "A cell says after which trigger all was as it should be: `at once` when the job got over"
        " it, or nothing was left to do; `*` marks a job that did not fail; `re-run` needs somebody"
        " who presses the button.",
    ]
    missing = [flow.title for name, flow in FLOWS.items() if name not in known]
    if missing:
        lines += ["", "Not tried yet, nor counted:", "", *(f"- {title}" for title in missing)]
    for name, flow in FLOWS.items():
        if name in known:
            lines += ["", f"## {flow.title}", "", *_of_flow(known[name])]
    return "\n".join(lines) + "\n"


def _of_flow(told: dict[str, Any]) -> list[str]:
    cells: dict[tuple[str, int, str], dict[str, str]] = defaultdict(dict)
    for row in told["rows"].values():
        cells[row["job"], row["number"], row["call"]][row["fault"]] = _cell(row)
    lines = [f"{len(told['rows'])} of {told['points']} points were tried.", ""]
    lines += [f"| Job | Call | {' | '.join(FAULTS)} |", "|:--|:--|" + ":--|" * len(FAULTS)]
    for (job, number, call), found in sorted(cells.items()):
        shown = " | ".join(found.get(fault, "") for fault in FAULTS)
        lines.append(f"| {job} | {number + 1}. `{call}` | {shown} |")
    return lines


def _cell(row: dict[str, Any]) -> str:
    if row["settled"] is None:
        return "a person, says a comment" if row["said"] else "**no**"
    after = row["triggers"][row["settled"] - 1] if row["settled"] else "at once"
    return after if row["died"] else f"{after} *"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flow", action="append", choices=tuple(FLOWS), default=[])
    parser.add_argument("--most", type=int)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    given = parser.parse_args()
    main(given.flow, given.most, given.seed, given.at_once)
