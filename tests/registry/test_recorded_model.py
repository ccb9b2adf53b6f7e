"""Which model a commit records, by its files as they stand."""

from __future__ import annotations

import pytest

from retouch.errors import InputError
from retouch.registry.recorded_model import locked_entries, recorded_model

ROOT = b"artifacts: {churn: {path: models/it}}\nstages: {fit: {cmd: x}}\n"
LOCK = b"stages:\n  fit:\n    cmd: x\n    outs:\n    - {path: models/it, md5: ab.dir, size: 3}\n"


def test_the_artifacts_path_is_looked_up_in_the_lock():
    found = recorded_model({"dvc.yaml": ROOT, "dvc.lock": LOCK}, "churn")
    assert (found.path, found.hash, found.size, found.stage) == ("models/it", "ab.dir", 3, "fit")


def test_a_pipeline_in_a_folder_has_paths_from_there():
    texts = {"eu/dvc.yaml": ROOT, "eu/dvc.lock": LOCK}
    found = recorded_model(texts, "churn")
    assert (found.path, found.stage) == ("eu/models/it", "eu/dvc.yaml:fit")


def test_a_stage_that_works_elsewhere_has_paths_from_there():
    yaml = b"artifacts: {churn: {path: sub/models/it}}\nstages: {fit: {cmd: x, wdir: sub}}\n"
    assert recorded_model({"dvc.yaml": yaml, "dvc.lock": LOCK}, "churn").path == "sub/models/it"


def test_a_broken_file_far_down_does_not_stand_in_the_way():
    texts = {"tests/bad/dvc.yaml": b"{", "dvc.yaml": ROOT, "dvc.lock": LOCK}
    assert recorded_model(texts, "churn").hash == "ab.dir"


def test_the_module_is_what_the_stage_says_without_a_template():
    said = b"{foreach: [a], do: {cmd: x, meta: {retouch: {module: features}}}}"
    texts = {
        "dvc.yaml": b"stages: {fit: " + said + b"}",
        "dvc.lock": LOCK.replace(b"fit", b"fit@a"),
    }
    assert [entry.module for entry in locked_entries(texts)] == ["features"]
    templated = {**texts, "dvc.yaml": texts["dvc.yaml"].replace(b"features", b"'${item.m}'")}
    assert [entry.module for entry in locked_entries(templated)] == [None]


@pytest.mark.parametrize(
    ("yaml", "lock", "message"),
    [
        (b"", LOCK, "no such model"),
        (b"artifacts: [1]", LOCK, "no such model"),
        (b"artifacts: {churn: 7}", LOCK, "no such model"),
        (ROOT, b"", "has no entry that makes models/it"),
        (b"- 1", LOCK, "dvc.yaml: is not YAML that DVC can read"),
        (ROOT, b"stages: [1]", "dvc.lock: stages: is not a mapping"),
        (ROOT, b"stages: {fit: {outs: [{md5: ab}]}}", "stages.fit: an input or output has no path"),
        (ROOT, b"\xff\xfe{", "dvc.lock: is not YAML"),
    ],
)
def test_what_is_broken_is_a_sentence(yaml: bytes, lock: bytes, message: str):
    with pytest.raises(InputError, match=message):
        recorded_model({"dvc.yaml": yaml, "dvc.lock": lock}, "churn")
