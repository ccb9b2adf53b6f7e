"""The budget of the first screen, and the layouts tried until one fits: it is never split."""

from __future__ import annotations

from dataclasses import dataclass, replace

LINES = 20
CHARACTERS = 1_500
"""Of the first screen, its hidden marker included."""


@dataclass(frozen=True)
class Layout:
    """The limits that the parts of a report keep to."""

    name: int
    """Characters of a name."""
    text: int
    """Characters of a sentence from outside."""
    rows: int
    names: int
    """Stages listed by name."""
    freshness: bool = True
    """Name the base and the time here too, and not only in the last line."""
    scope: bool = True
    """Say what merging does not change."""
    reasons: bool = True
    """Say which edit made the stages run."""
    refusals: bool = True
    """Say why each earlier tier was rejected here too, and not only with the attempts."""
    warning: bool = True
    """Repeat the first warning here, and not only below."""


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
"""From the roomiest on: first the freshness and the list of stages are cut; then rows of the table
and what is repeated below; at last the length of names."""
