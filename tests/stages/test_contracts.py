"""Contracts: broken rows are counted by column, files of another version are refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stages.common.checks import check_rows, frame_faults, frame_schema, write_checked
from stages.common.command import StageError
from stages.common.contracts import Column, Contract
from stages.common.faults import check_table, value_faults
from stages.common.tables import arrow_schema, read_table, write_months, write_table
from stages.registry import CONTRACTS
from tests.properties import tried
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
LEGS = Contract(
    "legs",
    1,
    {
        "id": Column("string"),
        "day": Column("string"),
        "place": Column("int64", low=0),
        "miles": Column("double"),
        "taxi": Column("double", nullable=True, low=5, high=235),
        "origin": Column("string", nullable=True, values=("EWR", "JFK")),
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
        ({"taxi": [9.0, float("-inf"), 9.0]}, "column taxi is infinite in 1 bad row"),
        ({"taxi": ["9", "9", "9"]}, "column taxi is of type large_string, not double"),
        ({"origin": [1, 2, 3]}, "column origin is of type int64, not string"),
    ],
)
def test_a_broken_contract_names_the_column_and_counts_the_rows(
    broken: dict[str, list[object]], message: str
) -> None:
    frame = trips(**broken)
    with pytest.raises(StageError) as pandera:
        check_rows(frame, TRIPS)
    with pytest.raises(StageError) as arrow:
        check_table(pa.Table.from_pandas(frame, preserve_index=False), TRIPS)
    assert str(pandera.value).startswith("contract trips/1 is broken: ")
    assert message in str(pandera.value)
    assert "\n" not in str(pandera.value)
    assert str(arrow.value) == str(pandera.value)


def test_a_column_of_mixed_types_is_named() -> None:
    with pytest.raises(StageError, match=r"column origin is of mixed types$"):
        check_rows(trips(origin=["EWR", 3, "JFK"]), TRIPS)


def test_times_without_a_zone_are_refused() -> None:
    contract = Contract("times", 1, {"id": Column("string"), "time": Column("timestamp")})
    frame = pd.DataFrame({"id": ["a"], "time": pd.to_datetime(["2013-01-01"])})
    with pytest.raises(StageError, match=r"column time is of type timestamp\[us\], not timestamp"):
        check_rows(frame, contract)


texts = st.one_of(st.none(), st.sampled_from(["EWR", "JFK", "BOS", "", "Zürich"]))
numbers = st.one_of(
    st.none(),
    st.sampled_from([0.0, 4.999, 5.0, 235.0, 236.0, 1e300, float("inf"), float("-inf")]),
    st.floats(-300, 300),
)
rows = st.tuples(texts, texts, st.integers(-2, 2**53), numbers, numbers, texts)


@given(
    st.lists(rows, min_size=1, max_size=12),
    st.sets(st.sampled_from(list(LEGS.columns)), max_size=2),
    st.booleans(),
)
@example([("a", "b", 0, None, None, None)], {"id"}, False)
@example([("a", "b", 0, 1.0, 4.999, None), ("b", "b", 0, 1.0, 235.001, None)], set(), False)
@tried(50)
def test_both_checkers_find_the_same_faults_and_counts(
    rows: list[tuple[Any, ...]], absent: set[str], extra: bool
) -> None:
    columns = zip(LEGS.columns.items(), zip(*rows, strict=True), strict=True)
    frame = pd.DataFrame(
        {
            name: pd.Series(values, dtype={"string": "str", "double": "float64"}.get(column.type))
            for (name, column), values in columns
        }
    ).drop(columns=list(absent))
    if extra:
        frame["more"] = 1
    table = pa.Table.from_pandas(frame, preserve_index=False)
    assert sorted(value_faults(table, LEGS)) == sorted(frame_faults(frame, LEGS))


def test_nan_is_as_empty_as_null_in_an_arrow_table() -> None:
    legs = pa.table(
        {
            "id": ["a", "b"],
            "day": ["2013-01-01"] * 2,
            "place": [0, 1],
            "miles": [float("nan"), None],
            "taxi": [float("nan"), None],
            "origin": [None, "JFK"],
        }
    )
    with pytest.raises(StageError, match=r"broken: column miles is empty in 2 bad rows$"):
        check_table(legs, LEGS)


def test_every_writer_checks_the_rows(tmp_path: Path) -> None:
    legs = pa.table(
        {"id": ["a"], "day": ["2013-01-01"], "place": [0], "miles": [1.0], "taxi": [1.0]}
    ).append_column("origin", pa.array(["BOS"]))
    for write, out in ((write_table, "legs.parquet"), (write_months, "legs")):
        with pytest.raises(StageError, match=r"origin is not one of .*; column taxi is below 5"):
            write(legs, tmp_path / out, LEGS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name[:30])
def test_every_contract_has_a_pandera_schema_of_its_version(contract: Contract) -> None:
    schema = frame_schema(contract)
    assert (schema.name, schema.metadata) == (contract.tag, {"version": contract.version})
    assert list(schema.columns) == list(contract.columns)
    assert contract.key in contract.columns


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
    pq.write_table(table.cast(arrow_schema(TRIPS)), tmp_path / "trips.parquet")
    with pytest.raises(StageError, match="column id is empty in 1 bad row"):
        read_table(tmp_path / "trips.parquet", TRIPS)


def test_a_stage_that_fails_prints_one_sentence_and_exits_with_1(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.features_schedule"]
    paths = ["--flights", str(tmp_path / "flights"), "--out", str(tmp_path / "out")]
    done = subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
