"""The steps of the alert and promote flows, killed at every call, and run again: what it comes to.

Each command runs as a process of its own against the fake GitHub of the tests, over a real bare
repository, and gets SIGKILL. Points are tried two at a time; writes first, as most can go wrong.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
import pytest

from benchmarks.kills_steps import FLOWS, prepare
from retouch.git.gto_tags import read_tags
from tests.github.fake import Kill
from tests.jobs.publish.world import Answered, World, enter
from tests.toy_project import sealed_environment, wait_for

OUT = Path(__file__).parents[1] / "reports/benchmarks/kills.md"
AT_ONCE = 2
When = Literal["before", "after"]
OF_A_JOB = ("GITHUB_EVENT_PATH", "GITHUB_EVENT_NAME", "GITHUB_OUTPUT", "GITHUB_RUN_ID")
_HOOKS = {
    "update": '[ "$1" = {ref} ] && kill -9 $(cat {pid}) && exit 1; exit 0',
    "post-receive": "grep -qF {ref} && kill -9 $(cat {pid}); exit 0",
}


@dataclass(frozen=True)
class Point:
    """Where a process is killed: at a call to GitHub, or at the push of a tag."""

    flow: str
    place: int
    """In the table of its flow."""
    when: When
    message: str
    number: int = 0
    """Of the call, from 0."""
    tag: str | None = None

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Return when it has its turn."""
        return "`GET " in self.message, list(FLOWS).index(self.flow), self.place


@dataclass(frozen=True)
class Unharmed:
    """A run that nobody killed."""

    end: dict[str, Any]
    calls: list[str]
    tags: list[str]
    """That it pushed."""


@dataclass(frozen=True)
class Row:
    """One point, and what came of it."""

    point: Point
    killed: str
    left: str
    again: str
    same: bool


@dataclass(frozen=True)
class Bench:
    """What every process that tries points knows."""

    folder: Path
    starts: dict[bool, Answered]

    @contextlib.contextmanager
    def world(self, flow: str, name: str) -> Iterator[World]:
        """Enter a copy of where a flow starts, and remove it afterwards."""
        folder = self.folder / f"{flow}-{name}"
        with enter(folder, self.starts[FLOWS[flow].merged]) as world:
            FLOWS[flow].begin(world)
            yield world
        shutil.rmtree(folder, ignore_errors=True)

    def unharmed(self, flow: str) -> Unharmed:
        """Run a flow to its end."""
        with self.world(flow, "unharmed") as world:
            before, first = _tags(world), len(world.github.calls)
            done = _run(world, flow)
            assert done.returncode == 0, done
            tags = [name for name in _tags(world) if name not in before]
            return Unharmed(FLOWS[flow].end(world), world.github.calls[first:], tags)

    def killed(self, task: tuple[Point, dict[str, Any]]) -> Row:
        """Kill a flow at one point, run it again, and compare what it comes to."""
        point, end = task
        flow = FLOWS[point.flow]
        with self.world(point.flow, f"{point.place}-{point.when}") as world:
            if point.tag is None:
                at = len(world.github.calls) + point.number
                world.github.fails_at(at, Kill(after=point.when == "after"))
            else:
                _hook(world, point.tag, point.when)
            code = _killed(world, point.flow)
            left = flow.left(world)
            again = _run(world, point.flow)
            if again.returncode:
                click.echo(f"{point}: {again.stderr}", err=True)
            return Row(
                point=point,
                killed="yes" if code == -signal.SIGKILL else f"no ({code})",
                left=left,
                again="FAILED" if again.returncode else flow.told(again.stdout),
                same=again.returncode == 0 and _same(point, flow.end(world), end),
            )


def main() -> None:
    """Kill them everywhere, and write the table after every point."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # folders are removed, too
    with (
        tempfile.TemporaryDirectory(prefix="retouch-kills-") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        (folder / "home").mkdir()
        for variable, value in sealed_environment(folder / "home").items():
            patch.setenv(variable, value)
        for variable in OF_A_JOB:
            patch.delenv(variable, raising=False)
        bench = Bench(folder, prepare(folder))
        with multiprocessing.get_context("spawn").Pool(AT_ONCE) as pool:
            unharmed = dict(zip(FLOWS, pool.map(bench.unharmed, FLOWS, 1), strict=True))
            points = [point for flow in FLOWS for point in _points(flow, unharmed[flow])]
            tasks = [(p, unharmed[p.flow].end) for p in sorted(points, key=lambda p: p.rank)]
            rows: list[Row] = []
            for row in pool.imap_unordered(bench.killed, tasks):
                rows.append(row)
                OUT.write_text(_table(rows, points))  # a run cut short leaves what it has tried
    click.echo(f"{len(rows)} points, {sum(row.same for row in rows)} come to the same end: {OUT}")


def _points(flow: str, unharmed: Unharmed) -> list[Point]:
    """Return where to kill: after each write, before a read that is the first of its kind."""
    found: list[Point] = []

    def add(when: When, message: str, number: int = 0, tag: str | None = None) -> None:
        found.append(Point(flow, len(found), when, message, number, tag))

    for tag in unharmed.tags:
        add("before", f"push of `{tag}`", tag=tag)
        add("after", f"push of `{tag}`", tag=tag)
    for number, call in enumerate(unharmed.calls):
        reads, message = call.startswith("GET "), f"{number + 1}. `{call}`"
        if number == 0 or (reads and call not in unharmed.calls[:number]):
            add("before", message, number)
        if not reads:
            add("after", message, number)
    return found


def _tags(world: World) -> list[str]:
    return [tag.name for tag in read_tags(world.github.git.folder)]


def _hook(world: World, tag: str, when: str) -> None:
    """Let the origin kill who pushes a tag, before it takes it or after it."""
    name = "update" if when == "before" else "post-receive"
    path = world.github.git.folder / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    facts = {"ref": f"refs/tags/{tag}", "pid": str(world.folder / "pid")}
    text = _HOOKS[name].format_map({key: shlex.quote(value) for key, value in facts.items()})
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _killed(world: World, flow: str) -> int:
    """Run a flow that is to be killed, and return its exit code."""
    process = _start(world, flow)
    (world.folder / "pid").write_text(str(process.pid))
    world.github.on_kill = functools.partial(os.kill, process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not world.toy.processes())  # a push of it that nobody waits for any more
    shutil.rmtree(world.github.git.folder / "hooks", ignore_errors=True)
    return process.returncode


def _start(world: World, flow: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "retouch", *FLOWS[flow].command(world)],
        cwd=world.toy.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _run(world: World, flow: str) -> subprocess.CompletedProcess[str]:
    process = _start(world, flow)
    out, err = process.communicate()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def _same(point: Point, found: Mapping[str, Any], end: Mapping[str, Any]) -> bool:
    for name in end:
        if found[name] != end[name]:
            click.echo(f"{point}: {name}: {found[name]} instead of {end[name]}", err=True)
    return found == end


def _table(rows: Sequence[Row], points: Sequence[Point]) -> str:
    same = sum(row.same for row in rows)
    lines = [
        "# Killed at every call",
        "",
        "`python -m benchmarks kills`: each command as a process, ended with SIGKILL after GitHub"
        " did what a call that writes asks for, and before the first call of each kind that only"
        " reads; at the push of a tag, before and after origin takes it. Then it runs again.",
        "",
        "The same end: one branch with the same tree and message, one pull request with the same"
        " words and labels, one comment, one status, the same objects in the store; of a version,"
        " the same tags in the clone and at origin, one deployment in the same state (which may be"
        " said twice: GitHub shows the last), one release with one file and"
        " that file's digest (no two runs share it, as the time of the tag is in the file).",
        "",
        f"**{same} of {len(rows)} points come to the same end as a run that nobody killed.**",
    ]
    if len(rows) < len(points):
        lines += ["", f"*Cut short: {len(rows)} of {len(points)} points were tried.*"]
    for flow, facts in FLOWS.items():
        tried = sorted((r for r in rows if r.point.flow == flow), key=lambda r: r.point.place)
        total = sum(point.flow == flow for point in points)
        lines += ["", f"## {facts.title}", "", f"{len(tried)} of {total} points were tried.", ""]
        lines += [
            "| Call | | Killed | Left behind | Run again | The same end |",
            "|:--|:--|:--|:--|:--|:--|",
            *map(_line, tried),
        ]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    point = row.point
    same = "yes" if row.same else "**no**"
    return f"| {point.message} | {point.when} | {row.killed} | {row.left} | {row.again} | {same} |"
