"""The hold-out: a range of whole days that neither model may have seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from retouch.errors import InputError


@dataclass(frozen=True)
class HoldoutDays:
    """Whole days, half-open: `start` belongs to the hold-out, `end` does not. `YYYY-MM-DD`."""

    start: str
    end: str

    def __post_init__(self) -> None:
        """Raise InputError unless both are days and in order."""
        for day in (self.start, self.end):
            if not is_day(day):
                raise InputError(f"The hold-out's limit {day!r} is not a day written YYYY-MM-DD.")
        if self.start >= self.end:
            raise InputError(f"The hold-out from {self.start} to {self.end} (exclusive) is empty.")

    def missing_days(self, days: Iterable[str]) -> tuple[str, ...]:
        """Return the days of the hold-out that are missing from `days`, in order."""
        first = date.fromisoformat(self.start)
        count = (date.fromisoformat(self.end) - first).days
        every = (first + timedelta(days=n) for n in range(count))
        have = set(days)
        return tuple(day for day in (d.isoformat() for d in every) if day not in have)


def is_day(text: str) -> bool:
    """Tell whether `text` is a day written `YYYY-MM-DD`; such texts sort as their days do."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def leakage(model: str, seen_until: str | None, holdout: HoldoutDays) -> str | None:
    """Return in one sentence why a model may have seen the hold-out; None when it has not.

    `model` is what the sentence calls it; `seen_until` is the first day it was not trained, tuned
    or calibrated on (`YYYY-MM-DD`).
    """
    if seen_until is None:
        return (
            f"It is unknown until which day {model} has seen data, so the hold-out may not be new"
            " to it."
        )
    if not is_day(seen_until):
        return (
            f"The day until which {model} has seen data, {seen_until!r}, is not written YYYY-MM-DD,"
            " so the hold-out may not be new to it."
        )
    if seen_until > holdout.start:
        return (
            f"The data seen by {model} reaches up to {seen_until} and the hold-out starts on"
            f" {holdout.start}: the hold-out is not new to it."
        )
    return None
