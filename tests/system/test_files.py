"""Files: written as a whole or not at all, read with one sentence for what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from retouch.errors import InputError
from retouch.system import files


def test_a_write_replaces_the_whole_file_and_keeps_its_mode(tmp_path: Path):
    path = tmp_path / "run.sh"
    path.write_text("old")
    path.chmod(0o755)
    files.write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["run.sh"]  # noqa: PTH208 - the bare names are what is asked


def test_a_new_file_can_be_read_by_others_and_gets_its_folders(tmp_path: Path):
    files.write_text(tmp_path / "a/b/c.json", "{}")
    assert (tmp_path / "a/b/c.json").stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch):
    path = tmp_path / "dvc.lock"
    path.write_text("old")

    def disk_full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(
        InputError, match=r"dvc.lock: cannot be written: No space left on device\.$"
    ):
        files.write_text(path, "new and much longer")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["dvc.lock"]


def test_a_reader_never_sees_a_part(tmp_path: Path):
    path = tmp_path / "dvc.lock"
    files.write_text(path, "old")
    with path.open() as before:
        files.write_text(path, "new")
        assert before.read() == "old"  # another file took its place


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "is a directory, not a file"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8 text (byte 0)"),
        (lambda path: path.write_text("x" * 11), "is larger than the 10 bytes allowed"),
    ],
)
def test_reading_says_in_one_sentence_what_is_wrong(tmp_path: Path, make, message):
    path = tmp_path / "file"
    make(path)
    with pytest.raises(InputError) as error:
        files.read_text(path, limit=10)
    assert error.value.message == f"{path}: {message}."


def test_what_cannot_be_copied_is_named(tmp_path: Path):
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/gone").symlink_to(tmp_path / "nowhere")
    place = tmp_path / "copy/deep/gone"

    with pytest.raises(InputError, match=r"No such file or directory\.$") as of_a_tree:
        files.copy(tmp_path / "tree", tmp_path / "copy")
    with pytest.raises(InputError) as of_a_file:
        files.copy(tmp_path / "tree/deep/gone", place)

    assert of_a_tree.value.message == of_a_file.value.message
    assert of_a_file.value.message == f"{place}: cannot be copied there: No such file or directory."


def test_a_copy_replaces_what_was_there_whatever_it_was(tmp_path: Path):
    (tmp_path / "folder/sub").mkdir(parents=True)
    (tmp_path / "folder/sub/file").write_text("1")
    (tmp_path / "file").write_text("22")
    files.copy(tmp_path / "folder", tmp_path / "to/here")
    assert files.size_of(tmp_path / "to/here") == 1
    files.copy(tmp_path / "file", tmp_path / "to/here")
    assert (tmp_path / "to/here").read_text() == "22"
    files.remove(tmp_path / "to")
    files.remove(tmp_path / "to")
    assert not (tmp_path / "to").exists()
    assert files.size_of(tmp_path / "to") == 0
    assert files.size_of(tmp_path / "folder") == 1


def test_removing_a_link_leaves_what_it_leads_to(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    files.remove(tmp_path / "link")
    assert (tmp_path / "folder/file").exists()


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "alert.json")
    with pytest.raises(InputError, match=r"alert\.json: is a pipe, not a file"):
        files.read_bytes(tmp_path / "alert.json", limit=10)


def test_a_pipe_of_the_shell_is_read():
    read, write = os.pipe()
    os.write(write, b"{}")
    os.close(write)
    assert files.read_bytes(Path(f"/dev/fd/{read}"), limit=10) == b"{}"
    os.close(read)


def test_a_quick_write_follows_no_link(tmp_path: Path):
    theirs = tmp_path / "theirs"
    theirs.write_text("mine")
    (tmp_path / f".new.json.{os.getpid()}").symlink_to(theirs)
    files.write_bytes(tmp_path / "new.json", b"{}", durable=False)
    assert theirs.read_text() == "mine"
    assert (tmp_path / "new.json").read_text() == "{}"
    assert not (tmp_path / "new.json").is_symlink()
