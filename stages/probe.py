"""Probe a bundle with rows nobody observed: give real rows as a start, and score changed ones.

    python -m stages.probe rows --from 2013-06-16 --until 2013-07-01 --out rows.parquet
    python -m stages.probe score --bundle models/bundle --rows changed.parquet --out scores.parquet

Not a stage, but a contract with whoever makes synthetic rows. `rows` writes the labelled flights of
a period as the model reads them (contract probe-rows), numbered from 0. `score` takes rows of the
same columns, whatever their values (id and day may be left out), and gives each its block time
(contract probe-scores). A feature may be empty; where origin or region is, or is an unknown one, no
part serves the row and its score is empty.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.bundle import Bundle, load_bundle, predict_component
from stages.common.arrays import missing
from stages.common.command import StageError, run
from stages.common.contracts import PROBE_ROWS, PROBE_SCORES
from stages.common.faults import Fault, refuse, type_faults
from stages.common.tables import arrow_schema, write_table
from stages.score import add_period_options, labelled, read_period

_OPTIONAL = ("id", "day")


def numbered(flights: pa.Table) -> pa.Table:
    """Give the columns of probe-rows, the rows numbered from 0 in the order of the flights."""
    columns = {"row": np.arange(flights.num_rows)}
    columns |= {name: flights[name] for name in PROBE_ROWS.columns if name != "row"}
    return pa.table(columns)


def read_rows(path: Path) -> pa.Table:
    """Read rows to be scored: every column of probe-rows and no other, the values as they are."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, IsADirectoryError):
        raise StageError(f"{path} is not a readable Parquet file") from None
    names = table.column_names
    faults = [Fault(name, "not in the contract") for name in names if name not in _NEEDED]
    faults = [fault for fault in faults if fault.column not in _OPTIONAL]
    faults += [Fault(name, "missing") for name in _NEEDED if name not in names]
    faults += [Fault(name, "there twice") for name in set(names) if names.count(name) > 1]
    refuse(PROBE_ROWS, faults)
    table = table.select(_NEEDED)
    refuse(PROBE_ROWS, type_faults(table, PROBE_ROWS))
    wanted = pa.schema([arrow_schema(PROBE_ROWS).field(name) for name in _NEEDED])
    return table.cast(wanted)


_NEEDED = [name for name in PROBE_ROWS.columns if name not in _OPTIONAL]


def score_rows(bundle: Bundle, rows: pa.Table) -> pa.Table:
    """Give the block time of every row, empty where no part serves it."""
    air = predict_component(bundle, rows, "air").score
    taxi = predict_component(bundle, rows, "taxi").score
    return pa.table({"row": rows["row"], "score": pa.array(air + taxi, from_pandas=True)})


def main(argv: Sequence[str] | None = None) -> int:
    """Give rows, or score rows, from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    add_period_options(commands.add_parser("rows", help="write rows to start from"))
    scoring = commands.add_parser("score", help="score rows of the same columns")
    for name in ("bundle", "rows", "out"):
        scoring.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args(argv)

    if options.command == "rows":
        rows = numbered(labelled(read_period(options)))
        write_table(rows, options.out, PROBE_ROWS)
        sys.stdout.write(f"{rows.num_rows} rows written\n")
        return 0
    scores = score_rows(load_bundle(options.bundle), read_rows(options.rows))
    write_table(scores, options.out, PROBE_SCORES)
    unserved = missing(scores["score"])
    sys.stdout.write(f"{scores.num_rows} rows scored, {unserved} served by no part\n")
    return 0


if __name__ == "__main__":
    run(main)
