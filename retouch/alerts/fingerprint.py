"""What makes two alerts the same signal: who saw what, where; never when, nor how severe."""

from __future__ import annotations

from collections.abc import Iterable

from retouch.alerts.model import Alert, Predicate
from retouch.documents import digest_of


def fingerprints(alert: Alert) -> tuple[str, ...]:
    """Return one fingerprint per signal in the alert, sorted.

    A signal is a breaching finding; of a resolved alert, any finding. Without findings it is each
    column of the slice, else the slice as a whole. No time, value, metric or severity enters: a
    monitor changes its metric with the volume, and floats differ between library versions.
    """
    scope = _scope(alert)
    return tuple(sorted({digest_of([*scope, *signal]) for signal in _signals(alert)}))


def scope_of(alert: Alert) -> str:
    """Return what the signals of one monitor about one slice have in common, as a digest."""
    return digest_of(_scope(alert))


def names_no_column(alert: Alert) -> bool:
    """Tell whether an alert speaks of its slice as a whole, and of no column of it."""
    return not alert.slice.columns and not any(finding.column for finding in alert.findings)


def group_key(alert: Alert) -> str:
    """Return what alerts answered together have in common: `model/dataset`."""
    return f"{alert.model}/{alert.slice.current.dataset}"


def _scope(alert: Alert) -> list[object]:
    where = sorted((_plain(predicate) for predicate in alert.slice.where), key=digest_of)
    return [alert.monitor.id, alert.kind, alert.model, alert.slice.current.dataset, where]


def _signals(alert: Alert) -> Iterable[tuple[str, str | None]]:
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
