"""The loop from end to end: real workflow files, real git and DVC, a GitHub of our own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.e2e.act import Ran
from tests.e2e.ground import CLOCK
from tests.e2e.scene import Scene

EU, US = {"where": {"region": "eu"}}, {"where": {"region": "us"}}
RETRAINED = {
    "alert": {"receive": "success", "retrain/retrain": "success", "retrain/publish": "success"}
}
"""The jobs of a run that answered an alert."""


def jobs(runs: Iterable[Ran]) -> dict[str, dict[str, str]]:
    """Return the jobs of each workflow that ran any."""
    found: dict[str, dict[str, str]] = {}
    for ran in runs:
        assert not ran.jobs or ran.workflow not in found, f"{ran.workflow} ran twice\n{ran}"
        if ran.jobs:
            found[ran.workflow] = ran.jobs
    return found


def verdict(scene: Scene, number: int) -> tuple[str, str]:
    """Return what `retouch/verdict` says on a pull request's newest commit."""
    scene.github.sync()
    head = scene.github.pull(number)["sha"]
    said = [
        one
        for one in scene.github.statuses
        if one["sha"] == head and one["context"] == "retouch/verdict"
    ]
    assert said, f"#{number} has no verdict"
    return said[-1]["state"], said[-1]["description"]


def reports(scene: Scene, number: int) -> list[str]:
    """Return the bodies of our comments on a pull request that hold a report."""
    return [
        comment["body"]
        for comment in scene.github.comments
        if comment["number"] == number and "retouch:report" in comment["body"]
    ]


def days_arrive(scene: Scene, until: str) -> list[Ran]:
    """Let the clock of the data pass."""
    person = scene.at_main()
    person.replace("params.yaml", f"until: '{CLOCK}'", f"until: '{until}'")
    return scene.push(f"Days until {until} have arrived")


def test_an_alert_becomes_a_pull_request_and_merged_a_canary_which_passes(scene: Scene):
    number, runs = scene.open_alert("performance", **US)
    assert jobs(runs) == RETRAINED
    pull = scene.github.pull(number)
    assert verdict(scene, number)[0] == "success", scene.github.statuses
    assert {"retrain", "model:means", "verdict:pass"} <= set(pull["labels"])
    assert len(reports(scene, number)) == 1
    assert len(scene.git.new_commits("main", pull["head"])) == 2  # the alert, and the answer
    changed = scene.git.git("diff", "--name-only", "main", pull["sha"]).decode().split()
    roots = {path.split("/")[0] for path in changed}
    assert roots == {"alerts", "reports", "params.yaml", "dvc.lock", "models"}

    runs = scene.merge(number)
    assert jobs(runs)["promote"] == {"promote": "success"}
    assert scene.tags() == ["means#canary#2", "means#prod#1", "means@v1.0.0", "means@v1.1.0"]

    days_arrive(scene, "2024-04-10")
    assert jobs(scene.wakes("canary")) == {"canary": {"judge": "success", "apply": "success"}}
    assert "means#prod#3" in scene.tags()
    assert scene.github.issues == []
    assert scene.at_main().retouch("verify").code == 0


def test_a_canary_that_fails_is_taken_down_and_stays_down(scene: Scene):
    number, runs = scene.open_alert("performance", **EU)
    assert jobs(runs) == RETRAINED
    scene.merge(number)
    days_arrive(scene, "2024-04-10")
    assert jobs(scene.wakes("canary")) == {"canary": {"judge": "success", "apply": "success"}}
    assert "means#canary!#3" in scene.tags()
    assert not [tag for tag in scene.tags() if tag.startswith("means#prod#") and tag[-1] != "1"]
    [issue] = scene.github.issues
    assert issue["state"] == "open"
    revert = scene.github.pulls[-1]
    assert revert["head"].startswith("retouch/rollback/")
    again = jobs(scene.wakes("canary"))
    assert again == {"canary": {"judge": "success", "apply": "success"}}
    assert len(scene.github.issues) == 1
    assert len(scene.github.pulls) == 2

    scene.merge(revert["number"])
    assert "eu: {until: '2024-01-17'" in scene.file("params.yaml")
    assert not [tag for tag in scene.tags() if tag.startswith("means@v1.2")]


def test_a_dispatched_alert_gets_a_pull_request_and_three_deliveries_are_one(scene: Scene):
    first = scene.dispatch("performance", **US)
    assert jobs(first) == RETRAINED
    [pull] = scene.github.pulls
    assert verdict(scene, pull["number"])[0] == "success"
    heads = [pull["sha"]]
    for _ in range(2):
        scene.again()
        scene.github.sync()
        heads.append(pull["sha"])
    assert len(set(heads)) == 1
    assert len(scene.github.pulls) == 1
    assert len(reports(scene, pull["number"])) == 1
    assert verdict(scene, pull["number"])[0] == "success"


def test_what_the_gate_refuses_is_put_on_record_and_is_no_success(scene: Scene):
    # Nothing of `us` is wrong before the jump, so fitting it up to just before changes nothing.
    person = scene.at_main()
    policy = person.root / "policies/retraining.yaml"
    policy.write_text(policy.read_text().replace("try: [refit]", "try: [nudge]"))
    scene.push("Try only a little")
    number, runs = scene.open_alert("performance", **US)
    assert jobs(runs) == RETRAINED
    assert verdict(scene, number)[0] == "failure"
    assert {"retrain", "verdict:fail"} <= set(scene.github.pull(number)["labels"])
    head = scene.github.pull(number)["head"]
    assert scene.file("dvc.lock", head) == scene.file("dvc.lock")
    assert scene.file("params.yaml", head) == scene.file("params.yaml")


def test_a_fork_gets_a_plan_and_nothing_is_written(scene: Scene):
    path = scene.at_main().alert("performance", **US)
    text = (scene.person.root / path).read_text()
    (scene.person.root / path).unlink()
    number = scene.github.open_pull(
        "patch-1", owner="stranger", author="stranger", files={path: text}
    )
    before = (scene.git.branches(), len(scene.github.calls))
    runs = scene.pull_event(number, "opened")
    assert jobs(runs) == {"alert": {"plan": "success"}}
    assert "fit@us" in runs[0].said["plan"]
    assert (scene.git.branches(), len(scene.github.calls)) == before
    assert jobs(scene.close(number)) == {}


def test_of_two_alerts_for_the_same_stages_one_waits_until_the_other_is_merged(scene: Scene):
    first, runs = scene.open_alert("performance", 1, **US)
    assert jobs(runs) == RETRAINED
    second, runs = scene.open_alert("performance", 2, **US, monitor="other")
    assert jobs(runs) == RETRAINED
    assert verdict(scene, second)[0] == "pending"
    assert "waiting" in scene.github.pull(second)["labels"]
    scene.merge(first)
    assert verdict(scene, second)[0] != "pending"
    assert "waiting" not in scene.github.pull(second)["labels"]


def test_a_pull_request_is_brought_up_to_date_when_main_moves_under_it(scene: Scene):
    first, _ = scene.open_alert("performance", 1, **US)
    second, _ = scene.open_alert("performance", 2, **EU)
    old = scene.github.pull(second)["sha"]
    runs = scene.merge(first)
    assert jobs(runs)["refresh"] == {
        "look": "success",
        "mark": "success",
        "retrain/retrain": "success",
        "retrain/publish": "success",
    }
    scene.github.sync()
    new = scene.github.pull(second)["sha"]
    assert new != old
    assert scene.git.git("merge-base", "main", new).decode().strip() == scene.main
    assert verdict(scene, second)[0] == "success"
    scene.merge(second)
    assert scene.at_main().retouch("verify").code == 0


@pytest.mark.parametrize("command", ["/retrain hold", "/retrain discard"])
def test_a_command_is_done_for_who_may_write_and_for_nobody_else(scene: Scene, command: str):
    number, _ = scene.open_alert("performance", **US)
    scene.github.collaborators["alice"] = "write"
    before = scene.github.writes[:]
    assert jobs(scene.comment(number, command, "mallory")) == {"commands": {"answer": "success"}}
    assert set(scene.github.writes[len(before) :]) <= {
        "POST issues/comments/{comment_id}/reactions"
    }
    assert jobs(scene.comment(number, command, "alice")) == {"commands": {"answer": "success"}}
    pull = scene.github.pull(number)
    if command.endswith("hold"):
        assert "hold" in pull["labels"]
        assert verdict(scene, number)[0] == "pending"
    else:
        assert pull["state"] == "closed"
