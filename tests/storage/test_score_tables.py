"""Columns of tables: what is there is read, what cannot be read is no reason to fail."""

from __future__ import annotations

import pandas as pd
import pytest

from retouch.storage import score_tables
from retouch.storage.score_tables import read_columns

FRAME = pd.DataFrame(
    {
        "day": ["2013-06-01", "2013-06-02"],
        "time": pd.to_datetime(["2013-06-01T12:00Z", "2013-06-02T12:00Z"], utc=True),
        "x": [1.5, 2.5],
        "größe": [1, 2],
        "region": ["a", "b"],
        "unused": [0, 0],
    }
)


def write(path, frame=FRAME):
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_only_the_wanted_columns_are_read(tmp_path, ending):
    read = read_columns([write(tmp_path / f"a.{ending}")], "x", "day", ["region", "nowhere"])
    assert read.day == "day"
    assert set(read.frame.columns) == {"day", "x", "region"}
    assert read.frame["x"].tolist() == [1.5, 2.5]


def test_all_tables_of_a_folder_are_one(tmp_path):
    write(tmp_path / "data/2013-01.parquet")
    write(tmp_path / "data/deep/2013-02.parquet")
    write(tmp_path / "data/other.parquet", FRAME.drop(columns="x"))
    (tmp_path / "data/notes.txt").write_text("x")
    assert len(read_columns([tmp_path / "data"], "x", "day").frame) == 4


def test_without_the_column_of_days_the_first_moments_serve(tmp_path):
    path = write(tmp_path / "a.parquet", FRAME.drop(columns="day"))
    assert read_columns([path], "x", "day").day == "time"
    csv = write(tmp_path / "a.csv", FRAME.drop(columns="day"))
    assert read_columns([csv], "x", "day").day == "time"


def test_names_of_any_letters_are_found(tmp_path):
    assert read_columns([write(tmp_path / "a.csv")], "größe", "day").frame["größe"].sum() == 3


@pytest.mark.parametrize("column", ["nowhere", ""])
def test_a_missing_column_gives_nothing(tmp_path, column):
    assert read_columns([write(tmp_path / "a.parquet")], column, "day") is None


def test_nothing_there_gives_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    assert read_columns([], "x", "day") is None
    assert read_columns([tmp_path / "nowhere.csv", tmp_path / "empty"], "x", "day") is None
    no_days = write(tmp_path / "a.parquet", FRAME[["x"]])
    assert read_columns([no_days], "x", "day") is None


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"PAR1", b"day,x\n1\n1,2,3\n"])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_what_is_no_table_gives_nothing(tmp_path, ending, content):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    assert read_columns([path], "x", "day") is None


def test_a_table_with_one_name_twice_gives_nothing(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("day,x,x\n2013-06-01,1,2\n")
    assert read_columns([path], "x", "day") is None


def test_too_much_to_look_at_is_not_read(tmp_path):
    for i in range(score_tables.MOST_FILES + 1):
        (tmp_path / f"{i}.csv").write_text("day,x\n2013-06-01,1\n")
    assert read_columns([tmp_path], "x", "day") is None
