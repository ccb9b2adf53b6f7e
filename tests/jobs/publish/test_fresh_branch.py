"""main has newer workflow files than the answer's branch, and GitHub lets our token bring none."""

from __future__ import annotations

import json

import pytest

from retouch.jobs.publish.failed_try import DeadJob
from retouch.jobs.publish.publish import publish
from retouch.jobs.publish.pull_request import Publisher
from retouch.jobs.retrain.targets import RetrainTarget
from tests.github.fake import Kill, Killed, Status
from tests.jobs.publish.world import World

WORKFLOW = ".github/workflows/verify.yml"


@pytest.fixture
def outgrown(world: World) -> World:
    """The alert's branch is older than a workflow of main; the package is not."""
    world.without_figures()
    world.deliver()
    base = world.github.git.commit_on("main", {WORKFLOW: b"name: verify\n"})
    world.toy.git("fetch", "--quiet", "origin", "main")
    world.toy.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    world.change(base=base)
    for name in ("plan", "run"):
        path = world.packages / f"1/files/reports/{world.answered.alert_id}/{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"base_commit": base}))
    return world


def test_the_answer_goes_on_in_a_new_pull_request_and_the_former_one_links_to_it(outgrown):
    (outcome,) = outgrown.publish()

    assert (outcome.outcome, outcome.exit_code) == ("published", 0), outcome
    former, pull = outgrown.github.pulls
    git = outgrown.github.git
    assert pull["head"] == outgrown.branch.replace("/alert/", "/retrain/")
    assert git.parents(git.head(pull["head"])) == [git.head("main")]
    assert git.file(pull["head"], outgrown.answered.alert) is not None
    assert git.file(pull["head"], WORKFLOW) == b"name: verify\n"
    assert outgrown.status()[0] == "success"
    assert former["state"] == "closed"
    assert "superseded" in former["labels"]
    assert git.head(former["head"]) is None
    said = [c["body"] for c in outgrown.github.comments if c["number"] == former["number"]]
    assert any("Continued in #2" in text for text in said)
    before = len(outgrown.github.writes)
    assert outgrown.publish()[0].outcome == "closed"
    assert outgrown.github.writes[before:] == []


@pytest.mark.parametrize(
    "write", ["POST git/refs", "POST pulls", "PATCH pulls/{pull_number}", "POST statuses/{sha}"]
)
def test_killed_on_the_way_and_taken_again_it_comes_to_the_same(outgrown, write):
    outgrown.github.fails(write, Kill(after=True))
    with pytest.raises(Killed):
        outgrown.publish()
    outgrown.publish()
    former, pull = outgrown.github.pulls
    assert (former["state"], pull["state"]) == ("closed", "open")
    assert outgrown.status()[0] == "success"


def test_what_github_refuses_there_too_is_an_error_on_the_pull_request_with_advice(outgrown):
    outgrown.github.fails("POST git/refs", Status(403, {"message": "Resource not accessible"}))
    job = DeadJob(RetrainTarget(pull=1), "success")
    publisher = Publisher(outgrown.toy.root, outgrown.site, "main")

    (outcome,) = publish(outgrown.packages, publisher, job)

    assert (outcome.outcome, outcome.exit_code) == ("failed", 1)
    assert "Press `Update branch`" in outcome.message
    state, said = outgrown.status()
    assert state == "error"
    assert said.startswith("failed: could not be published: ")
    (comment,) = [c for c in outgrown.github.comments if "could not be published" in c["body"]]
    assert "Update branch" in comment["body"]


def test_a_branch_is_kept_where_its_workflow_files_need_no_change(world):
    world.without_figures()
    world.deliver()
    world.github.git.commit_on("main", {WORKFLOW: b"name: verify\n"})
    (outcome,) = world.publish()
    assert outcome.outcome == "published"
    assert len(world.github.pulls) == 1


def test_a_new_branch_is_made_from_the_workflow_files_main_has_now(outgrown):
    branch = outgrown.branch.replace("/alert/", "/retrain/")
    outgrown.change(branch=branch, pull=None, head=None)
    main = outgrown.github.git.commit_on("main", {WORKFLOW: b"name: check\n"})
    (outcome,) = outgrown.publish()
    assert outcome.outcome == "published", outcome
    git = outgrown.github.git
    assert git.parents(git.head(branch)) == [main]
    assert outgrown.github.pulls[-1]["head"] == branch
