"""Tags in real repositories: read all at once, written so that two who write the same agree."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retouch.errors import CheckFailed, InputError
from retouch.git.commit_files import Snapshot, read_objects
from retouch.git.gto_tags import TagConflict, fetch_tags, read_tags, write_tag
from tests.registry.histories import git

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


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
    write_tag(a, "team/churn#eu/canary#1", head, message, at=AT, push=True)
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
        write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", at=AT, push=False)


def test_writing_the_same_twice_is_writing_it_once_from_wherever(clones: tuple[Path, Path]):
    a, b = clones
    head = _commits(a)[0]
    for root in (a, a, b, b):
        write_tag(root, "churn@v1.0.0", head, f"by {root.name}", at=AT, push=True)
    assert read_tags(a)[0].message == read_tags(b)[0].message == "by a"


def test_who_comes_second_with_another_commit_is_told_and_keeps_no_tag(clones: tuple[Path, Path]):
    a, b = clones
    new, old = _commits(a)
    write_tag(a, "churn#prod#1", new, "a", at=AT, push=True)
    with pytest.raises(TagConflict, match=f"churn#prod#1 is there already, on {new[:10]}"):
        write_tag(b, "churn#prod#1", old, "b", at=AT, push=True)
    assert _names(b) == []


def test_a_push_that_fails_leaves_no_tag(clones: tuple[Path, Path]):
    a, _ = clones
    git(a, "remote", "set-url", "origin", str(a / "nowhere"))
    with pytest.raises(CheckFailed, match="could not be written"):
        write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", at=AT, push=True)
    assert _names(a) == []
    for ask in (fetch_tags, lambda root: read_tags(root, shared=True)):
        with pytest.raises(InputError, match="--no-push"):
            ask(a)


def test_a_tag_that_was_never_pushed_does_not_count_as_shared_and_is_pushed(
    clones: tuple[Path, Path],
):
    a, b = clones
    head = _commits(a)[0]
    write_tag(a, "churn@v1.0.0", head, "m", at=AT, push=False)
    assert (_names(a), _names(a, shared=True)) == (["churn@v1.0.0"], [])
    write_tag(a, "churn@v1.0.0", head, "other words", at=AT, push=True)
    fetch_tags(b)
    assert read_tags(b, shared=True) == read_tags(a)


def test_fetching_takes_their_word_for_tags_of_gto_and_no_other(clones: tuple[Path, Path]):
    a, b = clones
    new, old = _commits(a)
    write_tag(a, "churn@v1.0.0", new, "theirs", at=AT, push=True)
    write_tag(b, "churn@v1.0.0", old, "mine", at=AT, push=False)
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
    write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", at=AT, push=False)
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


def test_a_tag_has_the_date_it_is_given_and_not_the_machines(clones: tuple[Path, Path]):
    a, _ = clones
    at = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
    write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", at=at, push=True)
    assert read_tags(a)[0].at == at


def test_a_tag_that_was_never_pushed_is_dated_and_worded_anew(clones: tuple[Path, Path]):
    """With the date it was written by another day, it could be older than what counts now."""
    a, b = clones
    head = _commits(a)[0]
    write_tag(a, "churn#prod#1", head, "yesterday", at=AT - timedelta(days=1), push=False)
    write_tag(a, "churn#prod#1", head, "today", at=AT, push=True)
    fetch_tags(b)
    assert [(tag.message, tag.at) for tag in read_tags(b)] == [("today", AT)]


def test_a_tag_dated_beyond_every_calendar_is_named_and_other_peoples_are_not_read(
    clones: tuple[Path, Path],
):
    a, _ = clones
    for name, said in (("nothing-of-gto", None), ("churn#prod#1", "git tag --delete churn#prod#1")):
        who = "tagger A <a@b> 99999999999999 +0000"
        told = f"tag {name}\nfrom {_commits(a)[0]}\n{who}\ndata 1\nm\n"
        git(a, "fast-import", "--quiet", told=told)
        if said is None:
            assert read_tags(a) == ()
        else:
            with pytest.raises(InputError, match=said):
                read_tags(a)


_RULESET = """error: GH013: Repository rule violations found for refs/tags/churn@v1.0.0.
Review all repository rules at https://github.com/o/r/rules?ref=refs%2Ftags%2Fchurn%40v1.0.0

- Cannot create ref due to creations being restricted.
"""
_WORKFLOW = (
    "refusing to allow a GitHub App to create or update workflow `.github/workflows/alert.yml`"
    " without `workflows` permission"
)


@pytest.mark.parametrize(
    ("said", "why", "what_to_do"),
    [
        (_RULESET, "A ruleset .*Cannot create ref due to creations", "App on the bypass list"),
        (_WORKFLOW, r"\.github/workflows/alert\.yml of commit", "App with Workflows: write"),
    ],
)
def test_a_tag_that_a_rule_of_github_refuses_is_explained_and_can_be_pushed_by_hand(
    clones: tuple[Path, Path], said: str, why: str, what_to_do: str
):
    a, b = clones
    head, message = _commits(a)[0], '{"reason": "it\'s good"}'
    hook = a.parent / "site.git/hooks/update"
    hook.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CheckFailed, match=why) as refused:
        write_tag(a, "churn@v1.0.0", head, message, at=AT, push=True)
    assert _names(a) == []
    assert refused.value.hint is not None and what_to_do in refused.value.hint
    hook.unlink()  # a person may do it
    by_hand = refused.value.hint.partition("by hand: ")[2]
    subprocess.run(["bash", "-c", by_hand], cwd=a, check=True, capture_output=True)
    fetch_tags(b)
    (tag,) = read_tags(b)
    assert (tag.name, tag.commit, tag.at, tag.message) == ("churn@v1.0.0", head, AT, message)


def test_another_refusal_is_shown_as_git_says_it(clones: tuple[Path, Path]):
    a, _ = clones
    hook = a.parent / "site.git/hooks/update"
    hook.write_text("#!/bin/sh\necho no room\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CheckFailed, match=r"could not be written; git said: remote: no room\."):
        write_tag(a, "churn@v1.0.0", _commits(a)[0], "m", at=AT, push=True)
