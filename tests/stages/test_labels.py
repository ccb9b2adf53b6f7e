"""Labels: the block time across time zones, and what the taxi range proves about it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from stages.labels import labels, scheduled_block
from tests.stages.conftest import Pipeline

ZONES = ("America/New_York", "America/Phoenix", "America/Puerto_Rico", "Pacific/Honolulu")


def block(departure: str, arrival_clock: int, zone: str) -> float:
    moment = pd.Series(pd.to_datetime([departure], utc=True))
    return float(scheduled_block(moment, pd.Series([arrival_clock]), pd.Series([zone])).iloc[0])


def test_a_flight_west_takes_longer_than_the_clocks_say() -> None:
    # 08:00 in New York to 11:15 in Los Angeles.
    assert block("2013-01-15T13:00Z", 1115, "America/Los_Angeles") == 6 * 60 + 15


def test_arizona_keeps_winter_time_all_year() -> None:
    assert block("2013-01-15T13:00Z", 1100, "America/Phoenix") == 5 * 60
    assert block("2013-07-15T12:00Z", 1000, "America/Phoenix") == 5 * 60


def test_an_arrival_after_midnight_is_on_the_next_day() -> None:
    assert block("2013-01-16T04:30Z", 330, "America/Puerto_Rico") == 3 * 60


def test_a_change_to_summer_time_during_the_flight_is_not_flown() -> None:
    # 10 March 2013: clocks in New York go from 02:00 EST to 03:00 EDT.
    assert block("2013-03-10T06:30Z", 330, "America/New_York") == 60


@given(
    departure=st.datetimes(pd.Timestamp("2013-01-01"), pd.Timestamp("2013-12-31")),
    minutes=st.integers(20, 12 * 60),
    zone=st.sampled_from(ZONES),
)
def test_the_block_is_recovered_from_any_arrival_clock(
    departure: pd.Timestamp, minutes: int, zone: str
) -> None:
    moment = pd.Timestamp(departure).floor("min").tz_localize("UTC")
    arrival = (moment + pd.Timedelta(minutes=minutes)).astimezone(ZoneInfo(zone))
    # An hour that occurs twice cannot be told apart on a published clock.
    ambiguous = arrival.replace(fold=0).utcoffset() != arrival.replace(fold=1).utcoffset()
    found = block(moment.isoformat(), arrival.hour * 100 + arrival.minute, zone)
    assert ambiguous or found == minutes


def test_a_flight_that_never_arrived_has_no_label_at_all() -> None:
    numbers = pd.Series([180.0, 180.0]), pd.Series([5.0, 5.0]), pd.Series([None, 10.0])
    table = labels(*numbers, pd.Series([None, 150.0], dtype=float))
    assert table.iloc[0].isna().all()
    assert table.iloc[1].to_dict() == {"block": 185.0, "air_time": 150.0, "taxi": 35.0}


def test_every_labelled_flight_taxies_between_5_and_235_minutes(built: Pipeline) -> None:
    flights = read(built.directory / "data/raw/flights")
    taxi = flights["taxi"].dropna()
    assert len(taxi) > 90_000
    assert taxi.between(5, 235).all()
    assert (flights["block"] - flights["air_time"] - flights["taxi"]).abs().max() == 0


def read(directory: Path) -> pd.DataFrame:
    return pq.ParquetDataset(directory).read().to_pandas()
