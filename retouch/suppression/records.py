"""The alerts received so far and the answers they were given, as git holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from retouch.alerts.model import Alert, AlertId, Window
from retouch.alerts.moments import Time
from retouch.documents import Value

Touches = Callable[[Alert], frozenset[str]]
"""The stages an alert's slice touches.

It may go by the data set, path, columns and predicates of the slice and by whether findings were
left out, and is called once for each combination of these.
"""
Span = tuple[datetime, datetime]
"""A window as start and end; equal for the same moments, in whatever offset they were written."""


class ReceivedAlert(Value):
    """An alert that was taken in."""

    alert: Alert
    received_at: Time
    """By our clock, from its receipt; never the time the alert claims."""
    trusted: bool
    """Whether it may cause a retraining without a person's approval."""


class Answered(Value):
    """The answer a group of alerts was given."""

    report_id: str
    alert_ids: tuple[AlertId, ...]
    at: Time
    """When the answer was decided; of one that was kept, when it was kept."""
    action: Literal["retrain", "hold"]
    kept: bool
    """Whether the model made by it went into production."""
    stages: tuple[str, ...] = ()
    """Those it answers for: none where nothing was retrained."""
    window: Window | None = None
    """Of the data that was answered."""


def in_order(received: Iterable[ReceivedAlert]) -> list[ReceivedAlert]:
    """Return the alerts in the order they were received, each id once.

    Of an id received twice the trusted alert is kept, else the first one.
    """
    by_id: dict[str, ReceivedAlert] = {}
    for one in received:
        other = by_id.get(one.alert.alert_id)
        by_id[one.alert.alert_id] = one if other is None else min(one, other, key=_preferred)
    return sorted(by_id.values(), key=lambda one: (one.received_at, one.alert.alert_id))


def _preferred(one: ReceivedAlert) -> tuple[bool, datetime, str]:
    return not one.trusted, one.received_at, one.alert.to_json()


def span_of(alert: Alert) -> Span:
    """Return the window an alert counts for: its own, else the UTC day it was emitted on."""
    window = alert.slice.current.window
    if window is not None:
        return window.start, window.end
    day = alert.emitted_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day + timedelta(days=1)


def is_firing(alert: Alert) -> bool:
    """Tell whether an alert fires for a reason.

    With findings of which none is a breach or a warning it is no signal: the check itself failed.
    """
    verdicts = {finding.verdict for finding in alert.findings}
    return alert.status == "firing" and (
        not verdicts or not verdicts.isdisjoint({"breach", "warn"})
    )


class CachedTouches:
    """A `Touches` that calls another one once for each distinct slice."""

    def __init__(self, touches: Touches) -> None:
        self._touches = touches
        self._known: dict[str, frozenset[str]] = {}

    def __call__(self, alert: Alert) -> frozenset[str]:
        """Return the stages the alert touches."""
        current = alert.slice.current
        # As text, because 1, 1.0 and True are equal in Python and not in data.
        key = repr(
            (
                current.dataset,
                current.path,
                alert.slice.columns,
                alert.slice.where,
                alert.findings_truncated > 0,
            )
        )
        if key not in self._known:
            self._known[key] = self._touches(alert)
        return self._known[key]
