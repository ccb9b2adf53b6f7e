"""What the doctor found: one finding for each check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from retouch.documents import Document, Value
from retouch.errors import RetouchError

NO_NETWORK = "Not checked offline."
FindingStatus = Literal["ok", "warn", "fail", "skipped"]


class SetupFinding(Value):
    """The result of one check."""

    about: str
    status: FindingStatus
    message: str
    """One sentence; for a skipped check, the reason."""
    hint: str | None = None
    """A command or a setting that puts it right."""


class Diagnosis(Document):
    """All findings, in the order in which they are best fixed."""

    schema_version: Literal["1.0"] = "1.0"
    findings: tuple[SetupFinding, ...]

    @property
    def healthy(self) -> bool:
        """No check failed; skipped ones do not count."""
        return all(finding.status != "fail" for finding in self.findings)


Check = Callable[[], SetupFinding]


def ok(about: str, message: str) -> SetupFinding:
    """Return a finding that needs nothing."""
    return SetupFinding(about=about, status="ok", message=message)


def warn(about: str, message: str, hint: str) -> SetupFinding:
    """Return a finding that something works less well than it could."""
    return SetupFinding(about=about, status="warn", message=message, hint=hint)


def fail(about: str, message: str, hint: str | None) -> SetupFinding:
    """Return a finding that something does not work."""
    return SetupFinding(about=about, status="fail", message=message, hint=hint)


def skipped(about: str, reason: str, hint: str | None = None) -> SetupFinding:
    """Return a finding that a check could not be made."""
    return SetupFinding(about=about, status="skipped", message=reason, hint=hint)


def run_check(about: str, check: Check) -> SetupFinding:
    """Return what a check finds; a RetouchError is a failed finding."""
    try:
        return check()
    except RetouchError as error:
        return fail(about, error.message, error.hint)


def run_checks(*checks: tuple[str, Check]) -> Iterator[SetupFinding]:
    """Yield what each check finds; a failure does not stop the others."""
    for about, check in checks:
        yield run_check(about, check)
