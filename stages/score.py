"""Score a model bundle on a period: one row per flight, label beside prediction.

Reads   --bundle    a directory made by assemble
        --flights   monthly files (contract flights)
        --features  the directories of all feature groups
Writes  --out       one table (contract scores; with --unlabelled, contract unlabelled-scores)
Params  data.until

Not a stage, but the contract with whoever compares two bundles: scored on the same period, they
give the same rows. Flights without a label (cancelled, diverted) are left out and counted; with
--unlabelled all flights are scored, and no label is looked at.
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
from stages.common.arrays import chosen
from stages.common.command import StageError, run
from stages.common.contracts import (
    AREAS,
    DEPARTURES,
    FEATURES,
    FLIGHTS,
    LABELS,
    SCORES,
    UNLABELLED_SCORES,
    Contract,
    join,
)
from stages.common.faults import check_table
from stages.common.params import Key, read_params
from stages.common.periods import Period, check_arrived, parse_period
from stages.common.tables import write_table
from stages.dataset import read_joined

_SLICES = ("origin", "region", "carrier", "dest", "dep_minute", "dest_lat", "dest_lon")
_COLUMNS = ("id", "day", "time", *_SLICES, *LABELS)


@dataclass(frozen=True)
class Params:
    """The clock the period must not pass."""

    clock: Annotated[str, Key("data.until")]
    others: ClassVar = ("data.sha256",)


FLIGHTS_WITH_FEATURES = join(
    "flights-with-features", 2, {name: FLIGHTS.columns[name] for name in _COLUMNS}, FEATURES
)


def read_flights(flights: Path, features: Sequence[Path], period: Period) -> pa.Table:
    """Read the flights of `period` with all features, and hold them against their contracts."""
    if {each.name for each in features} != set(FEATURES):
        raise StageError(f"scoring needs the features {', '.join(FEATURES)}")
    table = read_joined(flights, features, period, _COLUMNS)
    check_table(table, FLIGHTS_WITH_FEATURES)
    return table


def add_period_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which flights to read, and where the result goes."""
    parser.add_argument("--from", dest="start", required=True, help="first local day, 2013-06-16")
    parser.add_argument("--until", required=True, help="the day after the last, 2013-07-01")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--flights", type=Path, default=Path("data/raw/flights"))
    every_group = [Path("data/features", group) for group in FEATURES]
    parser.add_argument("--features", type=Path, nargs="+", default=every_group)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))


def read_period(options: argparse.Namespace) -> pa.Table:
    """Read the flights that the options of `add_period_options` ask for, with all features."""
    period = parse_period("the period", options.start, options.until)
    check_arrived("the period", period, read_params(options.params, Params).clock)
    return read_flights(options.flights, options.features, period)


def labelled(flights: pa.Table) -> pa.Table:
    """Keep the flights that have a label."""
    return flights.filter(pc.is_valid(flights["block"]))


def area(flights: pa.Table) -> pa.ChunkedArray:
    """Name the area of each destination: below latitude 20, or west of longitude -130, or neither.

    Hawaii lies a little above latitude 21, and only Puerto Rico and the Virgin Islands below 20.
    """
    caribbean = pc.less(flights["dest_lat"], 20.0)
    pacific = pc.less(flights["dest_lon"], -130.0)
    return chosen(pc.if_else(caribbean, 0, pc.if_else(pacific, 2, 1)), AREAS)


def departure(flights: pa.Table) -> pa.ChunkedArray:
    """Name the hours of the local clock in which each flight is scheduled to depart."""
    hour = pc.divide(flights["dep_minute"], 60.0)
    later = [pc.greater_equal(hour, float(start)).cast(pa.int64()) for start in (9, 13, 17)]
    return chosen(pc.add(pc.add(later[0], later[1]), later[2]), DEPARTURES)


def score(bundle: Bundle, flights: pa.Table, contract: Contract = SCORES) -> pa.Table:
    """Predict every row of `flights`, in the order of `contract`; SCORES wants labelled rows."""
    air = predict_component(bundle, flights, "air")
    taxi = predict_component(bundle, flights, "taxi")
    lower, upper = block_interval(air, taxi)
    made = {
        "score": air.score + taxi.score,
        "lower": lower,
        "upper": upper,
        "score_air": air.score,
        "score_taxi": taxi.score,
        "area": area(flights),
        "departure": departure(flights),
    }
    known = {"label": "block", "label_air": "air_time", "label_taxi": "taxi"}
    columns = {
        name: made[name] if name in made else flights[known.get(name, name)]
        for name in contract.columns
    }
    table = pa.table(columns).combine_chunks()
    check_table(table, contract)
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Score a bundle from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True)
    add_period_options(parser)
    parser.add_argument("--unlabelled", action="store_true", help="score all flights")
    options = parser.parse_args(argv)

    bundle = load_bundle(options.bundle)
    flights = read_period(options)
    with_label = labelled(flights)
    without = flights.num_rows - with_label.num_rows
    if options.unlabelled:
        write_table(score(bundle, flights, UNLABELLED_SCORES), options.out, UNLABELLED_SCORES)
        sys.stdout.write(f"{flights.num_rows} flights scored, {without} of them have no label\n")
        return 0
    if not with_label.num_rows:
        raise StageError(f"no flight from {options.start} until {options.until} has a label")
    write_table(score(bundle, with_label), options.out, SCORES)
    sys.stdout.write(f"{with_label.num_rows} flights scored, {without} left out without a label\n")
    return 0


if __name__ == "__main__":
    run(main)
