"""The bundle: self-contained, verified before use, and honest about what it has seen."""

from __future__ import annotations

import json

import pytest

from stages.bundle import load_bundle
from stages.common.command import StageError
from stages.manifest import verified_manifest
from stages.parts import PARTS
from tests.stages.conftest import Pipeline


def test_the_manifest_lists_every_file_and_what_each_part_has_seen(built: Pipeline) -> None:
    bundle = built.directory / "models/bundle"
    manifest = verified_manifest(bundle)
    assert set(manifest["parts"]) == set(PARTS)
    assert {path.name for path in bundle.iterdir()} == {*manifest["files"], "manifest.json"}
    assert manifest["seen_until"] == "2013-04-01"
    window = {"from": "2013-01-01", "until": "2013-03-16", "exclude": [], "increments": []}
    assert manifest["parts"]["taxi-JFK"]["train"] == window
    assert manifest["contracts"]["plane"] == "plane-features/1"


def test_one_later_window_moves_the_day_the_bundle_has_seen(copy: Pipeline) -> None:
    copy.params["parts"]["air-west"]["calibrate"]["until"] = "2013-04-09"
    copy.run(["assemble"])
    assert verified_manifest(copy.directory / "models/bundle")["seen_until"] == "2013-04-09"


def test_an_increment_moves_the_day_the_bundle_has_seen(copy: Pipeline) -> None:
    increments = [{"from": "2013-04-01", "until": "2013-04-06"}]
    increments += [{"from": "2013-04-06", "until": "2013-04-11"}]
    copy.params["parts"]["air-west"]["train"]["increments"] = increments
    copy.run(["assemble"])
    manifest = verified_manifest(copy.directory / "models/bundle")
    assert manifest["seen_until"] == "2013-04-11"
    assert manifest["parts"]["air-west"]["train"]["increments"] == increments


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (None, r"parts.air-west.train must give from, until, exclude, increments"),
        ({"increments": None}, r"parts.air-west.train.increments must be a list"),
        ({"until": None}, r"parts.air-west.train.until must be a quoted day"),
        ({"increments": [{"from": "2013-03-15", "until": "2013-04-02"}]}, "starts before"),
    ],
)
def test_a_manifest_of_a_window_that_cannot_be_is_refused(
    copy: Pipeline, train: dict[str, object] | None, message: str
) -> None:
    section = copy.params["parts"]["air-west"]
    section["train"] = train and {**section["train"], **train}
    with pytest.raises(StageError, match=message):
        copy.run(["assemble"])


def test_a_calibrator_of_another_version_is_refused(copy: Pipeline) -> None:
    file = copy.directory / "models/parts/taxi-LGA/calibrator.json"
    content = json.loads(file.read_text()) | {"contract": "calibrator/0"}
    file.unlink()
    file.write_text(json.dumps(content))
    copy.run(["assemble"])
    with pytest.raises(StageError, match=r"follows contract calibrator/0, this code reads"):
        load_bundle(copy.directory / "models/bundle")


def test_a_changed_file_is_not_loaded(copy: Pipeline) -> None:
    calibrator = copy.directory / "models/bundle/taxi-LGA.json"
    content = calibrator.read_text()
    calibrator.unlink()
    calibrator.write_text(content.replace("0.9", "0.8"))
    with pytest.raises(StageError, match=r"taxi-LGA.json differs from the digest in the manifest"):
        load_bundle(copy.directory / "models/bundle")


def test_a_missing_or_an_extra_file_is_refused(copy: Pipeline) -> None:
    bundle = copy.directory / "models/bundle"
    (bundle / "extra.skops").write_bytes(b"")
    with pytest.raises(StageError, match=r"extra.skops missing or not in the manifest"):
        verified_manifest(bundle)
    (bundle / "extra.skops").unlink()
    (bundle / "air-west.skops").unlink()
    with pytest.raises(StageError, match=r"air-west.skops missing or not in the manifest"):
        verified_manifest(bundle)


def test_a_bundle_of_other_features_is_refused(copy: Pipeline) -> None:
    file = copy.directory / "models/bundle/manifest.json"
    manifest = json.loads(file.read_text())
    file.unlink()
    manifest["contracts"]["plane"] = "plane-features/0"
    file.write_text(json.dumps(manifest))
    with pytest.raises(StageError, match="was trained on features plane-features/0"):
        verified_manifest(copy.directory / "models/bundle")


def test_a_directory_without_a_manifest_is_no_bundle(built: Pipeline) -> None:
    with pytest.raises(
        StageError, match=r"is not a model bundle: it has no readable manifest.json"
    ):
        verified_manifest(built.directory / "models")
