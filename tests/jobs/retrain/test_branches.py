"""Branches read as data from git's objects: what they change, and whose commits they carry."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from retouch.errors import CheckFailed, InputError
from retouch.git import branches, history
from tests.github.bare import Bare

TRAILER = f"An answer\n\nRetouch-Proposal: {'0' * 64}\n"


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    bare = Bare.create(tmp_path / "origin.git", {"params.yaml": b"a: 1\n", "code.py": b"pass\n"})
    bare.point("branch", bare.head("main") or "")
    return bare


def commit(bare: Bare, branch: str, files: dict[str, bytes], message: str) -> str:
    head = bare.head(branch) or ""
    entries = [(path, "100644", raw) for path, raw in files.items()]
    made = bare.commit(bare.tree(bare.tree_of(head), entries), [head], message)
    bare.point(branch, made)
    return made


def update(bare: Bare, extra: dict[str, bytes] | None = None) -> None:
    """Merge main into the branch, as the button does; `extra`: with something of one's own."""
    head, main = bare.head("branch") or "", bare.head("main") or ""
    tree = bare.git("merge-tree", "--write-tree", head, main).decode().split()[0]
    if extra:
        tree = bare.tree(tree, [(path, "100644", raw) for path, raw in extra.items()])
    bare.point("branch", bare.commit(tree, [head, main], "Merge branch 'main' into branch"))


def is_edited(bare: Bare) -> bool:
    return branches.is_edited_by_others(
        bare.folder, bare.head("branch") or "", bare.head("main") or ""
    )


def test_new_alerts_are_nobodys_edit_and_all_else_is(bare: Bare):
    assert not is_edited(bare)
    commit(bare, "branch", {"alerts/a.json": b"{}"}, "An alert")
    assert not is_edited(bare)
    commit(bare, "branch", {"params.yaml": b"a: 2\n"}, TRAILER)
    assert not is_edited(bare)
    commit(bare, "branch", {"alerts/b.json": b"{}"}, "One more alert")
    assert not is_edited(bare)
    commit(bare, "branch", {"alerts/b.json": b"{ }"}, "A changed alert")
    assert is_edited(bare)


def test_an_update_of_the_branch_is_no_edit_unless_something_was_slipped_in(bare: Bare):
    commit(bare, "branch", {"params.yaml": b"a: 2\n"}, TRAILER)
    commit(bare, "main", {"README.md": b"Words.\n"}, "Words")
    update(bare)
    assert not is_edited(bare)
    update(bare, {"code.py": b"evil()\n"})
    assert is_edited(bare)


@pytest.mark.parametrize(
    "message",
    [
        "Retouch-Proposal: none",
        f"{TRAILER}\nand more words",
        f"x Retouch-Proposal: {'0' * 64}",
        "",
    ],
)
def test_only_the_last_line_makes_a_commit_ours(message):
    assert branches.proposal_of(message) is None
    assert branches.proposal_of(TRAILER) == "0" * 64


def test_changes_tell_what_was_added_deleted_and_is_no_plain_file(bare: Bare):
    base = bare.head("main") or ""
    tree = bare.tree(
        bare.tree_of(base), [("link", "120000", b"/etc/passwd"), ("a \t\n b", "100644", b"x")]
    )
    head = bare.commit(tree, [base], "Odd things")
    found = {c.path: (c.kind, c.plain) for c in history.changed_between(bare.folder, base, head)}
    assert found == {"link": ("A", False), "a \t\n b": ("A", True)}
    back = {c.path: c.kind for c in history.changed_between(bare.folder, head, base)}
    assert back == {"link": "D", "a \t\n b": "D"}
    with pytest.raises(InputError, match="link: is not a plain file"):
        branches.read_files(bare.folder, head, ["link"])


def test_files_are_read_whole_and_those_too_large_are_refused(bare: Bare):
    head = bare.head("main") or ""
    found = branches.read_files(bare.folder, head, ["params.yaml", "code.py", "missing", "*"])
    assert found == {"params.yaml": b"a: 1\n", "code.py": b"pass\n"}
    with pytest.raises(InputError, match="is larger than the 3 bytes"):
        branches.read_files(bare.folder, head, ["params.yaml"], limit=3)


def test_a_branch_that_is_gone_is_none_and_a_remote_that_is_gone_is_said(
    bare: Bare, tmp_path: Path
):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", bare.folder, clone], check=True)
    assert branches.fetch(clone, "branch") == bare.head("branch")
    assert branches.fetch(clone, "retouch/none") is None
    subprocess.run(["git", "remote", "set-url", "origin", "/nowhere"], cwd=clone, check=True)
    with pytest.raises(CheckFailed, match="origin does not give"):
        branches.fetch(clone, "branch")
