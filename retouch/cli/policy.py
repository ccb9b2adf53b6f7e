"""`retouch policy`: check the policies, and replay past alerts under a changed one."""

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
from retouch.engine.provenance import TrustSettings
from retouch.errors import CheckFailed, InputError
from retouch.policy.load import parse_policy
from retouch.reporting.numbers import duration, plural
from retouch.storage import documents
from retouch.suppression.replay_diff import (
    Change,
    Difference,
    Disposition,
    Replay,
    ReplayEntry,
    Totals,
    difference,
    totals,
)
from retouch.system import files


@click.group()
def policy() -> None:
    """Check the policies, or replay past alerts under a changed one."""


@policy.command("check")
def policy_check() -> None:
    """Check the files in policies/, and run the policy's examples.

    Exit code 1 when an example gets another decision than it expects, 2 when a file is invalid.
    """
    check = check_policies(current_project())
    for fault in check.faults:
        click.echo(f"Error: {fault}", err=True)
    for result in check.results:
        if not result.passed:
            by = f" (by: {result.decided_by})" if result.decided_by else ""
            click.echo(
                f"{documents.POLICY}: {result.rule}: example {result.number}: expected "
                f"{result.expected}, got {result.got}{by}",
                err=True,
            )
    for warning in check.warnings:
        click.echo(warning, err=True)
    failed = sum(not result.passed for result in check.results)
    if check.results:
        passed = len(check.results) - failed
        click.echo(f"{passed} of {plural(len(check.results), 'example')} decided as expected.")
    exit_with(InputError.exit_code if check.faults else 0)
    if failed:
        raise CheckFailed(
            f"{documents.POLICY}: {plural(failed, 'example')} decided otherwise.",
            hint="Correct the rule, or what the example expects.",
        )


@policy.command("replay")
@click.option(
    "new",
    "--policy",
    type=PATH,
    help="The changed policy [default: the current policy, to replay the past with it].",
)
@click.option(
    "--since", metavar="DATE", help="Only alerts received on or after this day: 2026-11-01."
)
@click.option(
    "--base",
    metavar="REF",
    help="Read monitors and keys from this commit [default: the base branch].",
)
@JSON
def policy_replay(new: Path | None, since: str | None, base: str | None, as_json: bool) -> None:
    """Show what a changed policy would have decided in the past.

    Both policies are replayed over the same alerts in order of arrival, including suppression; what
    actually happened is not used. A cost is an upper bound: that of the first tier, on the current
    pipeline. Runs nothing, changes nothing.
    """
    project, moment = current_project(), _day(since)
    policies = [project.policy]
    if new is not None:
        text = files.read_text(new, limit=1_000_000, hint="docs/policy.md shows one.")
        policies.append(parse_policy(text, str(new)))
        if policies[1].model != policies[0].model:
            raise InputError(
                f"{new}: model: is {policies[1].model!r}, but the current policy is for"
                f" {policies[0].model!r}.",
                hint="Replay a policy for the same model.",
            )
    trust = TrustSettings(base, environment=os.environ)
    replays = intake.replays(project, policies, trust, now(), moment)
    changed = difference(replays[0], replays[-1], moment)
    if as_json:
        click.echo((changed if new is not None else replays[0]).to_json(), nl=False)
    elif new is None:
        _print_replay(replays[0])
    else:
        _print_difference(changed)


def _day(since: str | None) -> datetime | None:
    if since is None:
        return None
    try:
        read = datetime.fromisoformat(since)
    except ValueError:
        raise InputError(
            f"--since {since!r}: is not a date.", hint="For example: --since 2026-11-01."
        ) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _print_replay(replay: Replay) -> None:
    alerts = table("received", "alert", folded=("about, and the decision",))
    for one in replay.alerts:
        alerts.add_row(*_about(one, _fate(one.disposition)))
    _print(alerts, [f"{plural(len(replay.alerts), 'alert')}: {_summary(totals(replay))}"])


def _print_difference(found: Difference) -> None:
    changes = table("received", "alert", folded=("about, and the decisions",))
    for one in found.changes:
        before, after = _fate(one.before), _fate(one.after)
        changes.add_row(*_about(one, f"now:  {before}", f"then: {after}"))
    count = f"{len(found.changes)} of {plural(found.alerts, 'alert')} would be decided otherwise."
    before, after = _summary(found.before), _summary(found.after)
    _print(changes, [count, f"Now:             {before}", f"With the change: {after}"])


def _print(alerts: Table, lines: Iterable[str]) -> None:
    console = terminal()
    if alerts.row_count:
        console.print(alerts)
        console.print()
    for line in lines:
        console.print(line, soft_wrap=True)


def _about(one: ReplayEntry | Change, *fates: str) -> tuple[str, str, str]:
    received = f"{one.received_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return received, one.alert_id, "\n".join([escape(f"{one.kind} {one.key}"), *fates])


def _fate(disposition: Disposition) -> str:
    what = (
        disposition.state.replace("_", " ")
        if disposition.fate == "suppressed"
        else disposition.fate
    )
    tier = f" by {disposition.tier}" if disposition.tier else ""
    rule = f" ({disposition.rule})" if disposition.rule not in (None, disposition.state) else ""
    return shown(f"{what}{tier}{rule}", 200)


def _summary(total: Totals) -> str:
    unknown = f", {plural(total.unknown_costs, 'cost')} unknown" if total.unknown_costs else ""
    return (
        f"{plural(total.retrains, 'retrain')} (at most {duration(total.cpu_seconds)} of CPU"
        f"{unknown}), {plural(total.holds, 'group')} held for review, "
        f"{plural(total.suppressed, 'alert')} suppressed, {total.waiting} waiting."
    )
