"""A clone that has no cache restores what another branch has run: real DVC."""

from __future__ import annotations

import shutil

import pytest

from retouch.dvc.run_cache import seed
from retouch.errors import InputError
from retouch.lockfile.entries import entries, entry_digest
from tests.lockfile.conftest import value
from tests.toy_project import Toy


def test_a_receipt_has_the_digest_of_the_entry_that_dvc_wrote(built: Toy):
    recorded = entries(built.lock())
    receipts = built.receipts()
    assert {*receipts} == {*recorded}
    for stage, receipt in receipts.items():
        assert receipt.entry == entry_digest(recorded[stage]), stage


def test_what_another_branch_ran_is_restored_where_no_cache_is(lab: Toy):
    (lab.root / ".dvc/cache/files").rename(lab.root.parent / "stored")
    (lab.root.parent / "store").mkdir()
    (lab.root.parent / "stored").rename(lab.root.parent / "store/files")
    clone = lab.clone("clone")
    lock = lab.git("show", "right:dvc.lock")
    note = lab.git("show", "right:note.txt").encode()
    before = clone.tree()

    seeded = seed(clone.root, {"dvc.lock": lock}, kept_by_git={"note.txt": note})

    assert sorted(seeded) == ["note", "part@c", "product"]
    assert clone.tree() == before, "the workspace is as it was"
    value(clone, "c", 3)
    told = clone.retouch("build", "--record")
    assert told.code == 0, told
    assert clone.outcomes() | {"part@a": ""} == dict.fromkeys(seeded, "restored") | {"part@a": ""}
    assert clone.lock() == lock
    assert (clone.root / "note.txt").read_text() == "3!"
    restored = clone.receipts()["product"]
    assert restored.entry == entry_digest(entries(lock)["product"])


def test_only_what_can_be_had_and_fits_is_seeded(lab: Toy):
    lock = {"dvc.lock": lab.git("show", "right:dvc.lock")}
    shutil.rmtree(lab.root / ".dvc/cache/runs")
    ours = {"dvc.lock": lab.lock()}
    assert seed(lab.root, ours) == (), "the workspace has these entries itself"
    assert "note" not in seed(lab.root, lock), "git keeps its output, which was not given"
    wrong = seed(lab.root, lock, kept_by_git={"note.txt": b"of another run"})
    assert "note" not in wrong
    lab.replace("dvc.yaml", "python product.py", "python  product.py")
    assert seed(lab.root, lock) == ("part@c",), "the command is another one"
    shutil.rmtree(lab.root / ".dvc/cache/files")
    assert seed(lab.root, lock) == (), "no cache and no remote has the data"
    assert seed(lab.root, lock, fetch=False) == ()


def test_a_lock_that_cannot_be_read_is_bad_input(lab: Toy):
    with pytest.raises(InputError, match="cannot be read entry by entry"):
        seed(lab.root, {"dvc.lock": "<<<<<<< ours\n"})
