"""File what is known of one group of alerts: documents, figures and report in one folder."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from retouch.alerts.model import Alert, Predicate
from retouch.documents import Document
from retouch.errors import InputError
from retouch.execution.model import Run
from retouch.gate.model import Drift, Verdict
from retouch.gate.shadow_model import Shadow
from retouch.pipeline.model import Pipeline, Stage, StageMeta
from retouch.planning.model import Plan
from retouch.policy.promotion import Promotion
from retouch.reporting.figures import FIGURES, draw_figures
from retouch.reporting.incident import render_incident
from retouch.reporting.report import INCIDENT, render_report
from retouch.storage import documents
from retouch.storage.score_tables import read_columns
from retouch.system import files

REPORT = "report.md"
_PLAN = "plan.json"
_OLD_FIGURE = "figure.svg"


def report_files(
    plan: Plan,
    run: Run | None = None,
    verdict: Verdict | None = None,
    shadow: Shadow | None = None,
) -> dict[str, bytes]:
    """Return everything of one report's folder, by name: figures, incident, report, documents.

    It is made from the documents alone; the same documents, the same bytes. The verdict comes last.
    """
    made: dict[str, bytes] = dict(draw_figures(plan, verdict))
    figures = tuple(made)
    incident = render_incident(plan, run, verdict)
    if incident is not None:
        made[INCIDENT] = incident.encode()
    made[REPORT] = render_report(plan, run, verdict, figures=figures, shadow=shadow).encode()
    filed: dict[str, Document | None] = {
        "plan": plan,
        "run": run,
        "shadow": shadow,
        "verdict": verdict,
    }
    for name, document in filed.items():
        if document is not None:
            made[f"{name}.json"] = document.to_json().encode()
    return made


def file_report(
    root: Path,
    plan: Plan,
    run: Run | None = None,
    verdict: Verdict | None = None,
    shadow: Shadow | None = None,
) -> Path:
    """Write the documents, the figures, the incident and the report of one group of alerts.

    What an earlier report left there and this one has not goes. The verdict comes last: once it is
    there, the alert counts as handled.
    """
    folder = documents.report_folder(root, plan.report_id)
    made = report_files(plan, run, verdict, shadow)
    for name, content in made.items():
        if name == _PLAN:  # the first of the documents
            _remove_what_is_left(folder, made)
        files.write_bytes(folder / name, content)
    return folder


def rerender_report(root: Path, report_id: str) -> Path:
    """Render a report again from its documents; return its folder.

    Only the report, the incident and the figures are written: the documents stay as they are on
    disk, byte for byte. Raises InputError.
    """
    folder = documents.report_folder(root, report_id)
    if not files.exists(folder / _PLAN):
        message = f"reports/{report_id}: there is no such report."
        raise InputError(message, hint="See `retouch status`.")
    made = report_files(
        documents.read_document(folder / _PLAN, Plan),
        documents.report_document(root, report_id, "run.json", Run),
        documents.report_document(root, report_id, "verdict.json", Verdict),
        documents.report_document(root, report_id, "shadow.json", Shadow),
    )
    for name, content in made.items():
        if not name.endswith(".json"):
            files.write_bytes(folder / name, content)
    _remove_what_is_left(folder, made)
    return folder


def _remove_what_is_left(folder: Path, made: Collection[str]) -> None:
    for name in (*FIGURES, _OLD_FIGURE, INCIDENT):
        if name not in made:
            files.remove(folder / name)


def promised_coverage(promotion: Promotion) -> float | None:
    """Return the share of labels the intervals are to hold, by the first guardrail that says."""
    shares = [g.coverage for g in promotion.guardrails if g.kind == "calibration"]
    return next((share for share in shares if share is not None), None)


def alerted_drift(root: Path, pipeline: Pipeline, alert: Alert, day_column: str) -> Drift | None:
    """Return how the alert's first column moved, from what lies in the workspace; else None.

    Read is the path the alert names. An alert without one is looked up in the outputs of the stages
    that declare its dataset, of the first module, in order of evaluation, that has the column
    within the window. `day_column` is the policy's `score.day`. Nothing is pulled, and nothing is
    raised for tables that cannot be read.
    """
    window, columns = alert.slice.current.window, alert.slice.columns
    if window is None or not columns:
        return None
    from retouch.gate.evidence import drift_of  # pandas takes a while, and a plan needs none

    reference = alert.slice.reference
    for stages in _sources(pipeline, alert):
        paths = [root / path for path in _tables(stages, alert) if files.exists(root / path)]
        where, met = _by_partition(stages, alert)
        read = read_columns(paths, columns[0], day_column, [p.column for p in where])
        drift = read and drift_of(
            read.frame,
            columns[0],
            where,
            reference.window if reference else None,
            window,
            day=read.day,
            met=met,
        )
        if drift:
            return drift
    return None


def _sources(pipeline: Pipeline, alert: Alert) -> list[list[Stage]]:
    """Return the stages whose outputs may hold the column, those of one module together."""
    path, dataset = alert.slice.current.path, alert.slice.current.dataset
    modules: dict[str, list[Stage]] = {}
    for stage in pipeline.stages:
        meta = stage.meta
        if path is not None:
            makes = any(
                path == out.path or path.startswith(f"{out.path}/") for out in stage.outputs
            )
            if makes:
                return [[stage]]
        elif meta and dataset in meta.datasets and not _elsewhere(meta, alert):
            modules.setdefault(meta.module or "", []).append(stage)
    return [[]] if path is not None else list(modules.values())


def _elsewhere(meta: StageMeta, alert: Alert) -> bool:
    """Say whether a stage works on another part of the data than the alert speaks of."""
    return any(
        p.op == "eq" and p.column in meta.partition and meta.partition[p.column] != str(p.value)
        for p in alert.slice.where
    )


def _tables(stages: list[Stage], alert: Alert) -> list[str]:
    path = alert.slice.current.path
    return [path] if path else [output.path for stage in stages for output in stage.outputs]


def _by_partition(
    stages: list[Stage], alert: Alert
) -> tuple[tuple[Predicate, ...], tuple[Predicate, ...]]:
    """Part the conditions into those on rows and those every row of these stages meets."""

    def met(predicate: Predicate) -> bool:
        parts = [stage.meta.partition if stage.meta else {} for stage in stages]
        return (
            bool(parts)
            and predicate.op == "eq"
            and all(part.get(predicate.column) == str(predicate.value) for part in parts)
        )

    where = alert.slice.where
    return tuple(p for p in where if not met(p)), tuple(p for p in where if met(p))


def file_document(path: Path, document: Document) -> None:
    """Write one document as JSON."""
    files.write_text(path, document.to_json())


def read_saved_plan(path: Path, fresh: Plan) -> Plan:
    """Return a saved plan, to be carried out as it is. Raises InputError when it is out of date."""
    saved: Plan = documents.read_document(path, Plan)
    moved = [
        name
        for name in type(fresh.reads).model_fields
        if getattr(saved.reads, name) != getattr(fresh.reads, name)
    ]
    hint = "Plan again: `retouch plan ALERT --out FILE`."
    if moved:
        what = " and ".join(moved)
        raise InputError(f"{path}: was made from other inputs: {what} changed since.", hint=hint)
    if saved.work != fresh.work:
        raise InputError(f"{path}: was edited: these inputs make another plan.", hint=hint)
    return saved.trusted_as(fresh)
