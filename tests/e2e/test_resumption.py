"""What was begun is finished: stories of jobs that died, and of commits that came out of order.

`_quickly`: on workflow files that the light interpreter runs, as act ends no job in the middle; the
other stories are run by act.
"""

from __future__ import annotations

from tests.e2e.ground import EU, LAST, US, days_arrive
from tests.e2e.kill_points import STAGE, Point, Trap
from tests.e2e.scene import Scene
from tests.e2e.test_stories import RETRAINED, jobs, verdict
from tests.github.fake import Kill, Status

_TRIES = 3


def test_a_retraining_that_dies_is_reported_tried_again_and_held_at_last_quickly(scene: Scene):
    scene.interpreted()
    number = 0
    for tried in range(_TRIES):
        trap = _retraining_dies(scene)
        if tried:
            scene.hours_pass()
        else:
            number, _ = scene.open_alert("performance", **US)
        assert trap.sprung
        assert verdict(scene, number)[0] == "failure"
        [comment] = [one["body"] for one in scene.github.comments if one["number"] == number]
        assert "fit@us: started" in comment, "the end of the log"
    pull = scene.github.pull(number)
    assert "hold" in pull["labels"]
    assert len([one for one in scene.github.comments if one["number"] == number]) == 1
    quiet = len(scene.github.writes)
    scene.hours_pass()
    assert len(scene.github.writes) == quiet, "nobody tries any more"
    scene.github.collaborators["alice"] = "write"
    scene.comment(number, "/retrain")
    assert verdict(scene, number)[0] == "success"
    assert "hold" not in pull["labels"]


def _retraining_dies(scene: Scene) -> Trap:
    assert scene.interpreter is not None
    point = Point("", "*/retrain/retrain", -1, STAGE, "SIGKILL")
    trap = Trap(point, scene, scene.interpreter)
    scene.interpreter.on_job, scene.interpreter.after_job = trap.begins, trap.ended
    return trap


def test_an_answer_is_brought_up_to_date_although_main_changed_a_workflow_file(answered: Scene):
    second, runs = answered.open_alert("performance", 2, **EU)
    assert jobs(runs) == RETRAINED
    person = answered.at_main()
    path = person.root / ".github/workflows/ci.yml"
    path.write_text("# A newer one.\n" + path.read_text())
    answered.push("Bump an action")
    answered.merge(1)

    answered.github.sync()
    still = [pull for pull in answered.github.pulls if pull["state"] == "open"]
    assert len(still) == 1
    [pull] = still
    assert verdict(answered, pull["number"])[0] == "success"
    assert answered.git.git("merge-base", "main", pull["sha"]).decode().strip() == answered.main
    assert answered.file(".github/workflows/ci.yml", pull["sha"]).startswith("# A newer one.")
    answered.merge(pull["number"])
    assert "eu: {until: '2024-02-06'" in answered.file("params.yaml")
    assert answered.github.pull(second)["state"] == "closed"


def test_a_promotion_that_died_half_way_is_finished_by_the_schedule_quickly(answered: Scene):
    interpreter = answered.interpreted()
    answered.github.on_kill = interpreter.kill
    answered.github.fails("POST deployments", Kill(after=True))
    answered.merge(1)
    assert any(run.failed for run in interpreter.runs)
    assert [] in [one["statuses"] for one in answered.github.deployments]
    answered.hours_pass()
    assert answered.tags() == ["means#canary#2", "means#prod#1", "means@v1.0.0", "means@v1.1.0"]
    states = {
        one["environment"]: one["statuses"][-1]["state"] for one in answered.github.deployments
    }
    assert states == {"production": "success", "canary": "in_progress"}
    releases = {one["tag"]: len(one["assets"]) for one in answered.github.releases}
    assert releases["means@v1.1.0"] == 1


def test_a_canary_that_failed_gets_its_issue_and_revert_after_a_refusal_quickly(answered: Scene):
    answered.interpreted()
    answered.merge(1)
    days_arrive(answered, LAST, falls=True, seen=False)
    refused = Status(403, {"message": "Resource not accessible by integration"})
    answered.github.fails("POST pulls", refused)
    answered.hours_pass()
    answered.hours_pass()
    assert "means#canary!#3" in answered.tags()
    assert [issue["state"] for issue in answered.github.issues] == ["open"]
    revert = answered.github.pulls[-1]
    assert (revert["state"], revert["head"][:17]) == ("open", "retouch/rollback/")
    assert answered.github.deployments[-1]["statuses"][-1]["state"] != "in_progress"


def test_a_reverted_model_never_gets_to_production_whoever_reverted_it_quickly(answered: Scene):
    answered.interpreted()
    answered.merge(1)
    assert "means#canary#2" in answered.tags()
    answered.at_main()
    answered.person_git("revert", "--no-edit", "-m", "1", "HEAD")
    before = answered.main
    answered.person_git("push", "--quiet", "origin", "HEAD:main")
    assert answered.main != before
    answered.hours_pass()
    days_arrive(answered, LAST)
    answered.hours_pass()
    assert [tag for tag in answered.tags() if tag.startswith("means#prod#")] == ["means#prod#1"]


def test_an_older_commit_never_takes_the_place_of_a_newer_one_quickly(answered: Scene):
    second, _ = answered.open_alert("performance", 2, **EU)
    interpreter = answered.interpreted()
    answered.github.on_kill = interpreter.kill
    answered.github.fails("GET repo", Kill())
    answered.merge(1)
    [died] = [run for run in interpreter.runs if run.failed]
    answered.hours_pass()
    answered.merge(second)
    newest = answered.tags()
    answered.rerun(died)
    answered.hours_pass()
    assert answered.tags() == newest
    said = answered.at_main().retouch("status", "--json")
    assert said.code == 0, said
    [version] = [tag for tag in newest if tag.startswith("means@v1.") and tag != "means@v1.0.0"][
        -1:
    ]
    assert answered.git.resolve(version) == answered.main
