"""Save and load scikit-learn models with skops: no pickle, the same bytes for the same model."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Sequence
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from stages.common.command import StageError
from stages.common.outputs import new_file
from stages.matrices import Floats

# The types of ours that skops does not trust by itself: a tree as a plain array, and the type of
# the numbers a linear model saw, which is harmless. A crafted array could read out of bounds when
# it predicts, so `bundle` compares the file's digest before loading.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "numpy.dtype"]


class Regressor(Protocol):
    """A fitted scikit-learn estimator."""

    def predict(self, features: Floats) -> Floats:
        """Predict one number for each row."""


def save_model(models: Sequence[Regressor], path: Path) -> None:
    """Write a base and its increments to `path`; a base alone is written as the estimator it is."""
    base, *increments = models
    with new_file(path) as partial:
        content = [base, *increments] if increments else base
        partial.write_bytes(canonical(skops.io.dumps(content)))


def load_model(path: Path) -> list[Regressor]:
    """Read base and increments from `path`; its file may hold nothing but the types we trust."""
    with warnings.catch_warnings():
        # skops repeats on every load the caution that stands at TRUSTED.
        warnings.simplefilter("ignore")
        try:
            content = skops.io.load(path, trusted=TRUSTED)
        except UntrustedTypesFoundException as fault:
            raise StageError(f"{path} is not trusted: {' '.join(str(fault).split())}") from None
        except zipfile.BadZipFile:
            raise StageError(f"{path} is not a skops file; run `dvc repro`") from None
    models = content if isinstance(content, list) else [content]
    if not models or not all(hasattr(each, "predict") for each in models):
        raise StageError(f"{path} holds no regression model; run `dvc repro`")
    return models


def predict(models: Sequence[Regressor], features: Floats, *, log: bool) -> Floats:
    """Predict minutes; `log` says that the models were fitted on their logarithm."""
    raw = predict_raw(models, features)
    return np.exp(raw) if log else raw


def predict_raw(models: Sequence[Regressor], features: Floats) -> Floats:
    """Predict on the scale of the fit: the base, corrected by each increment in turn."""
    base, *increments = models
    raw = base.predict(features)
    for each in increments:
        raw = raw + each.predict(features)
    return raw


def canonical(archive: bytes) -> bytes:
    """Rewrite a skops archive without what differs between two runs.

    skops names objects by their address in memory and stamps members with the time of day. Here
    objects are numbered in the order they appear, and members carry the zip epoch.
    """
    with zipfile.ZipFile(BytesIO(archive)) as source:
        schema = json.loads(source.read("schema.json"))
        arrays = {name: source.read(name) for name in source.namelist() if name != "schema.json"}
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    _renumber(schema, numbers, files, count())
    members = {files[name]: content for name, content in arrays.items()}
    members["schema.json"] = json.dumps(schema).encode()
    return _zipped(members)


def _renumber(node: Any, numbers: dict[int, int], files: dict[str, str], fresh: count[int]) -> None:
    if isinstance(node, list):
        for child in node:
            _renumber(child, numbers, files, fresh)
    elif isinstance(node, dict):
        for key, child in node.items():
            if key == "__id__":
                node[key] = numbers.setdefault(child, -1)
                if node[key] < 0:
                    node[key] = numbers[child] = next(fresh)
            elif key == "file":
                node[key] = files.setdefault(child, f"{len(files):04}.npy")
            else:
                _renumber(child, numbers, files, fresh)


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(members):
            # ZipInfo defaults to the zip epoch, 1980; plain writestr(name) would stamp the clock.
            member = zipfile.ZipInfo(name)
            target.writestr(member, members[name], zipfile.ZIP_DEFLATED, compresslevel=6)
    return buffer.getvalue()
