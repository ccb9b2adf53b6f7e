"""Half-open periods of local calendar days, and the clock they must not pass.

A day is a string such as 2013-03-16. ISO days sort as text, so the columns of the tables and the
days in params.yaml compare without parsing, and without a time zone to get wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from stages.common.command import StageError


@dataclass(frozen=True)
class Period:
    """The days from `start` up to, but not including, `until`, without the quarantined days."""

    start: str
    until: str
    exclude: tuple[tuple[str, str], ...] = ()
    """Quarantined half-open ranges of days."""

    def __contains__(self, day: str) -> bool:
        quarantined = any(start <= day < until for start, until in self.exclude)
        return self.start <= day < self.until and not quarantined

    def overlaps_month(self, month: str) -> bool:
        """Tell whether any day of `month` (2013-03) lies between start and until."""
        return self.start[:7] <= month and f"{month}-01" < self.until


def parse_period(name: str, start: str, until: str, exclude: Sequence[Any] = ()) -> Period:
    """Build a `Period` from params; `name` is the key that error messages point at."""
    quarantined = tuple(_ranges(f"{name}.exclude", exclude))
    return Period(*_range(name, start, until), exclude=quarantined)


def parse_increments(name: str, base: Period | None, increments: Any) -> tuple[Period, ...]:
    """Build the periods after `base` that a model grows on, in order and apart from one another.

    `name` is the key of the window; what is quarantined there is quarantined here as well.
    """
    key = f"{name}.increments"
    periods: list[Period] = []
    end, owner = (base.until, "the window") if base else ("", "")
    for start, until in _ranges(key, increments):
        if start < end:
            raise StageError(f"{key}: the range from {start} starts before {owner} ends, on {end}")
        periods.append(Period(start, until, base.exclude if base else ()))
        end, owner = until, "the range before it"
    return tuple(periods)


def check_arrived(name: str, period: Period, clock: str) -> None:
    """Refuse a period that ends after the clock `data.until`: those days have not arrived yet."""
    if period.until > clock:
        raise StageError(
            f"{name}.until is {period.until}, but data has arrived only before {clock}"
        )


def check_day(name: str, day: Any) -> str:
    """Return `day` if it is a valid ISO day in quotes."""
    try:
        if date.fromisoformat(day).isoformat() == day:
            return str(day)
    except (TypeError, ValueError):
        pass
    raise StageError(f"{name} must be a quoted day such as '2013-03-16', not {day!r}")


def _ranges(key: str, values: Any) -> list[tuple[str, str]]:
    fault = f"{key} must be a list of {{from, until}} ranges of days"
    if not isinstance(values, list | tuple):
        raise StageError(fault)
    for each in values:
        if not isinstance(each, dict) or set(each) != {"from", "until"}:
            raise StageError(fault)
    return [_range(key, each["from"], each["until"]) for each in values]


def _range(name: str, start: Any, until: Any) -> tuple[str, str]:
    start, until = check_day(f"{name}.from", start), check_day(f"{name}.until", until)
    if start >= until:
        raise StageError(f"{name} holds no day: from {start} is not before until {until}")
    return start, until
