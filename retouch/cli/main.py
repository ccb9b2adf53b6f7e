"""The command line: parse, call a flow, print, map errors to exit codes."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from retouch.cli.alert import alert
from retouch.cli.canary import canary, rollback
from retouch.cli.ci import ci
from retouch.cli.console import (
    Lines,
    LiveBar,
    print_answer,
    print_plan,
    print_stage,
    print_status,
)
from retouch.cli.demo import replay_alert
from retouch.cli.doctor import doctor
from retouch.cli.policy import policy
from retouch.cli.release import bundle, promote
from retouch.cli.shadow import shadow
from retouch.cli.store import store
from retouch.cli.verify import merge_lock, verify
from retouch.engine.project import Project, open_project
from retouch.engine.provenance import Trust
from retouch.engine.report_files import rerender_report
from retouch.engine.run import RunResult, Settings, build_pipeline, plan_alerts, run_alerts
from retouch.engine.status import explain_stage, project_status
from retouch.errors import InputError, RetouchError
from retouch.git import git
from retouch.github.workflow_commands import harmless_log
from retouch.system import files
from retouch.system.processes import cpu_count, raising_on_terminate

ALERTS = click.argument(
    "alerts", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="ALERT..."
)
JSON = click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
JOBS = click.option(
    "--jobs", "-j", type=click.IntRange(1), help="Stages to run at a time [default: all cores]."
)


BASE = click.option(
    "--base", metavar="REF", help="Where policies/ is believed [default: the base branch]."
)
REPOSITORY = click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="This repository [default: what policies/monitors.yaml says].",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="retouch")
def cli() -> None:
    """Retrain only what an alert touched.

    An alert is a JSON file that says which slice of the data went wrong. Retouch works out which
    stages of the DVC pipeline answer it, runs only those, holds the result against the model in
    production, and writes a report.

    \b
      retouch demo                   a real alert, from start to report
      retouch plan alerts/ID.json    what would run, and why
      retouch run alerts/ID.json     do it

    Exit codes: 0 worked (also: nothing to do), 1 a stage or a check said no, 2 bad input, 3 a bug
    of ours, 130 interrupted.
    """


@cli.command()
@ALERTS
@click.option("--whole", is_flag=True, help="List the stages that are reused as well.")
@click.option("--out", type=click.Path(path_type=Path), help="Save the plan, for `run --plan`.")
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
    """Show what the alerts would make run, and why.

    Runs nothing, changes nothing and needs no data.
    """
    trust = Trust(base, repository, os.environ)
    made = plan_alerts(_project(), alerts, _now(), jobs=jobs or cpu_count(), trust=trust)
    if out is not None:
        files.write_text(out, made.to_json())
    if as_json:
        click.echo(made.to_json(), nl=False)
    else:
        print_plan(_console(), made, whole=whole)


@cli.command()
@click.argument("stage")
@click.option(
    "--alert", "alerts", multiple=True, type=click.Path(path_type=Path), help="Under this alert."
)
@JSON
def explain(stage: str, alerts: Sequence[Path], as_json: bool) -> None:
    """Say what a stage is, what it works on, and why it would run or not."""
    told = explain_stage(_project(), stage, alerts, _now())
    if as_json:
        click.echo(told.to_json(), nl=False)
    else:
        print_stage(_console(), told)


@cli.command()
@ALERTS
@click.option(
    "saved_plan", "--plan", type=click.Path(path_type=Path), help="Carry out this saved plan."
)
@click.option("--push/--no-push", default=True, help="Send a kept candidate to the DVC remote.")
@click.option(
    "--accept-unsigned", is_flag=True, help="You vouch for alerts that nobody signed, by name."
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
    """Answer the alerts: plan, run what they touched, judge, report.

    A candidate that passes stays in the workspace, for you to commit; otherwise everything is put
    back. The same alert twice is a no-op. A run that was cut short is undone by the next one.
    """
    project = _project()
    trust = Trust(
        base,
        repository,
        os.environ,
        accepted_by=git.user_name(project.root) if accept_unsigned else None,
    )
    with _watch(project, quiet=as_json) as watch:
        settings = Settings(jobs or cpu_count(), watch, _now, trust, push)
        answer = run_alerts(project, alerts, settings, saved_plan=saved_plan)
    if as_json:
        click.echo(json.dumps(_answer(answer), indent=2))
    else:
        print_answer(_console(), answer, root=str(project.root))


@cli.command()
@click.option("--record", is_flag=True, help="Keep the costs in reports/build/, for forecasts.")
@JOBS
def build(record: bool, jobs: int | None) -> None:
    """Bring every stage up to date: what `dvc repro` does, independent stages at the same time."""
    project = _project()
    with _watch(project) as watch:
        settings = Settings(jobs or cpu_count(), watch, _now)
        receipts = build_pipeline(project, settings, record=record)
    ran = sum(receipt.outcome == "ran" for receipt in receipts)
    cpu = sum(receipt.cpu_seconds for receipt in receipts)
    click.echo(f"Up to date: {ran} stages run, {cpu:.1f} s of CPU." if receipts else "Up to date.")


@cli.command()
@click.argument("report_id", metavar="ID")
def report(report_id: str) -> None:
    """Write the report of an alert again, from its plan, run and verdict."""
    folder = rerender_report(_project().root, report_id)
    click.echo(files.read_text(folder / "report.md"), nl=False)


@cli.command()
@JSON
def status(as_json: bool) -> None:
    """Say what is in production, which alerts are open, and whether a run was cut short."""
    found = project_status(_project())
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        print_status(_console(), found)


@cli.command()
@click.argument("alert_id", required=False, metavar="[ALERT-ID]")
@JOBS
def demo(alert_id: str | None, jobs: int | None) -> None:
    """Replay a shipped alert in a copy of this repository: build, plan, run, verdict, report.

    The copy is set back to just before the alert, so nothing here is changed; at the end it is
    held against what is committed.
    """
    project, jobs = _project(), jobs or cpu_count()
    replay_alert(project, alert_id, jobs=jobs, console=_console(), now=_now)


for command in (
    *(alert, bundle, canary, ci, doctor, merge_lock, policy, promote, rollback, shadow, store),
    verify,
):
    cli.add_command(command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; the console script's entry."""
    with harmless_log(os.environ):
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    try:
        with raising_on_terminate():
            # Commands return nothing; a code is what `ctx.exit` gave.
            args = list(argv) if argv is not None else None
            code = cli.main(args=args, prog_name="retouch", standalone_mode=False)
    except RetouchError as error:
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return InputError.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; what was under way has been put back.", err=True)
        return 130
    except Exception:
        traceback.print_exc()
        click.echo("This is a bug in Retouch. Please report it with the lines above.", err=True)
        return RetouchError.exit_code
    return int(code or 0)


def _project() -> Project:
    return open_project(Path.cwd())


def _console() -> Console:
    """Return where people read; a pipe or a log gets longer lines than a terminal's 80."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _watch(project: Project, *, quiet: bool = False) -> AbstractContextManager[Lines | LiveBar]:
    """Return a live bar on a terminal, and plain lines everywhere else."""
    console = Console(stderr=True)
    kind: Callable[..., Lines | LiveBar] = LiveBar if console.is_terminal and not quiet else Lines
    return kind(console, {name: cost.wall_seconds for name, cost in project.costs.items()})


def _answer(answer: RunResult) -> dict[str, Any]:
    verdict = answer.verdict
    return {
        "handled_before": answer.plan is None,
        "action": answer.plan.action if answer.plan else None,
        "verdict": verdict.outcome if verdict else None,
        "message": verdict.message if verdict else (answer.plan.why if answer.plan else ""),
        "kept": bool(answer.run and answer.run.attempts[-1].kept),
        "report": str(answer.report),
    }
