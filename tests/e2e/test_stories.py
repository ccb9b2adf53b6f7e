"""The loop from end to end: real workflow files, real git and DVC, a GitHub of our own."""

from __future__ import annotations

from collections.abc import Iterable

from tests.e2e.act import Ran
from tests.e2e.ground import EU, LAST, US, days_arrive
from tests.e2e.scene import Scene

_TWO = {"retrain/retrain": "success", "retrain/publish": "success"}
RETRAINED = {"alert": {"receive": "success"} | _TWO}
"""The jobs of a run that answered an alert."""
RECONCILED = {"reconcile": {"reconcile": "success"}}
"""The jobs of a run that finds nothing more to do: after a merge, and on time."""
REFRESHED = {"reconcile": RECONCILED["reconcile"] | _TWO}
JUDGED = {
    "reconcile": RECONCILED["reconcile"] | {"canary/judge": "success", "canary/apply": "success"}
}


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


def test_an_alert_becomes_a_pull_request_and_merged_a_canary_which_passes(answered: Scene):
    pull = answered.github.pull(1)
    assert verdict(answered, 1)[0] == "success", answered.github.statuses
    assert {"retrain", "model:means", "verdict:pass"} <= set(pull["labels"])
    assert len(reports(answered, 1)) == 1
    assert len(answered.git.new_commits("main", pull["head"])) == 2  # the alert, and the answer
    changed = answered.git.git("diff", "--name-only", "main", pull["sha"]).decode().split()
    roots = {path.split("/")[0] for path in changed}
    assert roots == {"alerts", "reports", "params.yaml", "dvc.lock", "models"}

    assert jobs(answered.merge(1)) == RECONCILED
    assert answered.tags() == ["means#canary#2", "means#prod#1", "means@v1.0.0", "means@v1.1.0"]

    assert jobs(days_arrive(answered, LAST)) == JUDGED
    assert "means#prod#3" in answered.tags()
    assert answered.github.issues == []
    assert answered.at_main().retouch("verify").code == 0


def test_a_canary_that_fails_is_taken_down_and_stays_down(answered: Scene):
    assert jobs(answered.merge(1)) == RECONCILED
    # The person has made only what scoring reads, and the check of dvc.lock on main says so.
    judged = jobs(days_arrive(answered, LAST, falls=True))
    assert judged == {"reconcile": JUDGED["reconcile"] | {"reconcile": "failure"}}
    assert "means#canary!#3" in answered.tags()
    assert not [tag for tag in answered.tags() if tag.startswith("means#prod#") and tag[-1] != "1"]
    [issue] = answered.github.issues
    assert issue["state"] == "open"
    revert = answered.github.pulls[-1]
    assert revert["head"].startswith("retouch/rollback/")
    assert jobs(answered.wakes("reconcile")) == RECONCILED
    assert len(answered.github.issues) == 1
    assert len(answered.github.pulls) == 2

    answered.merge(revert["number"])
    assert "us: {until: '2024-01-17'" in answered.file("params.yaml")
    assert not [tag for tag in answered.tags() if tag.startswith("means@v1.2")]


def test_a_dispatched_alert_gets_a_pull_request_and_three_deliveries_are_one(scene: Scene):
    assert jobs(scene.dispatch("performance", **US)) == RETRAINED
    [pull] = scene.github.pulls
    assert verdict(scene, pull["number"])[0] == "success"
    heads = [pull["sha"]]
    for _ in range(2):
        assert jobs(scene.again()) == {"alert": {"receive": "success"}}
        scene.github.sync()
        heads.append(pull["sha"])
    assert len(set(heads)) == 1
    assert len(scene.github.pulls) == 1
    assert len(reports(scene, pull["number"])) == 1
    assert verdict(scene, pull["number"])[0] == "success"


def test_what_the_gate_refuses_is_put_on_record_until_a_person_overrides_it(scene: Scene):
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

    command = '/retrain override "alerted slice" REASON'
    assert f"`{command}`" in scene.github.pull(number)["body"]
    scene.github.collaborators["alice"] = "write"
    runs = scene.comment(number, command.replace("REASON", "A little is enough for now."))
    assert jobs(runs) == {"commands": {"answer": "success"}} | RETRAINED
    assert verdict(scene, number)[0] == "success"
    assert "verdict:pass" in scene.github.pull(number)["labels"]
    assert "us: {until: '2024-01-18'" in scene.file("params.yaml", head)


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


def test_of_two_alerts_for_the_same_stages_one_waits_until_the_other_is_merged(answered: Scene):
    second, runs = answered.open_alert("performance", 2, **US, monitor="other")
    assert jobs(runs) == RETRAINED
    assert verdict(answered, second)[0] == "pending"
    assert "waiting" in answered.github.pull(second)["labels"]
    runs = answered.merge(1)
    assert jobs(runs) == REFRESHED
    # The first one has done it all.
    assert verdict(answered, second)[0] == "success"
    pull = answered.github.pull(second)
    assert "waiting" not in pull["labels"]
    assert "nothing to retrain" in pull["body"]
    assert reports(answered, second) == [pull["body"]]


def test_of_two_side_by_side_one_is_brought_up_to_date_when_the_other_is_merged(answered: Scene):
    second, runs = answered.open_alert("performance", 2, **EU)
    assert jobs(runs) == RETRAINED
    assert verdict(answered, second)[0] == "success"
    old = answered.github.pull(second)["sha"]
    runs = answered.merge(1)
    assert jobs(runs) == REFRESHED
    answered.github.sync()
    new = answered.github.pull(second)["sha"]
    assert new != old
    assert answered.git.git("merge-base", "main", new).decode().strip() == answered.main
    assert verdict(answered, second)[0] == "success"
    assert jobs(answered.merge(second)) == RECONCILED
    assert answered.at_main().retouch("verify").code == 0


def test_commands_are_done_for_who_may_write_and_for_nobody_else(answered: Scene):
    done = {"commands": {"answer": "success"}}
    answered.github.collaborators["alice"] = "write"
    before = len(answered.github.writes)
    for command in ("/retrain hold", "/retrain discard", "/retrain"):
        assert jobs(answered.comment(1, command, "mallory")) == done
    assert set(answered.github.writes[before:]) <= {"POST issues/comments/{comment_id}/reactions"}

    pull = answered.github.pull(1)
    assert jobs(answered.comment(1, "/retrain hold", "alice")) == done
    assert "hold" in pull["labels"]
    assert verdict(answered, 1)[0] == "pending"
    assert jobs(answered.comment(1, "/retrain", "alice")) == done | RETRAINED
    assert "hold" not in pull["labels"]
    assert verdict(answered, 1)[0] == "success"
    assert jobs(answered.comment(1, "/retrain discard", "alice"))["commands"] == done["commands"]
    assert pull["state"] == "closed"
