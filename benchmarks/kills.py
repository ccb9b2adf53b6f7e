"""`retouch ci publish`, killed at every call it makes to GitHub, and run again: what it comes to.

The command runs as a process of its own against the fake GitHub of the tests, over a real bare
repository, and gets SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from tests.github.fake import Kill
from tests.publishing.conftest import Answered, World, answer_once, enter
from tests.toy_project import make_project, sealed_environment

OUT = Path(__file__).parents[1] / "reports/benchmarks/kills.md"
WAYS = {
    "alert": "the answer goes on the pull request of its alert",
    "main": "the alert lies on main; the answer opens a pull request",
}


@dataclass(frozen=True)
class Row:
    """One point, and what came of it."""

    way: str
    number: int
    call: str
    after: bool
    killed: str
    left: str
    again: str
    same: bool


def main() -> None:
    """Kill it everywhere, and write the table."""
    with (
        tempfile.TemporaryDirectory(prefix="retouch-kills-") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        (folder / "home").mkdir()
        for variable, value in sealed_environment(folder / "home").items():
            patch.setenv(variable, value)
        answered = _answered(folder)
        rows: list[Row] = []
        for way in WAYS:
            for row in _rows(folder, answered, way):
                rows.append(row)
                OUT.write_text(_table(rows))  # so that a run cut short leaves what it has tried
    click.echo(f"{len(rows)} points, {sum(row.same for row in rows)} come to the same end: {OUT}")


def _answered(folder: Path) -> Answered:
    (folder / "built").mkdir()
    toy = make_project(folder / "built/toy")
    assert toy.retouch("build", "--record", "--jobs", "2").code == 0
    toy.commit("The pipeline, built")
    toy.dvc("push", "--quiet")
    return answer_once(folder / "answered", toy)


def _rows(folder: Path, answered: Answered, way: str) -> Iterator[Row]:
    with enter(folder / f"{way}-unharmed", answered) as world:
        first = _begin(world, way)
        assert _publish(world).returncode == 0
        end, calls = world.end(), world.github.calls[first:]
    # Before a call is after the one before it.
    points = [(0, False), *((number, True) for number in range(len(calls)))]
    for number, after in points:
        with enter(folder / f"{way}-{number}-{after}", answered) as world:
            yield _killed(world, way, number, calls[number], after, end)


def _killed(
    world: World, way: str, number: int, call: str, after: bool, end: dict[str, object]
) -> Row:
    world.github.fails_at(_begin(world, way) + number, Kill(after=after))
    process = _start(world)
    world.github.on_kill = lambda: os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    left = _left(world)
    again = _publish(world)
    return Row(
        way=way,
        number=number + 1,
        call=call,
        after=after,
        killed="yes" if process.returncode == -signal.SIGKILL else f"no ({process.returncode})",
        left=left,
        again=again.stdout.strip().split(": ")[1] if again.returncode == 0 else "FAILED",
        same=world.end() == end,
    )


def _begin(world: World, way: str) -> int:
    world.without_figures()
    if way == "alert":
        world.deliver()
    else:
        world.change(branch=f"retouch/retrain/{world.answered.alert_id}")
    return len(world.github.calls)


def _left(world: World) -> str:
    """Say what the killed process left behind."""
    git, pulls = world.github.git, world.github.pulls
    ours = [n for n, sha in git.branches().items() if "Retouch-Proposal" in git.message(sha)]
    found = [
        ("branch", bool(ours)),
        ("pull request", bool(ours) and bool(pulls)),
        ("labels", bool(pulls) and bool(pulls[-1]["labels"])),
        ("comment", bool(world.github.comments)),
        ("status", bool(world.github.statuses)),
    ]
    return ", ".join(name for name, there in found if there) or "nothing"


def _start(world: World) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "retouch", "ci", "publish", str(world.packages)],
        cwd=world.toy.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _publish(world: World) -> subprocess.CompletedProcess[str]:
    process = _start(world)
    out, err = process.communicate()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def _table(rows: list[Row]) -> str:
    same = sum(row.same for row in rows)
    lines = [
        "# Killed at every call",
        "",
        "`python -m benchmarks kills`: `retouch ci publish` as a process, ended with SIGKILL before"
        " its first call to GitHub, and after GitHub did what any of them asks for; then again.",
        "The same end: one branch with the same tree and message, one pull request with the same"
        " words and labels, one comment, one status, the same objects in the store.",
        "",
        f"**{same} of {len(rows)} points come to the same end as a run that nobody killed.**",
    ]
    for way, says in WAYS.items():
        lines += ["", f"## {way}: {says}", ""]
        lines += [
            "| Call | | Killed | Left behind | Run again | The same end |",
            "|:--|:--|:--|:--|:--|:--|",
        ]
        for row in (row for row in rows if row.way == way):
            when = "after" if row.after else "before"
            lines.append(
                f"| {row.number}. `{row.call}` | {when} | {row.killed} | {row.left} | {row.again} |"
                f" {'yes' if row.same else '**no**'} |"
            )
    return "\n".join(lines) + "\n"
