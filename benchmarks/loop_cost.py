"""What the loop costs on GitHub, in billed minutes: an idle month, and one alert.

`python -m benchmarks loop_cost [--setup-seconds=N] [--runtime-seconds=N]`. Which jobs an event
starts is read from the workflow files: their triggers, their `if`, and what jobs hand on. Seconds
are measured on this machine where a command can run here, and assumed where it cannot.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from retouch.system import files
from tests.e2e.expressions import Names, holds
from tests.e2e.workflows import starts

RESULT = Path("reports/benchmarks/loop_cost.md")
BEFORE = "a9d645c"
"""The last commit before costs were looked at."""
OWN = ("ci", "daily", "release")
"""Workflows for the code of this repository, which no adopter copies."""
DAYS = 31
IDLE_MINUTES, ALERT_JOBS, ALERT_MINUTES = 300, 5, 8
"""What each may be at most."""

FULL_SECONDS = 47.0
"""`make .venv/.ready`: CPU seconds for 189 packages with bytecode. 1 December 2026, two shared
cores, package index near, download cache warm."""
RUNTIME_SECONDS = 19.1
"""`make .venv/.runtime`: the slowest of 12.1, 17.1 and 19.1 seconds for 122 packages without
bytecode. The same day and machine, under load."""
ASSUMED = {"runner": 10.0, "network": 5.0, "python": 2.0, "artifact": 3.0, "token": 1.0}
"""Seconds not measured: a runner starts and fetches the actions; a checkout or a store crosses the
network; Python is found in the runner's tool cache; an artifact; the token of an App."""
GITHUB = 3.0
"""Seconds assumed for the calls to GitHub of one command: twenty at 0.15 seconds."""
ACTIONS = {
    "actions/upload-artifact": "artifact",
    "actions/download-artifact": "artifact",
    "actions/create-github-app-token": "token",
}
SETUP = "./.github/actions/setup"
COLUMNS = ("runner", "checkout", "environment", "compiling", "actions", "commands", "GitHub")
STANDS_FOR = {"ci": "plan", "promote": "reconcile", "canary": "reconcile"}
"""Which command is measured for one that needs GitHub."""
BY_DEFAULT = ("opened", "synchronize", "reopened")
"""What starts a workflow whose `pull_request` names no types."""
TIMES = 3


@dataclass(frozen=True)
class Files:
    """The workflows that adopters copy, and the action that sets their jobs up."""

    workflows: Mapping[str, Mapping[str, Any]]
    setup: Mapping[str, Any]

    def job(self, at: str) -> Mapping[str, Any]:
        """Return a job by its name, `alert/receive`."""
        name, _, which = at.partition("/")
        found: Mapping[str, Any] = self.workflows[name]["jobs"][which]
        return found


@dataclass(frozen=True)
class Event:
    """Something that happens on GitHub."""

    title: str
    name: str
    payload: Mapping[str, Any]
    changed: tuple[str, ...] = ()
    outputs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What jobs hand on, by `alert/receive`."""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Seconds:
    """Measured and given seconds."""

    full: float
    runtime: float
    checkout: float
    commands: Mapping[str, float]
    """By the first words of the command: `policy check`."""
    compiling: float
    """What the first command of a job takes longer where bytecode is missing."""


@dataclass(frozen=True)
class Started:
    """A job that an event has started, so many times."""

    at: str
    event: str
    runs: int = 1


@dataclass(frozen=True)
class Cost:
    """Jobs and the minutes they are billed."""

    jobs: int
    minutes: int


def main(options: list[str] | None = None) -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks loop_cost")
    parser.add_argument("--setup-seconds", type=float, default=FULL_SECONDS)
    parser.add_argument("--runtime-seconds", type=float, default=RUNTIME_SECONDS)
    given = parser.parse_args(options or [])
    root = Path.cwd()
    seconds = Seconds(given.setup_seconds, given.runtime_seconds, *_measured(root))
    text = page(files_at(root, BEFORE), files_at(root, None), seconds)
    print(text)  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, text)


def files_at(root: Path, commit: str | None) -> Files:
    """Return the workflow files of a commit, or of the working tree."""
    folder = ".github/workflows"
    if commit is None:
        names = sorted(path.name for path in (root / folder).glob("*.yml"))
    else:
        names = _git(root, "ls-tree", "--name-only", f"{commit}:{folder}").split()

    def read(path: str) -> Mapping[str, Any]:
        text = (
            (root / path).read_text() if commit is None else _git(root, "show", f"{commit}:{path}")
        )
        return {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}

    adopted = [name for name in names if name.removesuffix(".yml") not in OWN]
    return Files(
        {name.removesuffix(".yml"): read(f"{folder}/{name}") for name in adopted},
        read(".github/actions/setup/action.yml"),
    )


def runs_a_month(cron: str) -> int:
    """Return how often a cron line of every day comes up in 31 days.

    Raises ValueError for a line that names days.
    """
    minute, hour, *days = cron.split()
    if days != ["*", "*", "*"]:
        raise ValueError(f"{cron}: only lines of every day are counted")
    return DAYS * _times(minute, 60) * _times(hour, 24)


def _times(part: str, below: int) -> int:
    """Return how many values a part of a cron line has: `5`, `1,2`, `0-6`, `*`, `*/3`."""
    found: set[int] = set()
    for one in part.split(","):
        span, _, step = one.partition("/")
        first, _, last = span.replace("*", f"0-{below - 1}").partition("-")
        found.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return len(found)


def billed(seconds: float) -> int:
    """Return the minutes that a job is billed: each begun one, and one at least."""
    return max(1, math.ceil(seconds / 60))


def started(shipped: Files, event: Event) -> list[str]:
    """Return the jobs that an event starts, as `alert/receive`."""
    found: list[str] = []
    for name, workflow in shipped.workflows.items():
        types = (workflow["on"].get("pull_request") or {}).get("types", BY_DEFAULT)
        if event.name == "pull_request" and event.payload["action"] not in types:
            continue
        if starts(workflow, event.name, event.payload, event.changed):
            found += _started(shipped, name, event)
    return found


def _started(shipped: Files, name: str, event: Event) -> list[str]:
    found: list[str] = []
    results: dict[str, str] = {}
    for which, body in shipped.workflows[name]["jobs"].items():
        needs = body.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        told = {
            need: {"result": results[need], "outputs": event.outputs.get(f"{name}/{need}", {})}
            for need in needs
        }
        if not holds(body.get("if"), _names(event, told)):
            results[which] = "skipped"
            continue
        results[which] = "success"
        called = body.get("uses")
        found += _started(shipped, Path(called).stem, event) if called else [f"{name}/{which}"]
    return found


def _names(event: Event, needs: Mapping[str, Mapping[str, Any]]) -> Names:
    pull = event.payload.get("pull_request", {})
    github = {
        "event_name": event.name,
        "event": event.payload,
        "repository": "acme/models",
        "ref_name": event.payload.get("ref", "refs/heads/main").removeprefix("refs/heads/"),
        "base_ref": pull.get("base", {}).get("ref", ""),
        "head_ref": pull.get("head", {}).get("ref", ""),
    }
    contexts = {"github": github, "needs": needs, "vars": event.variables, "inputs": {}}
    functions: dict[str, Callable[..., Any]] = {
        "success": lambda: all(need["result"] == "success" for need in needs.values()),
        "failure": lambda: False,
        "cancelled": lambda: False,
        "always": lambda: True,
    }
    return Names(contexts, functions)


def idle(shipped: Files, found_work: bool) -> list[Started]:
    """Return the jobs of a month in which nothing happens.

    `found_work`: a run handed on the default branch as a target even where there was nothing to do.
    """
    outputs = {"alert/receive": {"any": "true"}} if found_work else {}
    event = Event("", "schedule", {}, outputs=outputs)
    found: list[Started] = []
    for name, workflow in shipped.workflows.items():
        runs = sum(runs_a_month(one["cron"]) for one in workflow["on"].get("schedule", ()))
        if runs:
            found += [Started(at, event.name, runs) for at in _started(shipped, name, event)]
    return found


def alert_events(app: bool, every_push: bool) -> list[Event]:
    """Return what happens from an alert's pull request, opened by a monitor, to its promotion.

    `every_push`: the answer's own commit is handed on as a target as well.
    """
    login = "retouch[bot]" if app else "github-actions[bot]"
    variables = {"RETOUCH_APP_LOGIN": login} if app else {}
    alert = ("alerts/1.json",)
    answer = (*alert, "dvc.lock", "params.yaml", "reports/1/report.md")
    work = {"alert/receive": {"any": "true"}}
    again = work if every_push else {}
    pull = "pull_request"
    opened, pushed, closed = (
        _of_pull("opened", "monitor"),
        _of_pull("synchronize", login),
        _of_pull("closed", "alice", merged=True),
    )
    push = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    return [
        Event("a monitor opens the pull request", pull, opened, alert, work, variables),
        Event("the answer is pushed to it", pull, pushed, answer, again, variables),
        Event("a person merges it", pull, closed, answer, {}, variables),
        Event("the merge reaches the default branch", "push", push, answer, {}, variables),
    ]


def _of_pull(action: str, login: str, merged: bool = False) -> dict[str, Any]:
    return {
        "action": action,
        "sender": {"login": login},
        "repository": {"default_branch": "main"},
        "pull_request": {
            "merged": merged,
            "base": {"ref": "main"},
            "head": {"ref": "retouch/alert/1", "repo": {"full_name": "acme/models"}},
        },
    }


def steps(shipped: Files, job: Started, seconds: Seconds) -> dict[str, float]:
    """Return the seconds of a job by what takes them, training left out."""
    found = dict.fromkeys(COLUMNS, 0.0)
    found["runner"] = ASSUMED["runner"]
    for step in shipped.job(job.at).get("steps", ()):
        only = re.search(r"github\.event_name == '(\w+)'", str(step.get("if", "")))
        if only and only[1] != job.event:
            continue
        action = step.get("uses", "").split("@")[0]
        if action == "actions/checkout":
            found["checkout"] += seconds.checkout + ASSUMED["network"]
        if action in ACTIONS:
            found["actions"] += ASSUMED[ACTIONS[action]]
        if action == SETUP:
            given = step.get("with", {})
            took, compiled = _environment(shipped, given, seconds)
            found["environment"] += ASSUMED["python"] + took
            found["compiling"] += 0.0 if compiled else seconds.compiling
            if "store" in given:
                found["commands"] += seconds.commands["--help"]
                found["GitHub"] += ASSUMED["network"]
        called = _commands(step.get("run", ""))
        found["commands"] += sum(_taken(command, seconds) for command in called)
        if "--store" in step.get("run", "") and job.event == "push":  # opened to release only
            found["GitHub"] += ASSUMED["network"]
        if "GITHUB_TOKEN" in step.get("env", {}):
            found["GitHub"] += GITHUB * len(called)
    return found


def _environment(shipped: Files, given: Mapping[str, Any], seconds: Seconds) -> tuple[float, bool]:
    """Return the seconds to install what a job needs, and whether that comes with bytecode."""
    told = shipped.setup["inputs"].get("stages")
    wanted = True if told is None else given.get("stages", told.get("default", False))
    stages = str(wanted).lower() == "true"
    return (seconds.full if stages else seconds.runtime), stages


def _commands(script: str) -> list[str]:
    found = re.findall(r"\bretouch ((?:ci|canary|policy) [a-z]+|[a-z]+)", script)
    return [str(one) for one in found]


def _taken(command: str, seconds: Seconds) -> float:
    first = command.split()[0]
    return seconds.commands[STANDS_FOR.get(first, command)]


def cost(shipped: Files, jobs: Iterable[Started], seconds: Seconds) -> Cost:
    """Return what jobs cost."""
    found = [(job.runs, billed(sum(steps(shipped, job, seconds).values()))) for job in jobs]
    return Cost(sum(runs for runs, _ in found), sum(runs * minutes for runs, minutes in found))


def page(before: Files, now: Files, seconds: Seconds) -> str:
    """Return the page."""
    month = idle(now, False)
    old = cost(before, idle(before, True), seconds)
    summary = _summary("an idle month", old, cost(now, month, seconds), (None, IDLE_MINUTES))
    events: list[str] = []
    seen = list(month)
    for app, how in ((True, "with an App"), (False, "with the workflow's own token")):
        first, then = alert_events(app, True), alert_events(app, False)
        was = [[Started(at, one.name) for at in started(before, one)] for one in first]
        jobs = [[Started(at, one.name) for at in started(now, one)] for one in then]
        one, two = (cost(*which, seconds) for which in ((before, chain(*was)), (now, chain(*jobs))))
        summary += _summary(f"one alert, {how}", one, two, (ALERT_JOBS, ALERT_MINUTES))
        seen += chain(*jobs)
        if app:
            rows = zip(then, was, jobs, strict=True)
            events = [f"| {e.title} | {_listed(a)} | {_listed(b)} |" for e, a, b in rows]
    different = {(job.at, job.event): job for job in seen}
    parts = {
        "SUMMARY": "\n".join(summary),
        "EVENTS": "\n".join(events),
        "HEADS": " | ".join(COLUMNS),
        "JOBS": "\n".join(_job_row(now, different[key], seconds) for key in sorted(different)),
        "GIVEN": _given(seconds),
        "BEFORE": BEFORE,
    }
    text = _TEXT
    for name, value in parts.items():
        text = text.replace(name, value)
    return text


def _summary(what: str, old: Cost, new: Cost, most: tuple[int | None, int]) -> list[str]:
    billed_minutes = "billed minutes" + (" besides training" if most[0] else "")
    return [
        f"| {what}: jobs | {old.jobs:,} | {new.jobs:,} | {_bar(new.jobs, most[0])} |",
        f"| {what}: {billed_minutes} | {old.minutes:,} | {new.minutes:,} "
        f"| {_bar(new.minutes, most[1])} |",
    ]


def _bar(value: int, most: int | None) -> str:
    if most is None:
        return ""
    return f"{most}: {'kept' if value <= most else f'**missed by {value - most}**'}"


def _listed(jobs: Iterable[Started]) -> str:
    return ", ".join(f"`{job.at}`" for job in jobs) or "none"


def _job_row(shipped: Files, job: Started, seconds: Seconds) -> str:
    taken = steps(shipped, job, seconds)
    total = sum(taken.values())
    cells = " | ".join(f"{value:.1f}" for value in taken.values())
    return f"| `{job.at}` | {job.event} | {cells} | {total:.0f} | {billed(total)} |"


def _given(seconds: Seconds) -> str:
    commands = ", ".join(f"`{name}` {took:.1f}" for name, took in seconds.commands.items())
    return (
        f"the environment of jobs that run stages takes {seconds.full:g} (CPU), that of others\n"
        f"{seconds.runtime:g} (package index near, download cache warm); a clone with its history\n"
        f"{seconds.checkout:.1f}; {commands};\n"
        f"the first command of a job {seconds.compiling:.1f} more where bytecode is missing."
    )


_TEXT = """\
# What the loop costs on GitHub

Written by `python -m benchmarks loop_cost` from the workflow files, now and as of BEFORE, and from
seconds measured here. GitHub bills each job by itself, each begun minute. An idle month has 31 days
in which nothing happens. An alert counts from the pull request, which a monitor opens with a token
of its own, to the promotion of its model.

| | before | now | at most |
|---|--:|--:|---|
SUMMARY

With the workflow's own token, checks of the answer run once a person approves them. Where releases
need approval, two jobs are added; for a canary, two for each day that is judged.

## Jobs of one alert, with an App

| | before | now |
|---|---|---|
EVENTS

Before, a scheduled run and the push of an answer handed on a target every time, so that
`retrain/retrain` and `retrain/publish` started and found nothing to do.

## Seconds of a job, now

| | event | HEADS | seconds | billed minutes |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
JOBS

Left out of `retrain/retrain` is the training: stages, scoring and guardrails.

Measured on this machine, in seconds: GIVEN

Assumed, not measured on GitHub: 10 s until a runner has started and fetched its actions, 5 s of
network for a checkout or for opening the store, 2 s to find Python, 3 s for an artifact, 1 s for
a token, 3 s for the calls to GitHub of one command. Where a command needs GitHub, another one is
measured in its place: `plan` for `ci receive`, `ci retrain` and `ci publish`; `reconcile` is one
that finds nothing left to do, so after a merge it takes a few seconds more. A job near a full
minute may well be billed one more on GitHub.
"""


def _measured(root: Path) -> tuple[float, dict[str, float], float]:
    """Return the seconds of a clone, of our commands in it, and of compiling what they import."""
    with tempfile.TemporaryDirectory(prefix="retouch-cost-") as folder:
        clone = Path(folder) / "clone"
        began = time.perf_counter()
        _git(root, "clone", "--quiet", "--no-local", f"file://{root.resolve()}", str(clone))
        checkout = time.perf_counter() - began
        alert = min(path.name for path in (clone / "alerts").glob("*.json"))
        calls = {
            "reconcile": ["reconcile", "--no-push", "--no-github"],
            "verify": ["verify"],
            "policy check": ["policy", "check"],
            "plan": ["plan", f"alerts/{alert}"],
            "--help": ["--help"],
        }
        cold, warm = {}, {}
        for name, words in calls.items():
            bytecode = f"{folder}/{name.replace(' ', '-')}"
            cold[name] = _seconds(words, clone, bytecode)
            warm[name] = min(_seconds(words, clone, bytecode) for _ in range(TIMES))
        return checkout, warm, max(cold[name] - warm[name] for name in calls)


def _seconds(words: list[str], clone: Path, bytecode: str) -> float:
    """Return the wall seconds of a command; its bytecode is read from and left in a folder."""
    env = {name: at for name, at in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    told = subprocess.run(
        [str(Path(sys.executable).with_name("retouch")), *words],
        cwd=clone,
        env={**env, "PYTHONPYCACHEPREFIX": bytecode},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise SystemExit(f"retouch {' '.join(words)}: {told.stdout}{told.stderr}")
    return time.perf_counter() - began


def _git(root: Path, *words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    ).stdout
