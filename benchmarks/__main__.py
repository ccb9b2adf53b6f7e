"""`make bench`: the benchmarks one after the other; `python -m benchmarks storm`: that one.

Options come last, and only `loop_cost` has some.
`kills` takes hours, so it is run by its name alone: by `make e2e-all`.
"""

from __future__ import annotations

import sys

from benchmarks import bytes as bytes_
from benchmarks import canary, faults, gate, honesty, kills, loop_cost, scenarios, storm, targeted

OPTIONS = [word for word in sys.argv[1:] if word.startswith("--")]
ALL = {
    "targeted": targeted.main,
    "storm": storm.main,
    "gate": gate.main,
    "honesty": honesty.main,
    "scenarios": scenarios.main,
    "faults": faults.main,
    "canary": canary.main,
    "bytes": bytes_.main,
    "loop_cost": lambda: loop_cost.main(OPTIONS),
    "kills": kills.main,
}

NAMES = [word for word in sys.argv[1:] if not word.startswith("--")]
for name in NAMES or [name for name in ALL if name != "kills"]:
    ALL[name]()
