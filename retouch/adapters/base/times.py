"""Times as monitors write them: naive, inclusive, with nanoseconds, in milliseconds, in year 1."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from retouch.adapters.base.context import Context
from retouch.adapters.base.native import Node
from retouch.alerts.model import Window

_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def time_at(node: Node | None, context: Context) -> datetime | None:
    """Return the time that is written at a node; None where none is, or Go's year 1.

    Reads ISO 8601 with `T` or a blank, `Z`, `+00:00`, `+0000`, ` UTC`, any number of decimals, and
    Unix times in seconds or milliseconds, also as text. Raises InputError for anything else, and
    for a time without an offset when the context gives no zone.
    """
    if node is None or node.value is None:
        return None
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_unix(node, float(value))
    text = node.text().strip()
    # Prometheus' templates write 1.3732416e+09.
    if re.fullmatch(r"\d{9,16}(\.\d+)?|\d\.\d+e\+(09|1[0-5])", text, re.ASCII):
        return _from_unix(node, float(text))
    try:
        read = datetime.fromisoformat(_tidy(text))
    except ValueError:
        node.fault(f"{text[:60]!r} is not a time in a known format")
    if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        return None
    if read.tzinfo is None:
        if context.zone is None:
            node.fault(f"{text!r} has no UTC offset; set `zone:` in the context")
        read = read.replace(tzinfo=ZoneInfo(context.zone))
    # A zone's name does not survive JSON; its offset does.
    return datetime.fromisoformat(read.isoformat())


def time_if_zoned(node: Node | None, context: Context) -> datetime | None:
    """Return the time at a node, or None where it has no offset and the context no zone.

    For times one can do without: when a report was made. Raises InputError as `moment` does.
    """
    written = node.value if node is not None else None
    if context.zone is None and isinstance(written, str):
        try:
            read = datetime.fromisoformat(_tidy(written.strip()))
        except ValueError:
            return time_at(node, context)
        if read.tzinfo is None:
            return None
    return time_at(node, context)


def closed_window(start: datetime | None, end: datetime | None) -> Window | None:
    """Return the half-open window for one whose end belongs to it (`23:59:59.999`)."""
    if end is not None and (end.microsecond or end.second == 59):
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    return half_open(start, end)


def half_open(start: datetime | None, end: datetime | None) -> Window | None:
    """Return the window; None where one end is not known or there is nothing between them."""
    if start is None or end is None or start >= end:
        return None
    return Window(start=start, end=end)


def _from_unix(node: Node, value: float) -> datetime | None:
    seconds = value / 1000 if abs(value) > 1e11 else value
    try:
        read = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        node.fault(f"{value:g} is not a time")
    return read if _FIRST_YEAR <= read.year <= _LAST_YEAR else None


def _tidy(text: str) -> str:
    text = re.sub(r" ?(UTC|GMT)$", "+00:00", text)
    return re.sub(r"(\.\d{6})\d+", r"\1", text)
