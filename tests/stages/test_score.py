"""Scoring, evaluation and audit: the rows, their labels, and the figures drawn from them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages import score
from stages.audit import leak_checks, subgroups
from stages.common.command import StageError
from stages.common.contracts import SCORES
from stages.evaluate import metrics
from tests.stages.conftest import HOLDOUT, Pipeline, working_directory
from tests.stages.test_labels import read


def score_period(pipeline: Pipeline, start: str, until: str, *options: str) -> pd.DataFrame:
    arguments = ["--bundle", "models/bundle", "--from", start, "--until", until, *options]
    with working_directory(pipeline.directory):
        assert score.main([*arguments, "--out", "scores.parquet"]) == 0
    return pd.read_parquet(pipeline.directory / "scores.parquet")


def test_every_labelled_flight_is_scored_once_with_its_own_label(
    built: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = score_period(built, *HOLDOUT)
    flights = read(built.directory / "data/raw/flights").query("day >= @HOLDOUT[0]")
    labelled = flights[flights["block"].notna()].reset_index(drop=True)
    assert list(scores.columns) == list(SCORES.columns)
    renamed = {"label": "block", "label_air": "air_time", "label_taxi": "taxi"}
    for column in set(SCORES.columns) & {*labelled.columns, *renamed}:
        expected = labelled[renamed.get(column, column)]
        pd.testing.assert_series_equal(scores[column], expected, check_names=False)
    left_out = len(flights) - len(labelled)
    assert f"{len(scores)} flights scored, {left_out} left out" in capsys.readouterr().out


def test_without_labels_all_flights_are_scored_and_none_differently(
    built: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = score_period(built, *HOLDOUT)
    every = score_period(built, *HOLDOUT, "--unlabelled")
    flights = read(built.directory / "data/raw/flights").query("day >= @HOLDOUT[0]")
    assert every["id"].tolist() == flights["id"].tolist()
    assert len(every) > len(scores)
    assert list(every.columns) == [name for name in scores if not name.startswith("label")]
    known = every[every["id"].isin(scores["id"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(known, scores[list(every.columns)])
    without = len(every) - len(scores)
    assert (
        f"{len(every)} flights scored, {without} of them have no label" in capsys.readouterr().out
    )


def test_slices_say_where_to_and_when(built: Pipeline) -> None:
    scores = score_period(built, *HOLDOUT)
    flights = read(built.directory / "data/raw/flights").set_index("id").loc[scores["id"]]
    caribbean = scores["dest"].isin(["SJU", "BQN", "STT", "PSE"])
    pacific = scores["dest"].isin(["HNL", "ANC"])
    assert (scores["area"] == "caribbean").equals(caribbean)
    assert (scores["area"] == "hawaii-alaska").equals(pacific)
    assert (scores["area"] == "mainland").equals(~caribbean & ~pacific)
    assert caribbean.sum() > 200
    minutes = flights["dep_minute"].groupby(scores["departure"].to_numpy()).agg(["min", "max"])
    assert minutes["max"]["before 9"] < 9 * 60 <= minutes["min"]["9 to 13"]
    assert minutes["max"]["9 to 13"] < 13 * 60 <= minutes["min"]["13 to 17"]
    assert minutes["max"]["13 to 17"] < 17 * 60 <= minutes["min"]["17 and later"]


def test_the_score_is_the_sum_of_its_parts_inside_its_interval(built: Pipeline) -> None:
    scores = score_period(built, *HOLDOUT)
    np.testing.assert_allclose(scores["score"], scores["score_air"] + scores["score_taxi"])
    assert (scores["lower"] < scores["score"]).all()
    assert (scores["score"] < scores["upper"]).all()


def test_evaluate_and_score_give_the_same_rows(built: Pipeline) -> None:
    holdout = pd.read_parquet(built.directory / "models/holdout.parquet")
    pd.testing.assert_frame_equal(holdout, score_period(built, *HOLDOUT))


def test_scoring_past_the_clock_is_refused(built: Pipeline) -> None:
    with pytest.raises(StageError, match="data has arrived only before 2013-04-16"):
        score_period(built, "2013-04-01", "2013-04-17")


def test_evaluating_past_the_clock_is_refused(copy: Pipeline) -> None:
    copy.params["evaluate"]["until"] = "2013-04-17"
    with pytest.raises(StageError, match=r"evaluate.until is 2013-04-17"):
        copy.run(["evaluate"])


def test_metrics_agree_with_the_rows(built: Pipeline) -> None:
    scores = pd.read_parquet(built.directory / "models/holdout.parquet")
    written = json.loads((built.directory / "models/metrics.json").read_text())
    error = (scores["score"] - scores["label"]).abs()
    assert written["overall"]["mae"] == pytest.approx(error.mean(), abs=1e-4)
    assert written["overall"]["days"] == 15
    assert sum(each["flights"] for each in written["region"].values()) == len(scores)
    assert sum(each["flights"] for each in written["origin"].values()) == len(scores)
    assert metrics(scores, written["unlabelled"]) == written


def test_the_bias_is_positive_when_the_score_is_too_long() -> None:
    rows = pd.DataFrame({"label": [100.0, 100.0], "score": [110.0, 104.0], "day": ["a", "b"]})
    rows = rows.assign(lower=95.0, upper=[120.0, 99.0], region="north", origin="EWR")
    for component in ("air", "taxi"):
        rows[f"label_{component}"], rows[f"score_{component}"] = 50.0, 52.0
    overall = metrics(rows, 3)["overall"]
    assert overall == {"flights": 2, "mae": 7.0, "bias": 7.0, "coverage": 0.5, "days": 2}


def test_the_audit_marks_small_subgroups_and_sorts_by_error(built: Pipeline) -> None:
    audit = json.loads((built.directory / "models/audit.json").read_text())
    errors = [row["mae"] for row in audit["subgroups"]]
    assert errors == sorted(errors, reverse=True)
    for row in audit["subgroups"]:
        assert row["enough"] == (row["flights"] >= 200 and row["days"] >= 10)
    assert set(audit["importance"]) == {"schedule", "plane", "history", "weather"}
    assert audit["importance"]["schedule"] == max(audit["importance"].values())
    assert all(check["passed"] for check in audit["leaks"])


def test_leaks_are_found() -> None:
    flights = pd.DataFrame({"block": [1.0, 2.0, 4.0], "taxi": [2.0, 4.0, 8.0]})
    manifest = {"seen_until": "2013-06-20", "parts": {"taxi-EWR": {"features": ["taxi"]}}}
    assert [check["passed"] for check in leak_checks(manifest, flights, "2013-06-16")] == [
        False
    ] * 3


def test_subgroups_cover_every_flight_in_every_grouping(built: Pipeline) -> None:
    scores = pd.read_parquet(built.directory / "models/holdout.parquet")
    features = {"plane_seats": np.nan}
    rows = subgroups(scores, scores.assign(**features))
    for grouping in {row["grouping"] for row in rows}:
        assert sum(r["flights"] for r in rows if r["grouping"] == grouping) == len(scores)


def test_scoring_needs_every_feature_group(built: Pipeline) -> None:
    with pytest.raises(StageError, match="scoring needs the features schedule, plane, history"):
        score.read_flights(Path("x"), [Path("data/features/plane")], None)  # type: ignore[arg-type]
