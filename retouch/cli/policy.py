"""`retouch policy`: check the policies, and try a changed one on the past."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retouch.engine import intake
from retouch.engine.policy_check import check_policies
from retouch.engine.project import open_project
from retouch.engine.provenance import Trust
from retouch.errors import CheckFailed, InputError
from retouch.policy.load import parse_policy
from retouch.reporting.escape import plain
from retouch.reporting.numbers import duration, plural
from retouch.storage import documents
from retouch.suppression.replay_diff import (
    Change,
    Difference,
    Replay,
    Replayed,
    Told,
    Totals,
    difference,
    totals,
)
from retouch.system import files


@click.group()
def policy() -> None:
    """Check the policies, and see what a changed one would have done."""


@policy.command("check")
def policy_check() -> None:
    """Read every file in policies/, run the examples, and say what looks wrong.

    Exit code 1 when an example is decided otherwise, 2 when a file cannot be read.
    """
    told = check_policies(open_project(Path.cwd()))
    for fault in told.faults:
        click.echo(f"Error: {fault}", err=True)
    for result in told.results:
        if not result.passed:
            by = f" (by: {result.decided_by})" if result.decided_by else ""
            click.echo(
                f"{documents.POLICY}: {result.rule}: example {result.number}: expected "
                f"{result.expected}, got {result.got}{by}",
                err=True,
            )
    for warning in told.warnings:
        click.echo(warning, err=True)
    failed = sum(not result.passed for result in told.results)
    if told.results:
        passed = len(told.results) - failed
        click.echo(f"{passed} of {len(told.results)} examples decided as expected.")
    if told.faults:
        raise click.exceptions.Exit(InputError.exit_code)
    if failed:
        raise CheckFailed(f"{documents.POLICY}: {failed} examples are decided otherwise.")


@policy.command("replay")
@click.option(
    "new",
    "--policy",
    type=click.Path(path_type=Path),
    help="The changed policy [default: the one that holds, to see what it makes of the past].",
)
@click.option("--since", metavar="DATE", help="Only alerts received since: 2026-11-01.")
@click.option("--base", metavar="REF", help="Where monitors and keys are believed.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
def policy_replay(new: Path | None, since: str | None, base: str | None, as_json: bool) -> None:
    """Decide all past alerts again, and print what another policy would have changed.

    Both policies are replayed over the same alerts in the order they came, suppression included;
    what really happened plays no part. A cost is an upper bound: the first tier, on the pipeline as
    it is now. Runs nothing, changes nothing.
    """
    project, now = open_project(Path.cwd()), datetime.now(UTC).replace(microsecond=0)
    policies, moment = [project.policy], _day(since)
    if new is not None:
        text = files.read_text(new, limit=1_000_000, hint="docs/policy.md shows one.")
        policies.append(parse_policy(text, str(new)))
        if policies[1].model != policies[0].model:
            raise InputError(f"{new}: model: is {policies[1].model!r}, not {policies[0].model!r}.")
    trust = Trust(base, environment=os.environ)
    told = intake.replays(project, policies, trust, now, moment)
    changed = difference(told[0], told[-1], moment)
    if as_json:
        click.echo((changed if new is not None else told[0]).to_json(), nl=False)
    elif new is None:
        _print_replay(told[0])
    else:
        _print_difference(changed)


def _day(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        read = datetime.fromisoformat(since)
    except ValueError:
        raise InputError(f"--since {since!r}: is no date, like 2026-11-01.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _print_replay(told: Replay) -> None:
    table = _table("received", "alert", "about, and the decision")
    for one in told.alerts:
        table.add_row(*_about(one, _fate(one.told)))
    _print(table, [f"{plural(len(told.alerts), 'alert')}: {_in_numbers(totals(told))}"])


def _print_difference(told: Difference) -> None:
    table = _table("received", "alert", "about, and the decisions")
    for one in told.changes:
        now, then = _fate(one.before), _fate(one.after)
        table.add_row(*_about(one, f"now:  {now}", f"then: {then}"))
    count = f"{len(told.changes)} of {plural(told.alerts, 'alert')} would be decided otherwise."
    now, then = _in_numbers(told.before), _in_numbers(told.after)
    _print(table, [count, f"Now:             {now}", f"With the change: {then}"])


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_edge=False)
    for heading in headings:
        whole = heading in ("received", "alert")
        table.add_column(heading, header_style="dim", overflow="fold", no_wrap=whole)
    return table


def _print(table: Table, lines: Iterable[str]) -> None:
    console = Console(highlight=False, emoji=False)
    if table.row_count:
        console.print(table)
        console.print()
    for line in lines:
        console.print(line, soft_wrap=True)


def _about(one: Replayed | Change, *fates: str) -> tuple[str, str, str]:
    received = f"{one.received_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return received, one.alert_id, "\n".join([escape(f"{one.kind} {one.key}"), *fates])


def _fate(told: Told) -> str:
    what = told.state.replace("_", " ") if told.fate == "suppressed" else told.fate
    tier = f" by {told.tier}" if told.tier else ""
    rule = f" ({told.rule})" if told.rule not in (None, told.state) else ""
    return escape(plain(f"{what}{tier}{rule}", 200))


def _in_numbers(told: Totals) -> str:
    unknown = f", {plural(told.unknown_costs, 'cost')} unknown" if told.unknown_costs else ""
    return (
        f"{plural(told.retrains, 'retrain')} (at most {duration(told.cpu_seconds)} of CPU"
        f"{unknown}), {plural(told.holds, 'group')} held for a person, "
        f"{plural(told.suppressed, 'alert')} suppressed, {told.waiting} waiting."
    )
