"""`retouch ci retrain --main`, two retrains at once, and what `retouch ci receive` compares."""

from __future__ import annotations

import json
from pathlib import Path

from tests.jobs.retrain.conftest import Loop, plan_in


def looked(loop: Loop) -> tuple[list[int | None], str]:
    """Return the targets of a scheduled look, and what it said."""
    loop.pull_main()
    told = loop.ci("receive", "--event-name", "schedule")
    assert told.code == 0, told
    assert loop.toy.git("status", "--porcelain") == ""
    return [target["pull"] for target in json.loads(told.out)["targets"]], told.err


def on_main(loop: Loop, files: dict[str, bytes]) -> None:
    loop.github.git.commit_on("main", files)
    loop.pull_main()


def test_an_alert_pushed_to_main_is_answered_on_a_branch_of_its_own(loop: Loop):
    alert = loop.toy.alert("data_quality")
    loop.push("An alert")
    pushed = loop.event({"ref": "refs/heads/main", "after": "a" * 40}, "push")

    (package,) = loop.retrain("--main", "--base", "main", event=pushed)

    stem = Path(alert).stem
    assert package.proposal.branch == f"retouch/retrain/{stem}"
    assert package.proposal.pull is None
    assert alert not in package.files
    receipt = json.loads(package.files[f"alerts/{stem}.receipt.json"])
    assert (receipt["channel"], receipt["sender"]) == ("commit", "alice")
    loop.publish(package)
    assert loop.retrain("--main", "--base", "main") == [], "its pull request is open"
    loop.github.close(1)
    assert loop.retrain("--main", "--base", "main") == [], "a person closed it"


def test_of_two_that_run_the_same_stage_one_waits_and_goes_on_when_it_may(answered: Loop):
    loop = answered
    on_main(loop, {})
    number = loop.deliver(loop.toy.alert("data_quality", 2))

    (package,) = loop.retrain("--pull", str(number))

    assert package.proposal.waits_for == (1,)
    report = f"reports/{package.proposal.report_id}"
    assert f"{report}/plan.json" in package.files
    assert f"{report}/run.json" not in package.files
    loop.publish(package)
    assert loop.retrain("--pull", str(number)) == []
    assert looked(loop)[0] == []
    loop.github.close(1)
    targets, said = looked(loop)
    assert targets == [number]
    assert f"#{number}: It need not wait any longer." in said
    assert loop.github.statuses[-1]["description"] == "retraining", "it waited, it is not stale"


def test_an_answer_stays_fresh_while_what_it_read_stays_as_it_was(answered: Loop):
    on_main(answered, {"README.md": b"Words.\n"})
    assert looked(answered) == ([], "#1: Unchanged.\n")
    assert answered.github.writes == []


def test_an_answer_is_stale_when_main_changed_what_it_read(answered: Loop):
    params = (answered.toy.root / "params.yaml").read_text()
    changed = params.replace("highest: 1000", "highest: 900")
    on_main(answered, {"params.yaml": changed.encode()})

    assert looked(answered)[0] == [1]

    status = answered.github.statuses[-1]
    assert status["sha"] == answered.github.git.head(answered.github.pull(1)["head"])
    assert (status["state"], status["description"]) == (
        "pending",
        "stale, being refreshed: `clean` will run again",
    )
    (package,) = answered.retrain("--pull", "1")
    assert plan_in(package).tiers[0].edits[0].before == 900
    assert b"highest: 500" in package.files["params.yaml"]
    answered.publish(package)
    assert looked(answered)[0] == []


def test_what_people_hold_or_edited_is_not_refreshed(answered: Loop):
    params = (answered.toy.root / "params.yaml").read_text()
    changed = params.replace("highest: 1000", "highest: 900")
    on_main(answered, {"params.yaml": changed.encode()})
    answered.github.label(1, "hold")
    assert looked(answered) == ([], "#1: A person holds it.\n")
    answered.github.label(1)
    answered.github.git.commit_on(answered.github.pull(1)["head"], {"params.yaml": b"a: 1\n"})
    edited = "#1: A person committed to its branch.\n"
    assert looked(answered) == ([1], edited), "to have it reported there"
    answered.report(1, "edited by hand: not updated until /retrain --overwrite")
    assert looked(answered) == ([], edited)
