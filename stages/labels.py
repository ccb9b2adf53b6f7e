"""Block time, air time and taxi time of a flight, in minutes, right across time zones.

    block = scheduled block + arrival delay - departure delay          gate to gate
    taxi  = block - air time                                           out and in together

The published times are wall clocks at either end, so the scheduled block needs the time zone of the
destination. The static offsets of airports.csv would break about 5 % of the rows.
"""

from __future__ import annotations

import pandas as pd

_DAY = 24 * 60


def scheduled_block(
    departure: pd.Series[pd.Timestamp], arrival_clock: pd.Series[int], zone: pd.Series[str]
) -> pd.Series[float]:
    """Give the minutes from `departure` (UTC) to the wall clock HHMM in `zone`."""
    arrival_minute = arrival_clock // 100 * 60 + arrival_clock % 100
    at_departure = utc_offset(departure, zone)
    clock = (departure.dt.hour * 60 + departure.dt.minute + at_departure) % _DAY
    block = (arrival_minute - clock) % _DAY
    # A destination that changes to or from summer time while the flight is under way.
    arrival = departure + pd.to_timedelta(block, unit="min")
    return (block - (utc_offset(arrival, zone) - at_departure)).astype(float)


def utc_offset(moment: pd.Series[pd.Timestamp], zone: pd.Series[str]) -> pd.Series[int]:
    """Give the minutes by which the clocks of each `zone` are ahead of UTC at each `moment`."""
    offset = pd.Series(0, index=moment.index)
    for name, rows in moment.groupby(zone):
        local = rows.dt.tz_convert(str(name)).dt.tz_localize(None)
        offset[rows.index] = (local - rows.dt.tz_localize(None)) // pd.Timedelta(minutes=1)
    return offset


def labels(
    scheduled: pd.Series[float],
    dep_delay: pd.Series[float],
    arr_delay: pd.Series[float],
    air_time: pd.Series[float],
) -> pd.DataFrame:
    """Give block, air_time and taxi; all three are empty for a flight cancelled or diverted."""
    block = scheduled + arr_delay - dep_delay
    taxi = block - air_time
    flown = taxi.notna()
    return pd.DataFrame({"block": block, "air_time": air_time, "taxi": taxi}).where(flown)
