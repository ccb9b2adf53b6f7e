"""Read `meta.retouch` of a stage, which DVC passes on as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from retouch.errors import InputError
from retouch.pipeline.model import StageMeta

_KEYS = ("module", "dataset", "partition", "columns", "runs-on")


def parse_meta(meta: Any, where: str) -> StageMeta | None:
    """Return what the stage says of itself, None when it says nothing. Raises InputError.

    `where` names the place in `dvc.yaml` for the error's sentence.
    """
    if not isinstance(meta, Mapping) or "retouch" not in meta:
        return None
    said = meta["retouch"]
    where = f"{where}.retouch"
    if not isinstance(said, Mapping):
        raise InputError(f"{where}: must be a mapping with keys {', '.join(_KEYS)}.")
    for key in said:
        if key not in _KEYS:
            close = get_close_matches(str(key), _KEYS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(_KEYS)}."
            raise InputError(f"{where}.{key}: unknown key.{hint}")
    partition = said.get("partition", {})
    if not isinstance(partition, Mapping):
        raise InputError(f"{where}.partition: must be a mapping of column to value.")
    return StageMeta(
        module=_text(said.get("module"), f"{where}.module"),
        datasets=_texts(said.get("dataset", ()), f"{where}.dataset"),
        partition={str(k): str(v) for k, v in partition.items()},
        columns=_texts(said.get("columns", ()), f"{where}.columns"),
        runs_on=_text(said.get("runs-on"), f"{where}.runs-on"),
    )


def _text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"{where}: must be text, not {value!r}.")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}: must be text or a list of texts, not {value!r}.")
    return tuple(value)
