"""`retouch alert sign`, `verify`, `intake`, `status`: whose alerts they are, and what they do."""

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

from retouch.alerts.receipt import Channel, Receipt, Standing, State
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
from retouch.engine.admission import (
    Submission,
    Transport,
    in_alerts,
    read_submission,
    sign_alert,
    write_receipt,
)
from retouch.engine.base_branch import Base
from retouch.engine.provenance import Judge, Trust
from retouch.errors import InputError, visible
from retouch.reporting.escape import plain
from retouch.reporting.numbers import plural
from retouch.storage import documents as stored
from retouch.storage.report_history import StoredAlert
from retouch.suppression.state import OpenIncident, Outcome
from retouch.system.processes import collecting_nothing

_OVER: frozenset[State] = frozenset({"answered", "duplicate", "resolved", "expired"})
"""States in which nobody waits for anything."""
_STYLES: dict[State, str] = {"acts": "bold", "refused": "red", "flapping": "yellow"}


@alert.command("sign")
@FILES
@click.option(
    "--key",
    required=True,
    envvar="RETOUCH_SIGNING_KEY",
    type=PATH,
    help="The monitor's private key, or its public one when an ssh-agent holds the private one.",
)
def alert_sign(paths: Sequence[Path], key: Path) -> None:
    """Sign alerts: write FILE.sig beside each, made by ssh-keygen.

    The signature covers the file's bytes: a formatter, or a checkout that changes line ends,
    breaks it. An earlier signature is replaced. The key may also be named by RETOUCH_SIGNING_KEY.
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
@click.option("--no-receipt", is_flag=True, help="Write no receipts.")
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
    """Say whose alerts these are, and write a receipt beside each one in alerts/.

    Monitors and keys are those of the base branch: --base, or the pull request's target, or the
    remote's default branch, or HEAD. Exit code 2 when one is refused.
    """
    root = find_root(Path.cwd().resolve())
    paths = list(filterfalse(stored.lies_beside, paths))
    submissions = _read(paths, root)
    transport = Transport(channel=channel, sender=sender)
    ids = [submission.alert.alert_id for submission in submissions.values()]
    judge = Judge(root, Trust(base, repository, os.environ, transport), ids)
    receipts: list[Receipt] = []
    for path, submission in submissions.items():
        try:
            receipt = judge.receipt(submission, now())
            if not no_receipt and in_alerts(path, root):
                write_receipt(root, receipt)
        except InputError as error:
            click.echo(str(error), err=True)
            continue
        receipts.append(receipt)
        if not as_json:
            click.echo(visible("\n".join(_lines(submission, receipt, judge.base))))
    if as_json:
        echo_json([receipt.model_dump(mode="json") for receipt in receipts])
    refused = any(receipt.provenance.verdict == "refused" for receipt in receipts)
    if refused or len(receipts) < len(set(paths)):
        exit_with(InputError.exit_code)


def _read(paths: Sequence[Path], root: Path) -> dict[Path, Submission]:
    """Return the alerts that can be read; of the others, say what is wrong with them."""
    submissions: dict[Path, Submission] = {}
    digests: dict[str, str] = {}
    for path in paths:
        try:
            submission = read_submission(path, root)
            alert_id = submission.alert.alert_id
            if digests.setdefault(alert_id, submission.sha256) != submission.sha256:
                message = f"{path}: another file has the alert_id {alert_id!r} with other content."
                raise InputError(message, hint="A new alert needs a new id: `retouch alert new`.")
        except InputError as error:
            click.echo(str(error), err=True)
        else:
            submissions[path] = submission
    return submissions


def _lines(submission: Submission, receipt: Receipt, base: Base) -> list[str]:
    provenance = receipt.provenance
    if provenance.verdict != "verified":
        return [f"{provenance.verdict}: {reason}" for reason in provenance.reasons]
    return [
        f"verified: {submission.source}: by {provenance.principal!r} with "
        f"{provenance.key_fingerprint} (policies of {base.name}, {base.commit[:10]})",
        *(f"held for a person: {reason}" for reason in provenance.reasons),
    ]


@alert.command("intake")
@click.argument("paths", nargs=-1, type=PATH, metavar="[FILE...]")
@click.option("--event", type=PATH, help="A repository_dispatch event.")
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
    """Take alerts in: verify them, decide which count now, write a receipt beside each.

    Without a FILE, all that lie in alerts/ and are new. What is to be planned is printed as groups,
    each for one `retouch run`; an alert that waited may be in a group of a later intake. Exit code
    2 when a file is no alert, or is refused; the others are taken in all the same.
    """
    if event is not None and paths:
        raise InputError("--event brings its own alert; give it without any FILE.")
    project = current_project()
    transport = Transport(
        channel=channel,
        sender=sender,
        commit=os.environ.get("GITHUB_SHA"),
        run_id=os.environ.get("GITHUB_RUN_ID"),
    )
    trust = Trust(base, repository, os.environ, transport)
    with collecting_nothing():
        if event is not None:
            taken = intake.take_in_event(project, event, trust, now())
        else:
            taken = intake.take_in(project, paths, trust, now())
    if as_json:
        click.echo(_intake_json(taken))
    else:
        _print_intake(taken)
    for fault in taken.faults:
        click.echo(plain(fault, 1000), err=True)
    exit_with(InputError.exit_code if taken.faults else 0)


@alert.command("status")
@click.option("--at", metavar="TIME", help="As it was then: 2026-11-23T06:00:00Z.")
@click.option("--all", "everything", is_flag=True, help="Also what is over.")
@BASE
@REPOSITORY
@JSON
def alert_status(
    at: str | None, everything: bool, base: str | None, repository: str | None, as_json: bool
) -> None:
    """Show which alerts are open, pending, silenced, inhibited, flapping, and why.

    Then the incidents that are open: troubles that are not over, answered or not.
    """
    moment = _moment(at) if at else now()
    seen = intake.look(current_project(), Trust(base, repository, os.environ), moment)
    if as_json:
        click.echo(json.dumps(_status_document(seen), ensure_ascii=False))
    else:
        _print_status(seen, everything=everything)


def _moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    # Near the ends of the calendar there is no such moment in UTC.
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year < 3000:
        raise InputError(f"--at {at!r}: must be a time with its offset, like 2026-11-23T06:00:00Z.")
    return moment


def _intake_json(taken: intake.Intake) -> str:
    rest = {"faults": list(taken.faults), **_groups_document(taken.outcome)}
    # Receipt by receipt: of a storm there are thousands, and pydantic writes each much faster.
    receipts = ", ".join(receipt.model_dump_json() for receipt in taken.receipts)
    return f'{{"receipts": [{receipts}], {json.dumps(rest, ensure_ascii=False)[1:]}'


def _groups_document(outcome: Outcome) -> dict[str, object]:
    told = outcome.model_dump(mode="json")
    return {"groups": told["groups"], "next_due": told["next_due"]}


def _status_document(seen: intake.Look) -> dict[str, object]:
    told = seen.outcome.model_dump(mode="json")
    also = {one["alert_id"]: one["also"] for one in told["alerts"]}
    alerts = []
    for one in seen.lying:
        standing = seen.standing_of(one)
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
        "now": told["now"],
        "alerts": alerts,
        "incidents": told["incidents"],
        "faults": list(seen.faults),
        **_groups_document(seen.outcome),
    }


def _print_intake(taken: intake.Intake) -> None:
    console = terminal()
    if not taken.receipts:
        console.print("Nothing new.")
    accepted = [receipt for receipt in taken.receipts if receipt.provenance.verdict != "refused"]
    for receipt in accepted[:50]:
        standing = receipt.standing
        state, message = (standing.state, standing.message) if standing else ("taken in", "")
        console.print(
            f"{receipt.alert_id}  {receipt.provenance.verdict}, {state}: {shown(message)}",
        )
    if len(accepted) > 50:
        console.print(f"and {len(accepted) - 50:,} more: `retouch alert status --all`")
    _print_groups(console, taken.outcome)


def _print_status(seen: intake.Look, *, everything: bool) -> None:
    console = terminal()
    alerts = table("state", "alert", folded=("about, and why",))
    also = {one.alert_id: one.also for one in seen.outcome.alerts}
    for one, standing in _rows(seen, everything=everything):
        style = _STYLES.get(standing.state, "")
        new = " [dim](new)[/]" if one.alert.alert_id in seen.new else ""
        told = f"[{style}]{standing.state}[/]" if style else standing.state
        others = (
            f"also {other.state}: {_why(other)}" for other in also.get(one.alert.alert_id, ())
        )
        message = "\n".join([_about(one), _why(standing), *others])
        alerts.add_row(told, f"{one.alert.alert_id}{new}", message)
    if alerts.row_count:
        console.print(alerts)
    over = Counter(s.state for one in seen.lying if (s := seen.standing_of(one)))
    counts = [f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(over.items())]
    console.print(f"{plural(len(seen.lying), 'alert')}: {', '.join(counts) or 'none yet'}.")
    for fault in seen.faults:
        console.print(f"[red]{shown(fault)}[/]")
    if seen.new:
        console.print(f"{plural(len(seen.new), 'alert')} to take in: `retouch alert intake`.")
    _print_incidents(console, seen.outcome)
    _print_groups(console, seen.outcome)


def _rows(seen: intake.Look, *, everything: bool) -> Iterable[tuple[StoredAlert, Standing]]:
    for one in seen.lying:
        standing = seen.standing_of(one)
        if standing is not None and (everything or standing.state not in _OVER):
            yield one, standing


def _about(one: StoredAlert) -> str:
    told = summarise(one.alert)
    what = [told.kind, told.dataset, ", ".join(told.columns[:3]), *told.where[:2]]
    where = " ".join(filter(None, what))
    return shown(f"{where}, {told.window}" if told.window else where, 100)


def _print_incidents(console: Console, outcome: Outcome) -> None:
    """Print the open incidents; those of one alert that fare alike in one line."""
    told = Counter(map(_incident, outcome.incidents))
    if told:
        console.print("\nOpen incidents:")
    for line, count in list(told.items())[:50]:
        alike = f" ({count} findings)" if count > 1 else ""
        console.print(f"  {line}{alike}", soft_wrap=True)
    if len(told) > 50:
        console.print(f"  and {len(told) - 50:,} more: `retouch alert status --json`")


def _incident(one: OpenIncident) -> str:
    counted = f"seen in {one.windows} of the {one.needs} windows that make it count"
    if one.opened_at is not None:
        windows = plural(one.windows, "window")
        counted = f"open since {_minute(one.opened_at)}, seen in {windows}"
    quiet = f", {one.quiet} of {one.closes_after} quiet ones" if one.quiet else ""
    answered = f", answered by {shown(one.answered_by)}" if one.answered_by else ""
    flaps = ", flapping" if one.flapping else ""
    trust = "" if one.trusted else ", not trusted"
    return f"{one.first}  {one.kind} {shown(one.key)}: {counted}{quiet}{answered}{flaps}{trust}"


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _why(standing: Standing) -> str:
    rule = f" ({standing.rule})" if standing.rule not in (None, standing.state) else ""
    until = f" Until {_minute(standing.until)}." if standing.until else ""
    if standing.until and _minute(standing.until) in standing.message:
        until = ""
    return shown(f"{standing.message}{until}{rule}")


def _print_groups(console: Console, outcome: Outcome) -> None:
    for group in outcome.groups:
        paths = " ".join(f"alerts/{alert_id}.json" for alert_id in group.alert_ids)
        vouch = "" if group.trusted else ", which a person has to vouch for"
        console.print(f"\nTo plan, about {shown(group.key)}{vouch}:")
        console.print(f"  retouch run {paths}", soft_wrap=True)
    if outcome.next_due is not None:
        console.print(f"The next group is due {_minute(outcome.next_due)}.")
