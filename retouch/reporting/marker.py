"""The hidden first line by which a report is found again, never by its author or its title."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from retouch.reporting.escape import Markdown

_MARKER = re.compile(r"\A<!-- retouch:report v1 (\{[^\n]*\}) -->(?:\n|\Z)")


@dataclass(frozen=True)
class Marker:
    """What a report is about. Anyone can paste one: also check who wrote the comment."""

    alert: str
    plan: str
    """The first 16 digits of the plan's key."""
    verdict: str
    """The verdict's outcome, or `held`, `failed`, `retraining`, `stale`."""
    base: str
    """The first 12 digits of the base commit."""

    def __str__(self) -> str:
        text = json.dumps(asdict(self), separators=(",", ":"))
        # No value can end the comment, name a person or refer to an issue.
        safe = re.sub(r"[<>&@#$`]|(?<=-)-", lambda m: f"\\u{ord(m[0]):04x}", text)
        return f"<!-- retouch:report v1 {safe} -->"

    def written(self) -> Markdown:
        """Return it for a template."""
        return Markdown(self)


def read_marker(text: str) -> Marker | None:
    """Return the marker in the first line of a report; None when it has none of ours."""
    found = _MARKER.match(text)
    if not found:
        return None
    try:
        fields = json.loads(found[1])
        marker = Marker(**fields)
    except (ValueError, TypeError):
        return None
    return marker if all(isinstance(x, str) for x in asdict(marker).values()) else None
