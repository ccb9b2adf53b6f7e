"""Why an alert is not to be planned: every rule that holds it back, the first one first.

The order is that of `docs/suppression.md`: what an alert is, what was done about it, then what
holds it back for now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from retouch.alerts.receipt import AlertState
from retouch.policy.silences import Silence, silence_of
from retouch.suppression.history import History
from retouch.suppression.incidents import Incident, Part, Record
from retouch.suppression.records import Answered, is_firing


class Reasons:
    """Finds the reasons, given the past, the silences and what is in production."""

    def __init__(
        self, history: History, silences: Sequence[Silence], production: str | None
    ) -> None:
        self._history = history
        self._settings = history.settings
        self._silences = silences
        self._production = production

    def of(self, record: Record, now: datetime) -> tuple[AlertState, ...]:
        """Return all reasons as of `now`, the one that decides first; none: it may act."""
        done = self._final_state(record) or self._handled_state(record, now)
        if done is not None:
            return (done,)
        return (*self._blocking_states(record, now), *self._waiting_states(record, now))

    def ready_at(self, record: Record, now: datetime) -> datetime:
        """Return when an alert that may act at `now` could first have acted."""
        opened = [
            part.incident.opened_at
            for part in record.parts
            if part.incident and part.incident.opened_at and self._is_active(part, now)
        ]
        return max(record.received.received_at, min(opened))

    def _final_state(self, record: Record) -> AlertState | None:
        alert = record.received.alert
        if alert.status == "resolved":
            return _resolved(record)
        if not is_firing(alert):
            failed = alert.status == "firing"
            what = "Its checks failed to run" if failed else "Its monitor had no data"
            return AlertState(
                state="no_data", rule="no_data", message=f"{what}; a person has to look at it."
            )
        return None

    def _handled_state(self, record: Record, now: datetime) -> AlertState | None:
        if record.answer is not None:
            message = f"It was answered in reports/{record.answer.report_id}."
            return AlertState(state="answered", rule="answered", message=message)
        news = [part for part in record.parts if part.repeats is None]
        if not news:
            first = record.parts[0].repeats
            message = f"It repeats {first}: the same signals in the same window."
            return AlertState(state="duplicate", rule="duplicate", message=message, of=first)
        if any(self._is_active(part, now) for part in news):
            return None
        for part in news:
            if part.incident is not None and part.incident.answer is not None:
                return self._answered(part.incident, part.incident.answer)
        return self._over([part.incident for part in news if part.incident])

    def _is_active(self, part: Part, now: datetime) -> bool:
        """Tell whether a part of an alert may still lead to a plan."""
        incident = part.incident
        return (
            part.repeats is None
            and incident is not None
            and incident.answer is None
            and not incident.is_over(self._settings, now)
        )

    def _blocking_states(self, record: Record, now: datetime) -> Iterator[AlertState]:
        alert = record.received.alert
        if alert.expires_at is not None and alert.expires_at <= now:
            message = f"It expired at {_shown(alert.expires_at)}."
            yield AlertState(state="expired", rule="expires_at", message=message)
        stale = self._history.retrained.why_stale(alert, self._production)
        if stale is not None:
            yield AlertState(state="stale", rule="stale", message=stale)
        silence = silence_of(alert, self._silences, now)
        if silence is not None:
            message = f"{silence.author} silenced it until {_shown(silence.ends)}: {silence.why}"
            yield AlertState(
                state="silenced", rule=silence.name, message=message, until=silence.ends
            )
        for rule, signal in self._history.inhibitor.inhibited_by(alert, now):
            source = signal.latest.alert
            yield AlertState(
                state="inhibited",
                rule=rule.name,
                message=f"{source.alert_id} ({source.kind}) is open and inhibits it: {rule.why}",
                of=source.alert_id,
                until=self._history.inhibitor.until(signal),
            )

    def _waiting_states(self, record: Record, now: datetime) -> Iterator[AlertState]:
        active = [part for part in record.parts if self._is_active(part, now)]
        if not any(p.incident and p.incident.opened_at and not _flaps(p) for p in active):
            flapping = [part for part in active if _flaps(part)]
            if flapping:
                yield self._flapping_state(max(part.signal.flaps.share for part in flapping))
            counting = [p.incident for p in active if p.incident and p.incident.opened_at is None]
            if counting:
                yield _pending(counting)
        until = self._history.retrained.cooling_until(record.received.alert)
        if until is not None and until > now:
            message = (
                f"All stages it touches were retrained; they are in cooldown until {_shown(until)}."
            )
            yield AlertState(state="cooldown", rule="cooldown", message=message, until=until)

    def _answered(self, incident: Incident, answer: Answered) -> AlertState:
        until = answer.at + self._settings.repeat_after
        message = (
            f"Its incident was answered in reports/{answer.report_id}; it repeats that"
            f" incident, and there is no new plan before {_shown(until)}."
        )
        first = incident.first.alert.alert_id
        return AlertState(
            state="answered", rule="repeat_after", message=message, of=first, until=until
        )

    def _over(self, incidents: Sequence[Incident]) -> AlertState:
        incident = incidents[0]
        if incident.closed_at is not None:
            message = f"It went quiet at {_shown(incident.closed_at)}, before it was answered."
            return AlertState(state="resolved", rule="resolved", message=message)
        forgotten_at = incident.last_seen_at + self._settings.forget_after
        message = f"It was {_count(incident)}, and not seen again by {_shown(forgotten_at)}."
        return AlertState(state="expired", rule="forget_after", message=message)

    def _flapping_state(self, share: float) -> AlertState:
        limits = self._settings.flapping
        message = (
            f"It changed in {share:.0%} of its last {limits.windows} windows (above"
            f" {limits.above:.0%}): a person has to decide whether it is real."
        )
        return AlertState(state="flapping", rule="flapping", message=message)


def _resolved(record: Record) -> AlertState:
    news = [part for part in record.parts if part.repeats is None]
    if not news:
        first = record.parts[0].repeats
        message = f"It repeats {first}: the same signals in the same window."
        return AlertState(state="duplicate", rule="duplicate", message=message, of=first)
    closing = next((part for part in news if part.incident is not None), None)
    if closing is None or closing.incident is None:
        return AlertState(state="resolved", rule="resolved", message="Nothing was open.")
    first = closing.incident.first.alert.alert_id
    if closing.closes:
        message = f"It ends the incident of {first}; what was done about it is kept."
    else:
        needed = closing.incident.persistence.keep_firing
        message = f"{closing.quiet} of {needed} quiet windows for {first}."
    return AlertState(state="resolved", rule="resolved", message=message, of=first)


def _pending(counting: Sequence[Incident]) -> AlertState:
    nearest = min(
        counting, key=lambda incident: incident.persistence.windows - len(incident.windows)
    )
    message = f"It was {_count(nearest)}."
    return AlertState(state="pending", rule=nearest.rule, message=message)


def _count(incident: Incident) -> str:
    return f"seen in {len(incident.windows)} of {incident.persistence.windows} windows"


def _flaps(part: Part) -> bool:
    return part.signal.flaps.flapping


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
