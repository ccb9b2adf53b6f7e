"""A version's bundle: whole, and the same bytes from any checkout."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retouch.registry.bundle_manifest import bundle_name
from retouch.system.files import write_archive
from tests.registry.released import Released
from tests.toy_project import Toy

SAFELY: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python 3.11 has the filter since 3.11.4 only."""


def _bundle(toy: Toy, version: str, *args: str) -> dict[str, Any]:
    told = toy.retouch("bundle", version, "--json", *args)
    assert told.code == 0, told
    return dict(json.loads(told.out))


def test_any_checkout_makes_the_same_bytes(versions: Released):
    first = _bundle(versions.toy, "v1.0.0")
    clone = versions.clone("fresh")  # no cache: the model comes from the DVC remote
    clone.git("checkout", "--quiet", versions.baseline)
    again = _bundle(clone, "means@v1.0.0", "--out", "elsewhere/it.tar.gz")
    assert first["sha256"] == again["sha256"]
    made = clone.root / "elsewhere/it.tar.gz"
    assert hashlib.sha256(made.read_bytes()).hexdigest() == first["sha256"]


def test_it_holds_all_a_version_is_made_of_and_the_checksums_agree(
    versions: Released, tmp_path: Path
):
    told = _bundle(versions.toy, "canary")
    assert told["version"] == "v1.1.0"
    with tarfile.open(told["file"]) as archive:
        archive.extractall(tmp_path / "out", **SAFELY)
    top = tmp_path / "out" / "means-v1.1.0"
    check = ["sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=top, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = {line.split("  ", 1)[1] for line in (top / "SHA256SUMS").read_text().splitlines()}
    there = {p.relative_to(top).as_posix() for p in top.rglob("*") if p.is_file()}
    assert there == listed | {"SHA256SUMS"}
    report = f"report/{versions.toy.report(versions.alert).relative_to(versions.toy.root)}"
    assert there >= {
        "model/bundle/manifest.json",
        "outputs/models/metrics.json",
        "environment/requirements.lock",
        "pipeline/dvc.lock",
        "pipeline/dvc.yaml",
        "pipeline/params.yaml",
        f"{report}/report.md",
        f"{report}/verdict.json",
    }
    model = versions.toy.root / "models/bundle"
    for file in model.iterdir():
        assert (top / "model/bundle" / file.name).read_bytes() == file.read_bytes()


def test_its_manifest_has_the_digest_of_every_input_and_every_feature(versions: Released):
    manifest = _bundle(versions.toy, "v1.1.0")["manifest"]
    inputs = {item["path"]: item for item in manifest["inputs"]}
    assert inputs["data/rows.csv"]["kept_by"] == "dvc"
    assert inputs["clean.py"]["kept_by"] == "git"
    raw = (versions.toy.root / "data/rows.csv").read_bytes()
    assert inputs["data/rows.csv"]["hash"] == hashlib.md5(raw).hexdigest()
    assert "data/clean.csv" not in inputs
    stages = {stage["stage"]: stage for stage in manifest["stages"]}
    assert stages["clean"]["module"] == "features"
    assert stages["clean"]["params"] == {"params.yaml": {"clean.highest": 1000}}
    assert set(stages) == {"clean", "fit@eu", "fit@us", "assemble", "evaluate"}
    assert manifest["kept_by"]["report_id"] == Path(versions.alert).stem
    assert manifest["commit"] == versions.merge


def test_a_model_that_is_nowhere_is_a_sentence_and_leaves_nothing(versions: Released):
    shutil.rmtree(versions.folder / "store")
    shutil.rmtree(versions.toy.root / ".dvc/cache")
    told = versions.toy.retouch("bundle", "v1.0.0", "--out", "it.tar.gz")
    assert told.code == 2
    assert "not in DVC's cache" in told.err
    assert not list(versions.toy.root.glob("*it.tar.gz*"))


@pytest.mark.parametrize("name", ["v9.0.0", "", "staging", "../x", "means@", "v1.0.0\x1b"])
def test_what_is_no_version_is_a_sentence(versions: Released, name: str):
    told = versions.toy.retouch("bundle", "--", name)
    assert told.code == 2
    assert "is not a version of means; the newest: v1.0.0, v1.1.0" in told.err
    assert "\x1b" not in told.err


def test_a_tag_that_names_another_model_than_its_commits_lock_is_found_out(versions: Released):
    toy = versions.toy
    message = json.dumps({"model": "0" * 32})
    toy.git("tag", "--annotate", "--message", message, "means@v1.2.0", versions.merge)
    told = toy.retouch("bundle", "v1.2.0")
    assert told.code == 2
    assert "its tag names the model 00000" in told.err


def test_a_model_too_large_for_a_release_is_refused(
    versions: Released, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("retouch.registry.bundle_manifest.LARGEST_MODEL", 10)
    told = versions.toy.retouch("bundle", "v1.0.0")
    assert told.code == 1
    assert "at most 10" in told.err


@settings(max_examples=30)
@given(st.dictionaries(st.text("abé/", min_size=1, max_size=120), st.binary(), max_size=5))
def test_the_archive_reads_back_and_depends_on_nothing_but_its_files(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]
):
    contents = {f"top/{name.strip('/') or 'x'}": raw for name, raw in contents.items()}
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder / "one.tar.gz", contents)
    write_archive(folder / "two.tar.gz", dict(reversed(contents.items())))
    raw = (folder / "one.tar.gz").read_bytes()
    assert raw == (folder / "two.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(raw))) as archive:
        members = archive.getmembers()
        read = {m.name: archive.extractfile(m).read() for m in members}  # type: ignore[union-attr]
    assert read == contents
    assert {(m.mtime, m.uid, m.gid, m.uname, m.mode) for m in members} <= {(0, 0, 0, "", 0o644)}


@pytest.mark.parametrize("size", [0, 55_295, 65_535, 65_536, 200_000])
def test_blocks_of_every_length_are_read_back(tmp_path: Path, size: int):
    (tmp_path / "big").write_bytes(b"\x01" * size)
    write_archive(tmp_path / "it.tar.gz", {"big": tmp_path / "big"})
    with tarfile.open(tmp_path / "it.tar.gz") as archive:
        found = archive.extractfile("big")
        assert found is not None
        assert found.read() == b"\x01" * size


def test_a_bundle_is_named_so_that_any_system_can_keep_it():
    assert bundle_name("models:team/churn", "v1.0.0+b") == "models-team-churn-v1.0.0+b"
