"""One part of a report that opens on a click."""

from __future__ import annotations

from dataclasses import dataclass

from retouch.reporting.escape import Markdown
from retouch.reporting.table import Table


@dataclass(frozen=True)
class Section:
    """A part that opens on a click."""

    name: str
    about: Markdown
    """Goes on after the name. HTML, not Markdown: GitHub reads a summary so."""
    blocks: tuple[Markdown | Table, ...]
    files: tuple[str, ...]
    """The documents its numbers come from."""
    opened: bool = False
