"""What the registry says in vain: keys of no monitor, and keys that may sign no alert. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from retouch.alerts.signature import NAMESPACE
from retouch.policy.monitors import MONITORS, Monitors
from retouch.provenance.signers import ALLOWED_SIGNERS, Signer, Signers
from retouch.schema_errors import near


def lint_signers(signers: Signers, monitors: Monitors) -> tuple[str, ...]:
    """Return one sentence for each key whose signature can never be of use."""
    return tuple(
        f"{ALLOWED_SIGNERS}: line {signer.line}: {message}."
        for signer in sorted(signers.by_key.values(), key=lambda signer: signer.line)
        for message in _idle(signer, monitors)
    )


def _idle(signer: Signer, monitors: Monitors) -> Iterator[str]:
    if signer.principal not in monitors.monitors:
        meant = near(signer.principal, monitors.monitors).rstrip("?")
        yield f"{MONITORS} knows no monitor {signer.principal!r}{meant}"
    if signer.namespaces is not None and NAMESPACE not in signer.namespaces:
        yield f"the key may sign no alert: its namespaces lack {NAMESPACE!r}"
