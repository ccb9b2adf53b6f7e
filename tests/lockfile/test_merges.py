"""What git makes of two runs of the same stage, found and mended: real git, real DVC."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from retouch.engine.project import open_project
from retouch.execution import transaction
from retouch.execution.model import Attempt, Receipt, Run
from retouch.jobs.verify.verify import verify
from retouch.lockfile.entries import entries, entry_digests, with_entry
from tests.lockfile.conftest import merged, value
from tests.toy_project import Toy, kill, wait_for

DOUBT = "its entry in dvc.lock is no parent's, and no run recorded it"
REPORT = "01M82XS4CR86V1E6DCCBD23F46"


def look(lab: Toy, **asked):
    return verify(open_project(lab.root), **asked)


def text_at(lab: Toy, ref: str, path: str = "dvc.lock") -> str:
    return lab.git("show", f"{ref}:{path}")


def test_the_clean_merge_that_dvc_takes_for_up_to_date_is_caught_and_mended(lab: Toy):
    merged(lab)
    lab.dvc("checkout", "--quiet", "--force")
    assert "up to date" in lab.dvc("status")
    assert (lab.root / "product.txt").read_text() == "3", "2 x 3, as git has it"
    found = look(lab)
    assert (found.doubtful, found.stale) == (("product",), ())

    told = lab.retouch("verify", "--repair")

    assert told.code == 0, told
    assert (lab.root / "product.txt").read_text() == "6"
    assert (lab.root / "note.txt").read_text() == "6!"
    assert "The results differ from dvc.lock: product.txt, note.txt." in told.out
    assert "part@a" not in told.out
    assert [*entries(lab.lock())] == [*entries(text_at(lab, "HEAD"))], "in the same order"
    lab.git("add", "--update")
    lab.git("add", "reports/mend")
    lab.git("commit", "--quiet", "--message", "Mended")
    assert look(lab).sound
    assert look(lab, base="main").sound
    lab.git("reset", "--quiet", "--soft", "HEAD~1")
    lab.git("commit", "--quiet", "--amend", "--no-edit")
    found = look(lab)
    assert len(found.parents) == 2
    assert found.sound
    assert found.named("recorded") == ("product", "note")
    assert lab.retouch("verify", "--mend").out == "Nothing to repair.\n", "the former name"


def test_a_conflict_resolved_by_taking_one_side_is_caught(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    forged = lab.lock().replace(_md5(lab, "left", "product"), "f" * 32)
    (lab.root / "dvc.lock").write_text(forged)  # so that both sides changed the output
    lab.commit("Another output")
    merged(lab, "-Xours")

    told = lab.retouch("verify")

    assert told.code == 1, told
    assert f": doubtful: {DOUBT}" in told.out
    assert "Repair: `retouch verify --repair`" in told.out
    said = json.loads(lab.retouch("verify", "--json").out)
    assert (said["sound"], len(said["entries"])) == (False, 4)


def _md5(lab: Toy, ref: str, stage: str) -> str:
    return entries(text_at(lab, ref))[stage].rpartition("md5: ")[2].split()[0]


def test_an_entry_of_one_parent_beside_its_input_of_the_other_is_stale(lab: Toy):
    merged(lab)
    whole = entries(text_at(lab, "right"))["product"]
    (lab.root / "dvc.lock").write_text(with_entry(lab.lock(), "product", whole))
    lab.git("commit", "--quiet", "--all", "--amend", "--no-edit")

    found = look(lab)

    assert found.doubtful == ()
    assert [stale.stage for stale in found.stale] == ["product"]
    assert "a.txt changed" in found.message[0]


def test_later_commits_do_not_hide_what_a_merge_made_up(lab: Toy):
    merged(lab)
    lab.git("commit", "--quiet", "--allow-empty", "--message", "Nothing")

    assert look(lab).sound, "seen from its parent alone"
    assert look(lab, base="main").doubtful == ("product",)


def test_a_merge_made_with_the_driver_leaves_the_stage_out_and_stops(lab: Toy):
    (lab.root / ".git/info/attributes").write_text("dvc.lock merge=retouch-lock\n")
    assert lab.retouch("verify", "--install-driver").code == 0
    lab.git("checkout", "--quiet", "left")

    with pytest.raises(AssertionError) as stopped:
        lab.git("merge", "--no-edit", "right")

    assert "both sides ran product, with different results" in str(stopped.value)
    assert "CONFLICT (content): Merge conflict in dvc.lock" in str(stopped.value)
    kept, left = entries(lab.lock()), entries(text_at(lab, "left"))
    assert "product" not in kept
    assert kept["part@a"] == left["part@a"]
    assert kept["part@c"] == entries(text_at(lab, "right"))["part@c"]
    lab.git("add", "dvc.lock")
    lab.git("commit", "--quiet", "--no-edit")
    found = look(lab)
    assert found.doubtful == ()
    assert [s.because for s in found.stale] == ["dvc.lock has no entry for it"]


def test_the_driver_merges_what_only_one_side_ran(lab: Toy):
    (lab.root / ".git/info/attributes").write_text("dvc.lock merge=retouch-lock\n")
    lab.retouch("verify", "--install-driver")
    lab.git("checkout", "--quiet", "main")
    forged = lab.lock().replace(_md5(lab, "main", "note"), "f" * 32)
    (lab.root / "dvc.lock").write_text(forged)
    lab.commit("Another note")

    lab.git("merge", "--quiet", "--no-edit", "left")

    assert entries(lab.lock()) == entries(text_at(lab, "left")) | {"note": entries(forged)["note"]}


def test_a_persons_own_work_is_reported_and_not_refused(lab: Toy):
    found = look(lab, commit="left")
    assert found.sound
    assert found.named("made_here") == ("part@a", "product")
    told = lab.retouch("verify", "--commit", "left")
    assert (told.code, "Without a receipt: part@a, product." in told.out) == (0, True)


def test_the_first_commit_is_accepted_and_says_so(lab: Toy):
    told = lab.retouch("verify", "--commit", "main")
    assert told.code == 0
    assert "4 in the first commit, with nothing to compare with" in told.out


def test_the_state_of_the_workspace_has_no_say(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    (lab.root / "a.txt").write_text("edited")
    (lab.root / "part.py").write_text("edited")
    (lab.root / "dvc.lock").write_text("edited")
    assert look(lab).sound


def retrained(lab: Toy, entries: dict[str, str]) -> None:
    """Commit a report whose receipts have these digests."""
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    receipts = tuple(
        Receipt(stage=stage, outcome="ran", because="its command was run", entry=digest)
        for stage, digest in entries.items()
    )
    attempt = Attempt(tier="refit", edits=(), receipts=receipts, wall_seconds=1, kept=True)
    run = Run(
        plan_key="key",
        alert_ids=(REPORT,),
        runner="test",
        jobs=1,
        base_commit="0" * 40,
        started_at=moment,
        finished_at=moment,
        attempts=(attempt,),
    )
    folder = lab.root / "reports" / REPORT
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(run.to_json())
    lab.commit("An answer")


def test_where_a_retraining_is_carried_its_entries_must_be_recorded(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    digests = {e.stage: e for e in look(lab).entries}
    assert digests["product"].found == "made_here"
    retrained(lab, {})
    assert look(lab, base="main").doubtful == ("part@a", "product")
    lab.git("reset", "--quiet", "--soft", "main")
    lab.git("commit", "--quiet", "--message", "Squashed")
    assert look(lab).doubtful == ("part@a", "product")


def test_a_branch_that_carries_a_report_may_touch_nothing_else(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    (lab.root / "policies").mkdir()
    (lab.root / "policies/retraining.yaml").write_text("version: 1\n")
    (lab.root / ".github").mkdir()
    (lab.root / ".github/x.yml").write_text("on: push\n")
    (lab.root / "part.py").unlink()
    (lab.root / "params.yaml").rename(lab.root / "other.yaml")
    (lab.root / "params.yaml").symlink_to("other.yaml")
    (lab.root / "reports/build").mkdir(parents=True)
    (lab.root / "reports/build/run.json").write_text('{"attempts": []}')
    (lab.root / "reports/mend").mkdir()
    (lab.root / "reports/mend/run.json").write_text('{"attempts": []}')
    lab.commit("A person's")
    assert look(lab, base="main").faults == ()
    retrained(lab, {})

    faults = look(lab, base="main").faults

    assert [fault.partition(":")[0] for fault in faults] == [
        ".github/x.yml",
        "other.yaml",
        "params.yaml",
        "part.py",
        "policies/retraining.yaml",
        "reports/build/run.json",
    ]
    assert "is not a plain file" in faults[2]
    assert lab.retouch("verify", "--base", "main").code == 1


def test_data_that_nobody_pushed_is_missed(lab: Toy):
    assert look(lab, commit="right", data=True).missing == ()
    store, cache = lab.root.parent / "store", lab.root / ".dvc/cache"
    cache.rename(store)  # all of it is in the remote, and nowhere else
    assert look(lab, commit="right", data=True).missing == ()
    md5 = _md5(lab, "right", "part@c")
    (store / "files/md5" / md5[:2] / md5[2:]).unlink()

    told = lab.retouch("verify", "--commit", "right", "--data")

    assert told.code == 1, told
    assert "c.txt: dvc.lock records it, but neither the cache nor the remote has it." in told.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--commit", "no-such"], "--commit 'no-such': git knows no such commit."),
        (["--base", "--upload-pack=x"], "--base '--upload-pack=x': git knows no such commit."),
        (["--repair", "--commit", "left"], "--repair: works on HEAD only. Check out left first."),
    ],
)
def test_bad_input_is_one_sentence(lab: Toy, options, message):
    told = lab.retouch("verify", *options)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"Error: {message}")


def test_a_lock_with_conflict_markers_is_bad_input(lab: Toy):
    (lab.root / "dvc.lock").write_text("<<<<<<< HEAD\n" + lab.lock())
    lab.commit("Markers")
    told = lab.retouch("verify")
    assert told.code == 2, told
    assert "dvc.lock" in told.err
    assert "/tmp" not in told.err


def test_a_clone_too_shallow_to_have_the_parents_is_told(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    lab.git("clone", "--quiet", "--depth", "1", f"file://{lab.root}", "../shallow")
    told = Toy(lab.root.parent / "shallow").retouch("verify")
    assert told.code == 2, told
    assert "is not in this clone. Fetch the whole history" in told.err


def test_mending_wants_the_commit_and_its_data_and_puts_back_what_fails(lab: Toy):
    merged(lab)
    value(lab, "a", 7)
    told = lab.retouch("verify", "--repair")
    assert (told.code, "differs from the commit: params.yaml" in told.err) == (2, True)
    lab.git("checkout", "--quiet", "params.yaml")
    told = lab.retouch("verify", "--repair")
    assert (told.code, "differs from dvc.lock: a.txt" in told.err) == (2, True)
    lab.dvc("checkout", "--quiet", "--force")
    lab.replace("product.py", "a * c", "a / 0")
    lab.commit("Broken")
    before = lab.tree()

    told = lab.retouch("verify", "--repair")

    assert told.code == 1, told
    assert "Stage product failed; changes were rolled back." in told.err
    assert lab.tree() == before
    assert lab.git("status", "--porcelain") == ""


def test_a_mending_that_is_killed_is_undone_by_the_next_one(lab: Toy):
    merged(lab)
    lab.dvc("checkout", "--quiet", "--force")
    text = (lab.root / "product.py").read_text()
    (lab.root / "product.py").write_text("import time; time.sleep(120)\n" + text)
    lab.commit("Slow")
    before = lab.tree()
    process = lab.start("verify", "--repair", "--base", "main")
    wait_for(lambda: any("product.py" in command for command in lab.processes()))
    assert "product" not in entries(lab.lock())

    kill(process)

    with transaction.exclusive_lock(lab.root):
        assert transaction.recover(lab.root) == "repairing dvc.lock"
    assert lab.tree() == before
    assert lab.processes() == []


def test_locks_in_folders_are_held_against_their_own_and_mended(lab: Toy):
    lab.git("checkout", "--quiet", "left")
    lab.dvc("checkout", "--quiet", "--force")
    (lab.root / "sub").mkdir()
    (lab.root / "sub/dvc.yaml").write_text(
        "stages:\n  product:\n    cmd: cp ../a.txt b.txt\n    deps: [../a.txt]\n    outs: [b.txt]\n"
    )
    md5 = _md5(lab, "left", "part@a")
    entry = "  product:\n    cmd: cp ../a.txt b.txt\n    {}:\n    - path: {}\n      hash: md5\n"
    (lab.root / "sub/dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n{entry.format('deps', '../a.txt')}      md5: {md5}\n"
        f"    outs:\n    - path: b.txt\n      hash: md5\n      md5: {'f' * 32}\n      size: 1\n"
    )
    (lab.root / "sub/.gitignore").write_text("/b.txt\n")
    lab.commit("A stage in a folder")
    assert look(lab).named("made_here") == ("sub/dvc.yaml:product",)
    retrained(lab, {"product": digest_in(text_at(lab, "HEAD", "sub/dvc.lock"))})
    found = look(lab, base="HEAD~2")
    assert found.doubtful == ("sub/dvc.yaml:product",), "a receipt of another stage of that name"

    told = lab.retouch("verify", "--repair", "--base", "HEAD~2")

    assert told.code == 0, told
    assert (lab.root / "sub/b.txt").read_text() == "2"
    assert md5 in (lab.root / "sub/dvc.lock").read_text().partition("outs:")[2]
    lab.git("add", "--update")
    lab.git("add", "reports")
    lab.git("commit", "--quiet", "--message", "Mended")
    assert look(lab, base="HEAD~3").named("recorded") == ("sub/dvc.yaml:product",)


def digest_in(text: str) -> str:
    return entry_digests(text)["product"]
