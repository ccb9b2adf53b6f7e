"""Which stages an alert's slice touches.

A slice that resolves to nothing is widened, never narrowed: too much is a cost, too little is a
wrong model.
"""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from retouch.alerts.model import Alert, Predicate, Scalar, Slice
from retouch.documents import Value
from retouch.errors import InputError
from retouch.pipeline.model import LABEL, Pipeline, Stage, StageMeta
from retouch.pipeline.outputs import overlap

_COMPARE: dict[str, Callable[[object, object], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,  # type: ignore[dict-item]
    "le": operator.le,  # type: ignore[dict-item]
    "gt": operator.gt,  # type: ignore[dict-item]
    "ge": operator.ge,  # type: ignore[dict-item]
}


class Touched(Value):
    """The stages the alerts' slices intersect, in order of evaluation, and how they were found."""

    stages: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """One sentence for each slice that was widened, for the plan."""


def touched_by(alerts: Sequence[Alert], pipeline: Pipeline) -> Touched:
    """Return the stages that any of the alerts touches. The order of the alerts does not matter."""
    found: set[str] = set()
    notes: set[str] = set()
    for alert in alerts:
        stages, note = _touched_by_slice(alert.slice, alert.findings_truncated > 0, pipeline)
        found |= {stage.name for stage in stages}
        notes |= {note} if note else set()
    order = tuple(stage.name for stage in pipeline.stages if stage.name in found)
    return Touched(stages=order, notes=tuple(sorted(notes)))


def _touched_by_slice(
    slice_: Slice, incomplete: bool, pipeline: Pipeline
) -> tuple[Sequence[Stage], str]:
    dataset = slice_.current.dataset
    readers = [s for s in pipeline.stages if s.meta and dataset in s.meta.datasets]
    if not readers:
        return _widened(slice_, pipeline, f"no stage declares dataset {dataset!r}")
    if incomplete:
        return _widened(slice_, pipeline, "the monitor left findings out, so columns are missing")
    declared = {column for s in readers if s.meta for column in s.meta.columns}
    unknown = [c for c in slice_.columns if c not in declared]
    if declared and unknown:
        return _widened(slice_, pipeline, f"no stage declares column {unknown[0]!r}")
    touched = [s for s in readers if s.meta and _meets(s.meta, slice_)]
    if not touched:
        return _widened(slice_, pipeline, "no stage works on that part of the data")
    return touched, ""


def _meets(meta: StageMeta, slice_: Slice) -> bool:
    """Say whether a stage's part of the data and its columns may hold some of the slice."""
    columns_meet = (
        not slice_.columns or not meta.columns or not set(slice_.columns).isdisjoint(meta.columns)
    )
    return columns_meet and all(
        _admits(predicate, meta.partition[predicate.column])
        for predicate in slice_.where
        if predicate.column in meta.partition
    )


def _admits(predicate: Predicate, value: str) -> bool:
    """Say whether rows with this partition value can satisfy the predicate."""
    if isinstance(predicate.value, tuple):
        return any(_read_as(value, wanted) == wanted for wanted in predicate.value)
    mine = _read_as(value, predicate.value)
    if mine is None:
        return predicate.op == "ne"
    return bool(_COMPARE[predicate.op](mine, predicate.value))


def _read_as(text: str, like: Scalar) -> Scalar | None:
    """Read a partition value, which YAML gives us as text, as the alert's value is; None: it isn't.

    A whole number and one with a decimal point can be compared, whichever side has the point.
    """
    if isinstance(like, bool):
        return {"true": True, "false": False}.get(text.lower())
    if isinstance(like, str):
        return text
    for number in (int, float):
        with contextlib.suppress(ValueError):
            return number(text)
    return None


def _widened(slice_: Slice, pipeline: Pipeline, why: str) -> tuple[Sequence[Stage], str]:
    """Widen to the consumers of the slice's path, then of its dataset, then to everything."""
    path, dataset = slice_.current.path, slice_.current.dataset
    if path is not None:
        consumers = _consumers_of(path, pipeline.stages)
        if consumers:
            return consumers, f"Widened to the consumers of {path}: {why}."
    readers = [s for s in pipeline.stages if s.meta and dataset in s.meta.datasets]
    if readers:
        return readers, f"Widened to all stages of dataset {dataset!r}: {why}."
    return pipeline.stages, f"Widened to every stage: {why}."


def _consumers_of(path: str, stages: Iterable[Stage]) -> list[Stage]:
    """Return the stages that read the path, something in it, or a directory that holds it.

    Where a `.dvc` file tracks the path, or a stage makes it, that stage counts as well.
    """
    return [
        stage
        for stage in stages
        if any(overlap(path, i.path) for i in stage.inputs)
        or any(overlap(path, o.path) for o in stage.outputs)
    ]


_KEYS = ("module", "dataset", "partition", "columns", "runs-on")


def parse_meta(meta: Any, where: str) -> StageMeta | None:
    """Return what the stage declares, None when it declares nothing. Raises InputError.

    `where` names the place in `dvc.yaml` for the error's sentence.
    """
    if not isinstance(meta, Mapping) or "retouch" not in meta:
        return None
    declared = meta["retouch"]
    where = f"{where}.retouch"
    if not isinstance(declared, Mapping):
        raise InputError(f"{where}: must be a mapping with keys {', '.join(_KEYS)}.")
    for key in declared:
        if key not in _KEYS:
            close = get_close_matches(str(key), _KEYS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(_KEYS)}."
            raise InputError(f"{where}.{key}: unknown key.{hint}")
    partition = declared.get("partition", {})
    if not isinstance(partition, Mapping):
        raise InputError(f"{where}.partition: must be a mapping of column to value.")
    return StageMeta(
        module=_text(declared.get("module"), f"{where}.module"),
        datasets=_texts(declared.get("dataset", ()), f"{where}.dataset"),
        partition={str(k): str(v) for k, v in partition.items()},
        columns=_texts(declared.get("columns", ()), f"{where}.columns"),
        runs_on=_labels(declared.get("runs-on", ()), f"{where}.runs-on"),
    )


def _text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"{where}: must be text, not {value!r}.")
    return value


def _labels(value: Any, where: str) -> tuple[str, ...]:
    labels = _texts(value, where)
    for label in labels:
        if not re.fullmatch(LABEL, label):
            message = f"{where}: {label!r} is no label of a runner."
            raise InputError(
                message, hint="Letters, digits, `.`, `_` and `-` only: `gpu`, `ubuntu-latest`."
            )
    return labels


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputError(f"{where}: must be text or a list of texts, not {value!r}.")
    return tuple(value)
