"""`retouch store`, as people and workflows call it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from retouch.git_remote.config import reader_address
from tests.git_remote.conftest import Origin
from tests.git_remote.test_store import lay, made
from tests.toy_project import Toy


def test_init_makes_the_branch_and_changes_nothing_that_is_committed(origin: Origin, maker: Toy):
    before = maker.git("rev-parse", "HEAD"), (maker.root / ".dvc/config").read_text()
    for _ in range(2):
        told = maker.retouch("store", "init")
        assert told.code == 0, told
        assert told.out == (
            "Branch dvc-store is checked out in .retouch/store, as DVC remote 'store'.\n"
        )
    assert origin.git("ls-tree", "--name-only", "dvc-store").split() == [
        ".gitattributes",
        "README.md",
    ]
    assert before == (maker.git("rev-parse", "HEAD"), (maker.root / ".dvc/config").read_text())
    assert maker.git("status", "--porcelain") == ""


def test_told_so_init_names_the_address_for_readers_and_the_writer_still_writes(maker: Toy):
    args = ("store", "init", "--commit-config", "--repository", "o/n")
    told = maker.retouch(*args)
    assert told.code == 0, told
    assert "Commit it." in told.out
    config = (maker.root / ".dvc/config").read_text()
    assert "url = https://raw.githubusercontent.com/o/n/dvc-store" in config
    assert "remote = github" in config
    assert maker.dvc("config", "core.remote").strip() == "store"  # here; elsewhere `github`
    assert maker.retouch(*args).code == 0
    assert (maker.root / ".dvc/config").read_text() == config
    told = maker.retouch("store", "init", "--commit-config", "--repository", "o/other")
    assert told.code == 2
    assert "another remote named 'github'" in told.err


def test_a_default_remote_that_is_committed_stays_the_default(maker: Toy):
    (maker.root / ".dvc/config").write_text(
        "[core]\n    remote = mine\n['remote \"mine\"']\n    url = ../../mine\n"
    )
    told = maker.retouch("store", "init", "--commit-config", "--repository", "o/n")
    assert "read with `dvc pull -r github`" in told.out
    assert "remote = mine" in (maker.root / ".dvc/config").read_text()


def test_without_an_open_store_push_and_gc_say_how_to_open_one(maker: Toy):
    for command in ("push", "gc"):
        told = maker.retouch("store", command)
        assert told.code == 2
        assert "Run `retouch store open`." in told.err


def test_gc_asks_before_it_removes_anything(
    origin: Origin, maker: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    maker.retouch("store", "open")
    lay(maker, made(tmp_path / "made", b"one"))
    assert maker.retouch("store", "push").out == "1 new object on branch dvc-store.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    told = maker.retouch("store", "gc")
    assert told.code == 130
    assert "1 of 1 objects (3 bytes) are not used by any branch or tag." in told.out
    assert len(origin.objects()) == 1
    told = maker.retouch("store", "gc", "--yes")
    assert told.out.endswith("Removed 1 object; 0 remain.\n"), told
    assert origin.objects() == {}
    assert "Nothing to remove" in maker.retouch("store", "gc").out


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/o/n.name",
        "https://github.com/o/n.name.git",
        "https://x-access-token:secret@github.com/o/n.name.git/",
        "git@github.com:o/n.name.git",
        "ssh://git@github.com:22/o/n.name.git",
    ],
)
def test_the_address_is_told_by_any_way_to_write_the_remote(maker: Toy, remote: str):
    maker.git("remote", "set-url", "origin", remote)
    assert reader_address(maker.root, "dvc-store") == (
        "https://raw.githubusercontent.com/o/n.name/dvc-store"
    )
    told = maker.retouch("store", "url")
    assert told.out == (
        "https://raw.githubusercontent.com/o/n.name/dvc-store\n\n"
        "dvc remote add --local --default github"
        " https://raw.githubusercontent.com/o/n.name/dvc-store\n"
    )


@pytest.mark.parametrize(
    "remote",
    ["https://gitlab.com/o/n", "/tmp/x", "https://github.com/o", "https://evil-github.com/o/n"],
)
def test_elsewhere_the_address_is_not_guessed(maker: Toy, remote: str):
    maker.git("remote", "set-url", "origin", remote)
    told = maker.retouch("store", "url")
    assert told.code == 2
    assert "--repository OWNER/NAME" in told.err
    assert maker.retouch("store", "url", "--repository", "o/n; x").code == 2
    assert maker.retouch("store", "url", "--repository", "o/n").code == 0
