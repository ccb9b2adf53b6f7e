"""Destinations: their position, time zone, and the region whose air-time model serves them."""

from __future__ import annotations

import pandas as pd

from stages.common.command import StageError

# Four destinations are absent from airports.csv; their coordinates are public knowledge.
_MISSING = pd.DataFrame(
    [
        ("BQN", 18.4949, -67.1294, "America/Puerto_Rico"),
        ("PSE", 18.0083, -66.5630, "America/Puerto_Rico"),
        ("SJU", 18.4394, -66.0018, "America/Puerto_Rico"),
        ("STT", 18.3373, -64.9734, "America/Puerto_Rico"),
    ],
    columns=["faa", "lat", "lon", "tzone"],
)


def destinations(airports: pd.DataFrame, used: pd.Series[str]) -> pd.DataFrame:
    """Give latitude, longitude, time zone and region of every destination in `used`."""
    known = pd.concat([airports[["faa", "lat", "lon", "tzone"]], _MISSING])
    table = known.drop_duplicates("faa").set_index("faa").reindex(sorted(used.unique()))
    unknown = table.index[table.isna().any(axis=1)].tolist()
    if unknown:
        raise StageError(f"airports.csv knows no position or time zone of {', '.join(unknown)}")
    return table.assign(region=regions(table["lat"], table["lon"]))


def regions(lat: pd.Series[float], lon: pd.Series[float]) -> pd.Series[str]:
    """Assign every position to exactly one region; the winds along the way decide the borders."""
    region = pd.Series("north", index=lat.index)
    region[lat < 34] = "south"
    region[lon < -94] = "central"
    region[lon < -113] = "west"
    return region
