"""How often a hold-out was used, and for which slices."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from retouch.documents import Value


class JudgedCandidate(Value):
    """One candidate a hold-out has judged."""

    start: date
    end: date
    """Day after the last."""
    wheres: tuple[tuple[str, ...], ...] = ((),)
    """The conditions of each slice the alerts spoke of; an empty one is all rows."""


def candidates_judged(
    judged: Iterable[JudgedCandidate],
    days: tuple[date, date],
    wheres: Collection[tuple[str, ...]] | None = None,
) -> int:
    """Return how many candidates these days have judged; with `wheres`, for one of these slices.

    Days are half-open. A hold-out that shares more than half of these days is the same one for
    this purpose: one new day does not make it new.
    """
    start, end = days
    half = (end - start) / 2
    return sum(
        min(end, one.end) - max(start, one.start) > half
        and (wheres is None or not set(wheres).isdisjoint(one.wheres))
        for one in judged
    )
