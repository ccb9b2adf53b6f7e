"""`retouch ci publish` and `command`: the jobs that write to GitHub."""

from __future__ import annotations

import click


@click.command("publish")
def publish() -> None:
    """Not written yet."""


@click.command("command")
def command() -> None:
    """Not written yet."""
