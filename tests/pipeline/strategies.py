"""Random pipelines and the alerts that may hit them; and pipelines and alerts made by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as st

from retouch.alerts.new import new_alert
from retouch.pipeline.model import FileInput, Output, ParamInput, Pipeline, Stage, StageMeta

FEW = settings(max_examples=40, deadline=None)
"""Enough for graphs as small as these, and quick."""

DATASETS = ("rows", "weather", "planes")
COLUMNS = ("temp", "wind", "label")
REGIONS = ("east", "west")


def stage(name, *upstream, **said):
    """Return a stage that reads the outputs of others, all as recorded."""
    fields = {
        "name": name,
        "cmd": f"make {name}",
        "inputs": tuple(
            FileInput(path=f"out/{u}", recorded=u, current=u, producer=u) for u in upstream
        ),
        "outputs": (Output(path=f"out/{name}", recorded=name, workspace=name),),
        "upstream": tuple(sorted(upstream)),
    }
    return Stage(**fields | said)


def param(key="k", recorded=1, current=1, file="params.yaml", **said):
    return ParamInput(file=file, key=key, recorded=recorded, current=current, **said)


def source(path="data/rows.csv", recorded="old", current="old", producer=None):
    return FileInput(path=path, recorded=recorded, current=current, producer=producer)


def pipeline(*stages, **said):
    return Pipeline(stages=stages, **said)


def alert(number=0, **said):
    """Return an alert of a few words, its id from its number."""
    words = {"kind": "performance", "model": "m", "monitor": "daily", "dataset": "rows"}
    now = datetime(2013, 7, 1, tzinfo=UTC)
    return new_alert(words | said, now=now, randomness=number.to_bytes(10))


@st.composite
def metas(draw):
    """What a stage may say of itself, or None."""
    if draw(st.booleans()):
        return None
    return StageMeta(
        module=draw(st.sampled_from(["features", "train"])),
        datasets=tuple(draw(st.lists(st.sampled_from(DATASETS), max_size=2, unique=True))),
        partition=draw(st.sampled_from([{}, *({"region": region} for region in REGIONS)])),
        columns=tuple(draw(st.lists(st.sampled_from(COLUMNS), max_size=2, unique=True))),
    )


@st.composite
def pipelines(draw, max_stages=6, clean=False):
    """A graph of stages, dependencies first; unless `clean`, with anything out of date."""
    stages = []
    params = {}
    for number in range(draw(st.integers(1, max_stages))):
        name = f"s{number}"
        frozen = not clean and draw(st.integers(0, 7)) == 0
        feeds = (
            draw(st.lists(st.sampled_from(stages), max_size=3, unique_by=lambda s: s.name))
            if stages
            else []
        )
        inputs = [_input(draw, maker, clean) for maker in feeds]
        inputs += [_source(draw, clean)] if draw(st.booleans()) else []
        changed = not clean and draw(st.integers(0, 5)) == 0
        before, now = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        params[name] = now if changed else before
        stages.append(
            Stage(
                name=name,
                cmd=None if not feeds and draw(st.integers(0, 5)) == 0 else f"make {name}",
                cmd_changed=not clean and draw(st.integers(0, 9)) == 0,
                frozen=frozen,
                always_changed=not clean and draw(st.integers(0, 9)) == 0,
                recorded=clean or draw(st.integers(0, 9)) > 0,
                inputs=tuple(inputs),
                params=(param(f"k.{name}", before, params[name]),),
                outputs=(_output(draw, name, clean),),
                upstream=() if frozen else tuple(sorted(maker.name for maker in feeds)),
                meta=draw(metas()),
            )
        )
    return Pipeline(stages=tuple(stages), params={"params.yaml": {"k": params}})


def _input(draw, maker, clean):
    made = maker.outputs[0]
    recorded = (
        made.recorded if clean else draw(st.sampled_from([made.recorded] * 5 + ["old", None]))
    )
    return FileInput(path=made.path, recorded=recorded, current=made.recorded, producer=maker.name)


def _source(draw, clean):
    path = f"data/{draw(st.sampled_from(DATASETS))}.csv"
    current = "a" if clean else draw(st.sampled_from(["a", "a", "a", "b"]))
    return FileInput(path=path, recorded="a", current=current)


def _output(draw, name, clean):
    found = name if clean else draw(st.sampled_from([name, name, name, None, "edited"]))
    return Output(path=f"out/{name}", recorded=name, workspace=found)


@st.composite
def alerts(draw, number=None):
    """An alert on some slice: maybe of unknown columns, maybe with a path."""
    said = {"dataset": draw(st.sampled_from([*DATASETS, "unknown"]))}
    if columns := draw(st.lists(st.sampled_from([*COLUMNS, "other"]), max_size=2, unique=True)):
        said["columns"] = columns
    if draw(st.booleans()):
        said["where"] = {"region": draw(st.sampled_from([*REGIONS, "north"]))}
    if draw(st.booleans()):
        said["path"] = draw(st.sampled_from(["data/rows.csv", "out/s1", "data/nowhere"]))
    return alert(draw(st.integers(0, 999)) if number is None else number, **said)


def groups(max_size=3):
    """Alerts with different ids."""
    return st.lists(alerts(), min_size=1, max_size=max_size, unique_by=lambda a: a.alert_id)
