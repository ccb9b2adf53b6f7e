"""Join flights with their features, for the windows and for scoring (pyarrow only)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from stages.common.arrays import one_of
from stages.common.command import StageError
from stages.common.contracts import FEATURES, FLIGHTS
from stages.common.periods import Period
from stages.common.tables import read_months


def read_joined(
    flights: Path, features: Sequence[Path], period: Period, columns: Sequence[str]
) -> pa.Table:
    """Read `columns` of the flights of `period`, and all features of the directories `features`.

    A feature directory is named after its group. Every feature table has one row for every flight,
    in the same order, so the join is a comparison of keys.
    """
    table = read_months(flights, FLIGHTS, period, columns)
    for directory in features:
        contract = FEATURES.get(directory.name)
        if contract is None:
            raise StageError(f"{directory} is not a feature group; they are {', '.join(FEATURES)}")
        group = read_months(directory, contract, period, ("id", *contract.features))
        if not group["id"].equals(table["id"]):
            raise StageError(f"{directory} and {flights} hold different flights; run `dvc repro`")
        for name in contract.features:
            table = table.append_column(name, group[name])
    days = [day for day in table["day"].unique().to_pylist() if day in period]
    return table.filter(one_of(table["day"], days))
