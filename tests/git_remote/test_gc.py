"""What goes from the store is what neither a branch nor a tag needs, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.git_remote.branch import Branch
from retouch.git_remote.store import collect, find_garbage, open_store, push_objects
from tests.git_remote.conftest import Origin
from tests.git_remote.test_store import AT_ONCE, made, on_disk
from tests.toy_project import Toy


def needs(toy: Toy, *names: str) -> None:
    """Commit a lock that records these objects, and nothing else."""
    entries = "".join(
        f"  s{number}:\n    outs:\n    - path: out{number}\n      md5: {name}\n"
        for number, name in enumerate(names)
    )
    (toy.root / "dvc.lock").write_text(f"schema: '2.0'\nstages:\n{entries}")
    toy.commit("Needs")


def folder_of(tmp_path: Path, files: dict[str, Path]) -> dict[str, Path]:
    raw = json.dumps([{"md5": name, "relpath": name} for name in files]).encode()
    ((name, path),) = made(tmp_path / "lists", raw).items()
    return {f"{name}.dir": path}


def test_objects_of_any_branch_or_tag_stay_and_the_others_go(
    origin: Origin, maker: Toy, tmp_path: Path
):
    objects = made(tmp_path / "made", b"main", b"tag", b"branch", b"dvc", b"file", b"gone")
    names = {path.read_bytes(): name for name, path in objects.items()}
    files = {names[b"file"]: objects[names[b"file"]]}
    listed = folder_of(tmp_path, files)
    dangling = folder_of(tmp_path, {})
    store = open_store(maker.root)
    push_objects(maker.root, {**objects, **listed, **dangling}, trying=AT_ONCE)
    (maker.root / "rows.csv.dvc").write_text(f"outs:\n- md5: {names[b'dvc']}\n  path: rows.csv\n")
    needs(maker, names[b"gone"])
    needs(maker, names[b"tag"])
    maker.git("tag", "v1")
    needs(maker, names[b"main"], *listed)
    maker.git("branch", "open", "HEAD")
    maker.git("push", "--quiet", "--tags", "origin", "main")
    maker.git("checkout", "--quiet", "open")
    (maker.root / "sub").mkdir()
    (maker.root / "dvc.lock").rename(maker.root / "sub/dvc.lock")
    needs(maker, names[b"branch"])
    maker.git("push", "--quiet", "origin", "open")
    found = find_garbage(store)
    assert {path.split("/", 2)[2].replace("/", "") for path in found.places} == {
        names[b"gone"],
        *dangling,
    }
    assert set(origin.objects()) == {*objects, *listed, *dangling}
    assert collect(store, trying=AT_ONCE) == found
    stays = {*objects, *listed} - {names[b"gone"]}
    assert set(origin.objects()) == on_disk(maker) == stays
    assert origin.git("rev-list", "--count", "dvc-store").strip() == "1"
    assert collect(store, trying=AT_ONCE).places == ()
    assert "refs/retouch/gc" not in maker.git("for-each-ref")
    old = origin.clone("old", "--depth", "1")
    open_store(old.root)
    assert on_disk(old) == stays


def test_what_another_writer_brings_while_it_is_collected_stays(
    origin: Origin, maker: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = open_store(maker.root)
    push_objects(maker.root, made(tmp_path / "made", b"gone"), trying=AT_ONCE)
    other = origin.clone("other")
    open_store(other.root)
    (late,) = new = made(tmp_path / "late", b"late")
    push = Branch.push

    def after_the_other(branch: Branch, commit: str, **how: str | None) -> object:
        if branch.root == maker.root:
            monkeypatch.setattr(Branch, "push", push)
            push_objects(other.root, new, trying=AT_ONCE)
            needs(other, late)
            other.git("push", "--quiet", "origin", "main")
        return push(branch, commit, **how)

    monkeypatch.setattr(Branch, "push", after_the_other)
    collect(store, trying=AT_ONCE)
    assert set(origin.objects()) == {late}


def test_a_clone_that_has_what_was_removed_does_not_bring_it_back(
    origin: Origin, maker: Toy, tmp_path: Path
):
    store = open_store(maker.root)
    (gone,) = objects = made(tmp_path / "made", b"gone")
    push_objects(maker.root, objects, trying=AT_ONCE)
    other = origin.clone("other")
    open_store(other.root)
    assert on_disk(other) == {gone}
    collect(store, trying=AT_ONCE)
    told = other.retouch("store", "push")
    assert told.out == "0 new objects on branch dvc-store.\n"
    assert on_disk(other) == set()


@pytest.mark.parametrize("text", ["a: [", "stages: 3", "stages: {a: {outs: [3]}}", "- 1"])
def test_a_lock_that_cannot_be_read_stops_it(origin: Origin, maker: Toy, tmp_path: Path, text: str):
    store = open_store(maker.root)
    push_objects(maker.root, made(tmp_path / "made", b"one"), trying=AT_ONCE)
    (maker.root / "dvc.lock").write_text(text)
    maker.commit("Break it")
    maker.git("push", "--quiet", "origin", "main")
    with pytest.raises(InputError, match=r"dvc\.lock: is not as DVC writes it"):
        collect(store, trying=AT_ONCE)
    assert len(origin.objects()) == 1
