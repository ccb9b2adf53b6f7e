"""Versions of the model: promote, bundle, canary, rollback, and shadow scoring before a release."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.markup import escape
from rich.table import Table

from retouch.cli.console import shown, table, terminal
from retouch.cli.options import (
    JSON,
    PATH,
    current_project,
    exit_with,
    now,
    repository_from_environment,
)
from retouch.engine.report_files import file_document
from retouch.engine.shadow import Answer, Question
from retouch.engine.shadow import shadow as compare
from retouch.errors import CheckFailed, visible
from retouch.gate.canary_model import CanaryVerdict
from retouch.gate.shadow_model import Shadow
from retouch.github.repository import Repository
from retouch.reporting.escape import plain
from retouch.reporting.numbers import number, signed
from retouch.storage import documents
from retouch.system.processes import cpu_count

if TYPE_CHECKING:
    from retouch.jobs.release import promote as flow
    from retouch.jobs.release.steps import Outcome

_PUSH = click.option("--push/--no-push", default=True, help="Send the tags to origin.")
_GITHUB = click.option(
    "--github/--no-github",
    default=None,
    help="Pull request, issue and deployment [default: when GITHUB_TOKEN and GITHUB_REPOSITORY"
    " are set].",
)
_SAYS_LIMIT = 1000

_SHOWN = 10
"""Slices of a shadow comparison that are printed."""


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
@JSON
def promote(commit: str, dry: bool, push: bool, github: bool, as_json: bool) -> None:
    """Make a version of the model a commit of main records: GTO's tags, a release, a deployment.

    The first version is the baseline and goes to prod. After it, a verdict in the commit must have
    kept the very model; where it goes is release.on_merge of policies/promotion.yaml. Nothing new
    is nothing done, and what an earlier call left is gone on with. Exit code 1 when the model is
    refused, or a step failed.
    """
    from retouch.jobs.release import promote as flow

    repo = repository_from_environment() if github else None
    request = flow.Request(commit=commit, dry=dry, push=push, repo=repo)
    promoted = flow.promote(current_project(), request)
    if as_json:
        click.echo(promoted.to_json(), nl=False)
    else:
        _print_promoted(promoted)
    exit_with(CheckFailed.exit_code if promoted.exit_code else 0)


def _print_promoted(promoted: flow.Promoted) -> None:
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
@JSON
def bundle(version: str, out: Path | None, as_json: bool) -> None:
    """Write all that a version is made of into one file, the same bytes anywhere.

    VERSION is v1.2.0, or a stage: prod, canary. In it: the model, the digests of all data, code and
    params, the metrics, the report, the environment lock, and checksums. What is checked out does
    not matter.
    """
    from retouch.jobs.release import bundle as flow

    made = flow.bundle(current_project(), version, out, here=Path.cwd())
    if as_json:
        click.echo(made.to_json(), nl=False)
    else:
        click.echo(visible(f"{made.version}: {made.file}, {made.size} bytes"))
        click.echo(f"sha256 {made.sha256}")


@click.group("canary")
def canary() -> None:
    """Hold a merged version against production on the days that arrive next, and settle it."""


@canary.command("judge")
@click.option("--out", type=PATH, help="Write the verdict: canary.json.")
@JSON
def judge(out: Path | None, as_json: bool) -> None:
    """Score the canary and production on the days that arrived since, and say what they show.

    Runs the scoring command of policies/promotion.yaml; writes no tag, and nothing in the
    workspace. Exit code 0 whatever it shows; without a canary or new days nothing is written.
    """
    from retouch.jobs.release.canary import judge as look

    found = look(current_project(), at=now(), jobs=cpu_count())
    if found.verdict is not None and out is not None:
        file_document(out, found.verdict)
    if as_json and found.verdict is not None:
        click.echo(found.verdict.to_json(), nl=False)
    else:
        click.echo(plain(found.message, _SAYS_LIMIT))


@canary.command("apply")
@click.argument("file", type=PATH)
@click.option(
    "--undecided",
    "answer",
    type=click.Choice(["promote", "roll_back"]),
    help="Your answer, to a canary whose days are over and have shown neither.",
)
@_PUSH
@_GITHUB
@JSON
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
        current_project(),
        verdict,
        answer=answer,
        push=push,
        repo=_repository(github),
        at=now(),
    )
    _tell(outcome, as_json=as_json)


@click.command("rollback")
@click.option("--to", metavar="VERSION", help="[default: the version in prod before this one]")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the tag and the issue.")
@_PUSH
@_GITHUB
@JSON
def rollback(to: str | None, reason: str, push: bool, github: bool | None, as_json: bool) -> None:
    """Put production back to the version before, or to the one named.

    Tags first, then the revert pull request, the issue and the deployment records. A call that was
    cut short is finished by the next. A rollback is rolled back with --to only.
    """
    from retouch.jobs.release.rollback import Wish
    from retouch.jobs.release.rollback import rollback as put_back

    wish = Wish(to, reason)
    project = current_project()
    outcome = put_back(project, wish, push=push, repo=_repository(github), at=now())
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
        exit_with(outcome.exit_code or CheckFailed.exit_code)


def _repository(asked: bool | None) -> Repository | None:
    """Return the repository on GitHub; None when it is to be left alone. Raises InputError."""
    there = bool(os.environ.get("GITHUB_TOKEN") and os.environ.get("GITHUB_REPOSITORY"))
    if asked is False or (asked is None and not there):
        return None
    return repository_from_environment()


@click.command("shadow")
@click.argument("report_id", required=False, metavar="[ALERT-ID]")
@click.option(
    "--production", default="HEAD", show_default=True, metavar="REF", help="The commit to ask."
)
@click.option("--candidate", metavar="REF", help="The same [default: the workspace's dvc.lock].")
@click.option(
    "--from", "start", metavar="DAY", help="First day [default: the first it was not judged on]."
)
@click.option("--until", metavar="DAY", help="Day after the last [default: the data's clock].")
@click.option(
    "--tolerance", type=float, help="Scores no further apart are alike [default: slice_margin]."
)
@click.option("--out", type=PATH, help="Write the comparison here as well.")
@JSON
def shadow(
    report_id: str | None,
    production: str,
    candidate: str | None,
    start: str | None,
    until: str | None,
    tolerance: float | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say how far a retrained model departs from production on rows that have no label yet.

    Both score what has arrived since the candidate was judged, with score.unlabelled_cmd of
    policies/promotion.yaml. The result goes into the report that kept the candidate, as
    shadow.json. The workspace is only read. Exit code 1 when the scores cannot be compared.
    """
    question = Question(report_id, production, candidate, start, until, tolerance)
    answer = compare(current_project(), question, at=now(), jobs=cpu_count())
    if out is not None and answer.shadow is not None:
        file_document(out, answer.shadow)
    if as_json:
        click.echo(_document(answer), nl=False)
    else:
        _print_shadow(answer)
    if answer.shadow is not None and answer.shadow.outcome == "invalid":
        exit_with(CheckFailed.exit_code)


def _document(answer: Answer) -> str:
    if answer.shadow is not None:
        return answer.shadow.to_json()
    return json.dumps({"outcome": "nothing_to_compare", "message": answer.message}, indent=2) + "\n"


def _print_shadow(answer: Answer) -> None:
    console = terminal()
    found = answer.shadow
    invalid = found is not None and found.outcome == "invalid"
    before = "[bold red]Invalid.[/] " if invalid else ""
    console.print(f"{before}{shown(answer.message)}", soft_wrap=True)
    if found is not None and found.overall is not None:
        console.print(_slices(found))
        console.print("[dim]No label has come for these rows: nobody knows yet which is right.[/]")
    if answer.report is not None:
        where = os.path.relpath(answer.report / "report.md")
        console.print(f"Report: {escape(visible(where))}")


def _slices(found: Shadow) -> Table:
    slices = table(folded=("  where",))
    for heading in ("rows", "production", "candidate", "shift", "lowest", "highest"):
        slices.add_column(heading, header_style="dim", justify="right", no_wrap=True)
    assert found.overall is not None
    for one in (found.overall, *found.slices[:_SHOWN]):
        means = (number(x, found.decimals) for x in (one.production.mean, one.candidate.mean))
        moved = (signed(x, found.decimals) for x in (one.mean, one.lower, one.upper))
        slices.add_row(f"  {shown(one.where, 100)}", f"{one.rows:,}", *means, *moved)
    return slices
