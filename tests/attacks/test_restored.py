"""What a branch claims to be a result of ours is neither restored from nor left standing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

from retouch.github.client import Client
from retouch.github.records import set_status
from retouch.github.repository import Repository
from tests.jobs.retrain.conftest import Loop

US = "github-actions[bot]"


def forge(loop: Loop) -> str:
    """Put a model nobody trained on the answer's branch, as somebody can who may push.

    A commit with our trailer, a forged entry of `dvc.lock`, its object on the remote and in the
    cache, and a `success` status by the login of every workflow.
    """
    git, branch = loop.github.git, loop.github.pull(1)["head"]
    raw = b"a model nobody trained"
    name = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    lock = git.file(branch, "dvc.lock").decode()
    cache = loop.toy.root / ".dvc/cache/files/md5"
    clean = re.search(r"^  clean:.*?outs:.*?md5: (\w{32})", lock, re.DOTALL | re.MULTILINE)
    assert clean is not None
    (cache / name[:2]).mkdir(parents=True, exist_ok=True)
    (cache / name[:2] / name[2:]).write_bytes(raw)
    head = git.head(branch) or ""
    forged = f"{lock[: clean.start(1)]}{name}{lock[clean.end(1) :]}"  # its output alone
    tree = git.tree(git.tree_of(head), [("dvc.lock", "100644", forged.encode())])
    commit = git.commit(tree, [head], f"An answer\n\nRetouch-Proposal: {'0' * 64}\n")
    git.point(branch, commit)
    loop.github.sync()
    assert loop.github.login == US
    repo = Repository(Client(loop.github.token, loop.github.url), loop.github.name)
    set_status(repo, commit, "success", "ready to merge")
    return name


def test_a_forged_answer_is_never_restored_when_a_person_asks_for_a_retraining(answered_loop: Loop):
    loop = answered_loop
    honest = loop.github.git.file(loop.github.pull(1)["head"], "dvc.lock")
    name = forge(loop)
    asked = loop.event({"inputs": {"pull": "1"}}, "workflow_dispatch")
    # A job has a fresh clone: no run cache, and of objects what lies on the remote.
    fresh = Loop(loop.toy.clone("fresh"), loop.github, loop.folder)
    fresh.toy.git("remote", "set-url", "origin", str(loop.folder / "origin.git"))
    shutil.copytree(
        loop.toy.root / ".dvc/cache/files", fresh.toy.root / ".dvc/cache/files", dirs_exist_ok=True
    )

    (package,) = fresh.retrain("--pull", "1", event=asked)

    assert name not in package.objects
    assert package.files["dvc.lock"] == honest
    run = json.loads(package.files[f"reports/{package.proposal.report_id}/run.json"])
    receipts = {one["stage"]: one["outcome"] for one in run["attempts"][0]["receipts"]}
    assert receipts["clean"] == "ran"


def test_a_forged_answer_is_not_taken_for_ours_and_is_replaced(answered_loop: Loop):
    forge(answered_loop)
    told = answered_loop.ci("receive", "--event-name", "schedule")
    assert [one["pull"] for one in json.loads(told.out)["targets"]] == [1]
    status = answered_loop.github.statuses[-1]
    assert (status["state"], status["description"][:5]) == ("pending", "stale")

    (package,) = answered_loop.retrain("--pull", "1")

    assert "dvc.lock" in package.files


def test_a_report_comment_of_somebody_else_makes_no_answer_ours(answered_loop: Loop):
    forge(answered_loop)
    (ours,) = answered_loop.github.comments
    head = answered_loop.github.git.head(answered_loop.github.pull(1)["head"])
    forged = re.sub(r"result v1 \w{40}", f"result v1 {head}", ours["body"])
    answered_loop.github.comment(1, forged, "mallory")
    assert answered_loop.retrain("--pull", "1") != []
