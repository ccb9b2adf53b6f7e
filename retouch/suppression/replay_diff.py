"""The result of a replay, and how two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from retouch.alerts.model import AlertId, Kind
from retouch.alerts.moments import Time
from retouch.alerts.receipt import State
from retouch.documents import Document, Value

Fate = Literal["retrain", "hold", "suppressed", "waiting"]
"""`waiting`: the alert's group was not due yet when the replay ended."""


class ReplayedPlan(Value):
    """A group that would have been planned."""

    report_id: AlertId
    key: str
    """`model/dataset`."""
    at: Time
    alert_ids: tuple[AlertId, ...]
    action: Literal["retrain", "hold"]
    rule: str | None
    """The rule of the policy that decided; None when no rule matched."""
    message: str
    """Why, or what a person is asked to do."""
    ladder: tuple[str, ...]
    stages: tuple[str, ...]
    """Those its alerts touch, sorted."""
    cpu_seconds: float | None
    """At most, of the first tier; None: held, or not known."""


class Disposition(Value):
    """What would have been done about one alert."""

    fate: Fate
    state: State
    """`acts` when it was planned; else what held it back, or its final state."""
    rule: str | None
    """The rule of the policy that decided, or the rule of suppression."""
    tier: str | None = None
    """The first of the ladder."""
    message: str
    report_id: AlertId | None = None
    """The plan that would have answered it."""


class ReplayEntry(Value):
    """One alert, and its disposition."""

    alert_id: AlertId
    key: str
    kind: Kind
    received_at: Time
    disposition: Disposition


class Replay(Document):
    """All plans in the order they were made, and all alerts in the order they came."""

    plans: tuple[ReplayedPlan, ...]
    alerts: tuple[ReplayEntry, ...]


class Totals(Value):
    """A replay in numbers."""

    retrains: int
    """Plans that would have acted."""
    holds: int
    """Plans that would have been held for review."""
    acted: int
    """Alerts in plans that would have acted."""
    held: int
    suppressed: int
    waiting: int
    cpu_seconds: float
    """At most, of the first tier of all plans whose cost is known."""
    unknown_costs: int
    """Plans that would have acted and whose cost is not known; it is not in the sum."""


class Change(Value):
    """An alert whose disposition would have differed."""

    alert_id: AlertId
    key: str
    kind: Kind
    received_at: Time
    before: Disposition
    after: Disposition


class Difference(Document):
    """What another policy, or other silences, would have made of the same alerts."""

    schema_version: Literal["1.0"] = "1.0"
    since: Time | None
    alerts: int
    """How many were decided again."""
    before: Totals
    after: Totals
    changes: tuple[Change, ...]
    """In the order the alerts came; an alert is left out that fared the same."""


def difference(before: Replay, after: Replay, since: Time | None = None) -> Difference:
    """Compare two replays of the same alerts.

    An alert fares the same when its fate, its rule and the first tier are the same, even if it is
    planned at another time or in other company. Raises ValueError for replays of other alerts.
    """
    if [one.alert_id for one in before.alerts] != [one.alert_id for one in after.alerts]:
        raise ValueError("these are replays of different alerts")
    return Difference(
        since=since,
        alerts=len(before.alerts),
        before=totals(before),
        after=totals(after),
        changes=tuple(
            Change(
                alert_id=old.alert_id,
                key=old.key,
                kind=old.kind,
                received_at=old.received_at,
                before=old.disposition,
                after=new.disposition,
            )
            for old, new in zip(before.alerts, after.alerts, strict=True)
            if _fares(old.disposition) != _fares(new.disposition)
        ),
    )


def totals(replay: Replay) -> Totals:
    """Return a replay in numbers."""
    retrains = [plan for plan in replay.plans if plan.action == "retrain"]
    known = [plan.cpu_seconds for plan in retrains if plan.cpu_seconds is not None]
    return Totals(
        retrains=len(retrains),
        holds=len(replay.plans) - len(retrains),
        acted=_count(replay.alerts, "retrain"),
        held=_count(replay.alerts, "hold"),
        suppressed=_count(replay.alerts, "suppressed"),
        waiting=_count(replay.alerts, "waiting"),
        cpu_seconds=round(sum(known), 2),
        unknown_costs=len(retrains) - len(known),
    )


def _count(alerts: Sequence[ReplayEntry], fate: Fate) -> int:
    return sum(one.disposition.fate == fate for one in alerts)


def _fares(one: Disposition) -> tuple[Fate, State, str | None, str | None]:
    return one.fate, one.state, one.rule, one.tier
