"""Values of params files: found at a dotted key as DVC finds them, and set there to try an edit."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import dpath

from retouch.pipeline.model import FileInput, ParamInput, Pipeline


def value_at(content: Any, dotted: str) -> Any:
    """Return the value at a dotted key; a step is a key of a mapping or a place in a list.

    Raises KeyError where there is none, or where wildcards in the key match several.
    """
    value = content
    for step in dotted.split("."):
        if not isinstance(value, dict) or step not in value:
            return _as_dvc(content, dotted)
        value = value[step]
    return value


def plain(value: Any, *, typed: bool = False) -> Any:
    """Return the value as JSON can hold it: keys, dates, infinities and the like become text.

    `typed`: the text says what it was, `!!date 2024-01-31`, where another value has the same text.
    """
    if isinstance(value, Mapping):
        return {_text(key, typed): plain(item, typed=typed) for key, item in value.items()}
    if isinstance(value, list) or (isinstance(value, tuple) and not typed):
        return [plain(item, typed=typed) for item in value]
    is_json = isinstance(value, str | int | None) or (
        isinstance(value, float) and math.isfinite(value)
    )
    return value if is_json else _text(value, typed)


def _text(value: Any, typed: bool) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, set | frozenset):
        text = f"{{{', '.join(sorted(map(str, value)))}}}"
    elif isinstance(value, float) and not math.isfinite(value):
        text = ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"  # as in YAML
    else:
        text = str(value)
    return f"!!{type(value).__name__} {text}" if typed else text


def differs(now: Any, recorded: Any) -> bool:
    """Say whether DVC finds a value changed since it recorded one: its own rule."""
    if isinstance(now, tuple) and list(now) == recorded:  # dvc.lock holds a list for it
        return False
    return bool(now != recorded)


def holds_nan(value: Any) -> bool:
    """Say whether the value is, or holds, a `.nan`."""
    if isinstance(value, Mapping):
        return any(map(holds_nan, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(holds_nan, value))
    return isinstance(value, float) and math.isnan(value)


def _as_dvc(content: Any, dotted: str) -> Any:
    """Look the key up with DVC's own library, which walks over the whole content each time."""
    try:
        return dpath.get(content, dotted, separator=".")
    except (KeyError, ValueError):
        raise KeyError(dotted) from None


_EXPRESSION = re.compile(r"\$\{\s*([^}\s\[]+)")


def shapes_graph(keys: Iterable[str], pipeline_files: Iterable[str]) -> bool:
    """Say whether one of these params keys may stand in a `${...}` of a dvc.yaml text.

    Says so as well when only a parent or a child of the key stands there, in whatever params file:
    then DVC has to resolve the graph anew.
    """
    used = {name for text in pipeline_files for name in _EXPRESSION.findall(text)}
    return any(_overlap(key, name) for key in keys for name in used)


def with_values(pipeline: Pipeline, values: Mapping[tuple[str, str], Any]) -> Pipeline:
    """Return the pipeline with these params: (file, dotted key) -> new value.

    Raises KeyError for a key that is not in `pipeline.params`.
    """
    params = copy.deepcopy(pipeline.params)
    for (file, key), value in values.items():
        *parents, last = key.split(".")
        holder = params[file]
        for part in parents:
            holder = holder[part]
        holder[last] = value
    stages = tuple(
        stage.model_copy(update={"params": tuple(_read_again(p, params) for p in stage.params)})
        for stage in pipeline.stages
    )
    return pipeline.model_copy(update={"stages": stages, "params": params})


def with_files(pipeline: Pipeline, hashes: Mapping[str, str]) -> Pipeline:
    """Return the pipeline with these files changed: path -> new hash.

    A stage may read a params file as a file too, or a directory that holds it.
    """
    stages = tuple(
        stage.model_copy(update={"inputs": tuple(_hash_again(i, hashes) for i in stage.inputs)})
        for stage in pipeline.stages
    )
    return pipeline.model_copy(update={"stages": stages})


def _read_again(param: ParamInput, params: Mapping[str, Any]) -> ParamInput:
    try:
        value = value_at(params[param.file], param.key)
    except KeyError:
        return param  # gone, or with a dot in its name, which no edit can reach
    return param.model_copy(update={"current": plain(value)})


def _hash_again(item: FileInput, hashes: Mapping[str, str]) -> FileInput:
    if item.path in hashes:
        return item.model_copy(update={"current": hashes[item.path]})
    if any(
        path.startswith(f"{item.path}/") for path in hashes
    ):  # a directory: surely not as it was
        return item.model_copy(update={"current": None, "producer": None})
    return item


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")
