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
    from retouch.jobs.release import reconcile as reconciling
    from retouch.jobs.release.steps import StepsResult

_PUSH = click.option("--push/--no-push", default=True, help="Push the tags to origin.")
_GITHUB = click.option(
    "--github/--no-github",
    default=None,
    help="Open pull requests and issues and record the deployment [default: when GITHUB_TOKEN and"
    " GITHUB_REPOSITORY are set].",
)
_MESSAGE_LENGTH = 1000

_SHOWN = 10
"""Slices of a shadow comparison that are printed."""


@click.command("promote")
@click.option(
    "--commit", default="HEAD", show_default=True, metavar="REF", help="A commit of main."
)
@click.option("--dry", is_flag=True, help="Print the steps without carrying them out.")
@click.option(
    "--push/--no-push", default=True, help="Push the tags to origin, where they take effect."
)
@click.option(
    "--github/--no-github",
    default=False,
    help="Record the deployment and publish a release [env: GITHUB_TOKEN, GITHUB_REPOSITORY].",
)
@JSON
def promote(commit: str, dry: bool, push: bool, github: bool, as_json: bool) -> None:
    """Register the model of a commit on main as a new version.

    Creates the GTO tags; with --github also a release and a deployment record. The first version is
    the baseline and goes to prod. For a later one the commit must contain a verdict that accepts
    exactly this model; release.on_merge in policies/promotion.yaml says where it goes. Calling it
    again changes nothing, or completes an interrupted call. Exit code 1 when the model is refused
    or a step fails.
    """
    from retouch.jobs.release import promote as flow

    repo = repository_from_environment() if github else None
    request = flow.PromotionRequest(commit=commit, dry=dry, push=push, repo=repo)
    promoted = flow.promote(current_project(), request)
    if as_json:
        click.echo(promoted.to_json(), nl=False)
    else:
        _print_promoted(promoted)
    exit_with(CheckFailed.exit_code if promoted.exit_code else 0)


def _print_promoted(promoted: flow.PromotionResult) -> None:
    plan = promoted.plan
    for line in (plan.message, plan.hint):
        if line:
            click.echo(visible(line))
    for step in plan.steps:
        state = "done" if step.done else "to do"
        click.echo(visible(f"  {state:6} {step.message}"))
    if promoted.failed is not None:
        click.echo(f"Error: {visible(promoted.failed)}", err=True)


@click.command("reconcile")
@click.option("--dry", is_flag=True, help="Print the steps without carrying them out.")
@_PUSH
@_GITHUB
@click.option(
    "--without-promotion",
    is_flag=True,
    help="Leave the registration of a new version to another job.",
)
@click.option(
    "--store",
    default="none",
    metavar="open|none",
    help="`open`: the data are on the branch dvc-store, which is fetched once a model has to be"
    " read; anything else: DVC's own configuration.",
)
@click.option(
    "--output",
    type=PATH,
    help="Append `canary` and `promotion`, true or false, to this file as job outputs.",
)
@JSON
def reconcile(
    dry: bool,
    push: bool,
    github: bool | None,
    without_promotion: bool,
    store: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Bring versions and stages into line with the base branch.

    Finishes a rollback that was interrupted, withdraws versions that the base branch has reverted,
    promotes the model it records now, and completes pull requests, issues, deployments and
    releases. Everything is read from the branch, the tags and GitHub, so it may be called at any
    time, any number of times. Exit code 1 when a step failed; the others are taken all the same.
    """
    from retouch.jobs.release import reconcile as flow

    repo = _repository(github)
    request = flow.ReconcileRequest(
        now(),
        push=push,
        repo=repo,
        promote=not without_promotion,
        open_store=store == "open",
    )
    result = flow.reconcile(current_project(), request, dry=dry)
    if output is not None:
        lines = {"canary": result.judge, "promotion": result.waits}
        with output.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}={json.dumps(value)}\n" for name, value in lines.items())
    if as_json:
        click.echo(result.to_json(), nl=False)
    else:
        _print_reconciled(result)
    exit_with(CheckFailed.exit_code if result.exit_code else 0)


def _print_reconciled(result: reconciling.ReconcileResult) -> None:
    click.echo(f"prod: {result.prod or 'nothing'}; canary: {result.canary or 'nothing'}")
    for note in result.notes:
        click.echo(plain(note, _MESSAGE_LENGTH))
    for step in result.steps:
        click.echo(f"  {'+' if step.new else '='} {plain(step.message, _MESSAGE_LENGTH)}")
    for message in result.left:
        click.echo(f"  to do  {plain(message, _MESSAGE_LENGTH)}")
    for failure in result.failed:
        click.echo(f"Not finished: {plain(failure, _MESSAGE_LENGTH)}", err=True)


@click.command("bundle")
@click.argument("version")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.tar.gz",
    help="The archive [default: MODEL-VERSION.tar.gz in this folder].",
)
@JSON
def bundle(version: str, out: Path | None, as_json: bool) -> None:
    """Write everything that a version consists of into one archive.

    VERSION is v1.2.0, or a stage: prod, canary. The archive holds the model, the digests of all
    data, code and params, the metrics, the report, the environment lock, and checksums. It has the
    same bytes on any machine, whatever is checked out.
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
    """Judge a canary version on new days; promote or roll it back."""


@canary.command("judge")
@click.option("--out", type=PATH, help="Write the verdict to this file (canary.json).")
@JSON
def judge(out: Path | None, as_json: bool) -> None:
    """Compare the canary with production on newly arrived days.

    Scores both with the scoring command of policies/promotion.yaml; changes no tag and nothing in
    the workspace. Exit code 0 whatever the result; without a canary or new days no file is written.
    """
    from retouch.jobs.release.judge_canary import judge_canary

    found = judge_canary(current_project(), at=now(), jobs=cpu_count())
    if found.verdict is not None and out is not None:
        file_document(out, found.verdict)
    if as_json and found.verdict is not None:
        click.echo(found.verdict.to_json(), nl=False)
    else:
        click.echo(plain(found.message, _MESSAGE_LENGTH))


@canary.command("apply")
@click.argument("file", type=PATH)
@click.option(
    "--undecided",
    "decision",
    type=click.Choice(["promote", "roll_back"]),
    help="Your decision on a canary whose trial ended without a clear result.",
)
@_PUSH
@_GITHUB
@JSON
def apply(
    file: Path,
    decision: Literal["promote", "roll_back"] | None,
    push: bool,
    github: bool | None,
    as_json: bool,
) -> None:
    """Promote or roll back the canary, as the days in FILE decide.

    FILE is written by `retouch canary judge`; the decision is computed again from its days. A
    canary that passes is promoted to prod. One that fails is withdrawn, with a revert pull request
    and an issue, and its model is not promoted again. Applying the same FILE twice changes nothing
    more.
    """
    from retouch.jobs.release.apply_canary import apply_canary

    verdict: CanaryVerdict = documents.read_document(file, CanaryVerdict)
    outcome = apply_canary(
        current_project(),
        verdict,
        answer=decision,
        push=push,
        repo=_repository(github),
        at=now(),
    )
    _print_outcome(outcome, as_json=as_json)


@click.command("rollback")
@click.option(
    "--to",
    metavar="VERSION",
    help="The version to restore [default: the one in prod before this one].",
)
@click.option("--reason", default="", metavar="TEXT", help="The reason, for the tag and the issue.")
@_PUSH
@_GITHUB
@JSON
def rollback(to: str | None, reason: str, push: bool, github: bool | None, as_json: bool) -> None:
    """Roll production back to the previous version, or a given one.

    Moves the tags first, then opens the revert pull request and the issue and records the
    deployment. The next call completes an interrupted one. To undo a rollback, use --to.
    """
    from retouch.jobs.release.rollback import RollbackRequest
    from retouch.jobs.release.rollback import rollback as roll_back

    request = RollbackRequest(to, reason)
    project = current_project()
    outcome = roll_back(project, request, push=push, repo=_repository(github), at=now())
    _print_outcome(outcome, as_json=as_json)


def _print_outcome(outcome: StepsResult, *, as_json: bool) -> None:
    if as_json:
        click.echo(outcome.model_dump_json(indent=2))
    else:
        click.echo(plain(outcome.message, _MESSAGE_LENGTH))
        for step in outcome.steps:
            click.echo(f"  {'+' if step.new else '='} {plain(step.message, _MESSAGE_LENGTH)}")
    if outcome.failed is not None:
        failure = plain(outcome.failed, _MESSAGE_LENGTH)
        click.echo(f"Not finished: {failure} The next call continues from here.", err=True)
        exit_with(outcome.exit_code or CheckFailed.exit_code)


def _repository(github: bool | None) -> Repository | None:
    """Return the repository on GitHub; None when GitHub is not to be changed. Raises InputError."""
    configured = bool(os.environ.get("GITHUB_TOKEN") and os.environ.get("GITHUB_REPOSITORY"))
    if github is False or (github is None and not configured):
        return None
    return repository_from_environment()


@click.command("shadow")
@click.argument("report_id", required=False, metavar="[ALERT-ID]")
@click.option(
    "--production",
    default="HEAD",
    show_default=True,
    metavar="REF",
    help="The commit of the production model.",
)
@click.option(
    "--candidate",
    metavar="REF",
    help="The commit of the candidate [default: the workspace's dvc.lock].",
)
@click.option(
    "--from",
    "start",
    metavar="DAY",
    help="The first day [default: the first that the candidate was not judged on].",
)
@click.option("--until", metavar="DAY", help="The day after the last [default: the data's clock].")
@click.option(
    "--tolerance",
    type=float,
    help="Scores that differ by at most this count as equal [default: slice_margin].",
)
@click.option("--out", type=PATH, help="Write the comparison to this file too.")
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
    """Compare a candidate with production on unlabelled rows.

    Both models score the rows that arrived after the candidate was judged, with
    score.unlabelled_cmd of policies/promotion.yaml. The result is added to the report that accepted
    the candidate, as shadow.json; nothing else changes. Exit code 1 when the scores cannot be
    compared.
    """
    question = Question(report_id, production, candidate, start, until, tolerance)
    result = compare(current_project(), question, at=now(), jobs=cpu_count())
    if out is not None and result.shadow is not None:
        file_document(out, result.shadow)
    if as_json:
        click.echo(_document(result), nl=False)
    else:
        _print_shadow(result)
    if result.shadow is not None and result.shadow.outcome == "invalid":
        exit_with(CheckFailed.exit_code)


def _document(result: Answer) -> str:
    if result.shadow is not None:
        return result.shadow.to_json()
    return json.dumps({"outcome": "nothing_to_compare", "message": result.message}, indent=2) + "\n"


def _print_shadow(result: Answer) -> None:
    console = terminal()
    found = result.shadow
    invalid = found is not None and found.outcome == "invalid"
    label = "[bold red]Invalid.[/] " if invalid else ""
    console.print(f"{label}{shown(result.message)}", soft_wrap=True)
    if found is not None and found.overall is not None:
        console.print(_slices(found))
        console.print(
            "[dim]These rows have no labels yet, so it is unknown which model is right.[/]"
        )
    if result.report is not None:
        where = os.path.relpath(result.report / "report.md")
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
