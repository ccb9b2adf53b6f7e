"""What commands share: options, the project, the clock, and the repository on GitHub.

Every command opens its project with `current_project`, reads the time from `now`, and names its
options here, so that one flag means one thing everywhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console

from retouch.alerts.receipt import Channel
from retouch.cli.console import ProgressBar, ProgressLines
from retouch.engine import submit_alerts
from retouch.engine.project import Project, open_project
from retouch.errors import InputError
from retouch.github.client import API_URL, Client, Timing
from retouch.github.repository import Repository

_LONG_WAIT_SECONDS = 5
"""A wait of at least this length is announced, so that it does not look like a hang."""
_ACTIONS_LOGIN = "github-actions[bot]"

PATH = click.Path(path_type=Path)
FILES = click.argument("paths", nargs=-1, required=True, type=PATH, metavar="FILE...")
JSON = click.option("as_json", "--json", is_flag=True, help="Print JSON.")
JOBS = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1),
    help="Stages to run in parallel [default: all cores].",
)
BASE = click.option(
    "--base",
    metavar="REF",
    help="Read policies/ from this commit [default: the base branch].",
)
REPOSITORY = click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="This repository [default: the one in policies/monitors.yaml].",
)
REPO = click.option(
    "--repo",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="The repository on GitHub [env: GITHUB_REPOSITORY].",
)
CHANNEL = click.option(
    "--channel",
    type=click.Choice(get_args(Channel)),
    default="manual",
    show_default=True,
    help="How the alerts arrived.",
)
SENDER = click.option(
    "--sender", metavar="LOGIN", help="The login that delivered them, as authenticated by GitHub."
)


def current_project() -> Project:
    """Return the project that the working directory is part of. Raises InputError."""
    return open_project(Path.cwd())


def now() -> datetime:
    """Return the time in UTC, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def watch(
    project: Project, *, quiet: bool = False
) -> AbstractContextManager[ProgressLines | ProgressBar]:
    """Return the display of a run on stderr: a live bar on a terminal, plain lines elsewhere."""
    console, wall = Console(stderr=True), wall_seconds(project)
    if console.is_terminal and not quiet:
        return ProgressBar(console, wall)
    return ProgressLines(console, wall)


def plain_lines(project: Project) -> ProgressLines:
    """Return the display of a run in a log: wide plain lines on stderr."""
    return ProgressLines(Console(stderr=True, width=140), wall_seconds(project))


def wall_seconds(project: Project) -> dict[str, float]:
    """Return the wall time of each stage when it last ran, in seconds."""
    return {name: cost.wall_seconds for name, cost in project.costs.items()}


def exit_with(code: int) -> None:
    """End the command with this exit code, unless it is 0."""
    if code:
        raise click.exceptions.Exit(code)


def echo_json(document: Any) -> None:
    """Print a document as indented JSON."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def echo_outcomes(outcomes: Sequence[Any]) -> None:
    """Print the results of several files as a JSON list."""
    click.echo(json.dumps([outcome.model_dump(mode="json") for outcome in outcomes], indent=2))


def repository_from_environment(name: str | None = None) -> Repository:
    """Return a repository: the one named, else that of GITHUB_REPOSITORY.

    The token comes from GITHUB_TOKEN, the address from GITHUB_API_URL where it is not github.com.
    Raises InputError when one of them is missing or malformed.
    """
    name = name or os.environ.get("GITHUB_REPOSITORY")
    if not name:
        raise InputError(
            "No repository is given.", hint="Use --repo OWNER/NAME, or set GITHUB_REPOSITORY."
        )
    name = submit_alerts.checked_repository(name)
    api_url = os.environ.get("GITHUB_API_URL") or API_URL
    client = Client(os.environ.get("GITHUB_TOKEN", ""), api_url, Timing(sleep=_sleep))
    return Repository(client, name)


def login_from_environment() -> str:
    """Return the login that our comments are posted under: RETOUCH_APP_LOGIN, else the Actions bot.

    A workflow's token cannot ask GitHub for its own login.
    """
    return os.environ.get("RETOUCH_APP_LOGIN") or _ACTIONS_LOGIN


def _sleep(seconds: float) -> None:
    if seconds >= _LONG_WAIT_SECONDS:
        click.echo(f"Waiting for GitHub: retrying in {seconds:.0f} s.", err=True)
    time.sleep(seconds)
