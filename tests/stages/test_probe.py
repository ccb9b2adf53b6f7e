"""The probe and the stopwatch: rows nobody observed, and two bundles in turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from stages import latency, probe
from stages.common.command import StageError
from stages.common.contracts import FEATURES, PROBE_ROWS
from tests.stages.conftest import HOLDOUT, Pipeline, working_directory

PERIOD = ["--from", HOLDOUT[0], "--until", HOLDOUT[1]]


def run_in(pipeline: Pipeline, module: Any, *arguments: str | Path) -> None:
    with working_directory(pipeline.directory):
        assert module.main([str(each) for each in arguments]) == 0


@pytest.fixture(scope="session")
def rows(built: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Give the rows of the hold-out as the model reads them."""
    out = tmp_path_factory.mktemp("probe") / "rows.parquet"
    run_in(built, probe, "rows", *PERIOD, "--out", out)
    return pd.read_parquet(out)


def scores_of(pipeline: Pipeline, rows: pd.DataFrame, folder: Path) -> pd.DataFrame:
    rows.to_parquet(folder / "changed.parquet", index=False)
    bundle = ("--bundle", "models/bundle")
    files = ("--rows", folder / "changed.parquet", "--out", folder / "scores.parquet")
    run_in(pipeline, probe, "score", *bundle, *files)
    return pd.read_parquet(folder / "scores.parquet")


def test_rows_that_nobody_changed_score_as_the_hold_out_does(
    built: Pipeline, rows: pd.DataFrame, tmp_path: Path
) -> None:
    holdout = pd.read_parquet(built.directory / "models/holdout.parquet")
    assert rows["row"].tolist() == list(range(len(holdout)))
    assert rows["id"].tolist() == holdout["id"].tolist()
    assert list(rows.columns) == list(PROBE_ROWS.columns)
    scores = scores_of(built, rows, tmp_path)
    assert scores["row"].tolist() == rows["row"].tolist()
    np.testing.assert_array_equal(scores["score"], holdout["score"])


def test_changed_rows_in_any_order_keep_their_number(
    built: Pipeline, rows: pd.DataFrame, tmp_path: Path
) -> None:
    some = rows.head(50).sample(frac=1, random_state=1).drop(columns=["id", "day"])
    scores = scores_of(built, some[some.columns[::-1]], tmp_path)
    assert scores["row"].tolist() == some["row"].tolist()
    known = scores_of(built, rows.head(50), tmp_path).set_index("row")["score"]
    assert scores.set_index("row")["score"].sort_index().equals(known)


def test_every_feature_may_be_empty_or_impossible(
    built: Pipeline, rows: pd.DataFrame, tmp_path: Path
) -> None:
    features = [name for contract in FEATURES.values() for name in contract.features]
    for value in (None, float("inf"), -1e12, 1):
        scores = scores_of(built, rows.head(20).assign(**dict.fromkeys(features, value)), tmp_path)
        assert scores["score"].notna().all()


def test_a_row_that_no_part_serves_has_no_score(
    built: Pipeline, rows: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = rows.head(3).assign(origin=["BOS", None, "JFK"], region="north")
    assert scores_of(built, some, tmp_path)["score"].isna().tolist() == [True, True, False]
    assert "3 rows scored, 2 served by no part" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="plane_age"), "column plane_age is missing"),
        (lambda rows: rows.assign(extra=1), "column extra is not in the contract"),
        (lambda rows: rows.assign(label=1.0), "column label is not in the contract"),
        (lambda rows: rows.assign(miles="far"), "column miles is of type .*, not double"),
        (lambda rows: rows.assign(origin=1), "column origin is of type int64, not string"),
        (lambda rows: rows.drop(columns="row"), "column row is missing"),
        (lambda rows: rows.assign(row=1), "column row is repeated in 9 bad rows"),
        (lambda rows: rows.assign(row=None), "column row is empty in 9 bad rows"),
        (lambda rows: rows.head(0), "the table has no rows"),
    ],
)
def test_rows_of_other_columns_are_refused(
    built: Pipeline, rows: pd.DataFrame, tmp_path: Path, change: Any, message: str
) -> None:
    with pytest.raises(StageError, match=message):
        scores_of(built, change(rows.head(9)), tmp_path)
    assert not (tmp_path / "scores.parquet").exists()


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("row\n1\n")
    with pytest.raises(StageError, match=r"rows.parquet is not a readable Parquet file"):
        probe.read_rows(tmp_path / "rows.parquet")


def test_both_bundles_are_timed_as_often_as_asked(built: Pipeline, tmp_path: Path) -> None:
    bundles = ("--production", "models/bundle", "--candidate", "models/bundle")
    out = tmp_path / "latency.json"
    run_in(built, latency, *bundles, *PERIOD, "--out", out, "--turns", "3")
    found = json.loads(out.read_text())
    assert found.keys() == {"rows", "production", "candidate"}
    assert found["rows"] == 1_000
    assert [len(found[name]) for name in ("production", "candidate")] == [3, 3]
    assert min(found["production"] + found["candidate"]) > 0
    with pytest.raises(StageError, match="--turns must be at least 1, not 0"):
        run_in(built, latency, *bundles, *PERIOD, "--out", out, "--turns", "0")


def test_few_flights_are_repeated_and_many_are_spread() -> None:
    flights = pa.table({"place": list(range(7))})
    assert latency.pick(flights, 10)["place"].to_pylist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
    assert latency.pick(flights, 3)["place"].to_pylist() == [0, 3, 6]
    with pytest.raises(StageError, match="nothing to predict"):
        latency.pick(flights.slice(0, 0))


def test_who_goes_first_alternates(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(
        latency, "predict_once", lambda bundle, flights: order.append(bundle) or 1.0
    )
    bundles: Any = {"production": "p", "candidate": "c"}
    assert latency.take_turns(bundles, pa.table({}), 4) == {
        "production": [1.0] * 4,
        "candidate": [1.0] * 4,
    }
    assert "".join(order[2 * latency.WARM_UP :]) == "pccppccp"
