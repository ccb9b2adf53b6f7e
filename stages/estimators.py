"""The estimators a sub-model can be made of, by the name that params.yaml gives them.

Each takes the settings of a component and gives something with scikit-learn's `fit` and `predict`
that skops can save; nothing else in the pipeline knows which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.ensemble import HistGradientBoostingRegressor

from stages.common.command import StageError


@dataclass(frozen=True)
class Settings:
    """The settings of an estimator, by scikit-learn's names."""

    loss: str
    learning_rate: float
    max_iter: int
    max_leaf_nodes: int
    min_samples_leaf: int
    l2_regularization: float
    seed: int


def gradient_boosting(settings: Settings) -> HistGradientBoostingRegressor:
    """Give an unfitted gradient boosting, which handles missing values by itself."""
    return HistGradientBoostingRegressor(
        loss=settings.loss,
        learning_rate=settings.learning_rate,
        max_iter=settings.max_iter,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_samples_leaf,
        l2_regularization=settings.l2_regularization,
        random_state=settings.seed,
        # Early stopping would hold out random rows; rows of one day are anything but independent.
        early_stopping=False,
    )


def linear(settings: Settings) -> Any:
    """Give an unfitted ridge regression, of which `l2_regularization` is the only setting."""
    # Imported here, because the committed parts do not use it and pay for no import of it.
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # A feature that is missing in every row of a window stays a column, of zeros.
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), Ridge(alpha=settings.l2_regularization))


ESTIMATORS: Mapping[str, Callable[[Settings], Any]] = {
    "hist_gradient_boosting": gradient_boosting,
    "linear": linear,
}


def find_estimator(key: str, name: str) -> Callable[[Settings], Any]:
    """Give the maker of the estimator called `name`; `key` is where params.yaml names it."""
    try:
        return ESTIMATORS[name]
    except KeyError:
        raise StageError(f"{key} must be one of {', '.join(ESTIMATORS)}, not {name!r}") from None
