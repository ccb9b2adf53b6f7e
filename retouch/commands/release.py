"""`retouch promote` and `retouch bundle`: a merged model becomes a version."""

from __future__ import annotations

import click


@click.command("promote")
def promote() -> None:
    """Not written yet."""


@click.command("bundle")
def bundle() -> None:
    """Not written yet."""
