"""How much fits on the first screen: it is shortened until it does, and never split."""

from __future__ import annotations

from dataclasses import dataclass

LINES = 20
CHARACTERS = 1_500
"""Of the first screen, its hidden marker included."""


@dataclass(frozen=True)
class Room:
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


ROOMS = (
    Room(60, 180, 6, 5),
    Room(60, 180, 6, 4, freshness=False),
    Room(48, 140, 6, 2, freshness=False),
    Room(48, 120, 5, 2, freshness=False),
    Room(48, 90, 5, 1, freshness=False),
    Room(40, 90, 4, 1, freshness=False, scope=False),
    Room(40, 90, 5, 1, freshness=False, scope=False, reasons=False),
    Room(40, 60, 4, 1, freshness=False, scope=False, reasons=False),
    Room(40, 90, 3, 1, freshness=False, scope=False),
    Room(24, 60, 3, 1, freshness=False, scope=False),
    Room(16, 40, 3, 1, freshness=False, scope=False),
    Room(10, 20, 2, 1, freshness=False, scope=False),
    Room(6, 8, 2, 1, freshness=False, scope=False),
)
"""From the roomiest on: first go the freshness and how many stages are listed; then rows of the
table; at last the length of names."""
