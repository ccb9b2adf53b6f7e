"""`retouch shadow`: the candidate beside production, on rows whose labels are still to come."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retouch.engine.project import open_project
from retouch.engine.report_files import file_document
from retouch.engine.shadow import Answer, Question
from retouch.engine.shadow import shadow as compare
from retouch.errors import CheckFailed, visible
from retouch.gate.shadow_model import Shadow
from retouch.reporting.escape import plain
from retouch.reporting.numbers import number, signed
from retouch.system.processes import cpu_count

_SHOWN = 10


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
@click.option("--out", type=click.Path(path_type=Path), help="Write the comparison here as well.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
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
    now = datetime.now(UTC).replace(microsecond=0)
    answer = compare(open_project(Path.cwd()), question, at=now, jobs=cpu_count())
    if out is not None and answer.shadow is not None:
        file_document(out, answer.shadow)
    if as_json:
        click.echo(_document(answer), nl=False)
    else:
        _print(answer)
    if answer.shadow is not None and answer.shadow.outcome == "invalid":
        raise click.exceptions.Exit(CheckFailed.exit_code)


def _document(answer: Answer) -> str:
    if answer.shadow is not None:
        return answer.shadow.to_json()
    return json.dumps({"outcome": "nothing_to_compare", "message": answer.message}, indent=2) + "\n"


def _print(answer: Answer) -> None:
    console = Console()
    console = console if console.is_terminal else Console(width=140)
    found = answer.shadow
    invalid = found is not None and found.outcome == "invalid"
    before = "[bold red]Invalid.[/] " if invalid else ""
    console.print(f"{before}{escape(plain(answer.message, 1000))}", soft_wrap=True)
    if found is not None and found.overall is not None:
        console.print(_slices(found))
        console.print("[dim]No label has come for these rows: nobody knows yet which is right.[/]")
    if answer.report is not None:
        where = os.path.relpath(answer.report / "report.md")
        console.print(f"Report: {escape(visible(where))}")


def _slices(found: Shadow) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 2), show_edge=False)
    shown.add_column("  where", header_style="dim", overflow="fold")
    for heading in ("rows", "production", "candidate", "shift", "lowest", "highest"):
        shown.add_column(heading, header_style="dim", justify="right", no_wrap=True)
    assert found.overall is not None
    for one in (found.overall, *found.slices[:_SHOWN]):
        means = (number(x, found.decimals) for x in (one.production.mean, one.candidate.mean))
        moved = (signed(x, found.decimals) for x in (one.mean, one.lower, one.upper))
        shown.add_row(f"  {escape(plain(one.where, 100))}", f"{one.rows:,}", *means, *moved)
    return shown
