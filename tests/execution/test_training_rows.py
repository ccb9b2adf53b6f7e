"""Training rows are read from the tables of a model, and nothing else of them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from retouch.errors import InputError
from retouch.execution.scoring import training_rows
from retouch.policy.promotion import LearnedFrom


def read(root: Path, *paths: str, **columns):
    rows = training_rows(LearnedFrom(paths=paths, **columns), root=root)
    assert list(rows.columns) == ["id", "day"]
    return rows.to_numpy(dtype=object).tolist()


def test_all_tables_below_the_paths_are_read(tmp_path):
    (tmp_path / "windows/inner").mkdir(parents=True)
    pd.DataFrame({"id": [1], "day": ["2024-01-01"], "x": [0.5]}).to_parquet(
        tmp_path / "windows/inner/a.parquet"
    )
    (tmp_path / "windows/b.csv").write_text("day,id,label\n2024-01-02,0007,3\n")
    (tmp_path / "windows/notes.txt").write_text("no table")
    (tmp_path / "more.csv").write_text("id,day\nzürich,2024-01-03\n")
    assert read(tmp_path, "windows", "more.csv") == [
        ["0007", "2024-01-02"],
        ["1", "2024-01-01"],
        ["zürich", "2024-01-03"],
    ]


@pytest.mark.parametrize(
    "day",
    [date(2024, 1, 1), datetime(2024, 1, 1, 13, 5), pd.Timestamp("2024-01-01", tz="UTC")],  # noqa: DTZ001
)
def test_days_are_text(tmp_path, day):
    pd.DataFrame({"key": ["a"], "on": [day]}).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path, "a.parquet", id="key", day="on") == [["a", "2024-01-01"]]


def test_tables_without_days_or_with_gaps_have_none(tmp_path):
    pd.DataFrame({"id": ["a", None], "day": [None, "2024-01-01"]}).to_parquet(
        tmp_path / "a.parquet"
    )
    assert read(tmp_path, "a.parquet") == [["a", None], [None, "2024-01-01"]]
    assert read(tmp_path, "a.parquet", day=None) == [["a", None], [None, None]]


def test_no_rows_are_none(tmp_path):
    pd.DataFrame({"id": [], "day": []}).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path, "a.parquet") == []


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (("nowhere",), "nowhere: has no Parquet or CSV file"),
        (("empty",), "empty: has no Parquet or CSV file"),
        (("other.csv",), "other.csv: the training rows cannot be read"),
        (("other.parquet",), "other.parquet: the training rows cannot be read"),
        (("broken.parquet",), "broken.parquet: the training rows"),
        (("blank.csv",), "blank.csv: the training rows"),
    ],
)
def test_what_cannot_be_read_is_bad_input(tmp_path, paths, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("id,date\n1,2\n")
    pd.DataFrame({"id": [1]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "broken.parquet").write_text("no table")
    (tmp_path / "blank.csv").write_text("")
    with pytest.raises(InputError, match=message):
        read(tmp_path, *paths)
