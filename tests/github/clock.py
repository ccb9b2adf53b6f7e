"""A clock for the client, so that no test waits."""

from __future__ import annotations

from dataclasses import dataclass, field

from retouch.github.client import Timing

NOW = 1_700_000_000.0


@dataclass
class Clock:
    """Time that passes only where somebody sleeps."""

    now: float = NOW
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def waiting(self, *, read_timeout: float = 10.0) -> Timing:
        return Timing(self.sleep, lambda: self.now, lambda: 0.0, (5.0, read_timeout))
