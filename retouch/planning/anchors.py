"""The days a tier may speak of: the alerts' window, the data's clock, the gate's hold-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from retouch.alerts.model import Alert
from retouch.documents import Value
from retouch.policy.model import Anchor


class Clock(Value):
    """Where the data ends, and how much of its end the gate keeps for itself."""

    data_until: date | None
    """First day that has not arrived; None when the pipeline declares no clock."""
    holdout_days: int
    """Whole days before `data_until` that no candidate may learn from."""


def anchors_of(alerts: Sequence[Alert], clock: Clock) -> Mapping[Anchor, date | None]:
    """Return each anchor's day, None where it is not given.

    The window is the smallest that holds all the alerts' windows. Its days are those of the UTC
    offset each alert was written in, since a monitor reports its own calendar.
    """
    windows = [a.slice.current.window.days for a in alerts if a.slice.current.window is not None]
    until = clock.data_until
    return {
        "window.start": min((first for first, _ in windows), default=None),
        "window.end": max((after for _, after in windows), default=None),
        "data.until": until,
        "holdout.from": until - timedelta(days=clock.holdout_days) if until else None,
        "holdout.until": until,
    }
