"""`retouch alert sign` and `retouch alert verify`: whose alert it is, and how to prove it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import filterfalse
from pathlib import Path
from typing import get_args

import click

from retouch.alerts.receipt import Channel, Receipt
from retouch.dvc.project import find_root
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
from retouch.storage import documents as stored

FILES = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)


@click.command("sign")
@FILES
@click.option(
    "--key",
    required=True,
    envvar="RETOUCH_SIGNING_KEY",
    type=click.Path(path_type=Path),
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
    if faults:
        raise click.exceptions.Exit(InputError.exit_code)


@click.command("verify")
@FILES
@click.option("--base", metavar="REF", help="Believe the policies of this branch or commit.")
@click.option(
    "--channel",
    type=click.Choice(get_args(Channel)),
    default="manual",
    show_default=True,
    help="The way they came in.",
)
@click.option("--sender", metavar="LOGIN", help="Who brought them, as GitHub authenticated them.")
@click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    metavar="OWNER/NAME",
    help="This repository [default: what policies/monitors.yaml says].",
)
@click.option("--no-receipt", is_flag=True, help="Write no receipts.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
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
    transport, now = Transport(channel=channel, sender=sender), datetime.now(UTC)
    ids = [submission.alert.alert_id for submission in submissions.values()]
    judge = Judge(root, Trust(base, repository, os.environ, transport), ids)
    receipts: list[Receipt] = []
    for path, submission in submissions.items():
        try:
            receipt = judge.receipt(submission, now)
            if not no_receipt and in_alerts(path, root):
                write_receipt(root, receipt)
        except InputError as error:
            click.echo(str(error), err=True)
            continue
        receipts.append(receipt)
        if not as_json:
            click.echo(visible("\n".join(_lines(submission, receipt, judge.base))))
    if as_json:
        documents = [receipt.model_dump(mode="json") for receipt in receipts]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
    refused = any(receipt.provenance.verdict == "refused" for receipt in receipts)
    if refused or len(receipts) < len(set(paths)):
        raise click.exceptions.Exit(InputError.exit_code)


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
