"""`retouch ci`: one command for each job of the workflows in .github/."""

from __future__ import annotations

import click

from retouch.commands.proposing import receive, refresh, retrain
from retouch.commands.publishing import command, publish


@click.group("ci")
def ci() -> None:
    """What the workflows call; each command is one job."""


for job in (receive, retrain, refresh, publish, command):
    ci.add_command(job)
