"""The command that delivers alerts to a repository on GitHub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from retouch.cli.github_options import repository_from_environment
from retouch.engine import submit_alerts
from retouch.errors import InputError


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
    target = repository_from_environment(repo)
    if dispatch and base is not None:
        raise InputError("--base: a repository_dispatch goes to no branch.", hint="Leave it out.")
    if dispatch:
        outcomes = submit_alerts.dispatch(paths, target)
    else:
        outcomes = submit_alerts.open_pull_requests(
            paths, target, base and submit_alerts.checked_branch(base)
        )
    seen = []
    for outcome in outcomes:
        seen.append(outcome)
        if as_json:
            continue
        if outcome.exit_code:
            click.echo(outcome.message, err=True)
        else:
            click.echo(f"{outcome.file}: {outcome.message}")
    if as_json:
        click.echo(json.dumps([outcome.model_dump(mode="json") for outcome in seen], indent=2))
    worst = max(outcome.exit_code for outcome in seen)
    if worst:
        raise click.exceptions.Exit(worst)
