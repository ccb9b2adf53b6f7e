"""`retouch doctor`: is everything set up?"""

from __future__ import annotations

import click


@click.command("doctor")
def doctor() -> None:
    """Not written yet."""
