"""The hidden first lines by which reports and notices are found again, never by author or title."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass

from retouch.reporting.escape import Markdown

MARKER_PREFIX = "<!-- retouch:report v1 "
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
        return _hidden_line("report", json.dumps(asdict(self), separators=(",", ":")))

    def as_markdown(self) -> Markdown:
        """Return it for a template."""
        return Markdown(self)


def read_marker(text: str) -> Marker | None:
    """Return the marker in the first line of a report; None when there is no valid one."""
    match = _MARKER.match(text)
    if not match:
        return None
    try:
        fields = json.loads(match[1])
        marker = Marker(**fields)
    except (ValueError, TypeError):
        return None
    return marker if all(isinstance(x, str) for x in asdict(marker).values()) else None


_RESULT = re.compile(r"^<!-- retouch:result v1 ([0-9a-f]{40}|[0-9a-f]{64}) -->$", re.MULTILINE)


def with_result_commit(report: str, commit: str) -> str:
    """Return a report comment that names the commit it is the report of."""
    return f"{report.rstrip()}\n\n<!-- retouch:result v1 {commit} -->\n"


def read_result_commit(text: str) -> str | None:
    """Return the commit that a report comment names last; None for any other text."""
    found = _RESULT.findall(text) if text.startswith(MARKER_PREFIX) else []
    return found[-1] if found else None


def hidden_marker(kind: str, model: str, version: str, counter: int | None) -> str:
    """Return the hidden first line of an issue or a pull request about a version."""
    fields = {"model": model, "version": version, "counter": counter}
    return _hidden_line(kind, json.dumps(fields))


def _hidden_line(kind: str, document: str) -> str:
    """Return an HTML comment; no value can end it, mention anyone or refer to an issue."""
    safe = re.sub(r"[<>&@#$`]|(?<=-)-", lambda m: f"\\u{ord(m[0]):04x}", document)
    return f"<!-- retouch:{kind} v1 {safe} -->"
