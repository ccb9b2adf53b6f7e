"""What intake found out about an alert: a file beside the alert, never part of it.

An alert holds claims, signed or not; a receipt holds what Retouch verified itself, and the
state of the alert under the policy when it was received.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from retouch.alerts.model import AlertId
from retouch.alerts.moments import Time
from retouch.documents import Document, Value

Channel = Literal["commit", "dispatch", "manual"]
"""The way in: a committed file, a `repository_dispatch` event, or a person at a terminal."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

State = Literal[
    "acts",
    "waiting",
    "pending",
    "duplicate",
    "answered",
    "resolved",
    "no_data",
    "expired",
    "stale",
    "silenced",
    "inhibited",
    "cooldown",
    "flapping",
    "refused",
]
"""`acts`: it is to be planned now, with its group. All others say why it is not."""


class Provenance(Value):
    """Whose alert it is, as far as it could be verified."""

    verdict: Literal["verified", "unsigned", "refused", "not_checked"]
    """`not_checked`: it repeats a verified alert of the same intake."""
    method: Literal["ssh", "none"] = "none"
    principal: str | None = None
    """The registered signer; equal to the alert's `monitor.id`."""
    key_fingerprint: str | None = None
    """Of the signing key, as `ssh-keygen -l` writes it: `SHA256:...`."""
    registry_commit: str | None = None
    """The commit of the base branch whose `policies/` were read."""
    may_retrain: bool = False
    """Whether it may cause a retraining without a person's approval."""
    reasons: tuple[str, ...] = ()
    """Sentences: why it was refused, or why it may not retrain."""


class AlertState(Value):
    """The state that suppression gave the alert, and why."""

    state: State
    rule: str | None = None
    """The name of the rule that decided; None where no rule was needed."""
    message: str
    """One sentence for a person."""
    of: AlertId | None = None
    """The alert that holds it back: the one it repeats, or the one that inhibits it."""
    until: Time | None = None
    """When the reason ends, where that is known."""


class Receipt(Document):
    """The receipt of one alert."""

    schema_version: Literal["1.0"] = "1.0"
    alert_id: AlertId
    sha256: Sha256
    """Of the alert's bytes as they were verified."""
    received_at: Time
    channel: Channel
    sender: str | None = None
    """Who submitted it, as GitHub authenticated them."""
    commit: str | None = None
    """The commit that added it."""
    run_id: str | None = None
    """The workflow run that took it in."""
    provenance: Provenance
    standing: AlertState | None = None
    """As of intake; None when only the provenance was checked."""


def receipt_file_name(alert_id: str) -> str:
    """Return the name of a receipt's file, which lies beside the alert's."""
    return f"{alert_id}.receipt.json"
