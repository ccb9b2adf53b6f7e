"""`retouch canary` and `retouch rollback`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from retouch.cli.github_options import repository_from_environment
from retouch.engine.project import open_project
from retouch.engine.report_files import file_document
from retouch.errors import CheckFailed
from retouch.gate.canary_model import CanaryVerdict
from retouch.github.repository import Repository
from retouch.reporting.escape import plain
from retouch.storage import documents
from retouch.system.processes import cpu_count

if TYPE_CHECKING:
    from retouch.jobs.release.steps import Outcome

_PUSH = click.option("--push/--no-push", default=True, help="Send the tags to origin.")
_GITHUB = click.option(
    "--github/--no-github",
    default=None,
    help="Pull request, issue and deployment [default: when GITHUB_TOKEN and GITHUB_REPOSITORY"
    " are set].",
)
_JSON = click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
_SAYS_LIMIT = 1000


@click.group("canary")
def canary() -> None:
    """Hold a merged version against production on the days that arrive next, and settle it."""


@canary.command("judge")
@click.option("--out", type=click.Path(path_type=Path), help="Write the verdict: canary.json.")
@_JSON
def judge(out: Path | None, as_json: bool) -> None:
    """Score the canary and production on the days that arrived since, and say what they show.

    Runs the scoring command of policies/promotion.yaml; writes no tag, and nothing in the
    workspace. Exit code 0 whatever it shows; without a canary or new days nothing is written.
    """
    from retouch.jobs.release.canary import judge as look

    found = look(open_project(Path.cwd()), at=_now(), jobs=cpu_count())
    if found.verdict is not None and out is not None:
        file_document(out, found.verdict)
    if as_json and found.verdict is not None:
        click.echo(found.verdict.to_json(), nl=False)
    else:
        click.echo(plain(found.message, _SAYS_LIMIT))


@canary.command("apply")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--undecided",
    "answer",
    type=click.Choice(["promote", "roll_back"]),
    help="Your answer, to a canary whose days are over and have shown neither.",
)
@_PUSH
@_GITHUB
@_JSON
def apply(
    file: Path,
    answer: Literal["promote", "roll_back"] | None,
    push: bool,
    github: bool | None,
    as_json: bool,
) -> None:
    """Decide anew from the days in FILE, written by `retouch canary judge`, and act on it.

    A canary that passes goes to prod. One that fails is taken down, with a revert pull request and
    an issue, and its model is not promoted again. The same file twice is once.
    """
    from retouch.jobs.release.apply_canary import settle

    verdict: CanaryVerdict = documents.read_document(file, CanaryVerdict)
    outcome = settle(
        open_project(Path.cwd()),
        verdict,
        answer=answer,
        push=push,
        repo=_repository(github),
        at=_now(),
    )
    _tell(outcome, as_json=as_json)


@click.command("rollback")
@click.option("--to", metavar="VERSION", help="[default: the version in prod before this one]")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the tag and the issue.")
@_PUSH
@_GITHUB
@_JSON
def rollback(to: str | None, reason: str, push: bool, github: bool | None, as_json: bool) -> None:
    """Put production back to the version before, or to the one named.

    Tags first, then the revert pull request, the issue and the deployment records. A call that was
    cut short is finished by the next. A rollback is rolled back with --to only.
    """
    from retouch.jobs.release.rollback import Wish
    from retouch.jobs.release.rollback import rollback as put_back

    wish = Wish(to, reason)
    project = open_project(Path.cwd())
    outcome = put_back(project, wish, push=push, repo=_repository(github), at=_now())
    _tell(outcome, as_json=as_json)


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        click.echo(outcome.model_dump_json(indent=2))
    else:
        click.echo(plain(outcome.message, _SAYS_LIMIT))
        for step in outcome.steps:
            click.echo(f"  {'+' if step.new else '='} {plain(step.message, _SAYS_LIMIT)}")
    if outcome.failed is not None:
        click.echo(
            f"Not finished: {plain(outcome.failed, _SAYS_LIMIT)} The next call goes on from there.",
            err=True,
        )
        raise click.exceptions.Exit(outcome.exit_code or CheckFailed.exit_code)


def _repository(asked: bool | None) -> Repository | None:
    """Return the repository on GitHub; None when it is to be left alone. Raises InputError."""
    there = bool(os.environ.get("GITHUB_TOKEN") and os.environ.get("GITHUB_REPOSITORY"))
    if asked is False or (asked is None and not there):
        return None
    return repository_from_environment(None)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
