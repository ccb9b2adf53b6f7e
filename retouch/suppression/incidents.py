"""Incidents: a signal opens one, it persists, goes quiet, and is over. Flapping is counted here.

A signal is one fingerprint, among trusted alerts or among the others; the two never mix. History
is processed once, in the order in which it was received; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from retouch.alerts.fingerprint import fingerprints, names_no_column, scope_of
from retouch.alerts.model import Alert
from retouch.policy.decide import matches
from retouch.policy.suppression import (
    OTHERWISE,
    FlappingLimits,
    Persistence,
    PersistenceRule,
    Suppression,
)
from retouch.suppression.records import Answered, ReceivedAlert, Span, is_firing, span_of


def persistence_of(alert: Alert, settings: Suppression) -> tuple[str, Persistence]:
    """Return the name of the rule that says how long an alert's signal must last, and the rule."""
    rule: PersistenceRule | None = next(
        (rule for rule in settings.persistence if matches(rule.when, alert)), None
    )
    return (OTHERWISE, settings.otherwise) if rule is None else (rule.name, rule)


@dataclass(eq=False)
class Incident:
    """A run of alerts for one signal, from the first window it fires in until it is over."""

    first: ReceivedAlert
    last_seen_at: datetime
    """When the last alert about one of its windows was received."""
    rule: str = OTHERWISE
    """The name of the persistence rule of its latest alert."""
    persistence: Persistence = field(default_factory=lambda: Suppression().otherwise)
    windows: set[Span] = field(default_factory=set)
    quiet: int = 0
    """How many windows in a row were quiet."""
    opened_at: datetime | None = None
    """When it had lasted long enough to count; None until then."""
    closed_at: datetime | None = None
    answer: Answered | None = None

    def is_forgotten(self, settings: Suppression, now: datetime) -> bool:
        """Tell whether no alert came for too long. One that awaits its answer never is."""
        waits_for_an_answer = self.opened_at is not None and self.answer is None
        return not waits_for_an_answer and self.last_seen_at + settings.forget_after <= now

    def is_over(self, settings: Suppression, now: datetime) -> bool:
        """Tell whether it went quiet or was forgotten."""
        return self.closed_at is not None or self.is_forgotten(settings, now)

    def record_firing_window(
        self, window: Span, rule: str, persistence: Persistence, now: datetime
    ) -> None:
        """Record a window in which it fired."""
        self.windows.add(window)
        self.rule, self.persistence = rule, persistence
        self.last_seen_at, self.quiet = now, 0
        self.open_if_persistent(persistence, now)

    def open_if_persistent(self, persistence: Persistence, now: datetime) -> bool:
        """Open it once it fired in as many windows as required; return whether that opened it."""
        opens = self.opened_at is None and len(self.windows) >= persistence.windows
        if opens:
            self.opened_at = now
        return opens

    def record_quiet_window(self, now: datetime) -> None:
        """Record a quiet window: it ends an incident that is not yet open."""
        self.last_seen_at = now
        self.quiet += 1
        if self.opened_at is None or self.quiet >= self.persistence.keep_firing:
            self.closed_at = now

    def record_answer(self, answer: Answered) -> None:
        """Record an answer. What a person has answered early counts as open."""
        if self.closed_at is None:
            self.answer = answer
            self.opened_at = self.opened_at or answer.at


@dataclass(eq=False)
class Signal:
    """All alerts of one fingerprint."""

    fingerprint: str
    flaps: FlappingDetector
    latest: ReceivedAlert
    """The last alert that fired and repeated nothing."""
    incident: Incident | None = None
    firing_windows: dict[Span, tuple[str, Incident]] = field(default_factory=dict)
    """The first alert that fired in each window, and its incident."""
    quiet_windows: dict[Span, str] = field(default_factory=dict)
    """The first alert that called each window quiet."""


@dataclass(eq=False)
class Part:
    """What one alert says of one signal."""

    signal: Signal
    incident: Incident | None
    """None where it goes quiet and nothing is open."""
    repeats: str | None = None
    """The id of the earlier alert that reported the same for the same window."""
    closes: bool = False
    quiet: int = 0
    """Of a quiet window: how many there are now in a row."""


@dataclass(eq=False)
class Record:
    """An alert, and what it says of each of its signals."""

    received: ReceivedAlert
    parts: list[Part] = field(default_factory=list)
    answer: Answered | None = None
    """The answer that names it."""

    def record_answer(self, answer: Answered) -> None:
        """Record an answer that names it; its incidents are answered, if they are not over."""
        self.answer = answer
        for part in self.parts:
            if part.incident is not None and self.received.alert.status == "firing":
                part.incident.record_answer(answer)


class Ledger:
    """The incidents of all alerts so far, one by one in the order they were received."""

    def __init__(self, settings: Suppression) -> None:
        self.settings = settings
        self.records: dict[str, Record] = {}
        """By alert id, in the order they came."""
        self.signals: dict[tuple[bool, str], Signal] = {}
        """By trust and fingerprint."""
        self._answers: dict[str, Answered] = {}
        self._in_scope: dict[tuple[bool, str], dict[str, None]] = {}
        """The fingerprints that fired, by trust and scope, in the order they came."""

    def take(
        self, received: ReceivedAlert, on_firing: Callable[[Signal], None] = lambda signal: None
    ) -> Record:
        """Take in the next alert; `on_firing` is called with each signal that fires anew."""
        alert = received.alert
        record = Record(received, answer=self._answers.get(alert.alert_id))
        self.records[alert.alert_id] = record
        if not is_firing(alert) and alert.status != "resolved":
            return record
        window = span_of(alert)
        rule, persistence = persistence_of(alert, self.settings)
        if alert.status == "resolved":
            for name in self._resolved_by(received):
                signal = self._signal(name, received)
                record.parts.append(self._goes_quiet(signal, received, window))
            return record
        for name in fingerprints(alert):
            self._in_scope.setdefault((received.trusted, scope_of(alert)), {})[name] = None
            signal = self._signal(name, received)
            part = self._fires(signal, received, window, rule, persistence)
            record.parts.append(part)
            if part.repeats is None:
                on_firing(signal)
        if record.answer is not None:
            record.record_answer(record.answer)
        return record

    def _resolved_by(self, received: ReceivedAlert) -> tuple[str, ...]:
        """Return the signals a resolved alert ends: those it names, or all of a whole slice."""
        named = fingerprints(received.alert)
        if not names_no_column(received.alert):
            return named
        others = self._in_scope.get((received.trusted, scope_of(received.alert)), {})
        return tuple(dict.fromkeys((*named, *others)))

    def answer(self, answer: Answered) -> None:
        """Take in the next answer: it answers the incidents of its alerts as long as they last."""
        for alert_id in answer.alert_ids:
            self._answers[alert_id] = answer
            if alert_id in self.records:
                self.records[alert_id].record_answer(answer)

    def _signal(self, name: str, received: ReceivedAlert) -> Signal:
        key = received.trusted, name
        if key not in self.signals:
            self.signals[key] = Signal(
                name, FlappingDetector(self.settings.flapping), latest=received
            )
        return self.signals[key]

    def _fires(
        self,
        signal: Signal,
        received: ReceivedAlert,
        window: Span,
        rule: str,
        persistence: Persistence,
    ) -> Part:
        now = received.received_at
        if window in signal.firing_windows:
            first, incident = signal.firing_windows[window]
            # The same window again, but severe enough to count without another one.
            over = incident.is_over(self.settings, now)
            if not over and incident.open_if_persistent(persistence, now):
                incident.rule, incident.persistence, signal.latest = rule, persistence, received
                return Part(signal, incident)
            return Part(signal, incident, repeats=first)
        incident = self._current(signal, received)
        incident.record_firing_window(window, rule, persistence, now)
        signal.firing_windows[window] = received.alert.alert_id, incident
        signal.flaps.record(window, firing=True)
        signal.incident, signal.latest = incident, received
        return Part(signal, incident)

    def _current(self, signal: Signal, received: ReceivedAlert) -> Incident:
        """Return the incident a new window belongs to: the one that lasts, or a new one."""
        now, before = received.received_at, signal.incident
        if before is None or before.is_over(self.settings, now):
            return Incident(received, last_seen_at=now)
        if before.answer is not None and before.answer.at + self.settings.repeat_after <= now:
            # It outlasted its answer, so it need not persist again before it opens.
            return Incident(received, last_seen_at=now, opened_at=now)
        return before

    def _goes_quiet(self, signal: Signal, received: ReceivedAlert, window: Span) -> Part:
        now, incident = received.received_at, signal.incident
        if window in signal.quiet_windows:
            return Part(signal, incident, repeats=signal.quiet_windows[window])
        signal.quiet_windows[window] = received.alert.alert_id
        signal.flaps.record(window, firing=False)
        if incident is None or incident.is_over(self.settings, now):
            return Part(signal, None)
        incident.record_quiet_window(now)
        closes = incident.closed_at is not None
        return Part(signal, incident, closes=closes, quiet=incident.quiet)


OLDEST, NEWEST = 0.8, 1.2
"""The weights of the oldest and the newest change; those between rise evenly, so the mean is 1."""


def change_share(firing: Sequence[bool], windows: int) -> float:
    """Return the weighted share of changes in the last `windows` states, from 0 to 1.

    `firing` is oldest first. Windows that have not been seen count as unchanged, so a signal needs
    a history before it can flap.
    """
    last = firing[-windows:]
    possible = windows - 1
    step = (NEWEST - OLDEST) / (possible - 1)
    changes = [a != b for a, b in pairwise(last)]
    weighed = (NEWEST - step * age for age, changed in enumerate(reversed(changes)) if changed)
    return sum(weighed) / possible


class FlappingDetector:
    """The last windows of one signal, and whether it flaps."""

    def __init__(self, limits: FlappingLimits) -> None:
        self._limits = limits
        self._firing: dict[Span, bool] = {}
        self.share = 0.0
        """The weighted share of changes, from 0 to 1."""
        self.flapping = False

    def record(self, window: Span, firing: bool) -> None:
        """Record the latest state of a window."""
        if window not in self._firing and len(self._firing) == self._limits.windows:
            del self._firing[next(iter(self._firing))]
        self._firing[window] = firing
        self.share = change_share(list(self._firing.values()), self._limits.windows)
        if self.flapping:
            self.flapping = self.share >= self._limits.below
        else:
            self.flapping = self.share > self._limits.above
