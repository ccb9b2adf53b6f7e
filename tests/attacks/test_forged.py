"""What a job that ran hostile code, or a branch of somebody who may push, cannot make us say."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from retouch.gate.model import Override, Overrides
from retouch.git.branches import proposal_of
from retouch.jobs.comments.commands import carry_out, read_comment_event
from retouch.jobs.packages.event import RetrainRequest
from retouch.jobs.retrain.authorization import CommentAuthority
from tests.jobs.publish.test_answer import event
from tests.jobs.publish.world import World

OTHER = "01HQW9J6R0000000000000000Z"
BY_ALICE = Override.model_validate(
    {"check": "overall", "reason": "I looked.", "by": "alice", "at": "2024-03-01T06:00:00Z"}
)


@pytest.fixture
def delivered(world: World) -> World:
    world.without_figures()
    world.deliver()
    world.github.collaborators = {"alice": "write", "root": "admin"}
    return world


def report(world: World, name: str) -> str:
    return f"reports/{world.answered.alert_id}/{name}.json"


def forge(world: World, name: str, **changed: Any) -> None:
    path = world.packages / "1/files" / report(world, name)
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def refused(world: World) -> str:
    """Publish, and return why it was not; nothing may have been committed."""
    before = world.github.git.branches()
    (outcome,) = world.publish()
    assert (outcome.outcome, outcome.exit_code) == ("refused", 2), outcome
    assert world.github.git.branches() == before
    assert world.status()[0] == "failure"
    return outcome.message


def plan_of(world: World) -> Any:
    return json.loads((world.packages / "1/files" / report(world, "plan")).read_text())


def trust_no_unsigned_alert(world: World) -> None:
    """Let main hold what nobody signed, and the package be made on that."""
    git = world.github.git
    path = "policies/monitors.yaml"
    raw = git.file("main", path).replace(b"unsigned: retrain", b"unsigned: hold")
    base = git.commit_on("main", {path: raw})
    world.toy.git("fetch", "--quiet", "origin", "main")
    world.toy.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    world.change(base=base)
    for name in ("plan", "run"):
        forge(world, name, base_commit=base)


def say_unproven(world: World, **changed: Any) -> None:
    """Let the plan say truly that nobody signed the alert."""
    said = {"verdict": "unsigned", "may_retrain": False, "reasons": ["Nobody signed it."]}
    proven = {"alert_id": world.answered.alert_id, "provenance": said}
    forge(world, "plan", provenance=[proven], **changed)


def test_nobody_approves_by_being_named_in_a_plan(delivered: World):
    trust_no_unsigned_alert(delivered)
    say_unproven(delivered, accepted_by="alice")
    assert "'alice' is named as approver, but has not approved its alerts" in refused(delivered)

    delivered.github.comment(1, "/retrain", "mallory")
    delivered.github.comment(1, "I would not type /retrain here.", "alice")
    assert "has not approved" in refused(delivered)

    delivered.github.comment(1, "/retrain", "alice")
    assert delivered.publish()[0].outcome == "published"


def test_an_innocent_comment_edited_into_an_approval_approves_nothing(delivered: World):
    trust_no_unsigned_alert(delivered)
    say_unproven(delivered, accepted_by="alice")
    comment = delivered.github.comment(1, "Thanks, I will look at it.", "alice")
    delivered.github.edit_comment(comment, "/retrain", "mallory")
    assert "has not approved" in refused(delivered)


def test_an_approval_is_of_the_alerts_that_were_there_and_of_no_later_one(delivered: World):
    trust_no_unsigned_alert(delivered)
    say_unproven(delivered, accepted_by="alice")
    delivered.github.comment(1, "/retrain", "alice")
    alert = delivered.github.git.file(delivered.branch, delivered.answered.alert)
    later = f"alerts/{OTHER}.json"
    delivered.github.git.commit_on(delivered.branch, {later: alert})
    assert "has not approved" in refused(delivered)

    delivered.github.comment(1, "/retrain", "alice")
    outcome = delivered.publish()[0]
    assert outcome.outcome == "overtaken", "approved, but the branch is another one by now"


def test_an_innocent_comment_edited_into_an_override_overrides_nothing(delivered: World):
    comment = delivered.github.comment(1, "I looked.", "alice")
    delivered.github.edit_comment(comment, "/retrain override overall I looked.", "mallory")
    bring_overrides(delivered, BY_ALICE)
    assert "an edited one does not count" in refused(delivered)


def test_who_starts_the_workflow_by_hand_approves_in_their_own_name_alone(delivered: World):
    trust_no_unsigned_alert(delivered)
    say_unproven(delivered, accepted_by="alice")
    for sender in ("mallory", "monitor[bot]"):
        told = RetrainRequest(pull=1, accepted_by="alice", sender=sender)
        assert delivered.publish(event=told)[0].outcome == "refused"
    told = RetrainRequest(pull=1, accepted_by="alice", sender="alice")
    assert delivered.publish(event=told)[0].outcome == "published"


@pytest.mark.parametrize(
    ("provenance", "message"),
    [
        ((), "lacks the provenance of"),
        (({"verdict": "unsigned", "may_retrain": True},), "overstates the provenance of"),
        (({"verdict": "verified", "may_retrain": True},), "overstates the provenance of"),
        (({"verdict": "unsigned", "may_retrain": False},), "is not approved"),
    ],
)
def test_an_alert_is_no_more_proven_than_its_own_signature_says(delivered, provenance, message):
    trust_no_unsigned_alert(delivered)
    ident = delivered.answered.alert_id
    forge(delivered, "plan", provenance=[{"alert_id": ident, "provenance": p} for p in provenance])
    assert message in refused(delivered)


def test_a_receipt_says_no_more_than_the_alert(delivered: World):
    trust_no_unsigned_alert(delivered)
    path = delivered.packages / "1/files" / delivered.answered.alert
    receipt = {
        "schema_version": "1.0",
        "alert_id": delivered.answered.alert_id,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "received_at": "2024-03-01T06:00:00Z",
        "channel": "commit",
        "provenance": {"verdict": "unsigned", "may_retrain": True},
    }
    beside = path.with_name(f"{path.stem}.receipt.json")
    beside.write_text(json.dumps(receipt))
    assert "receipt.json: overstates its provenance" in refused(delivered)
    beside.write_text(json.dumps(receipt | {"received_at": "2999-03-01T06:00:00Z"}))
    assert "in the future" in refused(delivered)


@pytest.mark.parametrize(
    "changed", [{"kind": "fixes #1 @acme/all"}, {"message": "All is well."}, {"severity": "info"}]
)
def test_a_plan_says_of_its_alerts_what_they_say(delivered: World, changed: dict[str, str]):
    alerts = plan_of(delivered)["alerts"]
    forge(delivered, "plan", alerts=[alerts[0] | changed])
    assert "misstates the alert" in refused(delivered)


def test_a_package_goes_to_the_branch_of_its_own_alert(delivered: World):
    git = delivered.github.git
    number = delivered.github.open_pull(
        f"retouch/alert/{OTHER}", files={f"alerts/{OTHER}.json": "{}"}
    )
    head = git.head(f"retouch/alert/{OTHER}")
    delivered.change(branch=f"retouch/alert/{OTHER}", head=head, pull=number)
    assert "none of its alerts is" in refused(delivered)
    delivered.change(branch=f"retouch/rollback/{delivered.answered.alert_id}", head=None, pull=None)
    assert "none of its alerts is" in delivered.publish()[0].message
    assert git.head(f"retouch/alert/{OTHER}") == head


def test_an_alert_that_a_package_leaves_out_stays_on_its_branch(delivered: World):
    git = delivered.github.git
    raw = b'{"an": "alert"}'
    head = git.commit_on(delivered.branch, {f"alerts/{OTHER}.json": raw})
    delivered.change(head=head)

    assert delivered.publish()[0].outcome == "published"
    assert git.file(delivered.branch, f"alerts/{OTHER}.json") == raw


def bring_overrides(world: World, *overrides: Override) -> bytes:
    raw = Overrides(overrides=overrides).to_json().encode()
    message = f"Put an override on record\n\nRetouch-Proposal: {'0' * 64}"
    git = world.github.git
    head = git.head(world.branch)
    tree = git.tree(git.tree_of(head), [(report(world, "overrides"), "100644", raw)])
    commit = git.commit(tree, [head], message)
    git.point(world.branch, commit)
    world.change(head=commit)
    path = world.packages / "1/files" / report(world, "overrides")
    path.write_bytes(raw)
    return raw


def test_an_override_on_a_branch_proves_nothing(delivered: World):
    bring_overrides(delivered, BY_ALICE)
    assert "no comment by 'alice'" in refused(delivered)
    # Neither a stranger's comment, nor another one of hers, nor one that names another check.
    delivered.github.comment(1, "/retrain override overall I looked.", "mallory")
    delivered.github.comment(1, "/retrain override overall I did not.", "alice")
    delivered.github.comment(1, "/retrain override latency I looked.", "alice")
    assert "no comment by 'alice'" in refused(delivered)

    delivered.github.comment(1, "/retrain override overall I looked.", "alice")
    assert delivered.publish()[0].outcome == "published"


def test_who_may_no_longer_write_overrides_nothing(delivered: World):
    delivered.github.comment(1, "/retrain override overall I looked.", "alice")
    bring_overrides(delivered, BY_ALICE)
    delivered.github.collaborators["alice"] = "read"
    assert "with write access" in refused(delivered)


def test_an_override_by_command_is_heard_as_it_was_put_on_record(delivered: World):
    reason = "The `sensor` is gone; $(touch x) @octocat ${{ github.token }} " + "x" * 600
    delivered.publish()
    git, path = delivered.github.git, report(delivered, "verdict")
    verdict = json.loads(git.file(delivered.branch, path))
    verdict["judgements"][-1]["checks"][0] |= {"result": "fail", "name": "alerted slice"}
    git.commit_on(delivered.branch, {path: json.dumps(verdict).encode()})
    body = f"/retrain override alerted slice {reason}\n\nSecond line."
    comment = delivered.github.comment(1, body, "alice")

    asked = read_comment_event(event(1, body, comment, "alice"))
    assert asked is not None
    carry_out(asked, delivered.site, "main")

    raw = git.file(delivered.branch, report(delivered, "overrides"))
    assert CommentAuthority(delivered.repo, 1).override_fault("overrides.json", raw) is None
    assert CommentAuthority(delivered.repo, None).override_fault("overrides.json", raw)


def test_overwriting_takes_an_override_off_that_nobody_made(delivered: World):
    bring_overrides(delivered, BY_ALICE)
    comment = delivered.github.comment(1, "/retrain --overwrite", "alice")
    asked = read_comment_event(event(1, "/retrain --overwrite", comment, "alice"))
    assert asked is not None
    carry_out(asked, delivered.site, "main")

    assert report(delivered, "overrides") not in delivered.files_at(delivered.branch)
    assert delivered.answered.alert in delivered.files_at(delivered.branch)


def test_a_commit_that_says_it_is_our_answer_and_is_not_gets_no_verdict(delivered: World):
    delivered.publish()
    git = delivered.github.git
    ours = git.head(delivered.branch)
    message = git.message(ours)
    assert proposal_of(message)
    tree = git.tree(git.tree_of(ours), [("params.yaml", "100644", b"fit: {evil: 1}\n")])
    theirs = git.commit(tree, [ours], message)
    git.point(delivered.branch, theirs)

    (outcome,) = delivered.publish()

    assert outcome.outcome == "overtaken"
    assert [s for s in delivered.github.statuses if s["sha"] == theirs] == []


@pytest.mark.parametrize("how", ["retargeted", "closed", "moved"])
def test_what_changed_between_retraining_and_publishing_is_seen(delivered: World, how: str):
    git, pull = delivered.github.git, delivered.github.pulls[0]
    if how == "retargeted":
        git.point("other", git.head("main"))
        pull["base"] = "other"
    elif how == "closed":
        delivered.github.close(1)
    else:
        git.commit_on(delivered.branch, {"params.yaml": b"fit: {evil: 1}\n"})
    before = git.branches()

    (outcome,) = delivered.publish()

    assert outcome.outcome in ("refused", "closed", "overtaken")
    assert git.branches() == before
    assert delivered.github.statuses == []


HUGE = "9" * 5_000
BROKEN = {
    "not a number": '"base_commit": NaN',
    "endless": '"base_commit": 1e999',
    "deep": '"base_commit": ' + "[" * 100_000,
    "huge": f'"base_commit": {HUGE}',
    "twice": '"key": "a", "key": "b"',
}


def each_refused(world: World, spoil: Callable[[Path, str], None], names: Iterable[str]) -> None:
    """Spoil a copy of the package in one way after the other; each must be refused."""
    whole = shutil.copytree(world.packages / "1", world.folder / "whole", symlinks=True)
    for name in names:
        shutil.rmtree(world.packages / "1")
        shutil.copytree(whole, world.packages / "1", symlinks=True)
        spoil(world.packages / "1", name)
        message = refused(world)
        assert message.startswith("1: "), (name, message)
        assert len(message) < 600, (name, message)
        assert "Traceback" not in message, (name, message)


@pytest.mark.parametrize("name", ["plan", "run", "verdict"])
def test_a_document_that_is_no_document_is_refused_in_a_sentence(delivered: World, name: str):
    def spoil(package: Path, what: str) -> None:
        path = package / "files" / report(delivered, name)
        path.write_text(path.read_text().rstrip().removesuffix("}") + f", {BROKEN[what]}}}")

    each_refused(delivered, spoil, BROKEN)


NAMES = (
    "alerts/../fit.py", "ALERTS/x.json", "alerts/{id}.JSON", "alerts/{id}.json.",
    "alerts/{id}.json ", "alerts\u2215{id}.json", "reports/{id}/\u202efdp.json",
    "reports/{id}/a/b/c.json", "Params.yaml",
    "params.yaml.", "reports/{id}/" + "x" * 240, ".github/workflows/x.yml", ".GIT/config",
    "policies/promotion.yaml", ".dvc/config", "dvc.yaml", "models/metrics.json/x",
)  # fmt: skip


def test_a_path_with_a_trick_is_refused(delivered: World):
    def spoil(package: Path, name: str) -> None:
        path = package / "files" / name.replace("{id}", delivered.answered.alert_id)
        if "metrics.json/" in name:
            (package / "files/models/metrics.json").unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")

    each_refused(delivered, spoil, NAMES)


@pytest.mark.parametrize("where", ["files/alerts", "files/params.yaml", "proposal.json", "objects"])
def test_links_in_a_package_lead_nowhere(delivered: World, where: str, tmp_path):
    path = delivered.packages / "1" / where
    kept = tmp_path / "kept"
    shutil.move(path, kept)
    path.symlink_to(kept)
    before = delivered.github.git.branches()
    (outcome,) = delivered.publish()
    assert outcome.exit_code == 2, outcome
    assert delivered.github.git.branches() == before
