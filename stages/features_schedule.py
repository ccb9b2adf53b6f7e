"""Build the features known from the schedule: when, where to, who flies, and how busy the hour is.

Reads   --flights   monthly files (contract flights)
Writes  --out       monthly files (contract schedule-features), one row per flight
Params  none
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import FLIGHTS, ORIGINS, SCHEDULE_FEATURES
from stages.common.tables import read_all_months

# Codes follow a fixed list, not the data: a carrier that appears in April must not renumber others.
CARRIERS: tuple[str, ...] = ("9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL")
CARRIERS += ("HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV")

_COLUMNS = ("id", "day", "dep_minute", "origin", "carrier", "distance", "dest_lat", "dest_lon")


def schedule_features(flights: pd.DataFrame) -> pd.DataFrame:
    """Give the schedule features of every row of `flights`."""
    table = pd.DataFrame(
        {
            "id": flights["id"],
            "day": flights["day"],
            "departure_minute": flights["dep_minute"],
            "day_of_week": pd.to_datetime(flights["day"]).dt.day_of_week,
            "miles": flights["distance"],
            "destination_latitude": flights["dest_lat"],
            "destination_longitude": flights["dest_lon"],
            "carrier_code": codes(flights["carrier"], CARRIERS),
            "origin_code": codes(flights["origin"], ORIGINS),
        }
    ).join(congestion(flights))
    numbers = list(SCHEDULE_FEATURES.features)
    return table.astype(dict.fromkeys(numbers, float))[list(SCHEDULE_FEATURES.columns)]


def codes(values: pd.Series[str], known: Sequence[str]) -> pd.Series[float]:
    """Number `values` by their place in `known`; others are missing, which the models handle."""
    return values.map({name: float(place) for place, name in enumerate(known)})


def congestion(flights: pd.DataFrame) -> pd.DataFrame:
    """Count the departures scheduled around each flight.

    Hours are counted within the local day only. The first hour of the next day may lie behind the
    clock, and then the feature would change when the next day arrives.
    """
    hour = (flights["dep_minute"] // 60).astype(int)
    keys = pd.DataFrame({"origin": flights["origin"], "day": flights["day"], "hour": hour})
    per_hour = keys.value_counts()

    def departures(shift: int) -> pd.Series[float]:
        wanted = pd.MultiIndex.from_frame(keys.assign(hour=hour + shift))
        return pd.Series(per_hour.reindex(wanted, fill_value=0).to_numpy(), index=flights.index)

    return pd.DataFrame(
        {
            "departures_same_hour": departures(0),
            "departures_hour_before": departures(-1),
            "departures_hour_after": departures(1),
            "departures_same_day": keys.groupby(["origin", "day"])["hour"].transform("size"),
            "departures_same_hour_city": keys.groupby(["day", "hour"])["origin"].transform("size"),
        }
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("flights", "out"))
    table = schedule_features(read_all_months(options.flights, FLIGHTS, _COLUMNS).to_pandas())
    write_checked_months(table, options.out, SCHEDULE_FEATURES)
    return 0


if __name__ == "__main__":
    run(main)
