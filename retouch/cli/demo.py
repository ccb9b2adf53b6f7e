"""Replay a committed alert in a copy of the repository, and compare the result.

The outputs of the replay then go to the checkout, which may have none of its own yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from retouch.cli.console import ProgressBar, ProgressLines, print_plan, print_result
from retouch.cli.options import wall_seconds
from retouch.dvc import dvc, objects
from retouch.dvc.params import apply_edits
from retouch.engine.project import Project
from retouch.engine.provenance import TrustSettings
from retouch.engine.run import Settings, build_pipeline, plan_alerts, run_alerts
from retouch.errors import InputError
from retouch.execution.model import Attempt, Receipt, Run
from retouch.git import git
from retouch.policy.edits import ParamEdit
from retouch.reporting.report import first_screen_of
from retouch.storage import documents
from retouch.system import files

COPY = Path(".retouch/demo")


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
    copy = copy_before(project, committed, project.root / COPY)
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

    It has a cache of its own, which is empty, so that every stage really runs.
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
        f"git diff --no-index dvc.lock {COPY}/dvc.lock"
    )
