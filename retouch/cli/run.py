"""The commands for one checkout: plan, run, build, report, status, explain, and the demo."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from retouch.cli.console import (
    ProgressBar,
    ProgressLines,
    print_plan,
    print_result,
    print_stage,
    print_status,
    terminal,
)
from retouch.cli.options import (
    BASE,
    JOBS,
    JSON,
    PATH,
    REPOSITORY,
    current_project,
    now,
    wall_seconds,
    watch,
)
from retouch.dvc import dvc, objects
from retouch.dvc.params import apply_edits
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings
from retouch.engine.report_files import rerender_report
from retouch.engine.run import RunResult, Settings, build_pipeline, plan_alerts, run_alerts
from retouch.engine.status import explain_stage, project_status
from retouch.errors import InputError
from retouch.execution.model import Attempt, Receipt, Run
from retouch.git import git
from retouch.policy.edits import ParamEdit
from retouch.reporting.report import first_screen_of
from retouch.storage import documents
from retouch.system import files
from retouch.system.processes import cpu_count

ALERTS = click.argument("alerts", nargs=-1, required=True, type=PATH, metavar="ALERT...")


@click.command()
@ALERTS
@click.option("--whole", is_flag=True, help="List reused stages too.")
@click.option("--out", type=PATH, help="Save the plan, for `retouch run --plan`.")
@BASE
@REPOSITORY
@JOBS
@JSON
def plan(
    alerts: Sequence[Path],
    whole: bool,
    out: Path | None,
    base: str | None,
    repository: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Show which stages the alerts affect, what would run, and why.

    Runs nothing, changes nothing and needs no data.
    """
    trust = TrustSettings(base, repository, os.environ)
    made = plan_alerts(current_project(), alerts, now(), jobs=jobs or cpu_count(), trust=trust)
    if out is not None:
        files.write_text(out, made.to_json())
    if as_json:
        click.echo(made.to_json(), nl=False)
    else:
        print_plan(terminal(), made, whole=whole)


@click.command()
@click.argument("stage")
@click.option(
    "--alert", "alerts", multiple=True, type=PATH, help="Explain it for this alert; repeatable."
)
@JSON
def explain(stage: str, alerts: Sequence[Path], as_json: bool) -> None:
    """Show what a stage works on, and why it would or would not run."""
    explanation = explain_stage(current_project(), stage, alerts, now())
    if as_json:
        click.echo(explanation.to_json(), nl=False)
    else:
        print_stage(terminal(), explanation)


@click.command()
@ALERTS
@click.option("saved_plan", "--plan", type=PATH, help="Apply this saved plan.")
@click.option(
    "--push/--no-push", default=True, help="Push an accepted candidate to the DVC remote."
)
@click.option(
    "--accept-unsigned",
    is_flag=True,
    help="Approve unsigned alerts; recorded under your git user name.",
)
@BASE
@REPOSITORY
@JOBS
@JSON
def run(
    alerts: Sequence[Path],
    saved_plan: Path | None,
    push: bool,
    accept_unsigned: bool,
    base: str | None,
    repository: str | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Handle the alerts: plan, run, judge, report.

    Only the stages that the alerts affect are run. An accepted candidate stays in the workspace,
    for you to commit; otherwise changes are rolled back. Running the same alert again does nothing.
    The next run undoes an interrupted one.
    """
    project = current_project()
    trust = TrustSettings(
        base,
        repository,
        os.environ,
        accepted_by=git.user_name(project.root) if accept_unsigned else None,
    )
    with watch(project, quiet=as_json) as display:
        settings = Settings(jobs or cpu_count(), display, now, trust, push)
        result = run_alerts(project, alerts, settings, saved_plan=saved_plan)
    if as_json:
        click.echo(json.dumps(_result_document(result), indent=2))
    else:
        print_result(terminal(), result, root=str(project.root))


@click.command()
@click.option("--record", is_flag=True, help="Record the costs in reports/build/, for forecasts.")
@JOBS
def build(record: bool, jobs: int | None) -> None:
    """Bring every stage up to date: `dvc repro`, but in parallel."""
    project = current_project()
    with watch(project) as display:
        settings = Settings(jobs or cpu_count(), display, now)
        receipts = build_pipeline(project, settings, record=record)
    ran = sum(receipt.outcome == "ran" for receipt in receipts)
    cpu = sum(receipt.cpu_seconds for receipt in receipts)
    click.echo(f"Up to date: {ran} stages run, {cpu:.1f} s of CPU." if receipts else "Up to date.")


@click.command()
@click.argument("report_id", metavar="ID")
def report(report_id: str) -> None:
    """Render the report of an alert again.

    It is made from the plan, run and verdict in the folder of the report.
    """
    folder = rerender_report(current_project().root, report_id)
    click.echo(files.read_text(folder / "report.md"), nl=False)


@click.command()
@JSON
def status(as_json: bool) -> None:
    """Show what is in production and which alerts are open.

    Also out-of-date stages, the use of the hold-out, and an interrupted run.
    """
    found = project_status(current_project())
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        print_status(terminal(), found)


@click.command()
@click.argument("alert_id", required=False, metavar="[ALERT-ID]")
@JOBS
def demo(alert_id: str | None, jobs: int | None) -> None:
    """Replay a committed alert in a copy of this repository.

    Builds the pipeline, plans, runs, judges and reports. The copy is reset to the state before the
    alert, so this checkout is not changed; at the end the result is compared with it.
    """
    project, jobs = current_project(), jobs or cpu_count()
    replay_alert(project, alert_id, jobs=jobs, console=terminal(), now=now)


def _result_document(result: RunResult) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "handled_before": result.plan is None,
        "action": result.plan.action if result.plan else None,
        "verdict": verdict.outcome if verdict else None,
        "message": verdict.message if verdict else (result.plan.why if result.plan else ""),
        "kept": bool(result.run and result.run.attempts[-1].kept),
        "report": str(result.report),
    }


DEMO_COPY = Path(".retouch/demo")
"""Where the demo replays an alert. Its outputs then go to the checkout, which may have none yet."""


def replay_alert(
    project: Project,
    alert_id: str | None,
    *,
    jobs: int,
    console: Console,
    now: Callable[[], datetime],
) -> Run:
    """Replay the alert and print each step; return what was run.

    Raises InputError when no committed alert can be replayed.
    """
    committed = committed_run(project, alert_id)
    copy = copy_before(project, committed, project.root / DEMO_COPY)
    alert = copy.root / documents.ALERTS / f"{committed.alert_ids[0]}.json"
    kind = ProgressBar if console.is_terminal else ProgressLines
    wall = wall_seconds(project)

    console.rule("1. Build the pipeline as it was before the alert")
    with kind(console, wall) as watch:
        built = build_pipeline(copy, Settings(jobs, watch, now), record=False)
    copy = Project(copy.root)  # its cached values are out of date
    git.commit_all(copy.root, "The pipeline before the alert")

    console.rule("2. Plan for the alert")
    console.print(f"Alert: {documents.ALERTS}/{alert.name}")
    planned = plan_alerts(copy, [alert], now(), jobs=jobs, trust=TrustSettings())
    print_plan(console, planned, whole=False)

    console.rule("3. Run the affected stages, and judge the candidate")
    with kind(console, wall) as watch:
        result = run_alerts(copy, [alert], Settings(jobs, watch, now, push=False))
    print_result(console, result, root=str(project.root))

    console.rule("4. The report")
    _print_report(console, result.report / "report.md")
    assert result.run is not None
    console.print(_costs(result.run, built))
    _hand_over(console, copy, project)
    return result.run


def _print_report(console: Console, report: Path) -> None:
    from rich.markdown import Markdown  # slow to import, and no other command needs it

    console.print(Markdown(first_screen_of(files.read_text(report))))


def committed_run(project: Project, alert_id: str | None) -> Run:
    """Return the run of the alert to replay: the newest whose candidate was kept, or the named."""
    root = project.root
    paths = documents.report_documents(root, "run.json")
    runs: list[Run] = [documents.read_document(path, Run) for path in paths]
    for run in reversed(runs):
        kept = run.attempts and run.attempts[-1].kept and run.alert_ids
        if kept and alert_id in (None, *run.alert_ids):
            return run
    what = f"alert {alert_id}" if alert_id else "any alert"
    raise InputError(
        f"reports/: no run for {what} has an accepted candidate, so there is none to replay.",
        hint="See `retouch status`.",
    )


def copy_before(project: Project, committed: Run, root: Path) -> Project:
    """Return a clone of the commit at `root`, set back to just before the alert was answered.

    It has a cache of its own, which is empty, so that every stage really runs, and no history, in
    which the answer to the alert would be found and counted as one more candidate.
    """
    files.remove(root)
    git.clone(project.root, root)
    last: Attempt = committed.attempts[-1]
    back = [
        ParamEdit(file=edit.file, key=edit.key, before=edit.after, after=edit.before)
        for edit in last.edits
    ]
    for path, text in apply_edits(root, back).items():
        files.write_text(root / path, text)
    for alert_id in committed.alert_ids:
        files.remove(documents.report_folder(root, alert_id))
    git.without_history(root, "Before the alert")
    return Project(root)


def _hand_over(console: Console, copy: Project, project: Project) -> None:
    console.print(_compared(project, copy))
    if hand_over(Project(copy.root), project):
        console.print("The data and the models are in this checkout now, ready for `retouch run`.")


def hand_over(copy: Project, project: Project) -> tuple[str, ...]:
    """Bring into `project` the outputs it lacks whose recorded hashes are those of `copy`.

    What exists in the workspace is left as it is. Returns the paths that were brought. Raises
    InputError or CheckFailed when the copy does not have them whole.
    """
    theirs = {out.path: out.recorded for stage in copy.pipeline.stages for out in stage.outputs}
    wanted = [
        (out.path, out.recorded)
        for stage in project.pipeline.stages
        for out in stage.outputs
        if out.cached and out.workspace is None and out.recorded
        if out.recorded == theirs.get(out.path)
    ]
    objects.import_objects(project.root, objects.objects_of(copy.root, wanted))
    dvc.checkout((path for path, _ in wanted), root=project.root)
    return tuple(path for path, _ in wanted)


def _costs(run: Run, built: Sequence[Receipt]) -> str:
    cpu = sum(attempt.cpu_seconds for attempt in run.attempts)
    full = sum(receipt.cpu_seconds for receipt in built)
    return f"CPU: {cpu:.1f} s for the alert, {full:.1f} s for the whole pipeline."


def _compared(project: Project, copy: Project) -> str:
    """Return whether the replay has the committed result."""
    replayed = files.read_text(copy.root / "dvc.lock")
    if replayed == files.read_text(project.root / "dvc.lock"):
        return "The replayed dvc.lock equals the committed one, byte for byte."
    return (
        "The replayed dvc.lock differs from the committed one: on this machine, or with these "
        "library versions, some stage produces other bytes. Compare: "
        f"git diff --no-index dvc.lock {DEMO_COPY}/dvc.lock"
    )
