"""Save and load scikit-learn models with skops: no pickle, the same bytes for the same model."""

from __future__ import annotations

import json
import warnings
import zipfile
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from skops.io.exceptions import UntrustedTypesFoundException

from stages.common.command import StageError
from stages.common.outputs import new_file
from stages.matrices import Floats

# The one type of ours that skops does not trust by itself: a tree as a plain array. A crafted array
# could read out of bounds when it predicts, so `bundle` compares the file's digest before loading.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


def save_model(model: HistGradientBoostingRegressor, path: Path) -> None:
    """Write `model` to `path`."""
    with new_file(path) as partial:
        partial.write_bytes(canonical(skops.io.dumps(model)))


def load_model(path: Path) -> HistGradientBoostingRegressor:
    """Read the model at `path`; its file may hold nothing but the types we trust."""
    with warnings.catch_warnings():
        # skops repeats on every load the caution that stands at TRUSTED.
        warnings.simplefilter("ignore")
        try:
            return skops.io.load(path, trusted=TRUSTED)
        except UntrustedTypesFoundException as fault:
            raise StageError(f"{path} is not trusted: {' '.join(str(fault).split())}") from None


def predict(model: HistGradientBoostingRegressor, features: Floats, *, log: bool) -> Floats:
    """Predict minutes; `log` says that the model was fitted on their logarithm."""
    raw: Floats = model.predict(features)
    return np.exp(raw) if log else raw


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
