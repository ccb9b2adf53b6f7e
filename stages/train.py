"""Fit the sub-model of one part on its training window.

Reads   --window    one table (the part's window contract)
Writes  --model     one skops file
Params  model.<component>.*, parts.<part>.train.revision
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingRegressor

from stages.common.command import parse_options, run
from stages.common.params import Key, read_params
from stages.common.tables import read_table
from stages.matrices import matrix, vector
from stages.models import save_model
from stages.parts import Part, find_part


@dataclass(frozen=True)
class Params:
    """The settings of the gradient boosting, by scikit-learn's names, and the revision."""

    loss: Annotated[str, Key("model.{component}.loss")]
    learning_rate: Annotated[float, Key("model.{component}.learning_rate")]
    max_iter: Annotated[int, Key("model.{component}.max_iter")]
    max_leaf_nodes: Annotated[int, Key("model.{component}.max_leaf_nodes")]
    min_samples_leaf: Annotated[int, Key("model.{component}.min_samples_leaf")]
    l2_regularization: Annotated[float, Key("model.{component}.l2_regularization")]
    seed: Annotated[int, Key("model.{component}.seed")]
    revision: Annotated[int, Key("parts.{part}.train.revision")]
    """Raised to ask for a new run when nothing else changes; the fit does not read it."""
    others: ClassVar = tuple(f"parts.{{part}}.train.{key}" for key in ("from", "until", "exclude"))


def fit(window: pa.Table, part: Part, params: Params) -> HistGradientBoostingRegressor:
    """Fit the gradient boosting of `part` on all rows of `window`."""
    target = vector(window, part.label)
    model = HistGradientBoostingRegressor(
        loss=params.loss,
        learning_rate=params.learning_rate,
        max_iter=params.max_iter,
        max_leaf_nodes=params.max_leaf_nodes,
        min_samples_leaf=params.min_samples_leaf,
        l2_regularization=params.l2_regularization,
        random_state=params.seed,
        # Early stopping would hold out random rows; rows of one day are anything but independent.
        early_stopping=False,
    )
    return model.fit(matrix(window, part.features), np.log(target) if part.log else target)


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
