"""Cut the declared window of one part out of the features, for training or for calibration.

Reads   --flights   monthly files (contract flights)
        --features  the directories of the feature groups of the part
Writes  --out       one table: key, day, label and features of every flight with a label
Params  parts.<part>.<use>.{from,until,exclude}, parts.<part>.train.increments for training,
        data.until

The table is the same, byte for byte, as long as the rows of the window are the same. New months
that arrive and features that change elsewhere therefore end here, and nothing is trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.common.arrays import one_of
from stages.common.command import StageError, parse_options, run
from stages.common.params import Key, read_params
from stages.common.periods import Period, check_arrived, parse_increments, parse_period
from stages.common.tables import write_table
from stages.dataset import read_joined
from stages.parts import Part, find_part


@dataclass(frozen=True)
class Params:
    """The window of one part for one use, and the clock it must not pass."""

    start: Annotated[str, Key("parts.{part}.{use}.from")]
    until: Annotated[str, Key("parts.{part}.{use}.until")]
    exclude: Annotated[list[Any], Key("parts.{part}.{use}.exclude")]
    clock: Annotated[str, Key("data.until")]
    others: ClassVar = (
        "parts.{part}.train.increments",
        "parts.{part}.train.revision",
        "data.sha256",
    )


@dataclass(frozen=True)
class TrainParams(Params):
    """The window for training holds the increments as well."""

    increments: Annotated[list[Any], Key("parts.{part}.{use}.increments")]


USES: Mapping[str, type[Params]] = {"train": TrainParams, "calibrate": Params}


def periods(params: Params, name: str) -> list[Period]:
    """Give the declared window, called `name`, then its increments; all of them have arrived."""
    base = parse_period(name, params.start, params.until, params.exclude)
    check_arrived(name, base, params.clock)
    grown = params.increments if isinstance(params, TrainParams) else ()
    increments = parse_increments(name, base, grown)
    for each in increments:
        check_arrived(f"{name}.increments", each, params.clock)
    return [base, *increments]


def window(part: Part, flights: Path, features: Sequence[Path], period: Period) -> pa.Table:
    """Give the labelled flights of `part` in `period` with their features, sorted by key."""
    if {each.name for each in features} != set(part.groups):
        raise StageError(f"{part.name} needs the features {', '.join(part.groups)}")
    ordered = sorted(features, key=lambda each: part.groups.index(each.name))
    table = read_joined(flights, ordered, period, ("id", "day", part.by, part.label))
    wanted = pc.and_(one_of(table[part.by], [part.value]), pc.is_valid(table[part.label]))
    rows = table.filter(wanted).drop_columns([part.by])
    if not rows.num_rows:
        raise StageError(
            f"{part.name}: no labelled flight from {period.start} until {period.until}"
        )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(
        argv, __doc__, paths=("flights", "out"), path_lists=("features",), names=("part", "use")
    )
    part = find_part(options.part)
    if options.use not in USES:
        raise StageError(f"there is no use {options.use!r}; the uses are {', '.join(USES)}")
    params = read_params(options.params, USES[options.use], part=part.name, use=options.use)
    tables = [
        window(part, options.flights, options.features, period)
        for period in periods(params, f"parts.{part.name}.{options.use}")
    ]
    # One chunk: the layout in the file must not depend on how the months were read.
    write_table(pa.concat_tables(tables).combine_chunks(), options.out, part.window)
    return 0


if __name__ == "__main__":
    run(main)
