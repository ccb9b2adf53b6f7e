"""`retouch` by a quick clock: a hundredth of each pause between two tries, and little patience.

Nothing else differs from the program. So a GitHub that is down can be told hundreds of times.
"""

from __future__ import annotations

import sys
import time

from retouch.cli.main import main
from retouch.github.client import Timing

_SHORT = 0.3
_sleep = time.sleep


def _pause(seconds: float) -> None:
    _sleep(seconds if seconds < _SHORT else seconds / 100)


time.sleep = _pause  # type: ignore[assignment]
sleep, now, jitter, _, longest = Timing.__init__.__defaults__ or ()
Timing.__init__.__defaults__ = (_pause, now, jitter, (2.0, 1.0), longest)

if __name__ == "__main__":
    sys.exit(main())
