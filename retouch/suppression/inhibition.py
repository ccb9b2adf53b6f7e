"""Inhibition: an open trouble of one kind mutes alerts of another. Broken data mutes drift.

Only trusted alerts mute. A trouble mutes from the moment its incident opens until that is over,
its latest alert expires, nothing was heard of it for too long, or its latest alert was received
before an answer to it was kept: then it was dealt with. A silence does not keep it from muting,
because what is known to be broken is still broken.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from retouch.alerts.model import Alert
from retouch.documents import digest_of
from retouch.policy.decide import matches
from retouch.policy.suppression import Inhibition, Suppression
from retouch.suppression.incidents import Trouble

Bucket = tuple[int, tuple[str, ...]]
"""A rule by its place, and the values of the fields that must be equal."""


class Muting:
    """The troubles that may mute, found by rule and by the fields that must be equal."""

    def __init__(self, settings: Suppression) -> None:
        self._settings = settings
        self._sources: dict[Bucket, dict[Trouble, None]] = {}
        self.lost = 0
        """How often a trouble that might mute fired in a way that mutes no longer."""

    def fired(self, trouble: Trouble) -> None:
        """Take in that a trusted trouble fired anew."""
        alert = trouble.latest.alert
        for bucket in self.buckets_of(alert):
            found = self._sources.setdefault(bucket, {})
            was_there = trouble in found
            found.pop(trouble, None)
            if matches(self._settings.inhibit[bucket[0]].when, alert):
                found[trouble] = None
            elif was_there:
                self.lost += 1

    def buckets_of(self, alert: Alert) -> list[Bucket]:
        """Return, for each rule, where an alert mutes or is muted, should the rule speak of it."""
        return [(i, _shared(rule, alert)) for i, rule in enumerate(self._settings.inhibit)]

    def source(self, bucket: Bucket, now: datetime) -> Trouble | None:
        """Return a trouble that mutes what is in a bucket."""
        found = self._sources.get(bucket, {})
        for trouble in list(found):
            if self._is_over(trouble, now):
                del found[trouble]  # for good, unless it fires again
            elif _counts(trouble) and not any(
                self._muted_by(trouble.latest.alert, now, rules=bucket[0])
            ):
                return trouble
        return None

    def muted_by(self, alert: Alert, now: datetime) -> Iterator[tuple[Inhibition, Trouble]]:
        """Yield each rule that mutes an alert, with one trouble that makes it so."""
        return self._muted_by(alert, now, len(self._settings.inhibit))

    def until(self, trouble: Trouble) -> datetime:
        """Return when a trouble mutes no longer unless it is heard of again."""
        until = trouble.latest.received_at + self._settings.forget_after
        expires_at = trouble.latest.alert.expires_at
        return until if expires_at is None else min(until, expires_at)

    def _muted_by(
        self, alert: Alert, now: datetime, rules: int
    ) -> Iterator[tuple[Inhibition, Trouble]]:
        for number, rule in enumerate(self._settings.inhibit[:rules]):
            # What could mute by a rule is not muted by it: nothing mutes itself or its own kind.
            if not matches(rule.mutes, alert) or matches(rule.when, alert):
                continue
            trouble = self.source((number, _shared(rule, alert)), now)
            if trouble is not None:
                yield rule, trouble

    def _is_over(self, trouble: Trouble, now: datetime) -> bool:
        incident = trouble.incident
        if incident is None or incident.closed_at is not None or self.until(trouble) <= now:
            return True
        answer = incident.answer
        return answer is not None and answer.kept and trouble.latest.received_at <= answer.at


def _counts(trouble: Trouble) -> bool:
    return trouble.incident is not None and trouble.incident.opened_at is not None


def _shared(rule: Inhibition, alert: Alert) -> tuple[str, ...]:
    """Return what must be equal for the rule to mute, as text."""
    values = {
        "model": alert.model,
        "dataset": alert.slice.current.dataset,
        "monitor": alert.monitor.id,
    }
    if "where" in rule.equal:
        said = [predicate.model_dump(mode="json") for predicate in alert.slice.where]
        values["where"] = " ".join(sorted(map(digest_of, said)))
    return tuple(values[name] for name in rule.equal)
