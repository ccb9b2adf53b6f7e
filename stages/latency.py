"""Time two bundles in turn on the same rows, in one process.

Reads   --production, --candidate   directories made by assemble
        --flights, --features       as `stages.score` does
Writes  --out       JSON: {"rows": 1000, "production": [seconds, ...], "candidate": [seconds, ...]}
Params  data.until

Not a stage, but the contract with a gate that asks whether the candidate is slow. A turn is one
prediction of 1,000 rows by each, and who goes first alternates, so that whatever else the machine
does meets both. Seconds are CPU seconds of this process, of one thread: on a shared machine the
clock on the wall tells more about the neighbours. Waiting would not count, but a model never waits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from stages.bundle import Bundle, block_interval, load_bundle, predict_component
from stages.common.command import StageError, run
from stages.common.outputs import write_json
from stages.score import add_period_options, labelled, read_period

ROWS = 1_000
WARM_UP = 3


def pick(flights: pa.Table, rows: int = ROWS) -> pa.Table:
    """Take `rows` flights at even distances, repeating them when there are fewer."""
    if not flights.num_rows:
        raise StageError("no flight of the period has a label, so there is nothing to predict")
    if flights.num_rows < rows:
        places = np.arange(rows) % flights.num_rows
    else:
        places = np.linspace(0, flights.num_rows - 1, rows).astype(int)
    return flights.take(pa.array(places)).combine_chunks()


def predict_once(bundle: Bundle, flights: pa.Table) -> float:
    """Predict block time and interval of all rows; give the CPU seconds it took."""
    start = time.process_time()
    block_interval(
        predict_component(bundle, flights, "air"), predict_component(bundle, flights, "taxi")
    )
    return time.process_time() - start


def take_turns(
    bundles: Mapping[str, Bundle], flights: pa.Table, turns: int
) -> dict[str, list[float]]:
    """Time every bundle `turns` times, after a few predictions that are not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in bundles}
    for turn in range(-WARM_UP, turns):
        order = list(bundles)[:: 1 if turn % 2 == 0 else -1]
        for name in order:
            took = predict_once(bundles[name], flights)
            if turn >= 0:
                seconds[name].append(round(took, 7))
    return seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Time two bundles from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("production", "candidate"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="a bundle")
    add_period_options(parser)
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args(argv)

    if options.turns < 1:
        raise StageError(f"--turns must be at least 1, not {options.turns}")
    bundles = {name: load_bundle(getattr(options, name)) for name in ("production", "candidate")}
    flights = pick(labelled(read_period(options)))
    seconds = take_turns(bundles, flights, options.turns)
    write_json(options.out, {"rows": flights.num_rows, **seconds})
    return 0


if __name__ == "__main__":
    run(main)
