"""Score a model bundle on a period: one row per flight, label beside prediction.

Reads   --bundle    a directory made by assemble
        --flights   monthly files (contract flights)
        --features  the directories of all feature groups
Writes  --out       one table (contract scores)
Params  data.until

Not a stage, but the contract with whoever compares two bundles: scored on the same period, they
give the same rows. Flights without a label (cancelled, diverted) are left out and counted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.bundle import Bundle, block_interval, load_bundle, predict_component
from stages.common.checks import check_rows
from stages.common.command import StageError, run
from stages.common.contracts import FEATURES, FLIGHTS, LABELS, SCORES, join
from stages.common.params import Key, read_params
from stages.common.periods import Period, check_arrived, parse_period
from stages.common.tables import write_table
from stages.dataset import read_joined

_COLUMNS = ("id", "day", "time", "origin", "region", "carrier", "dest", *LABELS)


@dataclass(frozen=True)
class Params:
    """The clock the period must not pass."""

    clock: Annotated[str, Key("data.until")]
    others: ClassVar = ("data.sha256",)


def read_flights(flights: Path, features: Sequence[Path], period: Period) -> pa.Table:
    """Read the flights of `period` with all features, and hold them against their contracts."""
    if {each.name for each in features} != set(FEATURES):
        raise StageError(f"scoring needs the features {', '.join(FEATURES)}")
    table = read_joined(flights, features, period, _COLUMNS)
    base = {name: FLIGHTS.columns[name] for name in _COLUMNS}
    check_rows(table.to_pandas(), join("flights-with-features", 1, base, FEATURES))
    return table


def labelled(flights: pa.Table) -> pa.Table:
    """Keep the flights that have a label."""
    return flights.filter(pc.is_valid(flights["block"]))


def score(bundle: Bundle, flights: pa.Table) -> pa.Table:
    """Predict every labelled row of `flights`, in the order of the contract scores."""
    air = predict_component(bundle, flights, "air")
    taxi = predict_component(bundle, flights, "taxi")
    lower, upper = block_interval(air, taxi)
    predicted = {
        "score": air.score + taxi.score,
        "lower": lower,
        "upper": upper,
        "score_air": air.score,
        "score_taxi": taxi.score,
    }
    known = {"label": "block", "label_air": "air_time", "label_taxi": "taxi"}
    columns = {
        name: pa.array(predicted[name]) if name in predicted else flights[known.get(name, name)]
        for name in SCORES.columns
    }
    table = pa.table(columns).combine_chunks()
    check_rows(table.to_pandas(), SCORES)
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Score a bundle from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--from", dest="start", required=True, help="first local day, 2013-06-16")
    parser.add_argument("--until", required=True, help="the day after the last, 2013-07-01")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--flights", type=Path, default=Path("data/raw/flights"))
    every_group = [Path("data/features", group) for group in FEATURES]
    parser.add_argument("--features", type=Path, nargs="+", default=every_group)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    options = parser.parse_args(argv)

    period = parse_period("the period", options.start, options.until)
    check_arrived("the period", period, read_params(options.params, Params).clock)
    bundle = load_bundle(options.bundle)
    flights = read_flights(options.flights, options.features, period)
    scores = score(bundle, labelled(flights))
    write_table(scores, options.out, SCORES)
    left_out = flights.num_rows - scores.num_rows
    sys.stdout.write(f"{scores.num_rows} flights scored, {left_out} left out without a label\n")
    return 0


if __name__ == "__main__":
    run(main)
