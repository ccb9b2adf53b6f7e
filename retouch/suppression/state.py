"""The state of every alert at a moment, and the groups to be planned now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from retouch.alerts.fingerprint import group_key
from retouch.alerts.model import AlertId, Kind
from retouch.alerts.moments import Time
from retouch.alerts.receipt import AlertState
from retouch.documents import Value
from retouch.policy.silences import Silence
from retouch.policy.suppression import Suppression, duration_text
from retouch.suppression.history import History, history_until
from retouch.suppression.incidents import Record
from retouch.suppression.reasons import Reasons
from retouch.suppression.records import Answered, ReceivedAlert, Touches

ACTS = AlertState(state="acts", message="It is to be planned now, with its group.")


class Group(Value):
    """Alerts about one model and data set that are planned together."""

    key: str
    """`model/dataset`."""
    trusted: bool
    """Whether it may cause a retraining without a person's approval."""
    alert_ids: tuple[AlertId, ...]
    """Sorted, so the first is the oldest."""


class AlertWithState(Value):
    """The state of one alert."""

    alert_id: AlertId
    standing: AlertState
    also: tuple[AlertState, ...] = ()
    """What else would hold it back, in the order of the rules."""


class OpenIncident(Value):
    """An incident that is not over."""

    fingerprint: str
    key: str
    """`model/dataset`."""
    trusted: bool
    kind: Kind
    first: AlertId
    latest: AlertId
    windows: int
    """In how many distinct windows it was seen."""
    needs: int
    """In how many it must be seen to count."""
    quiet: int
    """How many quiet windows it had since it was last seen."""
    closes_after: int
    """How many close it."""
    opened_at: Time | None
    """None: it is still counting."""
    answered_by: str | None
    """The report that answers it."""
    flapping: bool
    flapping_share: float
    """Of the changes there could be in its last windows, the weighted share there was."""


class Outcome(Value):
    """The result of suppression at a moment: the state of all alerts, and the groups to plan."""

    now: Time
    alerts: tuple[AlertWithState, ...]
    """Every alert received by then, once, in the order they were received."""
    groups: tuple[Group, ...]
    """Those to plan now: one for each key and trust at most, sorted."""
    incidents: tuple[OpenIncident, ...]
    """Those not over, by key and first alert."""
    next_due: Time | None = None
    """When the next group has waited long enough; None when none waits."""

    def state_of(self, alert_id: str) -> AlertState | None:
        """Return the state of an alert; None for one that had not been received."""
        found = (one.standing for one in self.alerts if one.alert_id == alert_id)
        return next(found, None)


def alert_states(
    received: Sequence[ReceivedAlert],
    answers: Sequence[Answered],
    silences: Sequence[Silence],
    settings: Suppression,
    touches: Touches,
    now: datetime,
    production: str | None = None,
) -> Outcome:
    """Return the state of every alert received up to `now`, whatever order they are given in.

    `production` is the version of the model in production; None: not known. What is dated after
    `now` is left out, so with a time of the past the outcome is what it was then.
    """
    history = history_until(now, received, answers, settings, touches)
    reasons = Reasons(history, silences, production)
    why_not = {name: reasons.of(record, now) for name, record in history.ledger.records.items()}
    acting = [history.ledger.records[name] for name, why in why_not.items() if not why]
    due = due_times(acting, reasons, settings, now)
    return Outcome(
        now=now,
        alerts=tuple(
            AlertWithState(
                alert_id=name,
                standing=why[0] if why else _acts_at(due[group_of(record)], settings, now),
                also=why[1:],
            )
            for (name, why), record in zip(
                why_not.items(), history.ledger.records.values(), strict=True
            )
        ),
        groups=groups_due(acting, due, now),
        incidents=tuple(_open_incidents(history, now)),
        next_due=min((moment for moment in due.values() if moment > now), default=None),
    )


GroupName = tuple[str, bool]
"""The key of a group, and whether it is trusted."""


def due_times(
    acting: Sequence[Record], reasons: Reasons, settings: Suppression, now: datetime
) -> dict[GroupName, datetime]:
    """Return when each group is to be planned: `group_wait` after its first alert could act."""
    ready: dict[GroupName, datetime] = {}
    for record in acting:
        name, moment = group_of(record), reasons.ready_at(record, now)
        ready[name] = min(moment, ready.get(name, moment))
    return {name: moment + settings.group_wait for name, moment in ready.items()}


def groups_due(
    acting: Sequence[Record], due: dict[GroupName, datetime], now: datetime
) -> tuple[Group, ...]:
    """Return the groups whose time has come, sorted, trusted before untrusted."""
    members: dict[GroupName, list[str]] = {}
    for record in acting:
        name = group_of(record)
        if due[name] <= now:
            members.setdefault(name, []).append(record.received.alert.alert_id)
    return tuple(
        Group(key=key, trusted=trusted, alert_ids=tuple(sorted(members[key, trusted])))
        for key, trusted in sorted(members, key=group_order)
    )


def group_of(record: Record) -> GroupName:
    """Return the name of the group an alert belongs to."""
    return group_key(record.received.alert), record.received.trusted


def group_order(name: GroupName) -> tuple[str, bool]:
    """Sort groups by key, trusted before untrusted."""
    key, trusted = name
    return key, not trusted


def _acts_at(due: datetime, settings: Suppression, now: datetime) -> AlertState:
    if due <= now:
        return ACTS
    wait = duration_text(settings.group_wait)
    message = f"Its group is planned {wait} after its first alert could act."
    return AlertState(state="waiting", rule="group_wait", message=message, until=due)


def _open_incidents(history: History, now: datetime) -> list[OpenIncident]:
    found = []
    for (trusted, name), signal in history.ledger.signals.items():
        incident = signal.incident
        if incident is None or incident.is_over(history.settings, now):
            continue
        first = incident.first.alert
        found.append(
            OpenIncident(
                fingerprint=name,
                key=group_key(first),
                trusted=trusted,
                kind=first.kind,
                first=first.alert_id,
                latest=signal.latest.alert.alert_id,
                windows=len(incident.windows),
                needs=incident.persistence.windows,
                quiet=incident.quiet,
                closes_after=incident.persistence.keep_firing,
                opened_at=incident.opened_at,
                answered_by=incident.answer.report_id if incident.answer else None,
                flapping=signal.flaps.flapping,
                flapping_share=round(signal.flaps.share, 4),
            )
        )
    return sorted(found, key=lambda one: (one.key, not one.trusted, one.first, one.fingerprint))
