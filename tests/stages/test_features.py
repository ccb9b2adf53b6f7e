"""Features: only what was known before departure, the same whenever they are built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.common.contracts import READINGS
from stages.features_history import history_features, past_mean
from stages.features_plane import maker_code
from stages.features_schedule import codes, congestion
from stages.features_weather import POSSIBLE, blank_impossible, features
from tests.stages.conftest import Pipeline
from tests.stages.test_labels import read

FEATURE_STAGES = (
    "features-schedule",
    "features-plane",
    "features-history",
    "features-weather@EWR",
    "features-weather@JFK",
    "features-weather@LGA",
)

labels = st.lists(
    st.tuples(st.integers(0, 20), st.sampled_from("ab"), st.floats(-50, 50)),
    min_size=1,
    max_size=40,
)


def on_days(rows: list[tuple[int, str, float]]) -> tuple[Any, Any, Any]:
    numbers, groups, values = zip(*rows, strict=True)
    days = (pd.Timestamp("2013-01-01") + pd.to_timedelta(numbers, unit="D")).strftime("%Y-%m-%d")
    return pd.Series(values), pd.Series(days), pd.Series(groups)


@given(labels, st.integers(1, 14))
@settings(deadline=None, max_examples=50)
def test_history_is_the_mean_of_the_days_before(
    rows: list[tuple[int, str, float]], window: int
) -> None:
    values, days, groups = on_days(rows)
    found = past_mean(values, days, groups, window)
    for place, (number, group, _) in enumerate(rows):
        past = [v for day, g, v in rows if g == group and number - window <= day < number]
        expected = np.mean(past) if past else np.nan
        assert found[place] == pytest.approx(expected, abs=1e-3, nan_ok=True)


def test_no_label_of_the_same_or_a_later_day_reaches_the_history(built: Pipeline) -> None:
    flights = read(built.directory / "data/raw/flights")
    flights = flights[flights["day"] < "2013-02-15"].reset_index(drop=True)
    unknown = flights.assign(air_time=flights["air_time"].where(flights["day"] < "2013-02-01"))
    full, blind = history_features(flights), history_features(unknown)
    until = flights["day"] <= "2013-02-01"
    pd.testing.assert_frame_equal(full[until], blind[until])
    assert not full[~until].equals(blind[~until])


def test_the_last_days_are_the_same_before_and_after_more_days_arrive(copy: Pipeline) -> None:
    late = copy.outputs(FEATURE_STAGES)
    copy.params["data"]["until"] = "2013-03-16"
    sources = ("ingest-flights", *(f"ingest-weather@{origin}" for origin in ("EWR", "JFK", "LGA")))
    copy.run((*sources, *FEATURE_STAGES))
    early = copy.outputs(FEATURE_STAGES)
    whole_months = [name for name in early if "2013-03" not in name]
    assert len(whole_months) == 12
    assert all(early[name] == late[name] for name in whole_months)
    for stage in FEATURE_STAGES:
        directory = copy.directory / copy.stages[stage].outs[0].def_path
        assert read(directory)["day"].max() == "2013-03-15"


def test_the_range_check_leaves_the_features_of_ewr_as_they_are(copy: Pipeline) -> None:
    """The impossible wind of 12 February 2013, 03:00, has no flight in its hour."""
    raw = read(copy.directory / "data/raw/weather-EWR")
    assert raw["wind_speed"].max() > 1000
    assert blank_impossible(raw)["wind_speed"].max() < 150
    before = copy.outputs(["features-weather@EWR"])
    copy.params["sources"]["weather-EWR"]["range_check"] = True
    copy.run(["features-weather@EWR"])
    assert copy.outputs(["features-weather@EWR"]) == before


def test_every_reading_has_a_range_of_the_possible() -> None:
    assert set(POSSIBLE) == set(READINGS)


def test_every_feature_table_has_one_row_per_flight_in_the_same_order(built: Pipeline) -> None:
    ids = read(built.directory / "data/raw/flights")["id"].tolist()
    for stage in FEATURE_STAGES:
        directory = built.directory / built.stages[stage].outs[0].def_path
        assert read(directory)["id"].tolist() == ids


def test_weather_is_that_of_the_hour_of_departure_and_rain_of_three() -> None:
    hours = pd.to_datetime(
        ["2013-01-01T10:00Z", "2013-01-01T11:00Z", "2013-01-01T14:00Z"], utc=True
    )
    weather = pd.DataFrame({"hour": hours, **dict.fromkeys(READINGS, 1.0)})
    weather["temp"] = [30.0, 31.0, 34.0]
    wanted = [hours[1], hours[2], hours[2] + pd.Timedelta(hours=5)]
    flights = pd.DataFrame({"id": list("abc"), "day": "2013-01-01", "hour": wanted})
    table = features(flights, weather, "JFK")
    assert table["JFK_temp"].tolist()[:2] == [31.0, 34.0]
    assert table["JFK_precip_3_hours"].tolist()[:2] == [2.0, 1.0]
    assert table.iloc[2].isna().sum() == len(READINGS) + 1


def test_congestion_counts_within_the_day_of_the_flight() -> None:
    rows = [("EWR", "2013-01-01", 23 * 60), ("EWR", "2013-01-01", 22 * 60 + 59)]
    rows += [("JFK", "2013-01-01", 23 * 60 + 5), ("EWR", "2013-01-02", 0)]
    table = congestion(pd.DataFrame(rows, columns=["origin", "day", "dep_minute"]))
    first = table.iloc[0].to_dict()
    assert first == {
        "departures_same_hour": 1,
        "departures_hour_before": 1,
        "departures_hour_after": 0,
        "departures_same_day": 2,
        "departures_same_hour_city": 2,
    }


def test_codes_follow_the_list_and_an_unknown_name_is_missing() -> None:
    assert codes(pd.Series(["B6", "ZZ", "9E"]), ("9E", "B6")).tolist()[::2] == [1.0, 0.0]
    assert codes(pd.Series(["ZZ"]), ("9E", "B6")).isna().all()


def test_makers_are_known_by_their_first_word() -> None:
    assert maker_code("AIRBUS INDUSTRIE") == maker_code("AIRBUS")
    assert maker_code("PIPER") == maker_code("CESSNA")
