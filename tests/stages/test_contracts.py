"""Contracts: broken rows are counted by column, files of another version are refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from stages.common.checks import check_rows, write_checked
from stages.common.command import StageError
from stages.common.contracts import Column, Contract
from stages.common.tables import arrow_schema, read_table, write_table
from tests.stages.conftest import ROOT

TRIPS = Contract(
    "trips",
    1,
    {
        "id": Column("string"),
        "taxi": Column("double", nullable=True, low=5, high=235),
        "origin": Column("string", values=("EWR", "JFK")),
    },
)


def trips(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": ["a", "b", "c"], "taxi": [5.0, None, 235.0], "origin": ["EWR", "JFK", "EWR"]}
        | columns
    )


def test_rows_that_keep_the_contract_pass() -> None:
    check_rows(trips(), TRIPS)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"taxi": [4.0, 236.0, 300.0]}, "column taxi is above 235 in 2 bad rows; "),
        ({"taxi": [4.0, 9.0, 9.0]}, "column taxi is below 5 in 1 bad row"),
        ({"origin": ["EWR", "BOS", "PHL"]}, "column origin is not one of EWR, JFK in 2 bad rows"),
        ({"origin": ["EWR", None, "EWR"]}, "column origin is empty in 1 bad row"),
        ({"id": ["a", "a", "c"]}, "column id is repeated in 2 bad rows"),
        ({"tail": ["x", "y", "z"]}, "column tail is not in the contract"),
    ],
)
def test_a_broken_contract_names_the_column_and_counts_the_rows(
    broken: dict[str, list[object]], message: str
) -> None:
    with pytest.raises(StageError) as error:
        check_rows(trips(**broken), TRIPS)
    assert str(error.value).startswith("contract trips/1 is broken: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_column_and_an_empty_table_are_broken_contracts() -> None:
    with pytest.raises(StageError, match="column taxi is missing"):
        check_rows(trips().drop(columns="taxi"), TRIPS)
    with pytest.raises(StageError, match="the table has no rows"):
        check_rows(trips().iloc[:0], TRIPS)


def test_nothing_is_written_when_the_contract_is_broken(tmp_path: Path) -> None:
    with pytest.raises(StageError):
        write_checked(trips(taxi=[1.0, 1.0, 1.0]), tmp_path / "trips.parquet", TRIPS)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    write_checked(trips(), tmp_path / "trips.parquet", TRIPS)
    assert read_table(tmp_path / "trips.parquet", TRIPS).num_rows == 3
    with pytest.raises(StageError, match="follows contract trips/1, this code reads trips/2"):
        read_table(tmp_path / "trips.parquet", replace(TRIPS, version=2))


def test_a_reader_counts_values_missing_where_none_may_be(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", None], "taxi": [9.0, 9.0], "origin": ["EWR", "JFK"]})
    write_table(table.cast(arrow_schema(TRIPS)), tmp_path / "trips.parquet", TRIPS)
    with pytest.raises(StageError, match="column id is empty in 1 bad row"):
        read_table(tmp_path / "trips.parquet", TRIPS)


def test_a_stage_that_fails_prints_one_sentence_and_exits_with_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.features_schedule"]
    paths = ["--flights", str(tmp_path / "flights"), "--out", str(tmp_path / "out")]
    done = subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
