"""Tags in real repositories: read all at once, written so that two who write the same agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from retouch.errors import CheckFailed, InputError
from retouch.git.commit_files import Snapshot, read_objects
from retouch.git.gto_tags import TagConflict, fetch_tags, read_tags, write_tag
from tests.registry.histories import git


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of one repository with two commits."""
    git(tmp_path, "init", "--quiet", "--bare", "site.git")
    for name in ("a", "b"):
        git(tmp_path, "clone", "--quiet", "site.git", name)
        if name == "a":
            for message in ("one", "two"):
                git(tmp_path / "a", "commit", "--quiet", "--allow-empty", "-m", message)
            git(tmp_path / "a", "push", "--quiet", "origin", "HEAD:main")
    git(tmp_path / "b", "checkout", "--quiet", "main")
    return tmp_path / "a", tmp_path / "b"


def _commits(root: Path) -> list[str]:
    return git(root, "rev-list", "HEAD").split()


def _names(root: Path, **how: bool) -> list[str]:
    return [tag.name for tag in read_tags(root, **how)]


def test_a_tag_is_read_as_it_was_written(clones: tuple[Path, Path]):
    a, _ = clones
    head = _commits(a)[0]
    message = '{"reason": "é #not a comment"}\n\nand\ta body\n'
    write_tag(a, "team/churn#eu/canary#1", head, message, push=True)
    (tag,) = read_tags(a, shared=True)
    assert (tag.commit, tag.stage, tag.counter) == (head, "eu/canary", 1)
    assert tag.message == message.strip()


def test_lightweight_tags_and_those_of_others_count_for_nothing(clones: tuple[Path, Path]):
    a, _ = clones
    git(a, "tag", "churn@v1.0.0")
    git(a, "tag", "-a", "-m", "x", "v1.0")
    git(a, "tag", "-a", "-m", "x", "churn@v2.0.0", "HEAD^{tree}")
    assert _names(a) == []


def test_a_lightweight_tag_in_the_way_is_not_taken_for_ours(clones: tuple[Path, Path]):
    a, _ = clones
    git(a, "tag", "churn@v1.0.0")
    with pytest.raises(TagConflict, match="is there already"):
        write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", push=False)


def test_writing_the_same_twice_is_writing_it_once_from_wherever(clones: tuple[Path, Path]):
    a, b = clones
    head = _commits(a)[0]
    for root in (a, a, b, b):
        write_tag(root, "churn@v1.0.0", head, f"by {root.name}", push=True)
    assert read_tags(a)[0].message == read_tags(b)[0].message == "by a"


def test_who_comes_second_with_another_commit_is_told_and_keeps_no_tag(clones: tuple[Path, Path]):
    a, b = clones
    new, old = _commits(a)
    write_tag(a, "churn#prod#1", new, "a", push=True)
    with pytest.raises(TagConflict, match=f"churn#prod#1 is there already, on {new[:10]}"):
        write_tag(b, "churn#prod#1", old, "b", push=True)
    assert _names(b) == []


def test_a_push_that_fails_leaves_no_tag(clones: tuple[Path, Path]):
    a, _ = clones
    git(a, "remote", "set-url", "origin", str(a / "nowhere"))
    with pytest.raises(CheckFailed, match="could not be written"):
        write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", push=True)
    assert _names(a) == []
    for ask in (fetch_tags, lambda root: read_tags(root, shared=True)):
        with pytest.raises(InputError, match="--no-push"):
            ask(a)


def test_a_tag_that_was_never_pushed_does_not_count_as_shared_and_is_pushed(
    clones: tuple[Path, Path],
):
    a, b = clones
    head = _commits(a)[0]
    write_tag(a, "churn@v1.0.0", head, "m", push=False)
    assert (_names(a), _names(a, shared=True)) == (["churn@v1.0.0"], [])
    write_tag(a, "churn@v1.0.0", head, "other words", push=True)
    fetch_tags(b)
    assert read_tags(b, shared=True) == read_tags(a)


def test_fetching_takes_their_word_for_tags_of_gto_and_no_other(clones: tuple[Path, Path]):
    a, b = clones
    new, old = _commits(a)
    write_tag(a, "churn@v1.0.0", new, "theirs", push=True)
    write_tag(b, "churn@v1.0.0", old, "mine", push=False)
    git(a, "tag", "-a", "-m", "theirs", "v1.0", new)
    git(a, "push", "--quiet", "origin", "v1.0")
    git(b, "tag", "-a", "-m", "mine", "v1.0", old)
    fetch_tags(b)
    assert read_tags(b)[0].commit == new
    assert git(b, "rev-parse", "v1.0^{commit}").strip() == old


def test_where_nobody_told_git_a_name_the_tag_is_retouchs(
    clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    a, _ = clones
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    git(a, "config", "user.useConfigOnly", "true")
    write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", push=False)
    assert "Retouch <" in git(a, "for-each-ref", "--format=%(tagger)", "refs/tags")


def test_outside_of_a_repository_it_is_a_sentence(tmp_path: Path):
    with pytest.raises(InputError, match="is not in a git repository"):
        read_tags(tmp_path)


def test_a_snapshot_is_what_the_commit_holds_whatever_lies_in_the_workspace(
    clones: tuple[Path, Path],
):
    a, _ = clones
    (a / "sub").mkdir()
    for name in ("sub/ü x.txt", "b.bin"):
        (a / name).write_bytes(b"\0\n" + name.encode())
    (a / "link").symlink_to("b.bin")
    git(a, "add", "--all")
    git(a, "commit", "--quiet", "-m", "files")
    (a / "b.bin").write_bytes(b"changed")
    snapshot = Snapshot(a, _commits(a)[0])
    assert snapshot.paths == ("b.bin", "sub/ü x.txt")
    read = snapshot.read(["b.bin", "sub/ü x.txt", "link", "no such"])
    assert read == {path: b"\0\n" + path.encode() for path in snapshot.paths}
    assert Snapshot(a / "sub", snapshot.commit).paths == ("ü x.txt",)
    assert read_objects(a, ["HEAD:./sub", "HEAD:./no such"]) == [None, None]
    with pytest.raises(InputError, match="line break"):
        read_objects(a, ["HEAD:./x\ny"])
