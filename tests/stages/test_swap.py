"""One module or one sub-model is replaced, and nothing after it has to change."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pandas as pd
import pytest

from stages import features_plane
from stages.common.command import StageError
from stages.models import load_model
from tests.stages.conftest import Pipeline

REST = {"assemble", "evaluate", "audit"}


def downstream(stages: dict[str, Any], names: set[str]) -> list[str]:
    """Give the stages `names` and all that read their outputs, directly or not, in order."""
    outs = {str(out.def_path): name for name, stage in stages.items() for out in stage.outs}
    graph = nx.DiGraph()
    graph.add_nodes_from(stages)
    for name, stage in stages.items():
        graph.add_edges_from(
            (outs[dep.def_path], name) for dep in stage.deps if dep.def_path in outs
        )
    wanted = names.union(*(nx.descendants(graph, name) for name in names))
    return [name for name in stages if name in wanted]


def other_plane_features(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Know nothing of a plane but whether it is registered: another module, the same contract."""
    known = flights["tailnum"].isin(planes["tailnum"])
    return pd.DataFrame(
        {
            "id": flights["id"],
            "day": flights["day"],
            "plane_age": known.map({True: 10.0, False: None}),
            "plane_seats": 100.0,
            "plane_engines": pd.Series(float("nan"), index=flights.index),
            "plane_maker": 0.0,
        }
    )


def test_another_feature_module_of_the_same_contract_changes_nothing_after_it(
    built: Pipeline, copy: Pipeline, monkeypatch: pytest.MonkeyPatch, dvc_stages: dict[str, Any]
) -> None:
    script = "stages/features_plane.py"
    readers = {n for n, s in dvc_stages.items() if any(d.def_path == script for d in s.deps)}
    assert readers == {"features-plane"}
    again = downstream(dvc_stages, readers)
    kept = [name for name in dvc_stages if name not in again]
    assert all(name.startswith(("ingest", "features")) for name in kept)
    monkeypatch.setattr(features_plane, "plane_features", other_plane_features)
    copy.run(again)
    before, after = built.outputs(dvc_stages), copy.outputs(dvc_stages)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert not changed & set(built.outputs(kept))
    assert "data/features/plane/2013-01.parquet" in changed
    assert "models/metrics.json" in changed
    assert any(name.startswith("models/bundle/") for name in changed)


def test_a_feature_module_that_breaks_the_contract_fails_by_column_and_count(
    copy: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
        return other_plane_features(flights, planes).assign(
            plane_age=lambda frame: frame["plane_age"].where(frame.index != 3, 200.0)
        )

    before = copy.outputs(["features-plane"])
    monkeypatch.setattr(features_plane, "plane_features", too_old)
    with pytest.raises(StageError, match=r"plane_age is above 113 in 1 bad row$"):
        copy.run(["features-plane"])
    assert copy.outputs(["features-plane"]) == before


def test_another_estimator_for_one_component_changes_nothing_after_it(
    built: Pipeline, copy: Pipeline, dvc_stages: dict[str, Any]
) -> None:
    copy.params["model"]["taxi"]["estimator"] = "linear"
    trained = {name for name in dvc_stages if name.startswith("train-taxi")}
    again = downstream(dvc_stages, trained)
    assert set(again) == trained | {f"calibrate-taxi@{o}" for o in ("EWR", "JFK", "LGA")} | REST
    copy.run(again)
    assert [type(each).__name__ for each in model_of(copy, "taxi-JFK")] == ["Pipeline"]
    assert [type(each).__name__ for each in model_of(copy, "air-west")] == [
        "HistGradientBoostingRegressor"
    ]
    before, after = built.outputs(again), copy.outputs(again)
    assert before.keys() == after.keys()
    assert before["models/metrics.json"] != after["models/metrics.json"]


def test_a_linear_sub_model_can_grow(copy: Pipeline) -> None:
    copy.params["model"]["taxi"]["estimator"] = "linear"
    copy.params["parts"]["taxi-JFK"]["train"]["increments"] = [
        {"from": "2013-04-01", "until": "2013-04-16"}
    ]
    copy.run(["window-taxi@JFK-train", "train-taxi@JFK", "calibrate-taxi@JFK"])
    assert [type(each).__name__ for each in model_of(copy, "taxi-JFK")] == [
        "Pipeline",
        "HistGradientBoostingRegressor",
    ]


def test_an_estimator_that_is_not_there_is_named(copy: Pipeline) -> None:
    copy.params["model"]["taxi"]["estimator"] = "forest"
    with pytest.raises(StageError, match=r"model.taxi.estimator must be one of .*, not 'forest'"):
        copy.run(["train-taxi@JFK"])


def model_of(pipeline: Pipeline, part: str) -> list[Any]:
    return load_model(pipeline.directory / "models/parts" / part / "model.skops")
