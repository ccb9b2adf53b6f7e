"""The command that delivers alerts to a repository on GitHub."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import click

from retouch import delivery
from retouch.errors import BadInput
from retouch.tools.github import Repository
from retouch.tools.github_client import Client, Waiting
from retouch.tools.github_transport import API_URL

_LONG_WAIT_SECONDS = 5
"""A wait as long as this is said, so that nobody takes it for a hang."""


@click.command("open")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--repo", envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="[env: GITHUB_REPOSITORY]"
)
@click.option("--base", metavar="BRANCH", help="Where it goes [default: the default branch].")
@click.option("--dispatch", is_flag=True, help="Send a repository_dispatch instead.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
def alert_open(
    paths: Sequence[Path], repo: str | None, base: str | None, dispatch: bool, as_json: bool
) -> None:
    """Open a pull request on GitHub for each alert, with its signature FILE.sig if there is one.

    The same alert twice finds its pull request. The token comes from GITHUB_TOKEN (Contents: write,
    Pull requests: write), the address from GITHUB_API_URL where it is not github.com.
    """
    target = _repository(repo)
    if dispatch and base is not None:
        raise BadInput("--base: a repository_dispatch goes to no branch.", mend="Leave it out.")
    if dispatch:
        outcomes = delivery.dispatch(paths, target)
    else:
        outcomes = delivery.open_pull_requests(
            paths, target, base and delivery.checked_branch(base)
        )
    seen = []
    for outcome in outcomes:
        seen.append(outcome)
        if as_json:
            continue
        if outcome.exit_code:
            click.echo(outcome.says, err=True)
        else:
            click.echo(f"{outcome.file}: {outcome.says}")
    if as_json:
        click.echo(json.dumps([outcome.model_dump(mode="json") for outcome in seen], indent=2))
    worst = max(outcome.exit_code for outcome in seen)
    if worst:
        raise click.exceptions.Exit(worst)


def _repository(name: str | None) -> Repository:
    if not name:
        raise BadInput(
            "No repository is named.", mend="Give --repo owner/name, or set GITHUB_REPOSITORY."
        )
    name = delivery.checked_repository(name)
    api_url = os.environ.get("GITHUB_API_URL") or API_URL
    client = Client(os.environ.get("GITHUB_TOKEN", ""), api_url, Waiting(sleep=_sleep))
    return Repository(client, name)


def _sleep(seconds: float) -> None:
    if seconds >= _LONG_WAIT_SECONDS:
        click.echo(f"GitHub is asked again in {seconds:.0f} s.", err=True)
    time.sleep(seconds)
