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
        done = self._what_it_is(record) or self._what_was_done(record, now)
        if done is not None:
            return (done,)
        return (*self._what_forbids(record, now), *self._what_is_to_wait_for(record, now))

    def ready_at(self, record: Record, now: datetime) -> datetime:
        """Return when an alert that may act at `now` could first have acted."""
        opened = [
            part.incident.opened_at
            for part in record.parts
            if part.incident and part.incident.opened_at and self._lives(part, now)
        ]
        return max(record.taken.received_at, min(opened))

    def _what_it_is(self, record: Record) -> AlertState | None:
        alert = record.taken.alert
        if alert.status == "resolved":
            return _says_resolved(record)
        if not is_firing(alert):
            failed = alert.status == "firing"
            what = "Its checks failed to run" if failed else "Its monitor had no data"
            return AlertState(
                state="no_data", rule="no_data", message=f"{what}; a person has to look at it."
            )
        return None

    def _what_was_done(self, record: Record, now: datetime) -> AlertState | None:
        if record.answer is not None:
            message = f"It was answered in reports/{record.answer.report_id}."
            return AlertState(state="answered", rule="answered", message=message)
        news = [part for part in record.parts if part.repeats is None]
        if not news:
            first = record.parts[0].repeats
            message = f"It repeats {first}: the same signals in the same window."
            return AlertState(state="duplicate", rule="duplicate", message=message, of=first)
        if any(self._lives(part, now) for part in news):
            return None
        for part in news:
            if part.incident is not None and part.incident.answer is not None:
                return self._says_answered(part.incident, part.incident.answer)
        return self._says_over([part.incident for part in news if part.incident])

    def _lives(self, part: Part, now: datetime) -> bool:
        """Tell whether a part of an alert may still lead to a plan."""
        incident = part.incident
        return (
            part.repeats is None
            and incident is not None
            and incident.answer is None
            and not incident.is_over(self._settings, now)
        )

    def _what_forbids(self, record: Record, now: datetime) -> Iterator[AlertState]:
        alert = record.taken.alert
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

    def _what_is_to_wait_for(self, record: Record, now: datetime) -> Iterator[AlertState]:
        living = [part for part in record.parts if self._lives(part, now)]
        if not any(p.incident and p.incident.opened_at and not _flaps(p) for p in living):
            flapping = [part for part in living if _flaps(part)]
            if flapping:
                yield self._says_flapping(max(part.signal.flaps.share for part in flapping))
            counting = [p.incident for p in living if p.incident and p.incident.opened_at is None]
            if counting:
                yield _says_pending(counting)
        until = self._history.retrained.cooling_until(record.taken.alert)
        if until is not None and until > now:
            message = (
                f"All stages it touches were retrained; they are in cooldown until {_shown(until)}."
            )
            yield AlertState(state="cooldown", rule="cooldown", message=message, until=until)

    def _says_answered(self, incident: Incident, answer: Answered) -> AlertState:
        until = answer.at + self._settings.repeat_after
        message = (
            f"Its incident was answered in reports/{answer.report_id}; it repeats that"
            f" incident, and there is no new plan before {_shown(until)}."
        )
        first = incident.first.alert.alert_id
        return AlertState(
            state="answered", rule="repeat_after", message=message, of=first, until=until
        )

    def _says_over(self, incidents: Sequence[Incident]) -> AlertState:
        incident = incidents[0]
        if incident.closed_at is not None:
            message = f"It went quiet at {_shown(incident.closed_at)}, before it was answered."
            return AlertState(state="resolved", rule="resolved", message=message)
        forgotten_at = incident.heard_at + self._settings.forget_after
        message = f"It was {_count(incident)}, and not seen again by {_shown(forgotten_at)}."
        return AlertState(state="expired", rule="forget_after", message=message)

    def _says_flapping(self, share: float) -> AlertState:
        limits = self._settings.flapping
        message = (
            f"It changed in {share:.0%} of its last {limits.windows} windows (above"
            f" {limits.above:.0%}): a person has to decide whether it is real."
        )
        return AlertState(state="flapping", rule="flapping", message=message)


def _says_resolved(record: Record) -> AlertState:
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
        message = (
            f"{closing.quiet} of {closing.incident.asked.keep_firing} quiet windows for {first}."
        )
    return AlertState(state="resolved", rule="resolved", message=message, of=first)


def _says_pending(counting: Sequence[Incident]) -> AlertState:
    nearest = min(counting, key=lambda incident: incident.asked.windows - len(incident.windows))
    message = f"It was {_count(nearest)}."
    return AlertState(state="pending", rule=nearest.rule, message=message)


def _count(incident: Incident) -> str:
    return f"seen in {len(incident.windows)} of {incident.asked.windows} windows"


def _flaps(part: Part) -> bool:
    return part.signal.flaps.flapping


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
