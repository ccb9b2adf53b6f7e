"""What was begun is finished: stories of jobs that died, and of commits that came out of order.

`_quickly`: on workflow files that the light interpreter runs, as act ends no job in the middle; the
other stories are run by act.
"""

from __future__ import annotations

from tests.e2e.ground import EU, US
from tests.e2e.kill_points import STAGE, Point, Trap
from tests.e2e.scene import Scene
from tests.e2e.test_stories import RETRAINED, jobs, verdict

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
