"""`retouch ci`: one command for each job of the workflows in .github/."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from retouch.cli.options import (
    JSON,
    PATH,
    REPO,
    current_project,
    echo_outcomes,
    exit_with,
    login_from_environment,
    now,
    plain_lines,
    repository_from_environment,
)
from retouch.engine import run
from retouch.engine.admission import Transport
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings
from retouch.errors import InputError, visible
from retouch.github.repository import Repository, repository_facts
from retouch.jobs.packages.event import (
    Event,
    PullRequestEvent,
    ScheduleEvent,
    default_branch_of,
    read_event,
)
from retouch.jobs.retrain.process_group import RetrainJob
from retouch.jobs.retrain.targets import JobResult, RetrainTarget
from retouch.system import files
from retouch.system.processes import cpu_count

_EVENT_BYTES = 30_000_000
EVENT = click.option(
    "--event",
    "event_file",
    envvar="GITHUB_EVENT_PATH",
    type=PATH,
    help="The event's payload, as JSON [env: GITHUB_EVENT_PATH].",
)
EVENT_NAME = click.option(
    "--event-name", envvar="GITHUB_EVENT_NAME", help="The event's name [env: GITHUB_EVENT_NAME]."
)
BASE = click.option(
    "--base", metavar="BRANCH", help="The base branch [default: the default branch]."
)
OUTPUT = click.option(
    "--output",
    envvar="GITHUB_OUTPUT",
    type=PATH,
    help="Append the result to this file, as job outputs [env: GITHUB_OUTPUT].",
)


@click.group("ci")
def ci() -> None:
    """Run one job of the GitHub workflows."""


@ci.command("receive")
@EVENT
@EVENT_NAME
@BASE
@OUTPUT
def receive(
    event_file: Path | None, event_name: str | None, base: str | None, output: Path | None
) -> None:
    """Deliver a dispatched alert, and print what is to be retrained.

    Prints one line of JSON. After a push to the base branch, on a schedule, and when a pull request
    was closed, every open pull request is compared with the base branch: stale ones are marked.
    Runs no code of the repository.
    """
    from retouch.jobs.retrain import receive as work

    if event_file is None and event_name != "schedule":
        raise InputError(
            "--event: is missing.", hint="In a workflow, GITHUB_EVENT_PATH is set to its file."
        )
    event, payload = event_of(event_file, event_name)
    project, repo = current_project(), repository_from_environment()
    settings, login = _settings(project, repo, None), login_from_environment()
    out = project.root / ".retouch"
    job = RetrainJob(repo, project.root, out, settings, event, _log, login, _run_url())
    branch = base or default_branch_of(payload) or repository_facts(repo).default_branch
    found = work.receive(branch, job)
    for message in found.message:
        _log(message)
    targets = [target.model_dump() for target in found.targets]
    _output({"any": found.any, "targets": targets}, output)


def _output(document: dict[str, Any], output: Path | None) -> None:
    """Print the document as one line, and append each of its fields to the job's outputs.

    JSON on one line of ASCII, so that its content cannot begin another output.
    """
    if output is not None:
        lines = "".join(f"{name}={json.dumps(value)}\n" for name, value in document.items())
        with output.open("a", encoding="utf-8") as file:
            file.write(lines)
    click.echo(json.dumps(document))


@ci.command("retrain")
@click.option(
    "--pull", "number", type=click.IntRange(min=1), help="The number of the pull request."
)
@click.option("--main", "on_main", is_flag=True, help="Retrain for the alerts on the base branch.")
@click.option("--out", type=PATH, help="A new folder for the packages.")
@click.option("--jobs", type=click.IntRange(min=1), help="Stages to run in parallel.")
@click.option(
    "--plan-only",
    is_flag=True,
    help="Only print the plans, as Markdown: for pull requests from forks.",
)
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
    """Retrain for a pull request or for the base branch's alerts.

    Writes the result into packages, for `retouch ci publish`. Run it in a checkout of the base
    branch, with a read-only token; it writes nothing to GitHub. Exit code 0 whatever the verdict,
    which is in the packages.
    """
    from retouch.jobs.retrain.retrain import retrain_base, retrain_pull

    event, payload = event_of(event_file, event_name)
    _require_one_target(number, on_main=on_main, out=out, plan_only=plan_only)
    if plan_only:
        _print_plans(number, event, base or default_branch_of(payload))
        return
    project, repo = current_project(), repository_from_environment()
    settings = _settings(project, repo, jobs)
    out, login = _new_folder(out), login_from_environment()
    job = RetrainJob(repo, project.root, out, settings, event, _log, login)
    if number is not None:
        written = retrain_pull(number, job)
    else:
        branch = base or default_branch_of(payload) or repository_facts(repo).default_branch
        written = retrain_base(branch, job)
    for path in written:
        click.echo(str(path))
    if not written:
        click.echo("Nothing to publish.", err=True)


def _require_one_target(
    number: int | None, *, on_main: bool, out: Path | None, plan_only: bool
) -> None:
    if plan_only and (on_main or out is not None):
        raise InputError(
            "--plan-only: cannot be combined with --main or --out.",
            hint="It only prints; omit them.",
        )
    if not plan_only and (number is None) != on_main:
        raise InputError(
            "--pull, --main: exactly one of them is required.",
            hint="Give --pull NUMBER for a pull request, --main for the base branch.",
        )


def _new_folder(out: Path | None) -> Path:
    if out is None:
        raise InputError("--out: is missing.", hint="Give a new folder for the packages.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"--out: {visible(str(out))} exists and is not empty.", hint="Give a new folder."
        )
    return out.resolve()


def _print_plans(number: int | None, event: Event, base: str | None) -> None:
    """Print the plans for a fork's pull request, and add them to the job's summary."""
    from retouch.jobs.retrain.retrain import fork_plans

    if number is None and isinstance(event, PullRequestEvent):
        number = event.number
    if number is None:
        raise InputError(
            "--plan-only: the pull request is unknown.",
            hint="Give --pull NUMBER, or the event of a pull request.",
        )
    if base is None:
        raise InputError(
            "--base: is missing, and the event does not name the default branch.",
            hint="Give --base BRANCH.",
        )
    project = current_project()
    transport = Transport(run_id=os.environ.get("GITHUB_RUN_ID") or None)
    trust = TrustSettings(
        "HEAD", os.environ.get("GITHUB_REPOSITORY") or None, os.environ, transport
    )
    text = fork_plans(project.root, number, base, event, trust, now())
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    click.echo(text, nl=False)


@ci.command("publish")
@click.argument("folder", type=PATH)
@REPO
@BASE
@EVENT
@EVENT_NAME
@click.option(
    "--as-app", is_flag=True, help="GITHUB_TOKEN belongs to a GitHub App (see RETOUCH_APP_LOGIN)."
)
@click.option("--run-url", metavar="URL", help="The page that the commit status links to.")
@click.option(
    "--target", metavar="JSON", help='What was to be retrained: {"pull": 12}; null is main.'
)
@click.option(
    "--result",
    metavar="RESULT",
    type=click.Choice(["success", "failure", "cancelled", "skipped"]),
    default="success",
    help="How the retraining job ended: success, failure, cancelled or skipped.",
)
@JSON
def publish(
    folder: Path,
    repo: str | None,
    base: str | None,
    event_file: Path | None,
    event_name: str | None,
    as_app: bool,
    run_url: str | None,
    target: str | None,
    result: JobResult,
    as_json: bool,
) -> None:
    """Publish the packages in FOLDER to GitHub.

    Run it in a checkout of the base branch. A package that is already published changes nothing.
    Exit code 1 when a package could not be published, 2 when one is invalid.
    """
    from retouch.git import git
    from retouch.jobs.publish.failed_try import DeadJob
    from retouch.jobs.publish.publish import publish as publish_all
    from retouch.jobs.publish.pull_request import Publisher, Site

    site_repo = repository_from_environment(repo)
    job = DeadJob(subject, result) if (subject := _target(target)) is not None else None
    site = Site(site_repo, login_from_environment(), as_app, run_url or _run_url())
    base = base or repository_facts(site_repo).default_branch
    event = event_of(event_file, event_name)[0]
    publisher = Publisher(git.top_level(Path.cwd()), site, base, event, os.environ)
    seen = []
    for outcome in publish_all(folder, publisher, job):
        seen.append(outcome)
        if not as_json:
            click.echo(outcome.message, err=bool(outcome.exit_code))
    if as_json:
        echo_outcomes(seen)
    elif not seen:
        click.echo("Nothing to publish.")
    exit_with(max((outcome.exit_code for outcome in seen), default=0))


def _target(text: str | None) -> RetrainTarget | None:
    """Return the target that a job was given; None without one. Raises InputError."""
    if text is None:
        return None
    try:
        return RetrainTarget.model_validate_json(text)
    except ValueError:
        raise InputError(
            "--target: is not a target.", hint="Give one that `retouch ci receive` printed."
        ) from None


@ci.command("command")
@click.option(
    "--event",
    envvar="GITHUB_EVENT_PATH",
    required=True,
    type=PATH,
    help="The event's payload, as JSON [env: GITHUB_EVENT_PATH].",
)
@REPO
@BASE
def command(event: Path, repo: str | None, base: str | None) -> None:
    """Carry out a `/retrain ...` comment on a pull request."""
    from retouch.jobs.comments.commands import carry_out, read_comment_event
    from retouch.jobs.publish.pull_request import Site
    from retouch.system import files

    target = repository_from_environment(repo)
    request = read_comment_event(files.read_text(event))
    if request is None:
        click.echo("The comment contains no command for Retouch.")
        return
    base = base or repository_facts(target).default_branch
    site = Site(target, login_from_environment(), run_url=_run_url())
    click.echo(carry_out(request, site, base))


def event_of(path: Path | None, name: str | None) -> tuple[Event, Any]:
    """Return the event and its payload; without a file, the event of a scheduled run.

    Raises InputError for an event that is not supported.
    """
    if path is None:
        return ScheduleEvent(), None
    if not name:
        raise InputError(
            "--event-name: is missing.", hint="In a workflow, GITHUB_EVENT_NAME is set to it."
        )
    payload = _payload(path)
    return read_event(name, payload), payload


def _payload(path: Path) -> Any:
    try:
        return json.loads(files.read_text(path, limit=_EVENT_BYTES))
    except (ValueError, RecursionError):
        raise InputError(
            f"{path}: is not valid JSON.", hint="Give the event's payload as GitHub sent it."
        ) from None


def _settings(project: Project, repo: Repository, jobs: int | None) -> run.Settings:
    transport = Transport(run_id=os.environ.get("GITHUB_RUN_ID") or None)
    trust = TrustSettings("HEAD", repo.name, os.environ, transport)
    return run.Settings(
        jobs=jobs or cpu_count(), watch=plain_lines(project), clock=now, trust=trust, push=False
    )


def _run_url() -> str | None:
    """Return the address of this attempt of a workflow run, where it is one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")
    server, repository, number, attempt = (os.environ.get(name) for name in names)
    if not server or not number:
        return None
    return f"{server}/{repository}/actions/runs/{number}/attempts/{attempt or 1}"


def _log(message: str) -> None:
    click.echo(visible(message), err=True)
