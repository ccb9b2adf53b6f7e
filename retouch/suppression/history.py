"""All that is known at a moment: incidents, what they mute, and what was retrained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from retouch.policy.suppression import Suppression
from retouch.suppression.cooldown import Retrained
from retouch.suppression.incidents import Ledger, Record
from retouch.suppression.inhibition import Muting
from retouch.suppression.records import Answered, AskedOnce, ReceivedAlert, Touches, in_order


class History:
    """The past, taken in event by event in the order it happened."""

    def __init__(self, settings: Suppression, touches: Touches) -> None:
        self.settings = settings
        self.ledger = Ledger(settings)
        self.muting = Muting(settings)
        self.touches = AskedOnce(touches)
        self.retrained = Retrained(self.touches, settings.cooldown)

    def take(self, taken: ReceivedAlert) -> Record:
        """Take in the next alert."""
        if taken.trusted:
            return self.ledger.take(taken, self.muting.fired)
        return self.ledger.take(taken)

    def answer(self, answer: Answered) -> None:
        """Take in the next answer."""
        self.ledger.answer(answer)
        self.retrained.take(answer)


def history_until(
    now: datetime,
    taken: Sequence[ReceivedAlert],
    answers: Sequence[Answered],
    settings: Suppression,
    touches: Touches,
) -> History:
    """Return the past up to and with `now`; what came later is left out."""
    history = History(settings, touches)
    waiting = sorted(
        (answer for answer in answers if answer.at <= now),
        key=lambda answer: (answer.at, answer.report_id),
        reverse=True,
    )
    for one in in_order(taken):
        if one.received_at > now:
            break
        while waiting and waiting[-1].at <= one.received_at:
            history.answer(waiting.pop())
        history.take(one)
    for answer in reversed(waiting):
        history.answer(answer)
    return history
