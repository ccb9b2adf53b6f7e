"""`retouch ci publish` and `command`: the jobs that write to GitHub."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from retouch.cli.ci_retrain import EVENT, EVENT_NAME, event_of
from retouch.cli.github_options import login_from_environment, repository_from_environment

_REPO = click.option(
    "--repo", envvar="GITHUB_REPOSITORY", metavar="OWNER/NAME", help="[env: GITHUB_REPOSITORY]"
)
_BASE = click.option(
    "--base", metavar="BRANCH", help="Where answers go [default: the default branch]."
)


@click.command("publish")
@click.argument("folder", type=click.Path(path_type=Path))
@_REPO
@_BASE
@EVENT
@EVENT_NAME
@click.option("--as-app", is_flag=True, help="GITHUB_TOKEN is an App's (RETOUCH_APP_LOGIN).")
@click.option("--run-url", metavar="URL", help="Where the commit status leads.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
def publish(
    folder: Path,
    repo: str | None,
    base: str | None,
    event_file: Path | None,
    event_name: str | None,
    as_app: bool,
    run_url: str | None,
    as_json: bool,
) -> None:
    """Publish every package in FOLDER, in a checkout of the base branch.

    The same package again writes nothing. Exit code 1 when one could not be published, 2 when one
    is not fit to be.
    """
    from retouch.git import git
    from retouch.github.repository import repository_facts
    from retouch.jobs.publish.publish import publish as publish_all
    from retouch.jobs.publish.pull_request_content import Publisher
    from retouch.jobs.publish.pull_request_sync import Site

    target = repository_from_environment(repo)
    site = Site(target, login_from_environment(), as_app, run_url or _run_url())
    base = base or repository_facts(target).default_branch
    event = event_of(event_file, event_name)[0]
    publisher = Publisher(git.top_level(Path.cwd()), site, base, event, os.environ)
    seen = []
    for outcome in publish_all(folder, publisher):
        seen.append(outcome)
        if not as_json:
            click.echo(outcome.message, err=bool(outcome.exit_code))
    if as_json:
        click.echo(json.dumps([outcome.model_dump(mode="json") for outcome in seen], indent=2))
    elif not seen:
        click.echo("There is nothing to publish.")
    worst = max((outcome.exit_code for outcome in seen), default=0)
    if worst:
        raise click.exceptions.Exit(worst)


@click.command("command")
@click.option(
    "--event",
    envvar="GITHUB_EVENT_PATH",
    required=True,
    type=click.Path(path_type=Path),
    help="The event's JSON [env: GITHUB_EVENT_PATH]",
)
@_REPO
@_BASE
def command(event: Path, repo: str | None, base: str | None) -> None:
    """Do what a comment on a pull request of ours asks for: `/retrain ...`."""
    from retouch.github.repository import repository_facts
    from retouch.jobs.comments.answer import answer
    from retouch.jobs.comments.request import read_event
    from retouch.jobs.publish.pull_request_sync import Site
    from retouch.system import files

    target = repository_from_environment(repo)
    asked = read_event(files.read_text(event))
    if asked is None:
        click.echo("The comment asks nothing of us.")
        return
    base = base or repository_facts(target).default_branch
    site = Site(target, login_from_environment(), run_url=_run_url())
    click.echo(answer(asked, site, base))


def _run_url() -> str | None:
    """Return the address of this workflow run, where it is one."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name) for name in names)
    return f"{server}/{repository}/actions/runs/{number}" if server and number else None
