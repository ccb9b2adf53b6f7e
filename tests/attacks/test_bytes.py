"""Bytes that were exchanged or damaged under a name that stands in `dvc.lock` decide nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from retouch.dvc import dvc
from retouch.dvc.checked import require_inputs, require_recorded
from retouch.engine.project import Project
from retouch.errors import CheckFailed
from tests.toy_project import Told, Toy


def object_in(folder: Path, name: str) -> Path:
    return folder / "files/md5" / name[:2] / name[2:]


def recorded(toy: Toy, stage: str) -> str:
    return str(yaml.safe_load(toy.lock())["stages"][stage]["outs"][0]["md5"])


def member(toy: Toy, store: Path, name: str) -> str:
    """Return the object of a file in the bundle, the model in production."""
    listed = json.loads(object_in(store, recorded(toy, "assemble")).read_bytes())
    return str(next(entry["md5"] for entry in listed if entry["relpath"] == name))


def exchange(path: Path, old: bytes, new: bytes) -> None:
    path.chmod(0o644)
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))
    path.chmod(0o444)


def worsen(path: Path) -> None:
    """Make the mean of a sub-model one that any candidate beats."""
    said = json.loads(path.read_bytes())
    path.chmod(0o644)
    path.write_text(json.dumps(said | {"mean": said["mean"] + 300}))
    path.chmod(0o444)


@pytest.fixture
def clone(toy: Toy) -> Toy:
    """A fresh clone with an alert, and nothing of the data."""
    clone = toy.clone("clone")
    clone.alert("performance")
    clone.commit("An alert")
    return clone


def store_of(toy: Toy) -> Path:
    return toy.root.parent / "store"


def answer(toy: Toy) -> Told:
    (alert,) = (toy.root / "alerts").glob("*.json")
    return toy.retouch("run", f"alerts/{alert.name}")


def refused(toy: Toy, told: Told, *said: str) -> None:
    assert told.code == 1, told
    for text in ("Damaged or exchanged data", *said):
        assert text in told.err, told
    assert not list((toy.root / "reports").glob("*/verdict.json"))
    assert toy.git("status", "--porcelain", "--", ":!reports") == ""


def test_an_exchanged_member_of_production_on_the_remote_gives_no_verdict(clone: Toy):
    store = store_of(clone)
    name = member(clone, store, "eu.json")
    worsen(object_in(store, name))
    told = answer(clone)
    refused(clone, told, "models/bundle/eu.json", name, "the remote 'store'", "dvc push")
    assert not object_in(clone.root / ".dvc/cache", name).exists()
    assert not (clone.root / "models/bundle").exists()


def test_a_remote_that_was_repaired_is_read_again(clone: Toy):
    store = store_of(clone)
    bad = object_in(store, member(clone, store, "eu.json"))
    sound = bad.read_bytes()
    worsen(bad)
    assert answer(clone).code == 1
    bad.chmod(0o644)
    bad.write_bytes(sound)
    told = answer(clone)
    assert told.code == 0, told
    assert list((clone.root / "reports").glob("*/verdict.json"))


def test_an_exchanged_list_of_the_members_gives_no_verdict(clone: Toy):
    store = store_of(clone)
    name = recorded(clone, "assemble")
    eu, us = (member(clone, store, f"{region}.json").encode() for region in ("eu", "us"))
    exchange(object_in(store, name), eu, us)
    told = answer(clone)
    refused(clone, told, "models/bundle", name, "the remote 'store'")


def test_exchanged_data_that_scoring_and_stages_read_gives_no_verdict(clone: Toy):
    store = store_of(clone)
    exchange(object_in(store, recorded(clone, "clean")), b",eu,1", b",eu,9")
    refused(clone, answer(clone), "data/clean.csv", "the remote 'store'")


def test_a_damaged_object_in_the_local_cache_gives_no_verdict_and_is_fetched_again(toy: Toy):
    toy.alert("performance")
    toy.commit("An alert")
    shutil.rmtree(toy.root / "models/bundle")
    cache = toy.root / ".dvc/cache"
    name = member(toy, cache, "eu.json")
    worsen(object_in(cache, name))
    told = answer(toy)
    refused(toy, told, "models/bundle/eu.json", name, "the cache of DVC")
    assert not object_in(cache, name).exists()
    told = answer(toy)
    assert told.code == 0, told


def test_a_damaged_file_in_the_workspace_that_dvc_takes_for_sound_gives_no_verdict(toy: Toy):
    toy.alert("performance")
    toy.commit("An alert")
    cache = toy.root / ".dvc/cache"
    name = member(toy, cache, "eu.json")
    shutil.rmtree(toy.root / "models/bundle")
    worsen(object_in(cache, name))
    toy.dvc("checkout", "--force", "models/bundle")
    toy.dvc("status", "--quiet")  # to DVC all is well
    told = answer(toy)
    assert told.code == 2, told
    assert "The workspace differs from dvc.lock: models/bundle." in told.err
    assert not list((toy.root / "reports").glob("*/verdict.json"))


def test_a_run_restored_from_the_run_cache_with_other_bytes_is_refused(toy: Toy):
    alert = toy.alert("performance")
    toy.commit("An alert")
    once = toy.copy("once")
    assert once.retouch("run", alert).code == 0
    made = recorded(once, "fit@eu")
    shutil.rmtree(toy.root / ".dvc/cache")
    shutil.copytree(once.root / ".dvc/cache", toy.root / ".dvc/cache")
    worsen(object_in(toy.root / ".dvc/cache", made))
    told = answer(toy)
    refused(toy, told, "models/eu.json", made)


@pytest.mark.parametrize("where", ["remote", "cache", "workspace"])
def test_a_link_where_a_file_must_be_is_not_followed(toy: Toy, tmp_path: Path, where: str):
    toy.alert("performance")
    toy.commit("An alert")
    name = member(toy, toy.root / ".dvc/cache", "eu.json")
    places = {
        "remote": object_in(store_of(toy), name),
        "cache": object_in(toy.root / ".dvc/cache", name),
        "workspace": toy.root / "models/bundle/eu.json",
    }
    there = toy.clone("clone") if where == "remote" else toy
    if where == "cache":
        shutil.rmtree(toy.root / "models/bundle")
    aside = tmp_path / "aside"
    shutil.move(places[where], aside)
    places[where].symlink_to(aside)
    told = answer(there)
    assert told.code == 1, told
    assert "a symbolic link" in told.err
    assert not list((there.root / "reports").glob("*/verdict.json"))


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "copy"])
def test_dvcs_own_links_into_its_cache_are_read_and_other_bytes_behind_them_are_not(
    toy: Toy, kind: str
):
    toy.alert("performance")
    toy.dvc("config", "cache.type", kind)
    toy.commit("An alert")
    toy.dvc("checkout", "--relink", "--force")
    sound = toy.copy("sound") if kind == "copy" else toy
    assert sound.retouch("plan", *map(str, (sound.root / "alerts").glob("*.json"))).code == 0
    worsen(object_in(toy.root / ".dvc/cache", member(toy, toy.root / ".dvc/cache", "eu.json")))
    told = answer(toy)
    if kind == "copy":  # the workspace has a sound one of its own
        assert told.code == 0, told
    else:
        assert told.code == 2, told
        assert "The workspace differs from dvc.lock" in told.err


def test_an_output_with_a_remote_of_its_own_is_brought_from_there_and_checked(toy: Toy):
    other = toy.root.parent / "other"
    toy.dvc("remote", "add", "--quiet", "other", "../other")
    toy.replace("dvc.yaml", "outs: [models/bundle]", "outs: [{models/bundle: {remote: other}}]")
    toy.alert("performance")
    toy.commit("The bundle lies elsewhere")
    bundle = recorded(toy, "assemble")
    store = store_of(toy)
    for name in (bundle, *(member(toy, store, f"{n}.json") for n in ("eu", "us", "manifest"))):
        object_in(other, name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(object_in(store, name), object_in(other, name))
    object_in(store, bundle).unlink()
    sound, clone = toy.clone("sound"), toy.clone("clone")
    told = answer(sound)
    assert told.code == 0, told
    worsen(object_in(other, member(toy, toy.root / ".dvc/cache", "us.json")))
    refused(clone, answer(clone), "models/bundle/us.json", "the remote 'other'")


def test_what_dvc_remembers_of_a_file_is_never_asked(toy: Toy):
    """DVC notes what a checkout meant to bring, under the status of what it brought."""
    path = toy.root / "models/eu.json"
    worsen(path)
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    outs = {o.path: o.workspace for s in Project(toy.root).pipeline.stages for o in s.outputs}
    assert outs["models/eu.json"] == digest


def test_verify_names_each_damaged_file_in_the_cache_and_on_the_remote(toy: Toy):
    told = toy.retouch("verify", "--data", "--hash", "--jobs", "2")
    assert (told.code, "Sound" in told.out) == (0, True), told
    cache, store = toy.root / ".dvc/cache", store_of(toy)
    eu, us = (member(toy, cache, f"{region}.json") for region in ("eu", "us"))
    clean = recorded(toy, "clean")
    worsen(object_in(store, eu))
    worsen(object_in(cache, us))
    exchange(object_in(store, clean), b",eu,1", b",eu,9")
    assert toy.retouch("verify", "--data").code == 0  # it looks for names
    told = toy.retouch("verify", "--data", "--hash")
    assert told.code == 1, told
    for path, name, where in (
        ("models/bundle/eu.json", eu, "the remote 'store'"),
        ("models/bundle/us.json", us, "the cache of DVC"),
        ("data/clean.csv", clean, "the remote 'store'"),
    ):
        assert f"{path} ({where}): dvc.lock records {name}, found " in told.out
    assert object_in(cache, us).exists()  # it looks, and changes nothing


@pytest.mark.parametrize("raw", [b"[]", b"not a list", b'[{"md5": "x", "relpath": "../x"}]'])
def test_verify_names_an_exchanged_list_and_what_git_keeps(toy: Toy, raw: bytes):
    name = recorded(toy, "assemble")
    for place in (object_in(store_of(toy), name), object_in(toy.root / ".dvc/cache", name)):
        place.chmod(0o644)
        place.write_bytes(raw)
    toy.replace("models/metrics.json", '"mae": ', '"mae": 1')
    toy.commit("Another result")
    told = toy.retouch("verify", "--data", "--hash")
    assert told.code == 1, told
    for where in ("the remote 'store'", "the cache of DVC"):
        assert f"models/bundle ({where}): dvc.lock records {name}, found " in told.out
    assert "models/metrics.json (the commit): dvc.lock records " in told.out


def test_a_part_of_a_directory_is_compared_with_its_list(toy: Toy):
    clone = toy.clone("clone")
    part = "models/bundle/eu.json"
    project = Project(clone.root)
    outputs = {o.path: o for stage in project.pipeline.stages for o in stage.outputs}
    dvc.pull([part], root=clone.root)
    assert not (clone.root / "models/bundle/us.json").exists()
    require_inputs([part], outputs, {}, root=clone.root)
    with pytest.raises(CheckFailed, match=r"us.json \(the workspace\): .*, found nothing"):
        require_recorded([outputs["models/bundle"]], root=clone.root)
    worsen(clone.root / part)
    with pytest.raises(CheckFailed, match=rf"{part} \(the workspace\): dvc.lock records"):
        require_inputs([part], outputs, {}, root=clone.root)
    list_name = recorded(toy, "assemble")
    worsen_list = object_in(clone.root / ".dvc/cache", list_name)
    worsen_list.chmod(0o644)
    worsen_list.write_bytes(b"[]")
    with pytest.raises(CheckFailed):  # without a list that is sound, all of it is asked for
        require_inputs([part], outputs, {}, root=clone.root)
