"""`retouch alert sign`, `verify`, `intake` and `status`: provenance and state of alerts."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import filterfalse
from pathlib import Path

import click
from rich.console import Console

from retouch.alerts.receipt import AlertState, Channel, Receipt, State
from retouch.alerts.verified import SubmittedAlert
from retouch.alerts.words import summarise
from retouch.cli.alert import alert
from retouch.cli.console import shown, table, terminal
from retouch.cli.options import (
    BASE,
    CHANNEL,
    FILES,
    JSON,
    PATH,
    REPOSITORY,
    SENDER,
    current_project,
    echo_json,
    exit_with,
    now,
)
from retouch.dvc.project import find_root
from retouch.engine import intake
from retouch.engine.admission import Transport, sign_alert
from retouch.engine.base_branch import Base
from retouch.engine.provenance import AdmissionCheck, TrustSettings
from retouch.errors import InputError, visible
from retouch.reporting.escape import plain
from retouch.reporting.numbers import plural
from retouch.storage import documents as stored
from retouch.storage.alert_files import StoredAlert, in_alerts, read_alert, save_receipt
from retouch.suppression.state import OpenIncident, Outcome
from retouch.system.processes import without_garbage_collection

_SETTLED: frozenset[State] = frozenset({"answered", "duplicate", "resolved", "expired"})
"""States that `status` shows with --all only."""
_STYLES: dict[State, str] = {"acts": "bold", "refused": "red", "flapping": "yellow"}


@alert.command("sign")
@FILES
@click.option(
    "--key",
    required=True,
    envvar="RETOUCH_SIGNING_KEY",
    type=PATH,
    help="The monitor's private key, or its public key if ssh-agent holds the private one.",
)
def alert_sign(paths: Sequence[Path], key: Path) -> None:
    """Sign alerts with ssh-keygen: write FILE.sig beside each.

    The signature covers the bytes of the file: reformatting it, or converting its line endings,
    invalidates it. An existing signature is replaced. RETOUCH_SIGNING_KEY can name the key, too.
    """
    faults = 0
    for path in paths:
        try:
            written, signature = sign_alert(path, key)
        except InputError as error:
            faults += 1
            click.echo(str(error), err=True)
        else:
            click.echo(f"{visible(str(written))}: signed with {signature.key_fingerprint}")
    exit_with(InputError.exit_code if faults else 0)


@alert.command("verify")
@FILES
@BASE
@CHANNEL
@SENDER
@REPOSITORY
@click.option("--no-receipt", is_flag=True, help="Do not write receipts.")
@JSON
def alert_verify(
    paths: Sequence[Path],
    base: str | None,
    channel: Channel,
    sender: str | None,
    repository: str | None,
    no_receipt: bool,
    as_json: bool,
) -> None:
    """Check which monitor signed each alert.

    A receipt is written beside each alert in alerts/. Monitors and keys are read from the base
    branch: --base, the target of the pull request, the remote's default branch, or HEAD. Exit code
    2 when an alert is refused.
    """
    root = find_root(Path.cwd().resolve())
    paths = list(filterfalse(stored.lies_beside, paths))
    alerts = _read(paths, root)
    transport = Transport(channel=channel, sender=sender)
    ids = [submitted.alert.alert_id for submitted in alerts.values()]
    admission = AdmissionCheck(root, TrustSettings(base, repository, os.environ, transport), ids)
    receipts: list[Receipt] = []
    for path, submitted in alerts.items():
        try:
            receipt = admission.receipt(submitted, now())
            if not no_receipt and in_alerts(path, root):
                save_receipt(root, receipt, refuse_link=True)
        except InputError as error:
            click.echo(str(error), err=True)
            continue
        receipts.append(receipt)
        if not as_json:
            click.echo(visible("\n".join(_lines(submitted, receipt, admission.base))))
    if as_json:
        echo_json([receipt.model_dump(mode="json") for receipt in receipts])
    refused = any(receipt.provenance.verdict == "refused" for receipt in receipts)
    if refused or len(receipts) < len(set(paths)):
        exit_with(InputError.exit_code)


def _read(paths: Sequence[Path], root: Path) -> dict[Path, SubmittedAlert]:
    """Return the alerts that can be read, and print the errors of the others."""
    alerts: dict[Path, SubmittedAlert] = {}
    digests: dict[str, str] = {}
    for path in paths:
        try:
            submitted = read_alert(path, root)
            alert_id = submitted.alert.alert_id
            if digests.setdefault(alert_id, submitted.sha256) != submitted.sha256:
                message = f"{path}: another file has the alert_id {alert_id!r} with other content."
                raise InputError(message, hint="A new alert needs a new id: `retouch alert new`.")
        except InputError as error:
            click.echo(str(error), err=True)
        else:
            alerts[path] = submitted
    return alerts


def _lines(submitted: SubmittedAlert, receipt: Receipt, base: Base) -> list[str]:
    provenance = receipt.provenance
    if provenance.verdict != "verified":
        return [f"{provenance.verdict}: {reason}" for reason in provenance.reasons]
    return [
        f"verified: {submitted.source}: by {provenance.principal!r} with "
        f"{provenance.key_fingerprint} (policies of {base.name}, {base.commit[:10]})",
        *(f"held for review: {reason}" for reason in provenance.reasons),
    ]


@alert.command("intake")
@click.argument("paths", nargs=-1, type=PATH, metavar="[FILE...]")
@click.option("--event", type=PATH, help="A repository_dispatch event, as JSON.")
@CHANNEL
@SENDER
@BASE
@REPOSITORY
@JSON
def alert_intake(
    paths: Sequence[Path],
    event: Path | None,
    channel: Channel,
    sender: str | None,
    base: str | None,
    repository: str | None,
    as_json: bool,
) -> None:
    """Verify new alerts, and decide which of them count now.

    Without FILE: all new alerts in alerts/. A receipt is written beside each. Alerts to be planned
    are printed in groups, one for each `retouch run`; a pending alert may be in the group of a
    later intake. Exit code 2 when a file is not an alert, or is refused; the others are processed
    anyway.
    """
    if event is not None and paths:
        raise InputError(
            "--event: cannot be combined with FILE.", hint="The event contains its alert."
        )
    project = current_project()
    transport = Transport(
        channel=channel,
        sender=sender,
        commit=os.environ.get("GITHUB_SHA"),
        run_id=os.environ.get("GITHUB_RUN_ID"),
    )
    trust = TrustSettings(base, repository, os.environ, transport)
    with without_garbage_collection():
        if event is not None:
            result = intake.take_in_event(project, event, trust, now())
        else:
            result = intake.take_in(project, paths, trust, now())
    if as_json:
        click.echo(_intake_json(result))
    else:
        _print_intake(result)
    for fault in result.faults:
        click.echo(plain(fault, 1000), err=True)
    exit_with(InputError.exit_code if result.faults else 0)


@alert.command("status")
@click.option("--at", metavar="TIME", help="Show the state at this time: 2026-11-23T06:00:00Z.")
@click.option("--all", "everything", is_flag=True, help="Show settled alerts too.")
@BASE
@REPOSITORY
@JSON
def alert_status(
    at: str | None, everything: bool, base: str | None, repository: str | None, as_json: bool
) -> None:
    """Show the state of each alert and why, and the open incidents.

    An alert may be open, pending, silenced, inhibited, flapping and so on. An incident is open
    until the problem has ended, whether it was handled or not.
    """
    moment = _moment(at) if at else now()
    seen = intake.overview(current_project(), TrustSettings(base, repository, os.environ), moment)
    if as_json:
        click.echo(json.dumps(_status_document(seen), ensure_ascii=False))
    else:
        _print_status(seen, everything=everything)


def _moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    # A time at the ends of the calendar may have no counterpart in UTC.
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 3000:
        raise InputError(
            f"--at {at!r}: must be a time with a UTC offset.",
            hint="For example: --at 2026-11-23T06:00:00Z.",
        )
    return moment


def _intake_json(result: intake.Intake) -> str:
    rest = {"faults": list(result.faults), **_groups_document(result.outcome)}
    # Receipt by receipt: there may be thousands, and pydantic serialises each much faster.
    receipts = ", ".join(receipt.model_dump_json() for receipt in result.receipts)
    return f'{{"receipts": [{receipts}], {json.dumps(rest, ensure_ascii=False)[1:]}'


def _groups_document(outcome: Outcome) -> dict[str, object]:
    document = outcome.model_dump(mode="json")
    return {"groups": document["groups"], "next_due": document["next_due"]}


def _status_document(seen: intake.AlertOverview) -> dict[str, object]:
    document = seen.outcome.model_dump(mode="json")
    also = {one["alert_id"]: one["also"] for one in document["alerts"]}
    alerts = []
    for one in seen.stored:
        standing = seen.state_of(one)
        alerts.append(
            {
                "alert_id": one.alert.alert_id,
                "kind": one.alert.kind,
                "new": one.alert.alert_id in seen.new,
                "provenance": one.receipt and one.receipt.provenance.model_dump(mode="json"),
                "standing": standing and standing.model_dump(mode="json"),
                "also": also.get(one.alert.alert_id, []),
            }
        )
    return {
        "now": document["now"],
        "alerts": alerts,
        "incidents": document["incidents"],
        "faults": list(seen.faults),
        **_groups_document(seen.outcome),
    }


def _print_intake(result: intake.Intake) -> None:
    console = terminal()
    if not result.receipts:
        console.print("No new alerts.")
    accepted = [receipt for receipt in result.receipts if receipt.provenance.verdict != "refused"]
    for receipt in accepted[:50]:
        standing = receipt.standing
        state, message = (standing.state, standing.message) if standing else ("processed", "")
        console.print(
            f"{receipt.alert_id}  {receipt.provenance.verdict}, {state}: {shown(message)}",
        )
    if len(accepted) > 50:
        console.print(f"and {len(accepted) - 50:,} more: `retouch alert status --all`")
    _print_groups(console, result.outcome)


def _print_status(seen: intake.AlertOverview, *, everything: bool) -> None:
    console = terminal()
    alerts = table("state", "alert", folded=("slice and reason",))
    also = {one.alert_id: one.also for one in seen.outcome.alerts}
    for one, standing in _rows(seen, everything=everything):
        style = _STYLES.get(standing.state, "")
        new = " [dim](new)[/]" if one.alert.alert_id in seen.new else ""
        state = f"[{style}]{standing.state}[/]" if style else standing.state
        others = (
            f"also {other.state}: {_why(other)}" for other in also.get(one.alert.alert_id, ())
        )
        message = "\n".join([_about(one), _why(standing), *others])
        alerts.add_row(state, f"{one.alert.alert_id}{new}", message)
    if alerts.row_count:
        console.print(alerts)
    by_state = Counter(s.state for one in seen.stored if (s := seen.state_of(one)))
    counts = [f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(by_state.items())]
    console.print(f"{plural(len(seen.stored), 'alert')}: {', '.join(counts) or 'none yet'}.")
    for fault in seen.faults:
        console.print(f"[red]{shown(fault)}[/]")
    if seen.new:
        console.print(f"{plural(len(seen.new), 'new alert')}. Process with `retouch alert intake`.")
    _print_incidents(console, seen.outcome)
    _print_groups(console, seen.outcome)


def _rows(
    seen: intake.AlertOverview, *, everything: bool
) -> Iterable[tuple[StoredAlert, AlertState]]:
    for one in seen.stored:
        standing = seen.state_of(one)
        if standing is not None and (everything or standing.state not in _SETTLED):
            yield one, standing


def _about(one: StoredAlert) -> str:
    summary = summarise(one.alert)
    parts = [summary.kind, summary.dataset, ", ".join(summary.columns[:3]), *summary.where[:2]]
    text = " ".join(filter(None, parts))
    return shown(f"{text}, {summary.window}" if summary.window else text, 100)


def _print_incidents(console: Console, outcome: Outcome) -> None:
    """Print the open incidents; equal lines once, with their number."""
    lines = Counter(map(_incident, outcome.incidents))
    if lines:
        console.print("\nOpen incidents:")
    for line, count in list(lines.items())[:50]:
        times = f" ({count} findings)" if count > 1 else ""
        console.print(f"  {line}{times}", soft_wrap=True)
    if len(lines) > 50:
        console.print(f"  and {len(lines) - 50:,} more: `retouch alert status --json`")


def _incident(one: OpenIncident) -> str:
    counted = f"seen in {one.windows} of {plural(one.needs, 'window')} required"
    if one.opened_at is not None:
        windows = plural(one.windows, "window")
        counted = f"open since {_minute(one.opened_at)}, seen in {windows}"
    quiet = (
        f", {one.quiet} of {plural(one.closes_after, 'quiet window')} to close" if one.quiet else ""
    )
    answered = f", handled by {shown(one.answered_by)}" if one.answered_by else ""
    flaps = ", flapping" if one.flapping else ""
    trust = "" if one.trusted else ", not trusted"
    return f"{one.first}  {one.kind} {shown(one.key)}: {counted}{quiet}{answered}{flaps}{trust}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _why(standing: AlertState) -> str:
    rule = f" ({standing.rule})" if standing.rule not in (None, standing.state) else ""
    until = f" Until {_minute(standing.until)}." if standing.until else ""
    if standing.until and _minute(standing.until) in standing.message:
        until = ""
    return shown(f"{standing.message}{until}{rule}")


def _print_groups(console: Console, outcome: Outcome) -> None:
    for group in outcome.groups:
        paths = " ".join(f"alerts/{alert_id}.json" for alert_id in group.alert_ids)
        approval = "" if group.trusted else ", which a person has to approve"
        console.print(f"\nTo be planned, for {shown(group.key)}{approval}:")
        console.print(f"  retouch run {paths}", soft_wrap=True)
    if outcome.next_due is not None:
        console.print(f"The next group is due at {_minute(outcome.next_due)}.")
