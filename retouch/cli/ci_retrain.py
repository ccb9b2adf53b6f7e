"""`retouch ci receive`, `retrain` and `refresh`: the jobs that take alerts in and retrain."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from retouch.cli.github_options import login_from_environment, repository_from_environment
from retouch.engine import run
from retouch.engine.admission import Transport
from retouch.engine.project import Project, open_project
from retouch.engine.provenance import Trust
from retouch.errors import InputError, visible
from retouch.execution.runner import Progress
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.packages.event import AlertPull, Event, Wake, default_branch_of, read_event
from retouch.jobs.retrain.process_group import Job
from retouch.system import files
from retouch.system.processes import cpu_count

_EVENT_BYTES = 30_000_000
EVENT = click.option(
    "--event",
    "event_file",
    envvar="GITHUB_EVENT_PATH",
    type=click.Path(path_type=Path),
    help="The event's payload [env: GITHUB_EVENT_PATH].",
)
EVENT_NAME = click.option(
    "--event-name", envvar="GITHUB_EVENT_NAME", help="[env: GITHUB_EVENT_NAME]"
)
BASE = click.option("--base", metavar="BRANCH", help="The base branch [default: the default one].")


OUTPUT = click.option(
    "--output",
    envvar="GITHUB_OUTPUT",
    type=click.Path(path_type=Path),
    help="Append `any=` and `targets=` to this file [env: GITHUB_OUTPUT].",
)


@click.command("receive")
@EVENT
@EVENT_NAME
@OUTPUT
@click.option("--stale", metavar="JSON", help="Say this on pull requests: the list of `refresh`.")
def receive(
    event_file: Path | None, event_name: str | None, output: Path | None, stale: str | None
) -> None:
    """Deliver an alert that was sent, and say what is to be retrained, as one line of JSON.

    Runs nothing of the repository's. With --stale it only posts statuses.
    """
    from retouch.jobs.retrain import receive as work

    repo = repository_from_environment(None)
    if stale is not None:
        for sentence in work.post_stale(_stale(stale), repo):
            _say(sentence)
        return
    if event_file is None:
        raise InputError("--event: is missing.", hint="In a workflow GITHUB_EVENT_PATH names it.")
    found = work.receive(event_of(event_file, event_name)[0], repo, Path.cwd())
    for sentence in found.message:
        _say(sentence)
    targets = [target.model_dump() for target in found.targets]
    _tell({"any": found.any, "targets": targets}, output)


def _stale(text: str) -> tuple[Any, ...]:
    from retouch.jobs.retrain.receive import MOST_TARGETS, Stale

    try:
        told = json.loads(text)
        if not isinstance(told, list) or len(told) > MOST_TARGETS:
            raise ValueError("it is no list of pull requests")
        return tuple(Stale.model_validate(one) for one in told)
    except (ValueError, RecursionError):
        raise InputError("--stale: is not the list that `retouch ci refresh` prints.") from None


def _tell(document: dict[str, Any], output: Path | None) -> None:
    """Print the document as one line, and append each of its fields to the job's outputs.

    JSON in one line of ASCII: nothing in it can begin another output.
    """
    if output is not None:
        lines = "".join(f"{name}={json.dumps(value)}\n" for name, value in document.items())
        with output.open("a", encoding="utf-8") as file:
            file.write(lines)
    click.echo(json.dumps(document))


@click.command("retrain")
@click.option("--pull", "number", type=click.IntRange(min=1), help="Of this pull request.")
@click.option("--main", "on_main", is_flag=True, help="Of what lies on the base branch.")
@click.option("--out", type=click.Path(path_type=Path), help="Where packages go: a new folder.")
@click.option("--jobs", type=click.IntRange(min=1), help="Stages at the same time.")
@click.option("--plan-only", is_flag=True, help="Of a fork: print the plans as Markdown.")
@EVENT
@EVENT_NAME
@BASE
def retrain(
    number: int | None,
    on_main: bool,
    out: Path | None,
    jobs: int | None,
    plan_only: bool,
    event_file: Path | None,
    event_name: str | None,
    base: str | None,
) -> None:
    """Retrain for a pull request, or for the base branch's alerts, and pack what came of it.

    To be run in a checkout of the base branch, with a token that can only read. Nothing is written
    to GitHub. Exit code 0 whatever the verdict is; the packages tell.
    """
    from retouch.jobs.retrain.retrain import retrain_pull
    from retouch.jobs.retrain.retrain_base import retrain_main

    event, payload = event_of(event_file, event_name)
    if plan_only:
        if on_main or out is not None:
            raise InputError("--plan-only: only prints; leave --main and --out out.")
        _print_plans(number, event, base or default_branch_of(payload))
        return
    if (number is None) != on_main:
        raise InputError("Give either --pull NUMBER or --main.")
    project, repo = open_project(Path.cwd()), repository_from_environment(None)
    settings = _settings(project, repo, jobs)
    job = Job(project.root, _new_folder(out), settings, event, _say, login_from_environment())
    if number is not None:
        written = retrain_pull(repo, number, job)
    else:
        branch = base or default_branch_of(payload) or repository_facts(repo).default_branch
        written = retrain_main(repo, branch, job)
    for path in written:
        click.echo(str(path))
    if not written:
        click.echo("Nothing to publish.", err=True)


def _new_folder(out: Path | None) -> Path:
    if out is None:
        raise InputError("--out: is missing; packages need a folder to go to.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"--out: {visible(str(out))} is there already, and not empty.")
    return out.resolve()


def _print_plans(number: int | None, event: Event, base: str | None) -> None:
    """Print what a fork's pull request would come to, and add it to the job's summary."""
    from retouch.jobs.retrain.fork_plan import plans_of

    if number is None and isinstance(event, AlertPull):
        number = event.number
    if number is None:
        raise InputError("--plan-only: give --pull NUMBER, or the event of a pull request.")
    if base is None:
        raise InputError("--base: is missing, and the event does not name the default branch.")
    project = open_project(Path.cwd())
    transport = Transport(run_id=os.environ.get("GITHUB_RUN_ID") or None)
    trust = Trust("HEAD", os.environ.get("GITHUB_REPOSITORY") or None, os.environ, transport)
    text = plans_of(project.root, number, base, event, trust, _now())
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    click.echo(text, nl=False)


@click.command("refresh")
@EVENT
@BASE
@OUTPUT
def refresh(event_file: Path | None, base: str | None, output: Path | None) -> None:
    """Say which open answers no longer fit the base branch, as one line of JSON. Changes nothing.

    `targets` are to be retrained; `stale` is for `retouch ci receive --stale`.
    """
    from retouch.jobs.retrain import refresh as work

    payload = _payload(event_file) if event_file else None
    project, repo = open_project(Path.cwd()), repository_from_environment(None)
    settings = _settings(project, repo, None)
    job = Job(project.root, project.root / ".retouch", settings, Wake(), _say)
    branch = base or default_branch_of(payload) or repository_facts(repo).default_branch
    found = work.refresh(repo, branch, job)
    for one in found.pulls:
        _say(f"#{one.pull}: {one.message}")
    told = found.model_dump()
    _tell({name: told[name] for name in ("any", "targets", "stale")}, output)


def event_of(path: Path | None, name: str | None) -> tuple[Event, Any]:
    """Return what the event asks, and its payload; without one, some time has passed.

    Raises InputError for what is no such event.
    """
    if path is None:
        return Wake(), None
    if not name:
        raise InputError("--event-name: is missing; it says what the event is.")
    payload = _payload(path)
    return read_event(name, payload), payload


def _payload(path: Path) -> Any:
    try:
        return json.loads(files.read_text(path, limit=_EVENT_BYTES))
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON.") from None


def _settings(project: Project, repo: Repository, jobs: int | None) -> run.Settings:
    transport = Transport(run_id=os.environ.get("GITHUB_RUN_ID") or None)
    trust = Trust("HEAD", repo.name, os.environ, transport)
    return run.Settings(
        jobs=jobs or cpu_count(), watch=_lines(project), clock=_now, trust=trust, push=False
    )


def _lines(project: Project) -> Progress:
    from rich.console import Console

    from retouch.cli.console import Lines

    costs = {name: cost.wall_seconds for name, cost in project.costs.items()}
    return Lines(Console(stderr=True, width=140), costs)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _say(sentence: str) -> None:
    click.echo(visible(sentence), err=True)
