"""`retouch verify` and `retouch merge-lock`: is every entry of dvc.lock one that was made?"""

from __future__ import annotations

import click


@click.command("verify")
def verify() -> None:
    """Not written yet."""


@click.command("merge-lock")
def merge_lock() -> None:
    """Not written yet."""
