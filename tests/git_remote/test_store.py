"""The branch that holds DVC's data: many writers, nothing half-way, nobody's things touched."""

from __future__ import annotations

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retouch.errors import CheckFailed, InputError
from retouch.git import git
from retouch.git_remote import store as stores
from retouch.git_remote.store import PushRetries, open_store, opened, push_objects, push_store
from tests.git_remote.conftest import Origin
from tests.toy_project import Toy

AT_ONCE = PushRetries(times=30, sleep=lambda _: None, jitter=lambda: 0.0)


def made(folder: Path, *contents: bytes) -> dict[str, Path]:
    """Write objects of these contents and return them by their names."""
    folder.mkdir(exist_ok=True)
    found = {hashlib.md5(raw).hexdigest(): raw for raw in contents}
    for name, raw in found.items():
        (folder / name).write_bytes(raw)
    return {name: folder / name for name in found}


def lay(toy: Toy, objects: dict[str, Path]) -> None:
    """Put objects where `dvc push` puts them."""
    for name, path in objects.items():
        place = toy.root / f".retouch/store/files/md5/{name[:2]}/{name[2:]}"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def on_disk(toy: Toy) -> set[str]:
    folder = toy.root / ".retouch/store/files/md5"
    return {path.parent.name + path.name for path in folder.rglob("*") if path.is_file()}


def test_what_was_put_into_the_folder_reaches_the_branch_and_any_other_clone(
    origin: Origin, maker: Toy, tmp_path: Path
):
    objects = made(tmp_path / "made", b"one", b"two\r\n", bytes(range(256)))
    store = open_store(maker.root)
    lay(maker, objects)
    assert push_store(store, trying=AT_ONCE) == 3
    assert origin.objects() == {name: path.read_bytes() for name, path in objects.items()}
    assert push_store(store, trying=AT_ONCE) == 0
    for name, options in {"whole": (), "shallow": ("--depth", "1")}.items():
        other = origin.clone(name, *options)
        open_store(other.root)
        assert on_disk(other) == set(objects)
        assert (
            other.git("rev-parse", "--is-shallow-repository").strip()
            == str(name == "shallow").lower()
        )
    more = made(tmp_path / "more", b"three")
    assert push_objects(other.root, {**objects, **more}, trying=AT_ONCE) == 1
    assert set(origin.objects()) == {*objects, *more}
    assert push_store(store, trying=AT_ONCE) == 0
    assert on_disk(maker) == {*objects, *more}


def test_four_writers_at_once_all_land_even_with_the_same_object(origin: Origin, tmp_path: Path):
    clones = [origin.clone(f"writer{number}") for number in range(4)]
    for clone in clones:
        open_store(clone.root)

    def write(number: int) -> None:
        for turn in range(3):
            name = f"{number}-{turn}"
            objects = made(tmp_path / name, b"all", name.encode())
            push_objects(clones[number].root, objects, trying=AT_ONCE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    contents = {b"all", *(f"{n}-{t}".encode() for n in range(4) for t in range(3))}
    assert set(origin.objects().values()) == contents
    assert origin.git("rev-list", "--count", "dvc-store").strip() == str(1 + 12)


def test_two_processes_in_one_clone_wait_for_each_other(origin: Origin, maker: Toy, tmp_path: Path):
    open_store(maker.root)
    some = [made(tmp_path / str(n), str(n).encode()) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: push_objects(maker.root, each, trying=AT_ONCE), some))
    assert set(origin.objects().values()) == {b"0", b"1", b"2", b"3"}


def test_opening_touches_nothing_that_is_committed_and_nobodys_settings(
    origin: Origin, maker: Toy, tmp_path: Path
):
    (maker.root / ".dvc/config.local").write_text(
        "['remote \"mine\"']\n    url = ../mine\n    jobs = 3\n[core]\n    checksum_jobs = 2\n"
    )
    branches, before = maker.git("branch", "--all"), maker.tree()
    open_store(maker.root)
    open_store(maker.root)
    after = maker.tree()
    del before[".dvc/config.local"], after[".dvc/config.local"]
    assert after == before
    assert maker.git("status", "--porcelain") == ""
    assert maker.git("branch", "--all") == branches
    config = (maker.root / ".dvc/config.local").read_text()
    assert "checksum_jobs = 2" in config
    assert "jobs = 3" in config
    assert "url = ../.retouch/store" in config
    assert "remote = store" in config
    assert origin.git("branch", "--list", "dvc-store") == ""


def test_a_default_remote_and_a_remote_of_the_same_name_stay_a_persons_own(
    origin: Origin, maker: Toy, tmp_path: Path
):
    (maker.root / ".dvc/config").write_text("['remote \"store\"']\n    url = ../../theirs\n")
    (maker.root / ".dvc/config.local").write_text("[core]\n    remote = store\n")
    assert not open_store(maker.root).default
    assert "remote = store" in (maker.root / ".dvc/config.local").read_text()
    assert "url = ../.retouch/store" in (maker.root / ".dvc/config.local").read_text()
    assert "retouch-store" in (maker.root / ".dvc/config.local").read_text()
    objects = made(tmp_path / "made", b"one")
    assert push_objects(maker.root, objects) == 1
    (name,) = objects
    assert (tmp_path / f"theirs/files/md5/{name[:2]}/{name[2:]}").read_bytes() == b"one"
    assert origin.git("branch", "--list", "dvc-store") == ""


def test_the_folder_is_kept_out_of_git_where_the_project_does_not_ignore_it(maker: Toy):
    (maker.root / ".gitignore").write_text("")
    maker.commit("Ignore nothing")
    open_store(maker.root)
    open_store(maker.root)
    assert maker.git("status", "--porcelain") == ""
    assert (maker.root / ".git/info/exclude").read_text().count(".retouch") == 1


def test_a_file_github_does_not_take_is_refused_by_its_outputs_name_before_anything_is_sent(
    origin: Origin, maker: Toy, tmp_path: Path
):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(stores.FILE_BYTES + 1)
    (maker.root / "data").mkdir()
    (maker.root / "data/rows.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  path: rows\n")
    (maker.root / "dvc.lock").write_text(
        f"stages:\n  fit:\n    outs:\n    - path: models\n      md5: {'b' * 32}.dir\n"
    )
    listed = tmp_path / "list"
    listed.write_text(f'[{{"md5": "{"c" * 32}", "relpath": "deep/big.bin"}}]')
    open_store(maker.root)
    good = made(tmp_path / "made", b"good")
    folder = {"b" * 32 + ".dir": listed}
    for name, whose in {"a": "data/rows", "c": "models/deep/big.bin", "d": "d" * 32}.items():
        with pytest.raises(InputError, match=f"^{whose}: has a file of 104,857,601 bytes"):
            push_objects(maker.root, {**good, **folder, name * 32: big}, trying=AT_ONCE)
    assert origin.git("branch", "--list", "dvc-store") == ""
    assert on_disk(maker) == set()


def test_more_than_one_push_takes_is_refused_with_a_way_to_part_it(maker: Toy, tmp_path: Path):
    open_store(maker.root)
    objects = {}
    for number in range(21):
        path = tmp_path / str(number)
        with path.open("wb") as file:
            file.truncate(stores.FILE_BYTES)
        objects[f"{number:032x}"] = path
    with pytest.raises(InputError, match=r"2,147,483,648 in one push.*dvc push STAGE"):
        push_objects(maker.root, objects, trying=AT_ONCE)


def test_an_object_that_is_not_what_its_name_says_goes_nowhere(
    origin: Origin, maker: Toy, tmp_path: Path
):
    store = open_store(maker.root)
    objects = made(tmp_path / "made", b"good", b"bad")
    objects[hashlib.md5(b"bad").hexdigest()].write_bytes(b"worse")
    with pytest.raises(InputError, match="not those of the object"):
        push_objects(maker.root, objects, trying=AT_ONCE)
    lay(maker, objects)
    with pytest.raises(InputError, match="not those of the object"):
        push_store(store, trying=AT_ONCE)
    assert origin.git("branch", "--list", "dvc-store") == ""


def test_data_of_an_old_dvc_is_not_left_behind_in_silence(maker: Toy):
    store = open_store(maker.root)
    place = maker.root / ".retouch/store/ab" / ("c" * 30)
    place.parent.mkdir()
    place.write_bytes(b"x")
    with pytest.raises(InputError, match=r"before version 3.*cache migrate"):
        push_store(store, trying=AT_ONCE)


def test_a_push_that_is_never_taken_ends_with_a_sentence_and_the_next_one_sends_it_all(
    origin: Origin, maker: Toy, tmp_path: Path
):
    store = open_store(maker.root)
    objects = made(tmp_path / "made", b"one", b"two")
    hook = origin.path / "hooks/update"
    hook.write_text("#!/bin/sh\necho the disk is full; exit 1\n")
    hook.chmod(0o755)
    waits: list[float] = []
    trying = PushRetries(times=4, sleep=waits.append, jitter=lambda: 0.5)
    lay(maker, objects)
    with pytest.raises(
        CheckFailed,
        match=r"did not accept the data, pushed once; git said: remote: the disk is full",
    ):
        push_store(store, trying=trying)
    hook.unlink()
    locked = origin.path / "refs/heads/dvc-store.lock"
    locked.touch()
    with pytest.raises(CheckFailed, match=r"pushed 4 times; git said: .*retouch store push"):
        push_store(store, trying=trying)
    assert waits == sorted(waits)
    assert len(waits) == 3
    assert origin.git("branch", "--list", "dvc-store") == ""
    locked.unlink()
    assert push_store(store, trying=trying) == 2
    assert set(origin.objects()) == set(objects)


def test_an_answer_that_got_lost_after_the_push_landed_does_no_harm(
    origin: Origin, maker: Toy, tmp_path: Path
):
    store = open_store(maker.root)
    objects = made(tmp_path / "made", b"one")
    lay(maker, objects)
    index = (maker.root / ".retouch/store.index").read_bytes()
    assert push_store(store, trying=AT_ONCE) == 1
    # As if we had been killed before the answer: our index knows nothing of it.
    (maker.root / ".retouch/store.index").write_bytes(index)
    assert push_store(store, trying=AT_ONCE) == 0
    assert origin.git("rev-list", "--count", "dvc-store").strip() == "2"


@pytest.mark.parametrize(
    "left",
    ["store.index.lock", "store.next.lock", "store.next", "store.index", "store.lock"],
)
def test_whatever_a_killed_call_left_behind_the_next_one_works(
    origin: Origin, maker: Toy, tmp_path: Path, left: str
):
    one = made(tmp_path / "one", b"one")
    open_store(maker.root)
    push_objects(maker.root, one, trying=AT_ONCE)
    (maker.root / ".retouch" / left).write_bytes(b"cut sho")
    two = made(tmp_path / "two", b"two")
    lay(maker, two)
    found = opened(maker.root)
    assert found is not None
    assert push_store(found, trying=AT_ONCE) == 1
    (maker.root / ".retouch" / left).write_bytes(b"cut sho")
    open_store(maker.root)
    assert set(origin.objects()) == on_disk(maker) == {*one, *two}


def test_a_folder_that_was_removed_or_changed_is_laid_out_anew(maker: Toy, tmp_path: Path):
    one = made(tmp_path / "one", b"one")
    open_store(maker.root)
    push_objects(maker.root, one, trying=AT_ONCE)
    shutil.rmtree(maker.root / ".retouch/store")
    assert opened(maker.root) is None
    open_store(maker.root)
    assert on_disk(maker) == set(one)
    shutil.rmtree(maker.root / ".retouch")
    open_store(maker.root)
    (name,) = one
    place = maker.root / f".retouch/store/files/md5/{name[:2]}/{name[2:]}"
    place.write_bytes(b"changed")
    open_store(maker.root)
    assert place.read_bytes() == b"one"


def test_settings_that_change_files_on_their_way_leave_objects_alone(
    origin: Origin, maker: Toy, tmp_path: Path
):
    maker.git("config", "core.autocrlf", "true")
    maker.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    maker.git("config", "core.sparseCheckout", "true")
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/pre-push").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hooks/pre-push").chmod(0o755)
    (maker.root / ".git/info/sparse-checkout").write_text("/nothing\n")
    objects = made(tmp_path / "made", b"a\nb\n", b"a\r\nb\r\n", b"$Id$\n")
    open_store(maker.root)
    assert push_objects(maker.root, objects, trying=AT_ONCE) == 3
    assert origin.objects() == {name: path.read_bytes() for name, path in objects.items()}
    shutil.rmtree(maker.root / ".retouch")
    open_store(maker.root)
    for name, path in objects.items():
        place = maker.root / f".retouch/store/files/md5/{name[:2]}/{name[2:]}"
        assert place.read_bytes() == path.read_bytes()


def test_a_branch_of_code_is_never_taken_for_a_store(origin: Origin, maker: Toy):
    before = origin.git("rev-parse", "main")
    with pytest.raises(InputError, match=r"contains more than DVC's data: \.dvc, \.gitignore"):
        open_store(maker.root, branch="main")
    for name in ("-x", "a b", "../x", "a..b", "", "x;y"):
        with pytest.raises(InputError, match="is not a valid branch name"):
            open_store(maker.root, branch=name)
    assert origin.git("rev-parse", "main") == before
    assert opened(maker.root) is None


def test_without_a_remote_or_with_one_that_does_not_answer_it_says_so(maker: Toy, tmp_path: Path):
    maker.git("remote", "set-url", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="cannot list the branch 'dvc-store': git said: "):
        open_store(maker.root)
    maker.git("remote", "remove", "origin")
    with pytest.raises(InputError, match=r"no remote named 'origin'.*git remote add"):
        open_store(maker.root)


def test_a_linked_worktree_has_a_store_of_its_own(origin: Origin, maker: Toy, tmp_path: Path):
    maker.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    linked = Toy(tmp_path / "linked")
    objects = made(tmp_path / "made", b"one")
    open_store(linked.root)
    assert push_objects(linked.root, objects, trying=AT_ONCE) == 1
    assert set(origin.objects()) == set(objects)
    assert not (maker.root / ".retouch").exists()
    assert os.environ.get("GIT_DIR") is None


def test_a_remote_whose_address_is_relative_is_asked_from_the_checkout(
    origin: Origin, maker: Toy, tmp_path: Path
):
    maker.git("remote", "set-url", "origin", "../origin.git")
    objects = made(tmp_path / "made", b"one")
    store = open_store(maker.root)
    lay(maker, objects)
    assert push_store(store, trying=AT_ONCE) == 1
    assert set(origin.objects()) == set(objects)


@pytest.mark.parametrize("opens", [True, False])
def test_a_branch_that_was_deleted_takes_no_data_along_and_is_made_anew(
    origin: Origin, maker: Toy, tmp_path: Path, opens: bool
):
    objects = made(tmp_path / "made", b"one", b"two")
    store = open_store(maker.root)
    lay(maker, objects)
    push_store(store, trying=AT_ONCE)
    origin.git("branch", "--delete", "--force", "dvc-store")
    if opens:
        store = open_store(maker.root)
    assert on_disk(maker) == set(objects)
    assert push_store(store, trying=AT_ONCE) == 2
    assert set(origin.objects()) == on_disk(maker) == set(objects)


def test_of_what_git_says_the_line_with_the_reason_is_told():
    told = "hint: x\nfatal: '../a' is no repository.\n\nPlease check\nand it exists.\n"
    assert git.error_text(told) == "fatal: '../a' is no repository"
    assert git.error_text("one\ntwo\n\n") == "two"
    assert git.error_text("") == "nothing"
