"""`retouch promote` and `retouch bundle`: a merged model becomes a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from retouch.cli.github_options import repository_from_environment
from retouch.engine.project import open_project
from retouch.errors import CheckFailed, visible

if TYPE_CHECKING:
    from retouch.jobs.release import promote as flow

_JSON = click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")


@click.command("promote")
@click.option("--commit", default="HEAD", show_default=True, metavar="REF", help="Of main.")
@click.option("--dry", is_flag=True, help="Only say what would be done.")
@click.option(
    "--push/--no-push", default=True, help="Put the tags on origin; what counts is there."
)
@click.option(
    "--github/--no-github",
    default=False,
    help="Record the deployment and publish a release. [env: GITHUB_TOKEN, GITHUB_REPOSITORY]",
)
@_JSON
def promote(commit: str, dry: bool, push: bool, github: bool, as_json: bool) -> None:
    """Make a version of the model a commit of main records: GTO's tags, a release, a deployment.

    The first version is the baseline and goes to prod. After it, a verdict in the commit must have
    kept the very model; where it goes is release.on_merge of policies/promotion.yaml. Nothing new
    is nothing done, and what an earlier call left is gone on with. Exit code 1 when the model is
    refused, or a step failed.
    """
    from retouch.jobs.release import promote as flow

    repo = repository_from_environment(None) if github else None
    request = flow.Request(commit=commit, dry=dry, push=push, repo=repo)
    promoted = flow.promote(open_project(Path.cwd()), request)
    if as_json:
        click.echo(promoted.to_json(), nl=False)
    else:
        _print(promoted)
    if promoted.exit_code:
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _print(promoted: flow.Promoted) -> None:
    plan = promoted.promoting
    for line in (plan.message, plan.hint):
        if line:
            click.echo(visible(line))
    for step in plan.steps:
        state = "done" if step.done else "to do"
        click.echo(visible(f"  {state:6} {step.message}"))
    if promoted.failed is not None:
        click.echo(f"Error: {visible(promoted.failed)}", err=True)


@click.command("bundle")
@click.argument("version")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.tar.gz",
    help="[default: MODEL-VERSION.tar.gz, here]",
)
@_JSON
def bundle(version: str, out: Path | None, as_json: bool) -> None:
    """Write all that a version is made of into one file, the same bytes anywhere.

    VERSION is v1.2.0, or a stage: prod, canary. In it: the model, the digests of all data, code and
    params, the metrics, the report, the environment lock, and checksums. What is checked out does
    not matter.
    """
    from retouch.jobs.release import bundle as flow

    made = flow.bundle(open_project(Path.cwd()), version, out, here=Path.cwd())
    if as_json:
        click.echo(made.to_json(), nl=False)
    else:
        click.echo(visible(f"{made.version}: {made.file}, {made.size} bytes"))
        click.echo(f"sha256 {made.sha256}")
