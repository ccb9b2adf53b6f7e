"""An answer is written to GitHub once, whole, and where it belongs."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from retouch.jobs.publish.pull_request import Site


def test_the_answer_to_an_alert_goes_on_its_pull_request(world):
    number = world.deliver()
    alert_commit = world.github.git.head(world.branch)

    (outcome,) = world.publish()

    assert (outcome.outcome, outcome.exit_code) == ("published", 0), outcome
    github, report = world.github, f"reports/{world.answered.alert_id}/"
    head = github.git.head(world.branch)
    assert github.git.parents(head) == [alert_commit]
    base, there = world.files_at("main"), world.files_at(world.branch)
    changed = {path for path in there if base.get(path) != there[path]}
    assert changed - {p for p in changed if p.startswith(report)} == {
        world.answered.alert, "dvc.lock", "params.yaml", "models/metrics.json",
    }  # fmt: skip
    assert {"plan.json", "run.json", "verdict.json", "report.md"} <= {
        path.removeprefix(report) for path in changed
    }
    (pull,) = github.pulls
    assert (pull["number"], pull["title"]) == (
        number,
        "Retrain means: target drift in rows (warning)",
    )
    assert set(pull["labels"]) == {"retrain", "model:means", "verdict:pass"}
    assert [c["number"] for c in github.comments] == [number]
    assert github.comments[0]["body"].startswith("<!-- retouch:report v1 ")
    assert world.status()[0] == "success"
    assert world.status()[1].startswith("ready to merge, ")


def test_the_same_package_again_writes_nothing(world):
    world.deliver()
    world.publish()
    before = len(world.github.writes)

    (outcome,) = world.publish()

    assert outcome.outcome == "unchanged"
    assert world.github.writes[before:] == []


def quick(world):
    world.without_figures()
    return world


def test_an_answer_to_alerts_on_main_opens_its_own_pull_request(world):
    branch = f"retouch/retrain/{world.answered.alert_id}"
    quick(world).change(branch=branch)

    (outcome,) = world.publish()

    assert outcome.outcome == "published"
    (pull,) = world.github.pulls
    assert (pull["head"], pull["base"]) == (branch, "main")
    assert "**Approve workflows to run**" in pull["body"]
    assert world.github.git.parents(branch) == [world.github.git.head("main")]
    assert world.publish()[0].outcome == "unchanged"


def test_an_app_needs_no_click(world):
    quick(world).change(branch=f"retouch/retrain/{world.answered.alert_id}")
    world.github.login = "retouch[bot]"

    world.publish(site=Site(world.repo, "retouch[bot]", as_app=True))

    assert "Approve workflows" not in world.github.pulls[0]["body"]
    assert world.publish(site=Site(world.repo, "retouch[bot]", as_app=True))[0].outcome == (
        "unchanged"
    )


def test_the_report_is_made_here_whatever_text_came_along(world):
    quick(world).deliver()
    folder = world.packages / f"1/files/reports/{world.answered.alert_id}"
    (folder / "report.md").write_text("# All is well\n")
    (folder / "incident.md").write_text("# None\n")

    (outcome,) = world.publish()

    assert outcome.outcome == "published", outcome
    report = f"reports/{world.answered.alert_id}/"
    there = world.github.git.file(world.branch, f"{report}report.md")
    assert there.startswith(b"<!-- retouch:report v1 ")
    assert f"{report}incident.md" not in world.files_at(world.branch)


def test_a_change_of_main_that_no_plan_reads_is_none(world):
    quick(world).deliver()
    world.github.git.commit_on("main", {"docs/a.md": b"x", "README.md": b"x"})

    assert world.publish()[0].outcome == "published"
    assert world.status()[0] == "success"


@pytest.mark.parametrize("path", ["fit.py", "params.yaml", "policies/retraining.yaml", "dvc.lock"])
def test_when_main_moved_under_it_it_is_stale_and_not_written(world, path):
    quick(world).deliver()
    raw = world.github.git.file("main", path)
    world.github.git.commit_on("main", {path: raw + b"\n"})
    head = world.github.git.head(world.branch)

    for _ in range(2):
        (outcome,) = world.publish()

    assert outcome.outcome == "stale", outcome
    assert world.github.git.head(world.branch) == head
    assert world.status() == ("failure", "stale, being refreshed")
    assert "verdict:stale" in world.github.pulls[0]["labels"]
    assert "> [!CAUTION]\n> `main` moved" in world.github.comments[0]["body"]


def test_a_branch_that_a_person_committed_to_is_left_alone_and_that_is_said_once(world):
    quick(world).deliver()
    theirs = world.github.git.commit_on(world.branch, {"fit.py": b"print()\n"})
    world.change(head=theirs)

    for _ in range(2):
        (outcome,) = world.publish()

    assert outcome.outcome == "edited"
    assert world.github.git.head(world.branch) == theirs
    assert world.status()[0] == "failure"
    assert "edited" in world.github.pulls[0]["labels"]
    said = [c["body"] for c in world.github.comments if "retouch:edited" in c["body"]]
    assert len(said) == 1
    assert "`/retrain --overwrite`" in said[0]


def test_when_the_branch_moved_meanwhile_nothing_is_written(world):
    quick(world).deliver()
    world.github.git.commit_on(world.branch, {"alerts/note.json": b"{}"})
    before = world.end()

    assert world.publish()[0].outcome == "overtaken"
    assert world.end() == before


@pytest.mark.parametrize("how", ["merge", "close"])
def test_what_was_settled_meanwhile_is_not_opened_again(world, how):
    number = quick(world).deliver()
    getattr(world.github, how)(number)
    before = world.end()

    (outcome,) = world.publish()

    assert (outcome.outcome, outcome.exit_code) == ("closed", 0)
    assert world.end() == before


def test_of_two_that_run_the_same_stages_the_second_waits(world):
    quick(world).change(branch=f"retouch/retrain/{world.answered.alert_id}")
    (first,) = world.publish()
    assert first.outcome == "published"
    another = "retouch/retrain/01HQW9J6R00000000000000009"  # as if it were of another alert
    world.github.git.git("branch", "--move", world.github.pulls[0]["head"], another)
    world.github.pulls[0]["head"] = another
    world.change(branch=world.branch)

    for _ in range(2):
        (second,) = world.publish()

    assert second.outcome == "waiting"
    pull = world.github.pulls[1]
    assert {"waiting", "verdict:running"} <= set(pull["labels"])
    assert world.status() == ("pending", "waiting for #1: the same stages run there")
    base, there = world.files_at("main"), world.files_at(world.branch)
    changed = {path for path in there if base.get(path) != there[path]}
    report = f"reports/{world.answered.alert_id}/"
    assert changed == {world.answered.alert, f"{report}plan.json", f"{report}report.md"}


def test_faults_are_said_on_the_pull_request_and_nothing_is_committed(world):
    quick(world).deliver()
    shutil.rmtree(world.packages / "1/files")
    shutil.rmtree(world.packages / "1/objects")
    message = "alerts/x.json: @octocat is no alert."
    world.change(report_id=None, faults=[message])
    head = world.github.git.head(world.branch)

    (outcome,) = world.publish()

    assert (outcome.outcome, outcome.exit_code) == ("reported", 0)
    assert world.github.git.head(world.branch) == head
    assert world.status() == ("failure", f"failed: {message}")
    assert "@octocat" not in world.github.comments[0]["body"]
    assert world.github.pulls[0]["body"].startswith("<!-- retouch:alert v1 ")


def test_the_text_of_an_earlier_answer_does_not_stand_beside_a_fault(world):
    quick(world).deliver()
    world.publish()
    world.github.sync()
    pull = world.github.pulls[0]
    assert "ready to merge" in pull["body"]
    for folder in ("files", "objects"):
        shutil.rmtree(world.packages / "1" / folder)
    world.change(report_id=None, head=pull["sha"], faults=["The branch touches 'run.py'."])

    (outcome,) = world.publish()

    assert outcome.outcome == "reported"
    assert "ready to merge" not in pull["body"]
    assert pull["body"] == world.github.comments[0]["body"]


def test_alerts_that_are_only_recorded_say_so(world):
    quick(world).deliver()
    shutil.rmtree(world.packages / "1/files")
    shutil.rmtree(world.packages / "1/objects")
    world.change(report_id=None, message="One of three within a day: it waits for two more.")

    world.publish()

    assert world.status()[0] == "success"
    assert world.status()[1].endswith("merging records the alert")
    assert "verdict:pass" not in world.github.pulls[0]["labels"]


BAD = {
    "code": ("files/fit.py", b"import os\n"),
    "a policy": ("files/policies/promotion.yaml", b"version: 1\n"),
    "a workflow": ("files/.github/workflows/x.yml", b"on: push\n"),
    "params": ("files/params.yaml", b"data: {}\n"),
    "an object": ("objects/" + "0" * 32, b"x"),
    "no proposal": ("proposal.json", b"{}"),
    "a lock": ("files/dvc.lock", b"schema: '2.0'\nstages: {}\n"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_package_with_anything_else_is_refused_and_the_others_are_not(world, what):
    number = quick(world).deliver()
    shutil.copytree(world.packages / "1", world.packages / "2")
    world.change(branch=f"retouch/retrain/{world.answered.alert_id}", pull=None, head=None)
    path, raw = BAD[what]
    (world.packages / "2" / path).parent.mkdir(parents=True, exist_ok=True)
    (world.packages / "2" / path).write_bytes(raw)

    good, bad = world.publish()

    assert (good.outcome, bad.outcome, bad.exit_code) == ("published", "refused", 2), bad
    branches = world.github.git.branches()
    assert world.github.git.message(branches[world.branch]).startswith("Add alert")
    if what != "no proposal":
        said = [c["body"] for c in world.github.comments if c["number"] == number]
        assert len(said) == 1
        found = [s for s in world.github.statuses if s["sha"] == branches[world.branch]]
        assert found[-1]["state"] == "failure"
    assert world.command("ci", "publish", str(world.packages)).code == 2


def test_a_plan_made_from_other_bytes_of_its_alert_is_refused(world):
    quick(world).deliver()
    head = world.github.git.head(world.branch)
    path = world.packages / f"1/files/reports/{world.answered.alert_id}/plan.json"
    plan = json.loads(path.read_text())
    alert = (world.packages / "1/files" / world.answered.alert).read_bytes()
    assert plan["provenance"][0]["sha256"] == hashlib.sha256(alert).hexdigest()
    plan["provenance"][0]["sha256"] = hashlib.sha256(alert + b"\n").hexdigest()
    path.write_text(json.dumps(plan))

    (outcome,) = world.publish()

    assert outcome.outcome == "refused"
    assert "was made from other bytes of the alert" in outcome.message
    assert world.github.git.head(world.branch) == head


def test_a_title_and_a_text_of_a_person_stand_and_a_comment_of_theirs_is_not_ours(world):
    number = quick(world).deliver()
    world.publish()
    pull, report = world.github.pulls[0], world.github.comments[0]["body"]
    pull |= {"title": "Look at this", "body": "My own words."}
    world.github.comments.clear()
    world.github.comment(number, report.replace("ready to merge", "do not merge"), "mallory")

    world.publish()

    assert (pull["title"], pull["body"]) == ("Look at this", "My own words.")
    assert [c["author"] for c in world.github.comments] == ["mallory", world.github.login]


def test_of_two_comments_of_ours_the_oldest_is_kept(world):
    number = quick(world).deliver()
    world.publish()
    report = world.github.comments[0]["body"]
    world.github.comments[0]["body"] = report.replace("ready", "not ready")
    world.github.comment(number, report, world.github.login)

    world.publish()

    first, second = world.github.comments
    assert first["body"] == report
    assert second["body"].startswith("The report is [here](")
    before = len(world.github.writes)
    world.publish()
    assert world.github.writes[before:] == []


def test_the_command_says_what_became_of_each(world):
    quick(world).deliver()

    told = world.command("ci", "publish", str(world.packages), "--json")

    assert told.code == 0, told
    (said,) = json.loads(told.out)
    assert said["outcome"] == "published"
    assert said["url"] == "https://github.com/acme/site/pull/1"
    told = world.command("ci", "publish", str(world.packages / "none"))
    assert (told.code, told.out) == (0, "Nothing to publish.\n")
