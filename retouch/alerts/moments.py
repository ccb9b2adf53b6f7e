"""Moments as alerts write them: ISO 8601 with an offset, on the calendar of this age."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

_ISO_PATTERN = (
    "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?"
    "(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ISO_TIME = re.compile(_ISO_PATTERN)
# Most readers of a schema take `format` for a remark only; the pattern asks for the offset.
_TIME_SCHEMA = {"type": "string", "format": "date-time", "pattern": f"^{_ISO_PATTERN}$"}


def _from_iso(value: object) -> object:
    # Left to itself, pydantic reads the text "1372658400" as a Unix time.
    if isinstance(value, str) and _ISO_TIME.fullmatch(value):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value
    raise ValueError("must be a time with its UTC offset, like 2013-07-01T06:00:00Z")


def _on_the_calendar(value: datetime) -> datetime:
    # Go writes the year 1 for "not set"; a year 9999 overflows when it is moved to UTC.
    if not 1970 <= value.year < 3000:
        raise ValueError(f"the year {value.year} is no time of an alert; leave the field out")
    return value


Time = Annotated[
    AwareDatetime,
    BeforeValidator(_from_iso),
    AfterValidator(_on_the_calendar),
    WithJsonSchema(_TIME_SCHEMA),
]
"""A moment with its UTC offset, which is kept as it was written."""
