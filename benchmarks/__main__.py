"""`make bench`: the benchmarks one after the other; `python -m benchmarks storm`: that one.

`kills` takes hours, so it is run by its name alone: by `make e2e-all`.
"""

from __future__ import annotations

import sys

from benchmarks import bytes as bytes_
from benchmarks import canary, faults, gate, honesty, kills, scenarios, storm, targeted

ALL = {
    "targeted": targeted.main,
    "storm": storm.main,
    "gate": gate.main,
    "honesty": honesty.main,
    "scenarios": scenarios.main,
    "faults": faults.main,
    "canary": canary.main,
    "bytes": bytes_.main,
    "kills": kills.main,
}

for name in sys.argv[1:] or [name for name in ALL if name != "kills"]:
    ALL[name]()
