"""The commands on what people write: alerts and policies."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from retouch import flows
from retouch.alerts.model import FAMILY_OF, SEVERITIES
from retouch.alerts.new import alert_json, new_alert
from retouch.errors import BadInput, SaidNo
from retouch.flags import said_by_flags
from retouch.tools import files, repository
from retouch.workspace import open_workspace


@click.group()
def alert() -> None:
    """Write alerts, and check them."""


@alert.command("new")
@click.option("--kind", required=True, type=click.Choice(sorted(FAMILY_OF)), metavar="KIND")
@click.option("--dataset", required=True, help="The data that was judged.")
@click.option("--model", help="The model it is about [default: the policy's].")
@click.option("--monitor", default="by-hand", show_default=True, help="Who judged.")
@click.option("--column", "columns", multiple=True, help="A column that went wrong.")
@click.option("--where", multiple=True, help="COLUMN=VALUE that holds for all its rows.")
@click.option("--window", nargs=2, metavar="START END", help="Days, or times with their offset.")
@click.option("--finding", "findings", multiple=True, help="METRIC[:COLUMN]=VALUE[>LIMIT].")
@click.option("--severity", type=click.Choice(SEVERITIES))
@click.option("--confidence", type=float, help="0 to 1, as declared by whoever raises it.")
@click.option("--message", help="What a person should know.")
@click.option("--hypothesis", help="What the cause may be.")
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
    workspace = open_workspace(Path.cwd())
    flags["model"] = flags["model"] or workspace.policy.model
    said = said_by_flags(flags, where=where, findings=findings)
    made = new_alert(
        said, now=datetime.now(UTC).replace(microsecond=0), randomness=secrets.token_bytes(10)
    )
    if only_print:
        click.echo(alert_json(made), nl=False)
        return
    path = workspace.root / repository.ALERTS / f"{made.alert_id}.json"
    files.write_text(path, alert_json(made))
    click.echo(path.relative_to(workspace.root))


@alert.command("check")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
def alert_check(paths: Sequence[Path]) -> None:
    """Say what is wrong with alert files, one sentence each."""
    faults = 0
    for path in paths:
        try:
            repository.read_alert(path, root=_root_or_none())
            click.echo(f"{path}: ok")
        except BadInput as error:
            faults += 1
            click.echo(f"{error}", err=True)
    if faults:
        raise click.exceptions.Exit(BadInput.exit_code)


@click.group()
def policy() -> None:
    """Check the policies."""


@policy.command("check")
def policy_check() -> None:
    """Run the policy's own examples, and say what looks wrong."""
    results, warnings = flows.policy_check(open_workspace(Path.cwd()))
    for result in results:
        if not result.passed:
            by = f" (by: {result.decided_by})" if result.decided_by else ""
            click.echo(
                f"{repository.POLICY}: {result.rule}: example {result.number}: expected "
                f"{result.expected}, got {result.got}{by}",
                err=True,
            )
    for warning in warnings:
        click.echo(f"{repository.POLICY}: {warning}", err=True)
    failed = sum(not result.passed for result in results)
    click.echo(f"{len(results) - failed} of {len(results)} examples decided as expected.")
    if failed:
        raise SaidNo(f"{repository.POLICY}: {failed} examples are decided otherwise.")


def _root_or_none() -> Path | None:
    """Return the project's root; a file may be checked outside of one as well."""
    try:
        return open_workspace(Path.cwd()).root
    except BadInput:
        return None
