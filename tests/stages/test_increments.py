"""Increments: new trees on what the model in production leaves unexplained of new rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from stages.common.command import StageError
from stages.common.periods import Period, parse_increments
from stages.matrices import matrix
from stages.models import canonical, load_model, predict
from stages.parts import PARTS, Part
from stages.train import Params, fit, grow, split
from tests.stages.conftest import Pipeline

WINDOW, TRAIN = "window-air@north-train", "train-air@north"
APRIL = {"from": "2013-04-01", "until": "2013-04-16"}
PARAMS = Params(
    estimator="hist_gradient_boosting",
    loss="squared_error",
    learning_rate=0.1,
    max_iter=10,
    max_leaf_nodes=8,
    min_samples_leaf=20,
    l2_regularization=1.0,
    seed=1,
    increment_iterations=20,
    increment_rate=0.2,
    increments=[],
    revision=0,
)


def rows_of(part: Part, days: list[str], *, shift: float, seed: int, each: int = 60) -> pa.Table:
    """Make flights whose label is a sum of two features, plus `shift`."""
    rng = np.random.default_rng(seed)
    number = len(days) * each
    features = {name: rng.normal(size=number) for name in part.features}
    first, second = (features[name] for name in part.features[:2])
    return pa.table(
        {
            "id": [f"{day}-{place}" for day in days for place in range(each)],
            "day": [day for day in days for _ in range(each)],
            part.label: 60 + 5 * first + 3 * second + shift + rng.normal(size=number),
            **features,
        }
    )


def march(part: Part, seed: int = 1) -> pa.Table:
    return rows_of(part, [f"2013-03-{day:02}" for day in range(1, 11)], shift=0, seed=seed)


def shifted(part: Part, seed: int = 2) -> pa.Table:
    return rows_of(part, [f"2013-04-{day:02}" for day in range(1, 11)], shift=15, seed=seed)


def grown(*increments: tuple[str, str]) -> Params:
    return replace(PARAMS, increments=[{"from": a, "until": b} for a, b in increments])


def file_of(model: Any) -> bytes:
    return canonical(skops.io.dumps(model))


def error(models: Any, rows: pa.Table, part: Part) -> float:
    predicted = predict(models, matrix(rows, part.features), log=part.log)
    return float(np.abs(predicted - rows[part.label].to_numpy()).mean())


@pytest.mark.parametrize("name", ["air-north", "taxi-JFK"])
def test_the_base_is_the_model_in_production_and_the_increment_learns_the_shift(name: str) -> None:
    part = PARTS[name]
    old, new, fresh = march(part), shifted(part), shifted(part, seed=3)
    production = fit(old, part, PARAMS)
    models = fit(pa.concat_tables([old, new]), part, grown(("2013-04-01", "2013-04-16")))
    assert [file_of(each) for each in models[:1]] == [file_of(each) for each in production]
    assert len(models) == 2
    assert error(models, fresh, part) < error(production, fresh, part) / 3


def test_later_increments_leave_earlier_ones_as_they_are() -> None:
    part = PARTS["air-north"]
    window = pa.concat_tables([march(part), shifted(part)])
    one = fit(window.slice(0, 900), part, grown(("2013-04-01", "2013-04-06")))
    two = fit(window, part, grown(("2013-04-01", "2013-04-06"), ("2013-04-06", "2013-04-11")))
    assert [file_of(each) for each in two[:2]] == [file_of(each) for each in one]
    assert len(two) == 3


def test_an_increment_reads_its_own_rows_alone() -> None:
    """Given the same base, old rows change nothing; and what is corrected is the base's error."""
    part = PARTS["air-north"]
    base = fit(march(part), part, PARAMS)
    alone = grow(base, shifted(part), part, PARAMS.increment_settings)
    params = grown(("2013-04-01", "2013-04-16"))
    full = fit(pa.concat_tables([march(part), shifted(part)]), part, params)
    assert file_of(full[1]) == file_of(alone)
    other = grow(
        fit(march(part, seed=9), part, PARAMS), shifted(part), part, PARAMS.increment_settings
    )
    assert file_of(other) != file_of(alone)


def test_an_increment_of_too_few_flights_is_refused() -> None:
    part = PARTS["taxi-JFK"]
    few = shifted(part).slice(0, 199)
    params = grown(("2013-04-01", "2013-04-16"))
    with pytest.raises(StageError, match=r"taxi-JFK.train.increments: 199 flights from 2013-04-01"):
        fit(pa.concat_tables([march(part), few]), part, params)
    enough = pa.concat_tables([march(part), shifted(part).slice(0, 200)])
    assert len(fit(enough, part, params)) == 2


@pytest.mark.parametrize("estimator", ["hist_gradient_boosting", "linear"])
def test_a_feature_without_any_value_stops_no_fit(estimator: str) -> None:
    part = PARTS["air-north"]
    rows = pa.concat_tables([march(part), shifted(part)])
    place = rows.schema.get_field_index("plane_age")
    rows = rows.set_column(place, "plane_age", pa.nulls(rows.num_rows, pa.float64()))
    params = replace(grown(("2013-04-01", "2013-04-16")), estimator=estimator)
    assert error(fit(rows, part, params), shifted(part, seed=3), part) < 5


def test_days_that_nobody_declared_are_refused() -> None:
    window = pa.table({"day": ["2013-03-01", "2013-04-01", "2013-04-09"]})
    with pytest.raises(StageError, match=r"days that parts.x.train does not name; run `dvc repro`"):
        split(window, [Period("2013-04-01", "2013-04-05")], "parts.x.train")
    with pytest.raises(StageError, match="no flight precedes the first increment"):
        split(window.slice(1, 1), [Period("2013-04-01", "2013-04-05")], "parts.x.train")


days = st.integers(1, 28).map(lambda day: f"2013-04-{day:02}")


@given(st.lists(st.tuples(days, days), max_size=4))
def test_increments_are_taken_only_in_order_and_apart(ranges: list[tuple[str, str]]) -> None:
    base = Period("2013-03-01", "2013-04-05", (("2013-04-07", "2013-04-08"),))
    bounds = ["2013-04-05", *(day for each in ranges for day in each)]
    in_order = bounds == sorted(bounds) and all(start < until for start, until in ranges)
    declared = [{"from": start, "until": until} for start, until in ranges]
    if not in_order:
        with pytest.raises(StageError, match=r"^p.train.increments"):
            parse_increments("p.train", base, declared)
        return
    periods = parse_increments("p.train", base, declared)
    assert [(each.start, each.until) for each in periods] == ranges
    assert all("2013-04-07" not in each for each in periods)


@pytest.mark.parametrize("value", [None, "2013-04-01", {}, [[]], [{"from": "2013-04-01"}], [None]])
def test_malformed_increments_are_named(value: Any) -> None:
    with pytest.raises(StageError, match=r"p.train.increments must be a list of {from, until}"):
        parse_increments("p.train", None, value)


def test_the_pipeline_grows_a_model_and_leaves_the_old_one_inside_it(
    built: Pipeline, copy: Pipeline
) -> None:
    train = copy.params["parts"]["air-north"]["train"]
    train["increments"] = [APRIL]
    train["exclude"] = [{"from": "2013-04-10", "until": "2013-04-12"}]
    copy.run([WINDOW, TRAIN, "calibrate-air@north", "assemble", "evaluate"])
    part = PARTS["air-north"]
    before, after = (
        pq.read_table(each.directory / "data/windows/air-north-train.parquet")
        for each in (built, copy)
    )
    assert after.slice(0, before.num_rows).equals(before)
    assert {f"2013-04-{day:02}" for day in range(1, 16) if day not in (10, 11)} == set(
        after["day"].to_pylist()[before.num_rows :]
    )
    assert after["id"].to_pylist() == sorted(after["id"].to_pylist())
    file = "models/parts/air-north/model.skops"
    base, increment = load_model(copy.directory / file)
    assert file_of(base) == file_of(load_model(built.directory / file)[0])
    april = after.slice(before.num_rows)
    assert error([base, increment], april, part) < error([base], april, part)


@pytest.mark.parametrize(
    ("increments", "message"),
    [
        ([{"from": "2013-03-15", "until": "2013-04-02"}], "before the window ends, on 2013-03-16"),
        ([{"from": "2013-04-01", "until": "2013-04-17"}], r"increments.until is 2013-04-17, but"),
        ([APRIL, APRIL], "before the range before it ends, on 2013-04-16"),
        ([{"from": "2013-04-02", "until": "2013-04-02"}], "increments holds no day"),
        ([{"from": 1, "until": 2}], "increments.from must be a quoted day"),
    ],
)
def test_increments_that_cannot_be_cut_are_refused(
    copy: Pipeline, increments: list[Any], message: str
) -> None:
    copy.params["parts"]["air-north"]["train"]["increments"] = increments
    with pytest.raises(StageError, match=message):
        copy.run([WINDOW])


def test_an_increment_without_a_flight_left_is_refused(copy: Pipeline) -> None:
    train = copy.params["parts"]["air-north"]["train"]
    train |= {"increments": [APRIL], "exclude": [APRIL]}
    with pytest.raises(StageError, match="air-north: no labelled flight from 2013-04-01"):
        copy.run([WINDOW])


def test_increments_do_not_reach_the_window_for_calibration(
    copy: Pipeline, dvc_stages: dict[str, Any]
) -> None:
    name = "window-air@north-calibrate"
    keys = [key for dep in dvc_stages[name].deps for key in getattr(dep, "params", ())]
    assert not any("increments" in key for key in keys)
    before = copy.outputs([name])
    copy.params["parts"]["air-north"]["train"]["increments"] = [APRIL]
    copy.run([name])
    assert copy.outputs([name]) == before
