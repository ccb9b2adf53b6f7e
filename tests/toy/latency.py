"""Time two bundles in turn: SLOWER in a bundle's folder makes it that many times as slow."""

import json
import pathlib
import sys

production, candidate, out = sys.argv[1:]


def seconds(bundle):
    slower = pathlib.Path(bundle) / "SLOWER"
    factor = float(slower.read_text()) if slower.exists() else 1.0
    return [round(factor * (0.01 + 0.001 * (turn % 3)), 6) for turn in range(20)]


told = {"rows": 1000, "production": seconds(production), "candidate": seconds(candidate)}
pathlib.Path(out).write_text(json.dumps(told))
