"""Whether a trouble comes and goes too often to be believed.

The shape is that of Nagios' state flapping: the changes between a trouble's last windows are
counted, newer ones weighing more, and a higher limit begins what a lower one ends. The limits are
ours (`retouch.policy.suppression.FlappingLimits`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from retouch.policy.suppression import FlappingLimits
from retouch.suppression.records import Span

OLDEST, NEWEST = 0.8, 1.2
"""The weights of the oldest and the newest change; those between rise evenly, so the mean is 1."""


def change_share(fired: Sequence[bool], windows: int) -> float:
    """Return the weighted share of changes in the last `windows` states, from 0 to 1.

    `fired` is oldest first. Windows that have not been seen count as unchanged, so a trouble needs
    a history before it can flap.
    """
    last = fired[-windows:]
    possible = windows - 1
    step = (NEWEST - OLDEST) / (possible - 1)
    changes = [a != b for a, b in pairwise(last)]
    weighed = (NEWEST - step * age for age, changed in enumerate(reversed(changes)) if changed)
    return sum(weighed) / possible


class Flaps:
    """The last windows of one trouble, and whether it flaps."""

    def __init__(self, limits: FlappingLimits) -> None:
        self._limits = limits
        self._fired: dict[Span, bool] = {}
        self.share = 0.0
        """The weighted share of changes, from 0 to 1."""
        self.flapping = False

    def saw(self, window: Span, fired: bool) -> None:
        """Take in what was last said of a window."""
        if window not in self._fired and len(self._fired) == self._limits.windows:
            del self._fired[next(iter(self._fired))]
        self._fired[window] = fired
        self.share = change_share(list(self._fired.values()), self._limits.windows)
        if self.flapping:
            self.flapping = self.share >= self._limits.below
        else:
            self.flapping = self.share > self._limits.above
