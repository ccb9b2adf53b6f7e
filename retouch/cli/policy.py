"""`retouch policy`: check the policies, and try a changed one on the past."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from retouch.cli.console import shown, table, terminal
from retouch.cli.options import JSON, PATH, current_project, exit_with, now
from retouch.engine import intake
from retouch.engine.policy_check import check_policies
from retouch.engine.provenance import Trust
from retouch.errors import CheckFailed, InputError
from retouch.policy.load import parse_policy
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
    told = check_policies(current_project())
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
    exit_with(InputError.exit_code if told.faults else 0)
    if failed:
        raise CheckFailed(f"{documents.POLICY}: {failed} examples are decided otherwise.")


@policy.command("replay")
@click.option(
    "new",
    "--policy",
    type=PATH,
    help="The changed policy [default: the one that holds, to see what it makes of the past].",
)
@click.option("--since", metavar="DATE", help="Only alerts received since: 2026-11-01.")
@click.option("--base", metavar="REF", help="Where monitors and keys are believed.")
@JSON
def policy_replay(new: Path | None, since: str | None, base: str | None, as_json: bool) -> None:
    """Decide all past alerts again, and print what another policy would have changed.

    Both policies are replayed over the same alerts in the order they came, suppression included;
    what really happened plays no part. A cost is an upper bound: the first tier, on the pipeline as
    it is now. Runs nothing, changes nothing.
    """
    project, moment = current_project(), _day(since)
    policies = [project.policy]
    if new is not None:
        text = files.read_text(new, limit=1_000_000, hint="docs/policy.md shows one.")
        policies.append(parse_policy(text, str(new)))
        if policies[1].model != policies[0].model:
            raise InputError(f"{new}: model: is {policies[1].model!r}, not {policies[0].model!r}.")
    trust = Trust(base, environment=os.environ)
    told = intake.replays(project, policies, trust, now(), moment)
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
    alerts = table("received", "alert", folded=("about, and the decision",))
    for one in told.alerts:
        alerts.add_row(*_about(one, _fate(one.told)))
    _print(alerts, [f"{plural(len(told.alerts), 'alert')}: {_in_numbers(totals(told))}"])


def _print_difference(told: Difference) -> None:
    changes = table("received", "alert", folded=("about, and the decisions",))
    for one in told.changes:
        before, after = _fate(one.before), _fate(one.after)
        changes.add_row(*_about(one, f"now:  {before}", f"then: {after}"))
    count = f"{len(told.changes)} of {plural(told.alerts, 'alert')} would be decided otherwise."
    before, after = _in_numbers(told.before), _in_numbers(told.after)
    _print(changes, [count, f"Now:             {before}", f"With the change: {after}"])


def _print(alerts: Table, lines: Iterable[str]) -> None:
    console = terminal()
    if alerts.row_count:
        console.print(alerts)
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
    return shown(f"{what}{tier}{rule}", 200)


def _in_numbers(told: Totals) -> str:
    unknown = f", {plural(told.unknown_costs, 'cost')} unknown" if told.unknown_costs else ""
    return (
        f"{plural(told.retrains, 'retrain')} (at most {duration(told.cpu_seconds)} of CPU"
        f"{unknown}), {plural(told.holds, 'group')} held for a person, "
        f"{plural(told.suppressed, 'alert')} suppressed, {told.waiting} waiting."
    )
