"""Build the features of the weather at one origin, in the hour each flight is scheduled to depart.

Reads   --flights   monthly files (contract flights)
        --weather   monthly files (contract weather)
Writes  --out       monthly files (contract weather-<origin>-features), one row per flight
Params  sources.weather-<origin>.range_check
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import FLIGHTS, READINGS, WEATHER, weather_features
from stages.common.params import Key, read_params
from stages.common.tables import read_all_months

POSSIBLE = {
    "temp": (-40, 130),  # °F
    "dewp": (-60, 100),  # °F
    "humid": (0, 100),  # %
    "wind_dir": (0, 360),  # degrees
    "wind_speed": (0, 150),  # mph
    "wind_gust": (0, 200),  # mph
    "precip": (0, 10),  # inches in the hour
    "pressure": (900, 1100),  # hPa
    "visib": (0, 100),  # miles
}
"""What an instrument at sea level can read."""


@dataclass(frozen=True)
class Params:
    """Whether physically impossible readings are blanked before use."""

    range_check: Annotated[bool, Key("sources.weather-{origin}.range_check")]


def blank_impossible(weather: pd.DataFrame) -> pd.DataFrame:
    """Replace readings outside `POSSIBLE` by missing values."""
    within = {name: weather[name].between(*limits) for name, limits in POSSIBLE.items()}
    return weather.assign(**{name: weather[name].where(ok) for name, ok in within.items()})


def features(flights: pd.DataFrame, weather: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Give the weather at `origin` in the hour of departure of every row of `flights`.

    Only precipitation is summed over hours, since its effect outlasts it. Other readings stand for
    their own hour, so one bad reading cannot spread to flights in the hours after it.
    """
    hourly = weather.set_index("hour")
    wet = hourly["precip"].rolling("3h", min_periods=1).sum().round(2)
    readings = hourly[list(READINGS)].assign(precip_3_hours=wet).add_prefix(f"{origin}_")
    at_departure = readings.reindex(flights["hour"]).reset_index(drop=True)
    return pd.concat([flights[["id", "day"]], at_departure], axis=1)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("flights", "weather", "out"), names=("origin",))
    params = read_params(options.params, Params, origin=options.origin)
    flights = read_all_months(options.flights, FLIGHTS, ("id", "day", "hour")).to_pandas()
    weather = read_all_months(options.weather, WEATHER).to_pandas()
    if params.range_check:
        weather = blank_impossible(weather)
    contract = weather_features(options.origin)
    table = features(flights, weather, options.origin)
    write_checked_months(table, options.out, contract)
    return 0


if __name__ == "__main__":
    run(main)
