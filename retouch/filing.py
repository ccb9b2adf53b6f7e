"""File what is known of one group of alerts: documents, figures and report in one folder."""

from __future__ import annotations

from pathlib import Path

from retouch.documents import Document
from retouch.execution.model import Run
from retouch.planning.model import Plan
from retouch.reporting.figure import figure_title, loss_by_day_svg
from retouch.reporting.render import render_report
from retouch.tools import files, repository
from retouch.validation.model import Verdict


def file_report(
    root: Path, plan: Plan, run: Run | None = None, verdict: Verdict | None = None
) -> Path:
    """Write the documents, the figure and the report of one group of alerts.

    The verdict comes last: once it is there, the alert counts as handled.
    """
    folder = repository.report_folder(root, plan.report_id)
    figure = loss_by_day_svg(verdict, figure_title(plan)) if verdict else None
    if figure is not None:
        files.write_bytes(folder / "figure.svg", figure)
    text = render_report(plan, run, verdict, figure=figure is not None)
    files.write_text(folder / "report.md", text)
    for name, document in (("plan", plan), ("run", run), ("verdict", verdict)):
        if document is not None:
            file_document(folder / f"{name}.json", document)
    return folder


def file_document(path: Path, document: Document) -> None:
    """Write one document as JSON."""
    files.write_text(path, document.to_json())
