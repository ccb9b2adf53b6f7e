"""`retouch alert`: write alerts, make them of a monitor's output, and check them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

import click

from retouch.adapters.base.context import Context
from retouch.adapters.registry import ADAPTERS
from retouch.alerts.model import FAMILY_OF, SEVERITIES, Alert, Status
from retouch.alerts.new import alert_json, new_alert
from retouch.cli.alert_intake import alert_intake, alert_status
from retouch.cli.alert_open import alert_open
from retouch.cli.alert_options import said_by_flags
from retouch.cli.alert_sign import alert_sign, alert_verify
from retouch.engine import import_alerts
from retouch.engine.project import Project, open_project
from retouch.errors import InputError
from retouch.reporting.escape import plain
from retouch.schema_errors import near
from retouch.storage import documents

AUDIENCE = click.option(
    "--audience",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="The repository it is for [default: what policies/monitors.yaml says].",
)


@click.group()
def alert() -> None:
    """Raise alerts, prove whose they are, and see what became of them."""


@alert.command("new")
@click.option("--kind", required=True, type=click.Choice(sorted(FAMILY_OF)), metavar="KIND")
@click.option("--dataset", required=True, help="The data that was judged.")
@click.option("--path", help="Where DVC keeps it; its digest is then taken from dvc.lock.")
@click.option("--digest", help="Its digest: md5:... as in dvc.lock, or sha256:...")
@click.option("--model", help="The model it is about [default: the policy's].")
@click.option("--model-version", help="The version that was judged.")
@click.option("--monitor", default="by-hand", show_default=True, help="Who judged.")
@click.option(
    "--column", "columns", multiple=True, help="A column that went wrong; again for more."
)
@click.option(
    "--where",
    multiple=True,
    metavar="CONDITION",
    help="COLUMN=VALUE (or =A,B, or with !=, <, <=, >, >=) holds for all its rows; again for more.",
)
@click.option("--window", nargs=2, metavar="START END", help="Days, or times with their offset.")
@click.option("--rows", type=click.IntRange(0), help="How many rows were judged.")
@click.option(
    "--finding", "findings", multiple=True, metavar="FINDING", help="METRIC[:COLUMN]=VALUE[>LIMIT]."
)
@click.option("--status", type=click.Choice(get_args(Status)), help="[default: firing]")
@click.option("--severity", type=click.Choice(SEVERITIES), help="[default: warning]")
@click.option("--confidence", type=float, help="0 to 1, as declared by whoever raises it.")
@click.option("--expires-at", metavar="TIME", help="After this it is of no use.")
@click.option("--message", help="What a person should know.")
@click.option("--hypothesis", help="What the cause may be.")
@AUDIENCE
@click.option("--print", "only_print", is_flag=True, help="Print it instead of writing a file.")
def alert_new(
    where: Sequence[str], findings: Sequence[str], only_print: bool, **flags: Any
) -> None:
    """Write a new alert into alerts/.

    \b
    KIND is one of: data_quality schema_change volume freshness data_drift prediction_drift
    target_drift attribution_drift label_quality performance estimated_performance concept_drift
    system_health policy_change manual
    """
    project = open_project(Path.cwd())
    flags["model"] = flags["model"] or project.policy.model
    flags["audience"] = flags["audience"] or project.monitors.repository
    if flags["path"] and not flags["digest"]:
        flags["digest"] = _recorded_digest(project, flags["path"])
    said = said_by_flags(flags, where=where, findings=findings)
    made = new_alert(
        said, now=datetime.now(UTC).replace(microsecond=0), randomness=secrets.token_bytes(10)
    )
    if only_print:
        click.echo(alert_json(made), nl=False)
        return
    (written,) = import_alerts.write_alerts([made], project.root / documents.ALERTS)
    click.echo(written.path.relative_to(project.root))


@alert.command("check")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
def alert_check(paths: Sequence[Path]) -> None:
    """Say what is wrong with alert files, one sentence each.

    Receipts and signatures among them are passed over, so that alerts/* may be given.
    """
    faults, root = 0, _root_or_none()
    for path in paths:
        try:
            click.echo(f"{path}: {_checked(path, root)}")
        except InputError as error:
            faults += 1
            click.echo(plain(str(error), 1000), err=True)
    if faults:
        raise click.exceptions.Exit(InputError.exit_code)


@alert.command("import")
@click.argument("native", type=click.Path(path_type=Path, allow_dash=True), metavar="FILE")
@click.option("--from", "tool", required=True, metavar="TOOL", help="Whose output it is.")
@click.option("--context", type=click.Path(path_type=Path), help="What the output does not say.")
@click.option("--mapping", type=click.Path(path_type=Path), help="For --from mapping.")
@AUDIENCE
@click.option("--resolved", is_flag=True, help="Also say where all is well: incidents can end.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder [default: alerts/].")
@click.option("--print", "only_print", is_flag=True, help="Print instead of writing files.")
def alert_import(
    native: Path,
    tool: str,
    context: Path | None,
    mapping: Path | None,
    audience: str | None,
    resolved: bool,
    out: Path | None,
    only_print: bool,
) -> None:
    """Turn a monitor's own output (FILE, or - for standard input) into alerts.

    The verdicts are the monitor's. What its output does not say, such as which bytes it judged,
    comes from the context file, and is never guessed. docs/monitors.md has an example for every
    TOOL:

    \b
    """
    project = _project_or_none()
    if project is None and out is None and not only_print:
        raise InputError(
            "This is no DVC project, so there is no alerts/.", hint="Say --out FOLDER."
        )
    made = import_alerts.alerts_from(
        tool,
        native,
        context=context,
        mapping=mapping,
        defaults=_known(project, audience),
        now=datetime.now(UTC).replace(microsecond=0),
        quiet_too=resolved,
    )
    if not made:
        click.echo(f"{native}: nothing to raise an alert about.", err=only_print)
    elif only_print:
        click.echo("".join(map(alert_json, made)), nl=False)
    else:
        _write(made, out or Path(project.root if project else "") / documents.ALERTS)


assert alert_import.help is not None  # the docstring above
alert_import.help += "\n".join(
    wrap(" ".join([*ADAPTERS, import_alerts.MAPPING]), width=72, break_on_hyphens=False)
)


for command in (alert_sign, alert_verify, alert_open, alert_intake, alert_status):
    alert.add_command(command)


def _checked(path: Path, root: Path | None) -> str:
    """Return what there is to say of a file in which nothing is wrong. Raises InputError."""
    if what := documents.lies_beside(path):
        return f"{what}, no alert"
    documents.read_alert(path, root=root)
    return "ok"


def _recorded_digest(project: Project, path: str) -> str:
    digest = project.digest_of(path)
    if digest is None:
        raise InputError(
            f"--path {path!r}: dvc.lock records no such data{near(path, project.paths)}",
            hint="Say its --digest, or leave out --path.",
        )
    return digest


def _write(made: Sequence[Alert], folder: Path) -> None:
    for written in import_alerts.write_alerts(made, folder):
        told = written.alert
        there = "" if written.new else "  (was there already)"
        path = os.path.relpath(written.path)
        click.echo(f"{path}  {told.kind} {told.status} {told.severity}{there}")


def _known(project: Project | None, audience: str | None) -> Context:
    """Return what this repository knows for every alert: the model, and its own name."""
    if project is None:
        return Context(audience=audience)
    name = audience or project.monitors.repository
    return Context(model=project.policy.model, audience=name)


def _project_or_none() -> Project | None:
    try:
        return open_project(Path.cwd())
    except InputError:
        return None


def _root_or_none() -> Path | None:
    """Return the project's root; a file may be checked outside of one as well."""
    project = _project_or_none()
    return None if project is None else project.root
