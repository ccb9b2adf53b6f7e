"""What a stage says of itself under `meta.retouch`."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.pipeline.lineage import parse_meta
from retouch.pipeline.model import StageMeta

WHERE = "dvc.yaml: stages.fit.meta"


def test_everything_that_can_be_said():
    said = {
        "module": "train",
        "dataset": ["rows", "weather"],
        "partition": {"region": "eu", "year": 2013, "late": True},
        "columns": "temp",
        "runs-on": "ubuntu-latest",
    }

    assert parse_meta({"retouch": said, "other": 1}, WHERE) == StageMeta(
        module="train",
        datasets=("rows", "weather"),
        partition={"region": "eu", "year": "2013", "late": "True"},
        columns=("temp",),
        runs_on=("ubuntu-latest",),
    )


@pytest.mark.parametrize("meta", [None, "text", {}, {"other": 1}])
def test_a_stage_may_say_nothing(meta):
    assert parse_meta(meta, WHERE) is None


def test_a_stage_may_say_nothing_in_particular():
    assert parse_meta({"retouch": {}}, WHERE) == StageMeta()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("train", ".retouch: must be a mapping with keys module, dataset, partition"),
        ({"modul": "x"}, ".retouch.modul: unknown key. Did you mean 'module'?"),
        ({"zzz": "x"}, ".retouch.zzz: unknown key. Known: module, dataset"),
        ({"module": 3}, ".retouch.module: must be text, not 3."),
        ({"runs-on": {"group": "a"}}, ".retouch.runs-on: must be text or a list of texts, not {"),
        ({"runs-on": ["gpu", "a b"]}, ".retouch.runs-on: 'a b' is no label of a runner."),
        ({"runs-on": "gpu\n"}, ".retouch.runs-on: 'gpu\\n' is no label of a runner."),
        ({"runs-on": "${{ secrets.X }}"}, ".retouch.runs-on: '${{ secrets.X }}' is no label"),
        ({"runs-on": ""}, ".retouch.runs-on: '' is no label of a runner."),
        ({"dataset": 3}, ".retouch.dataset: must be text or a list of texts, not 3."),
        ({"columns": [3]}, ".retouch.columns: must be text or a list of texts, not [3]."),
        ({"partition": "eu"}, ".retouch.partition: must be a mapping of column to value."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(said, sentence):
    with pytest.raises(InputError) as caught:
        parse_meta({"retouch": said}, WHERE)

    assert caught.value.message.startswith(WHERE + sentence)
