"""Evaluate the model bundle on the hold-out period.

Reads   --bundle    a directory made by assemble
        --flights   monthly files (contract flights)
        --features  the directories of all feature groups
Writes  --holdout   one row per flight (contract scores)
        --metrics   one JSON file (contract metrics)
Params  evaluate.{from,until}, data.until
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import pandas as pd

from stages.accuracy import block_errors, component_errors
from stages.bundle import load_bundle
from stages.common.command import parse_options, run
from stages.common.contracts import SCORES
from stages.common.documents import METRICS, write_document
from stages.common.params import Key, read_params
from stages.common.periods import check_arrived, parse_period
from stages.common.tables import write_table
from stages.score import labelled, read_flights, score


@dataclass(frozen=True)
class Params:
    """The hold-out period, and the clock it must not pass."""

    start: Annotated[str, Key("evaluate.from")]
    until: Annotated[str, Key("evaluate.until")]
    clock: Annotated[str, Key("data.until")]
    others: ClassVar = ("data.sha256",)


def metrics(scores: pd.DataFrame, unlabelled: int) -> dict[str, Any]:
    """Summarise the errors overall, by region and by origin, and those of each component."""
    regions, origins = scores.groupby("region"), scores.groupby("origin")
    air = {f"air-{key}": component_errors(rows, "air") for key, rows in regions}
    taxi = {f"taxi-{key}": component_errors(rows, "taxi") for key, rows in origins}
    return {
        "overall": block_errors(scores),
        "region": {str(key): block_errors(rows) for key, rows in regions},
        "origin": {str(key): block_errors(rows) for key, rows in origins},
        "part": air | taxi,
        "unlabelled": unlabelled,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(
        argv, __doc__, paths=("bundle", "flights", "holdout", "metrics"), path_lists=("features",)
    )
    params = read_params(options.params, Params)
    period = parse_period("evaluate", params.start, params.until)
    check_arrived("evaluate", period, params.clock)
    flights = read_flights(options.flights, options.features, period)
    scores = score(load_bundle(options.bundle), labelled(flights))
    write_table(scores, options.holdout, SCORES)
    found = metrics(scores.to_pandas(), flights.num_rows - scores.num_rows)
    write_document(options.metrics, found, METRICS)
    return 0


if __name__ == "__main__":
    run(main)
