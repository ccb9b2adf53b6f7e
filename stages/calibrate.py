"""Measure the errors of one sub-model on its calibration window: bias and interval.

Reads   --window      one table (the part's window contract)
        --model       one skops file
Writes  --calibrator  one JSON file (contract calibrator), minutes and counts
Params  calibration.coverage
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from stages.common.command import StageError, parse_options, run
from stages.common.documents import CALIBRATOR, write_document
from stages.common.params import Key, read_params
from stages.common.tables import read_table
from stages.matrices import Floats, matrix, rounded, vector
from stages.models import load_model, predict
from stages.parts import find_part


@dataclass(frozen=True)
class Params:
    """The share of flights the interval shall cover."""

    coverage: Annotated[float, Key("calibration.coverage")]


def calibrator(error: Floats, coverage: float) -> dict[str, float]:
    """Summarise errors (score minus label) as a bias to take off, and the interval that remains.

    The bias is the median, because the model is judged by its absolute error and one day of snow
    moves a mean. Once the bias is off, the interval runs from score - below to score + above.
    """
    if not 0 < coverage < 1:
        raise StageError(f"calibration.coverage must lie between 0 and 1, not {coverage}")
    bias = np.median(error)
    low, high = np.quantile(error - bias, [(1 - coverage) / 2, (1 + coverage) / 2])
    return {
        "bias": rounded(bias),
        "below": rounded(high),
        "above": rounded(-low),
        "coverage": coverage,
        "flights": len(error),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stage."""
    options = parse_options(argv, __doc__, paths=("window", "model", "calibrator"), names=("part",))
    part = find_part(options.part)
    params = read_params(options.params, Params)
    window = read_table(options.window, part.window)
    score = predict(load_model(options.model), matrix(window, part.features), log=part.log)
    found = calibrator(score - vector(window, part.label), params.coverage)
    write_document(options.calibrator, found, CALIBRATOR)
    return 0


if __name__ == "__main__":
    run(main)
