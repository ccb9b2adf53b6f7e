"""Load a model bundle and predict with it; nothing but the bundle and feature tables is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.common.documents import CALIBRATOR, read_document
from stages.manifest import calibrator_file, model_file, verified_manifest
from stages.matrices import Floats, matrix
from stages.models import Regressor, load_model, predict


@dataclass(frozen=True)
class LoadedPart:
    """One sub-model with its calibrator, as the manifest describes it."""

    description: Mapping[str, Any]
    models: Sequence[Regressor]
    """The base and its increments."""
    calibrator: Mapping[str, float]


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory."""

    manifest: Mapping[str, Any]
    parts: Mapping[str, LoadedPart]


@dataclass(frozen=True)
class Prediction:
    """Predicted minutes of one component, with the distances down and up to its interval."""

    score: Floats
    below: Floats
    above: Floats


def load_bundle(directory: Path) -> Bundle:
    """Load the bundle in `directory`, after its files have been compared with the manifest."""
    manifest = verified_manifest(directory)
    parts = {
        name: LoadedPart(
            description,
            load_model(directory / model_file(name)),
            read_document(directory / calibrator_file(name), CALIBRATOR),
        )
        for name, description in manifest["parts"].items()
    }
    return Bundle(manifest, parts)


def predict_component(bundle: Bundle, flights: pa.Table, component: str) -> Prediction:
    """Predict the air time or the taxi time of every row of `flights` by the part that serves it.

    `flights` has the columns origin and region, which choose the part, and the features.
    """
    score, below, above = np.full((3, flights.num_rows), np.nan)
    for part in bundle.parts.values():
        description = part.description
        if description["component"] != component:
            continue
        rows = pc.fill_null(pc.equal(flights[description["by"]], description["value"]), False)
        served = flights.filter(rows)
        if not served.num_rows:
            continue
        mask = rows.to_numpy()
        features = matrix(served, description["features"])
        raw = predict(part.models, features, log=description["log"])
        score[mask] = raw - part.calibrator["bias"]
        below[mask], above[mask] = part.calibrator["below"], part.calibrator["above"]
    return Prediction(score, below, above)


def block_interval(air: Prediction, taxi: Prediction) -> tuple[Floats, Floats]:
    """Give the bounds of the block time from those of its components.

    The errors of the two are taken as independent, so distances add as squares. Adding them plainly
    would cover more than asked for.
    """
    score = air.score + taxi.score
    return (
        score - np.hypot(air.below, taxi.below),
        score + np.hypot(air.above, taxi.above),
    )
