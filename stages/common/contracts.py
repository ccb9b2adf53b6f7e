"""The data contracts between stages, as plain data: columns, types, ranges, and a version.

A change that breaks a reader (a column removed, renamed, or given another meaning) raises the
version; `python -m stages.registry` lists them all, and a test compares the list with a committed
one. `tables` stores name and version in every Parquet file and compares them on reading. Rows are
held against the contract before they are written: by `faults` with pyarrow, and where pandas is in
use by `checks` with pandera. This module imports nothing heavy, so the cheap stages can use it.

Readings of the weather carry no limits here: a contract guards the shape of the data, while an
impossible reading is a finding for monitors, answered by `sources.weather-<origin>.range_check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

ORIGINS = ("EWR", "JFK", "LGA")
REGIONS = ("north", "south", "central", "west")
AREAS = ("caribbean", "mainland", "hawaii-alaska")
DEPARTURES = ("before 9", "9 to 13", "13 to 17", "17 and later")
"""Hours of the local clock at the origin."""


@dataclass(frozen=True)
class Column:
    """What one column may hold."""

    type: Literal["string", "double", "int64", "timestamp"]
    nullable: bool = False
    low: float | None = None
    """Smallest value allowed."""
    high: float | None = None
    """Largest value allowed."""
    values: tuple[str, ...] = ()
    """The closed list of values allowed; empty means any."""


@dataclass(frozen=True)
class Contract:
    """The columns of one table, in order, one row per `key`."""

    name: str
    version: int
    columns: Mapping[str, Column]
    key: str = "id"

    @property
    def tag(self) -> str:
        """The text stored in the files that follow this contract."""
        return f"{self.name}/{self.version}"

    @property
    def features(self) -> tuple[str, ...]:
        """The columns a model may learn from: all but the key and the day."""
        return tuple(name for name in self.columns if name not in (self.key, "day"))


def join(
    name: str, version: int, base: Mapping[str, Column], groups: Iterable[str], key: str = "id"
) -> Contract:
    """Give the contract of a table with the columns `base` and the features of `groups`.

    Its name lists the contracts joined, so that a new version of one is a new contract.
    """
    columns, groups = dict(base), tuple(groups)
    for group in groups:
        columns |= {
            feature: FEATURES[group].columns[feature] for feature in FEATURES[group].features
        }
    sources = "+".join(FEATURES[group].tag for group in groups)
    return Contract(f"{name}({sources})", version, columns, key)


TEXT = Column("string")
NUMBER = Column("double", nullable=True)
_COUNT = Column("double", low=0)
_MINUTES = Column("double", low=1, high=1440)
_AIR_TIME = Column("double", nullable=True, low=15, high=900)
# With correct time zones every labelled flight of 2013 taxies 5 to 235 minutes in total. A row
# outside is a mistake in the labels (a zone, a day boundary), so the range tests their integrity.
_TAXI = Column("double", nullable=True, low=5, high=235)

LABELS = ("block", "air_time", "taxi")

FLIGHTS = Contract(
    "flights",
    1,
    {
        "id": TEXT,
        "day": TEXT,
        "time": Column("timestamp"),
        "hour": Column("timestamp"),
        "dep_minute": Column("double", low=0, high=1439),
        "origin": Column("string", values=ORIGINS),
        "dest": TEXT,
        "region": Column("string", values=REGIONS),
        "carrier": TEXT,
        "tailnum": Column("string", nullable=True),
        "distance": Column("double", low=1, high=6000),
        "dest_lat": Column("double", low=-90, high=90),
        "dest_lon": Column("double", low=-180, high=180),
        "scheduled_block": _MINUTES,
        "block": Column("double", nullable=True, low=20, high=1440),
        "air_time": _AIR_TIME,
        "taxi": _TAXI,
    },
)

PLANES = Contract(
    "planes",
    1,
    {
        "tailnum": TEXT,
        "year": Column("double", nullable=True, low=1900, high=2013),
        "manufacturer": TEXT,
        "engines": Column("double", low=1, high=8),
        "seats": Column("double", low=1, high=900),
    },
    key="tailnum",
)

READINGS = (
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)

WEATHER = Contract(
    "weather",
    1,
    {"hour": Column("timestamp"), "day": TEXT} | dict.fromkeys(READINGS, NUMBER),
    key="hour",
)

SCHEDULE_FEATURES = Contract(
    "schedule-features",
    1,
    {
        "id": TEXT,
        "day": TEXT,
        "departure_minute": Column("double", low=0, high=1439),
        "day_of_week": Column("double", low=0, high=6),
        "miles": Column("double", low=1, high=6000),
        "destination_latitude": Column("double", low=-90, high=90),
        "destination_longitude": Column("double", low=-180, high=180),
        "carrier_code": Column("double", nullable=True, low=0),
        "origin_code": Column("double", low=0, high=len(ORIGINS) - 1),
        "departures_same_hour": _COUNT,
        "departures_hour_before": _COUNT,
        "departures_hour_after": _COUNT,
        "departures_same_day": _COUNT,
        "departures_same_hour_city": _COUNT,
    },
)

PLANE_FEATURES = Contract(
    "plane-features",
    1,
    {
        "id": TEXT,
        "day": TEXT,
        "plane_age": Column("double", nullable=True, low=0, high=113),
        "plane_seats": Column("double", nullable=True, low=1, high=900),
        "plane_engines": Column("double", nullable=True, low=1, high=8),
        "plane_maker": Column("double", nullable=True, low=0),
    },
)

HISTORY_FEATURES = Contract(
    "history-features",
    1,
    {
        "id": TEXT,
        "day": TEXT,
        "route_residual_14_days": NUMBER,
        "destination_residual_7_days": NUMBER,
        "region_residual_3_days": NUMBER,
    },
)


def weather_features(origin: str) -> Contract:
    """Give the contract of the weather at `origin`, whose columns carry the name of the origin."""
    readings = {f"{origin}_{name}": NUMBER for name in (*READINGS, "precip_3_hours")}
    return Contract(f"weather-{origin}-features", 1, {"id": TEXT, "day": TEXT} | readings)


FEATURES: Mapping[str, Contract] = {
    "schedule": SCHEDULE_FEATURES,
    "plane": PLANE_FEATURES,
    "history": HISTORY_FEATURES,
} | {f"weather-{origin}": weather_features(origin) for origin in ORIGINS}
"""The feature tables by group; each has one row for every flight, in the same order."""

SCORES = Contract(
    "scores",
    2,
    {
        "id": TEXT,
        "time": Column("timestamp"),
        "day": TEXT,
        "label": Column("double", low=20, high=1440),
        "score": _MINUTES,
        "lower": Column("double"),
        "upper": Column("double"),
        "origin": Column("string", values=ORIGINS),
        "region": Column("string", values=REGIONS),
        "area": Column("string", values=AREAS),
        "departure": Column("string", values=DEPARTURES),
        "carrier": TEXT,
        "dest": TEXT,
        "label_air": Column("double", low=15, high=900),
        "score_air": Column("double", low=1, high=1440),
        "label_taxi": Column("double", low=5, high=235),
        "score_taxi": Column("double", low=0, high=600),
    },
)

UNLABELLED_SCORES = Contract(
    "unlabelled-scores",
    1,
    {name: column for name, column in SCORES.columns.items() if not name.startswith("label")},
)
"""Of flights that need no label: what is known before one arrives."""

PROBE_ROWS = join(
    "probe-rows",
    1,
    {
        "row": Column("int64", low=0),
        "id": TEXT,
        "day": TEXT,
        "origin": Column("string", values=ORIGINS),
        "region": Column("string", values=REGIONS),
    },
    FEATURES,
    key="row",
)
"""Rows as the model reads them, to be changed and scored again."""

PROBE_SCORES = Contract(
    "probe-scores",
    1,
    {"row": Column("int64"), "score": Column("double", nullable=True)},
    key="row",
)
"""Scores of rows that nobody observed: they may be impossible, and where no part serves a row, its
score is empty."""
