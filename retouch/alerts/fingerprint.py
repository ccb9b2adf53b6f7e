"""What makes two alerts the same trouble: who saw what, where; never when, nor how bad."""

from __future__ import annotations

from collections.abc import Iterable

from retouch.alerts.model import Alert, Predicate
from retouch.documents import digest_of


def fingerprints(alert: Alert) -> tuple[str, ...]:
    """Return one fingerprint per trouble the alert reports, sorted.

    A trouble is a breaching finding; of a resolved alert, any finding. Without findings it is each
    column of the slice, else the slice as a whole. No time, value, metric or severity enters: a
    monitor changes its metric with the volume, and floats differ between library versions.
    """
    where = sorted((_plain(predicate) for predicate in alert.slice.where), key=digest_of)
    common = [alert.monitor.id, alert.kind, alert.model, alert.slice.current.dataset, where]
    return tuple(sorted({digest_of([*common, *trouble]) for trouble in _troubles(alert)}))


def group_key(alert: Alert) -> str:
    """Return what alerts answered together have in common: `model/dataset`."""
    return f"{alert.model}/{alert.slice.current.dataset}"


def _troubles(alert: Alert) -> Iterable[tuple[str, str | None]]:
    found = [
        (finding.scope, finding.column)
        for finding in alert.findings
        if finding.verdict == "breach" or alert.status == "resolved"
    ]
    return found or [("column", column) for column in alert.slice.columns] or [("dataset", None)]


def _plain(predicate: Predicate) -> list[object]:
    value = predicate.value
    members = sorted(value, key=digest_of) if isinstance(value, tuple) else value
    return [predicate.column, predicate.op, members]
