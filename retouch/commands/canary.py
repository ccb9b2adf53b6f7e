"""`retouch canary` and `retouch rollback`."""

from __future__ import annotations

import click


@click.command("canary")
def canary() -> None:
    """Not written yet."""


@click.command("rollback")
def rollback() -> None:
    """Not written yet."""
