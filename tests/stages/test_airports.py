"""Destinations: positions, time zones and regions."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.airports import destinations, regions
from stages.common.command import StageError
from stages.common.contracts import REGIONS

NO_AIRPORTS = pd.DataFrame({"faa": [], "lat": [], "lon": [], "tzone": []})


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_position_lies_in_exactly_one_region(lat: float, lon: float) -> None:
    assert regions(pd.Series([lat]), pd.Series([lon])).isin(REGIONS).all()


@pytest.mark.parametrize(
    ("lat", "lon", "region"),
    [
        (41.98, -87.90, "north"),  # Chicago
        (25.79, -80.29, "south"),  # Miami
        (29.98, -95.34, "central"),  # Houston
        (39.86, -104.67, "central"),  # Denver
        (33.94, -118.41, "west"),  # Los Angeles
        (21.32, -157.92, "west"),  # Honolulu
    ],
)
def test_longitude_decides_before_latitude(lat: float, lon: float, region: str) -> None:
    assert regions(pd.Series([lat]), pd.Series([lon])).tolist() == [region]


def test_puerto_rico_is_known_although_airports_csv_lacks_it() -> None:
    table = destinations(NO_AIRPORTS, pd.Series(["SJU", "BQN", "STT", "PSE"]))
    assert set(table["tzone"]) == {"America/Puerto_Rico"}
    assert set(table["region"]) == {"south"}


def test_an_unknown_destination_is_named() -> None:
    with pytest.raises(StageError, match="no position or time zone of XYZ"):
        destinations(NO_AIRPORTS, pd.Series(["SJU", "XYZ"]))
