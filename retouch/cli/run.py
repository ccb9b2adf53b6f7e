"""The commands for one checkout: plan, run, build, report, status, explain, and the demo."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from retouch.cli.console import print_plan, print_result, print_stage, print_status, terminal
from retouch.cli.demo import replay_alert
from retouch.cli.options import BASE, JOBS, JSON, PATH, REPOSITORY, current_project, now, watch
from retouch.engine.provenance import TrustSettings
from retouch.engine.report_files import rerender_report
from retouch.engine.run import RunResult, Settings, build_pipeline, plan_alerts, run_alerts
from retouch.engine.status import explain_stage, project_status
from retouch.git import git
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
