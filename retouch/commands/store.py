"""`retouch store`: DVC's data on a branch of the repository."""

from __future__ import annotations

import click


@click.command("store")
def store() -> None:
    """Not written yet."""
