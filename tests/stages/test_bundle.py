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
    window = {"from": "2013-01-01", "until": "2013-03-16", "exclude": []}
    assert manifest["parts"]["taxi-JFK"]["train"] == window
    assert manifest["contracts"]["plane"] == "plane-features/1"


def test_one_later_window_moves_the_day_the_bundle_has_seen(copy: Pipeline) -> None:
    copy.params["parts"]["air-west"]["calibrate"]["until"] = "2013-04-09"
    copy.run(["assemble"])
    assert verified_manifest(copy.directory / "models/bundle")["seen_until"] == "2013-04-09"


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
