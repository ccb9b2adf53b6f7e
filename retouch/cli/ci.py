"""`retouch ci`: one command for each job of the workflows in .github/."""

from __future__ import annotations

import click

from retouch.cli.ci_publish import command, publish
from retouch.cli.ci_retrain import receive, refresh, retrain


@click.group("ci")
def ci() -> None:
    """What the workflows call; each command is one job."""


for job in (receive, retrain, refresh, publish, command):
    ci.add_command(job)
