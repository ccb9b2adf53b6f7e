"""`retouch doctor`: is everything set up?"""

from __future__ import annotations

import os
from pathlib import Path

import click

from retouch.cli.github_options import repository_from_environment
from retouch.github.repository import Repository

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "dim"}


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Ask neither git's remote, nor DVC's, nor GitHub.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for a machine to read.")
def doctor(offline: bool, as_json: bool) -> None:
    """Look whether everything is set up, and say what would mend it. Changes nothing.

    Checkout, policies, DVC's remote, workflows; with GITHUB_TOKEN and GITHUB_REPOSITORY also what
    that token may do. What cannot be looked at is skipped, and the reason is said. Exit code 1 when
    something fails.
    """
    from retouch.jobs.doctor.doctor import examine
    from retouch.jobs.doctor.findings import Diagnosis
    from retouch.jobs.doctor.github import Asking

    asking = Asking(not offline, _repository)
    found: Diagnosis = examine(Path.cwd(), os.environ, asking)
    if as_json:
        click.echo(found.to_json(), nl=False)
    else:
        _print(found)
    if not found.healthy:
        raise click.exceptions.Exit(1)


def _repository() -> Repository:
    """Return the repository that the environment names, asked once: nobody waits for a doctor."""
    from retouch.github.client import API_URL, Client, Timing

    named = repository_from_environment(None)
    address = os.environ.get("GITHUB_API_URL") or API_URL
    timing = Timing(timeout=(5.0, 10.0), max_total_wait=0.0)
    return Repository(Client(os.environ.get("GITHUB_TOKEN", ""), address, timing), named.name)


def _print(found: object) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from retouch.errors import visible
    from retouch.jobs.doctor.findings import Diagnosis

    assert isinstance(found, Diagnosis)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, show_header=False)
    for finding in found.findings:
        message = Text(visible(finding.message))
        if finding.hint:
            message.append(f"\n{visible(finding.hint)}", style="dim")
        standing = Text(finding.standing, style=_COLOURS[finding.standing])
        table.add_row(standing, finding.about, message)
    console = Console(highlight=False, emoji=False)
    (console if console.is_terminal else Console(width=140, highlight=False)).print(table)
