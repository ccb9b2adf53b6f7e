"""How much fits on the first screen: it is shortened until it does, and never split."""

from __future__ import annotations

from dataclasses import dataclass, replace

LINES = 20
CHARACTERS = 1_500
"""Of the first screen, its hidden marker included."""


@dataclass(frozen=True)
class Layout:
    """The lengths the parts of a report keep to."""

    name: int
    """Characters of a name."""
    text: int
    """Characters of a sentence from outside."""
    rows: int
    names: int
    """Stages listed by name."""
    freshness: bool = True
    """The base and the time are said here too, and not only in the last line."""
    scope: bool = True
    """What merging leaves as it is, is said."""
    reasons: bool = True
    """Which edit made the stages run is said."""
    refusals: bool = True
    """Why each earlier tier was refused is said here too, and not only with the attempts."""
    warning: bool = True
    """The first thing to know is said here too, and not only below."""


_TIGHT = Layout(
    40, 60, 4, 1, freshness=False, scope=False, reasons=False, refusals=False, warning=False
)

LAYOUTS = (
    Layout(60, 180, 6, 5),
    Layout(60, 180, 6, 4, freshness=False),
    Layout(48, 140, 6, 2, freshness=False),
    Layout(48, 120, 5, 2, freshness=False),
    Layout(48, 90, 5, 1, freshness=False),
    Layout(40, 90, 4, 1, freshness=False, scope=False),
    Layout(40, 60, 5, 1, freshness=False, scope=False, reasons=False),
    replace(_TIGHT, rows=5, refusals=True, warning=True),
    replace(_TIGHT, refusals=True),
    replace(_TIGHT, rows=3, warning=True),
    _TIGHT,
    replace(_TIGHT, rows=3),
    replace(_TIGHT, name=32, text=40, rows=3),
    replace(_TIGHT, name=24, text=30, rows=3),
    replace(_TIGHT, name=16, text=30, rows=2),
    replace(_TIGHT, name=10, text=20, rows=2),
    replace(_TIGHT, name=6, text=8, rows=2),
)
"""From the roomiest on: first go the freshness and how many stages are listed; then rows of the
table and what is said again below; at last the length of names."""
