"""Models: the same bytes from the same data, and nothing untrusted is loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import FunctionTransformer

from stages.calibrate import calibrator
from stages.common.command import StageError
from stages.models import canonical, load_model, predict, predict_raw, save_model


def fitted() -> tuple[HistGradientBoostingRegressor, np.ndarray]:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(400, 4))
    features[::7, 1] = np.nan
    model = HistGradientBoostingRegressor(max_iter=8, early_stopping=False, random_state=1)
    return model.fit(features, features[:, 0] + rng.normal(size=400)), features


def test_two_fits_on_the_same_data_give_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_model([fitted()[0]], tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_saved_model_predicts_what_the_fitted_one_predicts(tmp_path: Path) -> None:
    model, features = fitted()
    save_model([model], tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(predict_raw(loaded, features), model.predict(features))
    logarithm = predict(loaded, features, log=True)
    np.testing.assert_allclose(np.log(logarithm), model.predict(features))


def test_renumbering_an_archive_again_changes_nothing() -> None:
    once = canonical(skops.io.dumps(fitted()[0]))
    assert canonical(once) == once


def test_a_model_of_another_type_is_not_loaded(tmp_path: Path) -> None:
    skops.io.dump(FunctionTransformer(func=Path.unlink), tmp_path / "evil.skops")
    with pytest.raises(StageError, match="is not trusted"):
        load_model(tmp_path / "evil.skops")


@pytest.mark.parametrize("content", [[], ["text"], {"a": 1}])
def test_a_file_without_a_regression_model_is_named(tmp_path: Path, content: object) -> None:
    skops.io.dump(content, tmp_path / "model.skops")
    with pytest.raises(StageError, match=r"model.skops holds no regression model"):
        load_model(tmp_path / "model.skops")


def test_a_file_that_skops_did_not_write_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"no archive")
    with pytest.raises(StageError, match=r"model.skops is not a skops file"):
        load_model(tmp_path / "model.skops")


@given(st.lists(st.floats(-100, 100), min_size=20, max_size=200), st.floats(0.5, 0.95))
def test_the_calibrated_interval_covers_its_own_window(
    errors: list[float], coverage: float
) -> None:
    error = np.array(errors)
    result = calibrator(error, coverage)
    left = error - result["bias"]
    # One flight at either end may fall out by interpolation, and results are rounded.
    inside = (left <= result["below"] + 1e-3) & (left >= -result["above"] - 1e-3)
    assert inside.mean() >= coverage - 2 / len(error)


def test_a_coverage_that_is_no_share_is_refused() -> None:
    with pytest.raises(StageError, match=r"calibration.coverage must lie between 0 and 1, not 90"):
        calibrator(np.zeros(3), 90)
