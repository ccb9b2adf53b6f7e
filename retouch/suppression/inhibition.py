"""Inhibition: an open incident of one kind inhibits alerts of another: broken data, drift.

Only trusted alerts inhibit. A signal inhibits from the moment its incident opens until that is
over, its latest alert expires, no alert of it was received for too long, or an answer was kept
after its latest alert: then it was dealt with. A silenced signal still inhibits, because what is
known to be broken is still broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from retouch.alerts.model import Alert
from retouch.documents import digest_of
from retouch.policy.decide import matches
from retouch.policy.suppression import Inhibition, Suppression
from retouch.suppression.incidents import Signal

Bucket = tuple[int, tuple[str, ...]]
"""A rule by its place, and the values of the fields that must be equal."""


class Inhibitor:
    """The signals that may inhibit others, by rule and by the fields that must be equal."""

    def __init__(self, settings: Suppression) -> None:
        self._settings = settings
        self._sources: dict[Bucket, dict[Signal, None]] = {}
        self.lost = 0
        """How often a signal that might inhibit fired in a way that no longer does."""

    def record_firing(self, signal: Signal) -> None:
        """Take in that a trusted signal fired anew."""
        alert = signal.latest.alert
        for bucket in self.buckets_of(alert):
            found = self._sources.setdefault(bucket, {})
            was_there = signal in found
            found.pop(signal, None)
            if matches(self._settings.inhibit[bucket[0]].when, alert):
                found[signal] = None
            elif was_there:
                self.lost += 1

    def buckets_of(self, alert: Alert) -> list[Bucket]:
        """Return, for each rule, the bucket of an alert, as its source or its target."""
        return [(i, _shared(rule, alert)) for i, rule in enumerate(self._settings.inhibit)]

    def source(self, bucket: Bucket, now: datetime) -> Signal | None:
        """Return a signal that inhibits the alerts of a bucket."""
        found = self._sources.get(bucket, {})
        for signal in list(found):
            if self._is_over(signal, now):
                del found[signal]  # for good, unless it fires again
            elif _counts(signal) and not any(
                self._inhibited_by(signal.latest.alert, now, rules=bucket[0])
            ):
                return signal
        return None

    def inhibited_by(self, alert: Alert, now: datetime) -> Iterator[tuple[Inhibition, Signal]]:
        """Yield each rule that inhibits an alert, with one signal that is the source."""
        return self._inhibited_by(alert, now, len(self._settings.inhibit))

    def until(self, signal: Signal) -> datetime:
        """Return when a signal stops inhibiting unless another alert of it is received."""
        until = signal.latest.received_at + self._settings.forget_after
        expires_at = signal.latest.alert.expires_at
        return until if expires_at is None else min(until, expires_at)

    def _inhibited_by(
        self, alert: Alert, now: datetime, rules: int
    ) -> Iterator[tuple[Inhibition, Signal]]:
        for number, rule in enumerate(self._settings.inhibit[:rules]):
            # A source of a rule is never its target: no signal inhibits itself or its own kind.
            if not matches(rule.mutes, alert) or matches(rule.when, alert):
                continue
            signal = self.source((number, _shared(rule, alert)), now)
            if signal is not None:
                yield rule, signal

    def _is_over(self, signal: Signal, now: datetime) -> bool:
        incident = signal.incident
        if incident is None or incident.closed_at is not None or self.until(signal) <= now:
            return True
        answer = incident.answer
        return answer is not None and answer.kept and signal.latest.received_at <= answer.at


def _counts(signal: Signal) -> bool:
    return signal.incident is not None and signal.incident.opened_at is not None


def _shared(rule: Inhibition, alert: Alert) -> tuple[str, ...]:
    """Return what must be equal for the rule to inhibit, as text."""
    values = {
        "model": alert.model,
        "dataset": alert.slice.current.dataset,
        "monitor": alert.monitor.id,
    }
    if "where" in rule.equal:
        predicates = [predicate.model_dump(mode="json") for predicate in alert.slice.where]
        values["where"] = " ".join(sorted(map(digest_of, predicates)))
    return tuple(values[name] for name in rule.equal)
