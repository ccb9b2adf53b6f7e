"""A link in the store leads nowhere, and what is said to be on the branch is there."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.git_remote.store import (
    collect,
    find_garbage,
    open_store,
    place_of,
    push_objects,
    push_store,
)
from tests.git_remote.conftest import Origin
from tests.git_remote.test_store import AT_ONCE, lay, made, on_disk
from tests.toy_project import Toy


def commit_to_store(
    origin: Origin, folder: Path, path: str, raw: bytes | None, link: str = ""
) -> None:
    """Do to the branch what anyone can who may push: write a file, or lay a link."""
    clone = Toy(folder)
    if not folder.exists():
        origin.git("clone", "--quiet", "--branch", "dvc-store", ".", str(folder))
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if raw is None:
        place.symlink_to(link)
    else:
        place.write_bytes(raw)
    clone.commit("As anyone may")
    clone.git("push", "--quiet", "origin", "dvc-store")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def test_a_link_on_the_branch_is_refused_before_anything_is_laid_out(
    origin: Origin, maker: Toy, tmp_path: Path, outside: Path
):
    objects = made(tmp_path / "made", b"one")
    push_objects_to(maker, objects)
    name, path = next(iter(made(tmp_path / "made", b"two").items()))
    commit_to_store(origin, tmp_path / "evil", f"files/md5/{name[:2]}", None, str(outside))

    other = origin.clone("other")
    with pytest.raises(InputError, match=rf"files/md5/{name[:2]}: is a symbolic link"):
        open_store(other.root)
    store = open_store_again(maker)
    with pytest.raises(InputError, match="is a symbolic link"):
        push_store(store, trying=AT_ONCE)
    with pytest.raises(InputError, match="is a symbolic link"):
        push_objects(maker.root, {name: path}, trying=AT_ONCE)
    assert not any(outside.iterdir())
    assert not any(path.is_symlink() for path in (other.root / ".retouch").rglob("*"))


def push_objects_to(toy: Toy, objects: dict[str, Path]) -> None:
    open_store(toy.root)
    push_objects(toy.root, objects, trying=AT_ONCE)


def open_store_again(toy: Toy):
    from retouch.git_remote.store import opened

    store = opened(toy.root)
    assert store is not None
    return store


def test_a_link_in_the_folder_is_refused_and_never_means_that_nothing_is_new(
    origin: Origin, maker: Toy, tmp_path: Path, outside: Path
):
    store = open_store(maker.root)
    objects = made(tmp_path / "made", b"one")
    (name,) = objects
    folder = maker.root / ".retouch/store/files/md5"
    folder.mkdir(parents=True)
    (folder / name[:2]).symlink_to(outside)
    lay(maker, objects)  # as `dvc push` does, through the link
    with pytest.raises(InputError, match="is a symbolic link"):
        push_store(store, trying=AT_ONCE)
    with pytest.raises(InputError, match="is a symbolic link"):
        open_store(maker.root)


@pytest.mark.parametrize("at", [".retouch/store", ".retouch"])
def test_a_folder_that_is_itself_a_committed_link_is_refused(
    origin: Origin, maker: Toy, outside: Path, at: str
):
    shutil.rmtree(maker.root / ".retouch", ignore_errors=True)
    (maker.root / at).parent.mkdir(exist_ok=True)
    (maker.root / at).symlink_to(outside)
    with pytest.raises(InputError, match="is a symbolic link"):
        open_store(maker.root)
    assert not any(path.name != "store.lock" for path in outside.rglob("*") if path.is_file())


def test_other_bytes_under_a_name_on_the_branch_are_replaced_by_a_push_of_the_sound_ones(
    origin: Origin, maker: Toy, tmp_path: Path
):
    objects = made(tmp_path / "made", b"one", b"two")
    push_objects_to(maker, objects)
    name = next(iter(objects))
    commit_to_store(origin, tmp_path / "evil", place_of(name), b"exchanged")
    assert origin.objects()[name] == b"exchanged"
    assert push_objects(maker.root, objects, trying=AT_ONCE) == 1
    assert origin.objects() == {n: path.read_bytes() for n, path in objects.items()}

    commit_to_store(origin, tmp_path / "again", place_of(name), b"exchanged again")
    store = open_store(maker.root)
    lay(maker, objects)
    assert push_store(store, trying=AT_ONCE) == 1
    assert origin.objects() == {n: path.read_bytes() for n, path in objects.items()}


def test_what_was_damaged_in_the_folder_alone_is_laid_out_again(
    origin: Origin, maker: Toy, tmp_path: Path
):
    objects = made(tmp_path / "made", b"one", b"two")
    push_objects_to(maker, objects)
    name = next(iter(objects))
    place = maker.root / ".retouch/store" / place_of(name)
    place.chmod(0o644)
    place.write_bytes(b"damaged")
    open_store(maker.root)
    assert place.read_bytes() == objects[name].read_bytes()
    assert on_disk(maker) == set(objects)


def test_an_exchanged_list_of_files_makes_nothing_garbage(
    origin: Origin, maker: Toy, tmp_path: Path
):
    objects = made(tmp_path / "made", b"one")
    (member,) = objects
    raw = b'[{"md5": "%s", "relpath": "a"}]' % member.encode()
    name = hashlib.md5(raw).hexdigest() + ".dir"
    (tmp_path / "made" / name).write_bytes(raw)
    (maker.root / "x.dvc").write_text(f"outs:\n- md5: {name}\n  hash: md5\n  path: x\n")
    maker.commit("Data")
    maker.git("push", "--quiet", "origin", "main")
    push_objects_to(maker, {**objects, name: tmp_path / "made" / name})
    commit_to_store(origin, tmp_path / "evil", place_of(name), b"[]")
    store = open_store(maker.root)
    for what in (find_garbage, collect):
        with pytest.raises(InputError, match=r"is damaged: .*Nothing was removed"):
            what(store)
    assert member in origin.objects()
