"""Fit the sub-model of one part on its training window, and grow it on each increment.

Reads   --window    one table (the part's window contract)
Writes  --model     one skops file
Params  model.<component>.*, parts.<part>.train.{increments,revision}

The rows before the first increment give the base. Each increment adds a small model of the errors
that remain, fitted on its own rows alone: what is in production stays as it is, byte for byte, and
its old rows are not read again. (scikit-learn's `warm_start` is meant for the same rows again, so
it cannot do this.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa

from stages.common.arrays import one_of
from stages.common.command import StageError, parse_options, run
from stages.common.params import Key, read_params
from stages.common.periods import Period, parse_increments
from stages.common.tables import read_table
from stages.estimators import Settings, find_estimator, gradient_boosting
from stages.matrices import Floats, learnable, matrix, vector
from stages.models import Regressor, predict_raw, save_model
from stages.parts import Part, find_part

MIN_ROWS = 200
"""With fewer rows an increment learns the weather of a few days."""


@dataclass(frozen=True)
class Params:
    """The settings of the estimator, by scikit-learn's names, the increments and the revision."""

    estimator: Annotated[str, Key("model.{component}.estimator")]
    loss: Annotated[str, Key("model.{component}.loss")]
    learning_rate: Annotated[float, Key("model.{component}.learning_rate")]
    max_iter: Annotated[int, Key("model.{component}.max_iter")]
    max_leaf_nodes: Annotated[int, Key("model.{component}.max_leaf_nodes")]
    min_samples_leaf: Annotated[int, Key("model.{component}.min_samples_leaf")]
    l2_regularization: Annotated[float, Key("model.{component}.l2_regularization")]
    seed: Annotated[int, Key("model.{component}.seed")]
    increment_iterations: Annotated[int, Key("model.{component}.increment.max_iter")]
    increment_rate: Annotated[float, Key("model.{component}.increment.learning_rate")]
    increments: Annotated[list[Any], Key("parts.{part}.train.increments")]
    revision: Annotated[int, Key("parts.{part}.train.revision")]
    """Raised to ask for a new run when nothing else changes; the fit does not read it."""
    others: ClassVar = tuple(f"parts.{{part}}.train.{key}" for key in ("from", "until", "exclude"))

    @property
    def settings(self) -> Settings:
        """The settings of the base."""
        return Settings(**{each.name: getattr(self, each.name) for each in fields(Settings)})

    @property
    def increment_settings(self) -> Settings:
        """The settings of every increment: those of the base, but fewer trees."""
        return replace(
            self.settings, max_iter=self.increment_iterations, learning_rate=self.increment_rate
        )


def fit(window: pa.Table, part: Part, params: Params) -> list[Regressor]:
    """Fit the base of `part`, then its increments in order, on the rows of `window`."""
    name = f"parts.{part.name}.train"
    increments = parse_increments(name, None, params.increments)
    base, *later = split(window, increments, name)
    maker = find_estimator(f"model.{part.component}.estimator", params.estimator)
    features = learnable(matrix(base, part.features))
    models = [maker(params.settings).fit(features, target(base, part))]
    for rows, period in zip(later, increments, strict=True):
        if rows.num_rows < MIN_ROWS:
            raise StageError(
                f"{name}.increments: {rows.num_rows} flights from {period.start} until "
                f"{period.until} are too few to learn from; give at least {MIN_ROWS}"
            )
        models.append(grow(models, rows, part, params.increment_settings))
    return models


def split(window: pa.Table, increments: Sequence[Period], name: str) -> list[pa.Table]:
    """Give the rows of the base, which are those before all `increments`, and of each increment."""
    days = window["day"].unique().to_pylist()
    groups = [[day for day in days if not increments or day < increments[0].start]]
    groups += [[day for day in days if day in period] for period in increments]
    if sum(len(group) for group in groups) != len(days):
        raise StageError(f"the window holds days that {name} does not name; run `dvc repro`")
    if not groups[0]:
        raise StageError(f"{name}: no flight precedes the first increment, so there is no base")
    return [window.filter(one_of(window["day"], group)) for group in groups]


def grow(models: Sequence[Regressor], rows: pa.Table, part: Part, settings: Settings) -> Regressor:
    """Fit a gradient boosting to what `models` together leave unexplained of `rows`."""
    features = matrix(rows, part.features)
    residual = target(rows, part) - predict_raw(models, features)
    increment: Regressor = gradient_boosting(settings).fit(learnable(features), residual)
    return increment


def target(rows: pa.Table, part: Part) -> Floats:
    """Give what the models of `part` are fitted to: its label, or the logarithm of it."""
    label = vector(rows, part.label)
    return np.log(label) if part.log else label


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("window", "model"), names=("part",))
    part = find_part(options.part)
    params = read_params(options.params, Params, part=part.name, component=part.component)
    window = read_table(options.window, part.window)
    save_model(fit(window, part, params), options.model)
    return 0


if __name__ == "__main__":
    run(main)
