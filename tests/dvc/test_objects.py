"""An output by its hash: from the cache, or from the remote, and whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml

from retouch.dvc.objects import import_objects, objects_of, write_output
from retouch.errors import CheckFailed, InputError
from tests.toy_project import Toy


def recorded(toy: Toy, stage: str) -> str:
    found: str = yaml.safe_load(toy.lock())["stages"][stage]["outs"][0]["md5"]
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_and_a_directory_come_from_the_cache_whatever_the_workspace_holds(toy: Toy):
    bundle = files_in(toy.root / "models/bundle")
    shutil.rmtree(toy.root / "models/bundle")
    shutil.rmtree(toy.root.parent / "store")
    target = toy.root / ".retouch/x"
    target.mkdir(parents=True)
    (target / "old").touch()
    write_output(recorded(toy, "assemble"), target, root=toy.root)
    assert files_in(target) == bundle
    write_output(recorded(toy, "fit@eu"), target, root=toy.root)
    assert target.read_bytes() == bundle["eu.json"]
    assert not (toy.root / "models/bundle").exists()


def test_what_the_cache_lacks_comes_from_the_remote_one_file_of_a_directory_too(toy: Toy):
    bundle = files_in(toy.root / "models/bundle")
    clone = toy.clone("clone")
    before = clone.tree()
    write_output(recorded(toy, "assemble"), clone.root / ".retouch/x", root=clone.root)
    assert files_in(clone.root / ".retouch/x") == bundle
    of_eu = recorded(toy, "fit@eu")
    (clone.root / f".dvc/cache/files/md5/{of_eu[:2]}/{of_eu[2:]}").unlink()
    write_output(recorded(toy, "assemble"), clone.root / ".retouch/x", root=clone.root)
    assert files_in(clone.root / ".retouch/x") == bundle
    assert clone.tree() == before


@pytest.mark.parametrize("stage", ["assemble", "fit@eu"])
def test_what_neither_has_is_bad_input(toy: Toy, stage):
    clone = toy.clone("clone")
    shutil.rmtree(toy.root.parent / "store")
    with pytest.raises(InputError, match=r"not in DVC's cache, and the remote does not have it"):
        write_output(recorded(toy, stage), clone.root / ".retouch/x", root=clone.root)
    clone.dvc("remote", "default", "--unset")
    with pytest.raises(InputError, match=r"does not have it: .*no remote specified"):
        write_output(recorded(toy, stage), clone.root / ".retouch/x", root=clone.root)
    assert not (clone.root / ".retouch/x").exists()


@pytest.mark.parametrize("stage", ["assemble", "fit@eu"])
def test_a_damaged_object_is_refused(toy: Toy, stage):
    of_it = recorded(toy, stage)
    damaged = toy.root / f".dvc/cache/files/md5/{of_it[:2]}/{of_it[2:]}"
    damaged.chmod(0o644)
    damaged.write_text(json.dumps([]) + " ")
    with pytest.raises(CheckFailed, match=rf"{of_it} \(the cache of DVC\): .*, found [0-9a-f]+"):
        write_output(of_it, toy.root / ".retouch/x", root=toy.root)
    assert not (toy.root / ".retouch/x").exists()
    write_output(of_it, toy.root / ".retouch/x", root=toy.root)  # from the remote
    assert damaged.exists()


def outputs_of(toy: Toy, *stages: str) -> list[tuple[str, str]]:
    entries = yaml.safe_load(toy.lock())["stages"]
    return [(out["path"], out["md5"]) for stage in stages for out in entries[stage]["outs"]]


def cache_of(toy: Toy) -> dict[str, bytes]:
    folder = toy.root / ".dvc/cache/files/md5"
    return {p.parent.name + p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_objects_of_outputs_are_all_their_files_and_give_them_back_in_another_clone(toy: Toy):
    objects = objects_of(toy.root, outputs_of(toy, "assemble", "fit@eu"))
    assert {name: path.read_bytes() for name, path in objects.items()} == {
        name: raw for name, raw in cache_of(toy).items() if name in objects
    }
    list_name = recorded(toy, "assemble")
    entries = json.loads(objects[list_name].read_bytes())
    assert set(objects) == {list_name, recorded(toy, "fit@eu"), *(e["md5"] for e in entries)}
    clone = toy.clone("clone")
    shutil.rmtree(toy.root.parent / "store")
    import_objects(clone.root, objects)
    clone.dvc("checkout", "models/bundle")
    assert files_in(clone.root / "models/bundle") == files_in(toy.root / "models/bundle")
    before = {p: p.stat().st_mtime_ns for p in (clone.root / ".dvc/cache").rglob("*")}
    import_objects(clone.root, objects)
    assert {p: p.stat().st_mtime_ns for p in (clone.root / ".dvc/cache").rglob("*")} == before


def test_objects_of_fetches_what_only_the_remote_has_and_names_the_output_nobody_has(toy: Toy):
    clone = toy.clone("clone")
    outputs = outputs_of(toy, "assemble")
    assert set(objects_of(clone.root, outputs)) == set(objects_of(toy.root, outputs))
    with pytest.raises(InputError, match=r"^models/x: .*not in DVC's cache"):
        objects_of(toy.root, [("models/x", "0" * 32)])
    with pytest.raises(InputError, match=r"models/x: '' is not the name of an object"):
        objects_of(toy.root, [("models/x", "")])


def named_by_md5(folder: Path, raw: bytes, end: str = "") -> tuple[str, Path]:
    name = hashlib.md5(raw).hexdigest() + end
    (folder / name).write_bytes(raw)
    return name, folder / name


def test_an_object_that_is_not_of_its_name_comes_in_with_no_other(toy: Toy, tmp_path: Path):
    before = cache_of(toy)
    good = dict([named_by_md5(tmp_path, b"good")])
    link = tmp_path / "link"
    link.symlink_to(tmp_path / next(iter(good)))
    bad = {
        "0" * 32: next(iter(good.values())),
        "../../../x": tmp_path / next(iter(good)),
        next(iter(good)): link,
        "1" * 32: tmp_path,
    }
    for name, path in bad.items():
        with pytest.raises(InputError, match=r"not an object|not those of the object"):
            import_objects(toy.root, {**good, name: path})
        assert cache_of(toy) == before


@pytest.mark.parametrize(
    "entries",
    [
        b"not json",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b"[1]",
        b'[{"md5": "%s"}]' % (b"0" * 31),
        b'[{"md5": "%s", "relpath": "../x"}]' % (b"0" * 32),
        b'[{"md5": "%s", "relpath": "/etc/x"}]' % (b"0" * 32),
        b'[{"md5": "%s", "relpath": "a//x"}]' % (b"0" * 32),
        b'[{"md5": "%s.dir", "relpath": "x"}]' % (b"0" * 32),
        b'[{"md5": "../../x", "relpath": "x"}]',
    ],
)
def test_a_directory_that_lists_anything_but_its_own_files_is_refused(
    toy: Toy, tmp_path: Path, entries: bytes
):
    name, path = named_by_md5(tmp_path, entries, ".dir")
    with pytest.raises(InputError, match=r"is no list of the files in a directory"):
        import_objects(toy.root, {name: path})
    assert name not in cache_of(toy)


def test_a_damaged_object_in_the_cache_is_replaced_by_a_whole_one(toy: Toy, tmp_path: Path):
    name, path = named_by_md5(tmp_path, b"whole")
    import_objects(toy.root, {name: path})
    place = toy.root / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}"
    assert place.stat().st_mode & 0o777 == 0o444
    place.chmod(0o644)
    place.write_bytes(b"ha")
    import_objects(toy.root, {name: path})
    assert place.read_bytes() == b"whole"
