"""`retouch ci receive`, `retrain` and `refresh`: the jobs that take alerts in and retrain."""

from __future__ import annotations

import click


@click.command("receive")
def receive() -> None:
    """Not written yet."""


@click.command("retrain")
def retrain() -> None:
    """Not written yet."""


@click.command("refresh")
def refresh() -> None:
    """Not written yet."""
