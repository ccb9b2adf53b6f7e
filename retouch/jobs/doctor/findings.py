"""What the doctor found: one finding for each thing it looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from retouch.documents import Document, Value
from retouch.errors import RetouchError

Standing = Literal["ok", "warn", "fail", "skipped"]


class Finding(Value):
    """One thing that was looked at, or could not be."""

    about: str
    standing: Standing
    message: str
    """One sentence; of what was skipped, the reason."""
    hint: str | None = None
    """A command or a setting that puts it right."""


class Diagnosis(Document):
    """All findings, in the order in which they are best mended."""

    schema_version: Literal["1.0"] = "1.0"
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Nothing failed; what was skipped is not known."""
        return all(finding.standing != "fail" for finding in self.findings)


Check = Callable[[], Finding]


def ok(about: str, message: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(about=about, standing="ok", message=message)


def warn(about: str, message: str, hint: str) -> Finding:
    """Return a finding that something works less well than it could."""
    return Finding(about=about, standing="warn", message=message, hint=hint)


def fail(about: str, message: str, hint: str | None) -> Finding:
    """Return a finding that something does not work."""
    return Finding(about=about, standing="fail", message=message, hint=hint)


def skipped(about: str, reason: str, hint: str | None = None) -> Finding:
    """Return a finding that nobody could look."""
    return Finding(about=about, standing="skipped", message=reason, hint=hint)


def look(about: str, check: Check) -> Finding:
    """Return what a check finds; an error of ours is a finding that it fails."""
    try:
        return check()
    except RetouchError as error:
        return fail(about, error.message, error.hint)


def each(*checks: tuple[str, Check]) -> Iterator[Finding]:
    """Yield what each check finds; none keeps another from being looked at."""
    for about, check in checks:
        yield look(about, check)
