"""An alert on its way in: the bytes that were submitted, and what verification found of them.

An alert is read once. What was verified is what is planned: `VerifiedAlert` holds the alert that
was parsed from the verified bytes together with their digest, and planning takes nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from retouch.alerts.model import Alert
from retouch.alerts.receipt import Provenance


@dataclass(frozen=True)
class SubmittedAlert:
    """An alert with its signature, as they were read; nothing is verified yet."""

    alert: Alert
    raw: bytes
    """The bytes that `alert` was parsed from."""
    source: str
    """The name that messages give its file."""
    signature: bytes | None = None
    """None: it is unsigned."""
    unreadable: str | None = None
    """Why there is a signature file that cannot be read."""

    @cached_property
    def sha256(self) -> str:
        """The sha256 (hex) of the alert's bytes."""
        return hashlib.sha256(self.raw).hexdigest()


@dataclass(frozen=True)
class VerifiedAlert:
    """An alert, the digest of the bytes it was parsed from, and its provenance."""

    alert: Alert
    sha256: str
    provenance: Provenance
    """What verification found; `not_checked` where a plan is only looked at and never run."""

    @classmethod
    def of(cls, submitted: SubmittedAlert, provenance: Provenance) -> VerifiedAlert:
        """Return what was submitted, with what was found of these very bytes."""
        return cls(submitted.alert, submitted.sha256, provenance)
