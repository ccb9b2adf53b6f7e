"""Build the features of recent history: how much longer than usual flights were in the air of late.

Reads   --flights   monthly files (contract flights)
Writes  --out       monthly files (contract history-features), one row per flight
Params  none
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from stages.common.checks import write_checked_months
from stages.common.command import parse_options, run
from stages.common.contracts import FLIGHTS, HISTORY_FEATURES
from stages.common.tables import read_all_months

_COLUMNS = ("id", "day", "origin", "dest", "region", "distance", "air_time")


def history_features(flights: pd.DataFrame) -> pd.DataFrame:
    """Give the history features of every row of `flights`."""
    residual = flights["air_time"] - usual_air_time(flights["distance"])
    days = flights["day"]
    return pd.DataFrame(
        {
            "id": flights["id"],
            "day": days,
            "route_residual_14_days": past_mean(
                residual, days, flights["origin"] + flights["dest"], 14
            ),
            "destination_residual_7_days": past_mean(residual, days, flights["dest"], 7),
            "region_residual_3_days": past_mean(residual, days, flights["region"], 3),
        }
    )


def usual_air_time(miles: pd.Series[float]) -> pd.Series[float]:
    """Give the air time that distance alone suggests: a straight line, the same for all."""
    return 18 + 0.122 * miles


def past_mean(
    values: pd.Series[float], days: pd.Series[str], group: pd.Series[str], window: int
) -> pd.Series[float]:
    """Average `values` over the `window` calendar days before each row's day, within its group.

    The row's own day is left out: its labels are not known when its flights depart. Days with no
    label in the window give no value. Rounded, so that the order of summation leaves no trace.
    """
    by_day = values.groupby([days, group]).agg(["sum", "count"])
    calendar = pd.date_range(days.min(), days.max()).strftime("%Y-%m-%d")

    def past_sum(column: str) -> pd.DataFrame:
        per_day = by_day[column].unstack(fill_value=0).reindex(calendar, fill_value=0)
        return per_day.rolling(window, min_periods=1).sum().shift(1)

    mean = (past_sum("sum") / past_sum("count").round().where(lambda n: n > 0)).round(4)
    wanted = pd.MultiIndex.from_arrays([days, group])
    return pd.Series(mean.stack().reindex(wanted).to_numpy(), index=values.index)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("flights", "out"))
    table = history_features(read_all_months(options.flights, FLIGHTS, _COLUMNS).to_pandas())
    write_checked_months(table, options.out, HISTORY_FEATURES)
    return 0


if __name__ == "__main__":
    run(main)
