"""All that is known at a moment: incidents, what they inhibit, and which stages are in cooldown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from retouch.alerts.model import Alert
from retouch.policy.suppression import Suppression
from retouch.suppression.incidents import Ledger, Record
from retouch.suppression.inhibition import Inhibitor
from retouch.suppression.records import Answered, CachedTouches, ReceivedAlert, Touches, in_order


class History:
    """The past, taken in event by event in the order it happened."""

    def __init__(self, settings: Suppression, touches: Touches) -> None:
        self.settings = settings
        self.ledger = Ledger(settings)
        self.inhibitor = Inhibitor(settings)
        self.touches = CachedTouches(touches)
        self.retrained = Retrained(self.touches, settings.cooldown)

    def take(self, received: ReceivedAlert) -> Record:
        """Take in the next alert."""
        if received.trusted:
            return self.ledger.take(received, self.inhibitor.record_firing)
        return self.ledger.take(received)

    def answer(self, answer: Answered) -> None:
        """Take in the next answer."""
        self.ledger.answer(answer)
        self.retrained.take(answer)


def history_until(
    now: datetime,
    received: Sequence[ReceivedAlert],
    answers: Sequence[Answered],
    settings: Suppression,
    touches: Touches,
) -> History:
    """Return the history up to and including `now`; later events are left out."""
    history = History(settings, touches)
    waiting = sorted(
        (answer for answer in answers if answer.at <= now),
        key=lambda answer: (answer.at, answer.report_id),
        reverse=True,
    )
    for one in in_order(received):
        if one.received_at > now:
            break
        while waiting and waiting[-1].at <= one.received_at:
            history.answer(waiting.pop())
        history.take(one)
    for answer in reversed(waiting):
        history.answer(answer)
    return history


_HASH = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{12,32}")
"""A hash as `retouch status` shows it, or more of it; never a date or a number."""


class Retrained:
    """When each stage was last retrained for good, and on the data of which window."""

    def __init__(self, touches: Touches, cooldown: timedelta) -> None:
        self._touches = touches
        self._cooldown = cooldown
        self._kept_at: dict[str, datetime] = {}
        self._answered_from: dict[str, datetime] = {}

    def take(self, answer: Answered) -> None:
        """Take in an answer; only a retrain that was kept changes anything."""
        if not answer.kept or answer.action != "retrain":
            return
        for stage in answer.stages:
            self._kept_at[stage] = max(answer.at, self._kept_at.get(stage, answer.at))
            if answer.window is not None:
                start = answer.window.start
                self._answered_from[stage] = max(start, self._answered_from.get(stage, start))

    def all_kept_at(self, alert: Alert) -> datetime | None:
        """Return since when every stage the alert touches is retrained; None: one never was."""
        return self._earliest(alert, self._kept_at)

    def cooling_until(self, alert: Alert) -> datetime | None:
        """Return when the first of the stages an alert touches may be retrained again, if known."""
        kept_at = self.all_kept_at(alert)
        return None if kept_at is None else kept_at + self._cooldown

    def why_stale(self, alert: Alert, production: str | None) -> str | None:
        """Return, as a sentence, why an alert speaks of a model or data of the past, if it does.

        `production` is the hash of the model in production; None: not known.
        """
        if production is not None and _is_another(alert.model_version or "", production):
            return f"It judged version {alert.model_version}; {production} is in production."
        kept_at = self.all_kept_at(alert)
        if kept_at is not None and alert.emitted_at < kept_at:
            return "All stages it touches were retrained after it was emitted."
        reference = alert.slice.reference.window if alert.slice.reference is not None else None
        answered_from = self._earliest(alert, self._answered_from)
        if reference and answered_from is not None and reference.end <= answered_from:
            return (
                "Its reference is older than the data for which all stages it touches were"
                " retrained; give the monitor a new reference."
            )
        return None

    def _earliest(self, alert: Alert, moments: dict[str, datetime]) -> datetime | None:
        """Return the earliest moment of the stages an alert touches; None if one has none."""
        if not moments:
            return None
        touched = self._touches(alert)
        if not touched or not touched <= moments.keys():
            return None
        return min(moments[stage] for stage in touched)


def _is_another(version: str, production: str) -> bool:
    """Tell whether a version is surely not the one in production: only a hash can tell."""
    named = version.removeprefix("md5:").removesuffix(".dir")
    return _HASH.fullmatch(named) is not None and not production.startswith(named)
