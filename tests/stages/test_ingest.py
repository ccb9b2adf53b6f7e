"""Ingest: pinned files, the clock, and the oddities of the published tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from stages.common.command import StageError
from stages.common.contracts import READINGS
from stages.ingest_flights import arrived
from stages.ingest_planes import planes
from stages.ingest_weather import weather
from stages.sources import verified
from tests.stages.conftest import CLOCK, Pipeline
from tests.stages.test_labels import read


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "planes.csv").write_text("tailnum\n")
    with pytest.raises(StageError, match=r"planes.csv has sha256 .* but params.yaml pins 0000"):
        verified(tmp_path / "planes.csv", "0" * 64)
    with pytest.raises(StageError, match=r"the data file weather.csv is missing"):
        verified(tmp_path / "weather.csv", "0" * 64)


def test_flights_of_the_day_of_the_clock_have_not_arrived() -> None:
    raw = pd.DataFrame({"year": 2013, "month": [3, 3, 4], "day": [31, 30, 1]})
    assert arrived(raw, "2013-03-31")["day"].tolist() == ["2013-03-30"]


@pytest.mark.parametrize("source", ["flights", "weather-EWR", "weather-JFK", "weather-LGA"])
def test_no_row_on_disk_lies_past_the_clock(built: Pipeline, source: str) -> None:
    table = read(built.directory / "data/raw" / source)
    assert table["day"].max() == "2013-04-15"
    assert table["day"].max() < CLOCK
    months = sorted(path.stem for path in (built.directory / "data/raw" / source).iterdir())
    assert months == ["2013-01", "2013-02", "2013-03", "2013-04"]


def test_flights_keep_cancelled_ones_and_have_unique_keys(built: Pipeline) -> None:
    flights = read(built.directory / "data/raw/flights")
    assert flights["id"].is_unique
    assert flights["id"].is_monotonic_increasing
    assert flights["block"].isna().sum() > 2_000


def test_the_hour_that_occurs_twice_stays_two_hours() -> None:
    night = pd.DataFrame(
        {
            "origin": "EWR",
            "year": 2013,
            "month": 11,
            "day": 3,
            "time_hour": ["2013-11-03T06:00:00Z", "2013-11-03T05:00:00Z"],
            **dict.fromkeys(READINGS, 1.0),
        }
    )
    table = weather(night, "EWR", "2013-11-04")
    assert table["hour"].is_unique
    assert table["hour"].is_monotonic_increasing
    assert len(table) == 2


def test_planes_keep_a_missing_year_as_missing() -> None:
    raw = pd.DataFrame(
        {"tailnum": ["N2", "N1"], "manufacturer": "BOEING", "engines": 2, "seats": 9}
    )
    table = planes(raw.assign(year=[None, 1999]))
    assert table["tailnum"].tolist() == ["N1", "N2"]
    assert table["year"].isna().tolist() == [False, True]
