"""`retouch ci retrain --pull`: what an alert's pull request comes to, packed and not published."""

from __future__ import annotations

import json
from pathlib import Path

from retouch.jobs.package_folder import read_package
from retouch.jobs.publish.package_check import checked_package
from tests.jobs.retrain.conftest import Loop, plan_in

EU = {"where": {"region": "eu"}, "severity": "critical"}


def test_an_alert_that_helps_comes_out_as_one_package_that_passes_the_boundary(loop: Loop):
    alert = loop.toy.alert("performance", **EU)
    number = loop.deliver(alert)
    before = loop.toy.tree()

    (package,) = loop.retrain("--pull", str(number))

    proposal = package.proposal
    assert proposal.branch == f"retouch/alert/{Path(alert).stem}"
    assert proposal.pull == number
    assert proposal.base == loop.github.git.head("main")
    assert proposal.head == loop.github.git.head(proposal.branch)
    assert proposal.alert_ids == (Path(alert).stem,)
    report = f"reports/{proposal.report_id}"
    assert set(package.files) == {
        alert,
        alert.replace(".json", ".receipt.json"),
        "params.yaml",
        "dvc.lock",
        "models/metrics.json",
        *(f"{report}/{name}.json" for name in ("plan", "run", "verdict")),
    }
    assert json.loads(package.files[f"{report}/verdict.json"])["outcome"] == "promote"
    assert package.objects
    assert loop.toy.tree() == before
    assert loop.github.writes == []
    found = checked_package(loop.toy.root, package)
    assert found.verdict is not None
    assert [receipt.alert_id for receipt in found.receipts] == list(proposal.alert_ids)


def test_the_same_alert_again_is_nothing_new(answered: Loop):
    assert answered.retrain("--pull", "1") == []


def test_a_person_who_asks_gets_it_again_and_nothing_of_the_branch_is_restored(answered: Loop):
    first = read_package(answered.folder / "out-0/1")
    # A fresh clone, as each job has it: no cache, no run cache; the objects lie on the remote.
    fresh = Loop(answered.toy.clone("fresh"), answered.github, answered.folder)
    fresh.toy.git("remote", "set-url", "origin", str(answered.folder / "origin.git"))
    cache = fresh.toy.root / ".dvc/cache/files/md5"
    for name, source in first.objects.items():
        (cache / name[:2]).mkdir(parents=True, exist_ok=True)
        (cache / name[:2] / name[2:]).write_bytes(source.read_bytes())

    asked = fresh.event({"inputs": {"pull": "1"}}, "workflow_dispatch")
    (again,) = fresh.retrain("--pull", "1", event=asked)

    assert plan_in(again).work == plan_in(first).work
    assert again.files["dvc.lock"] == first.files["dvc.lock"]
    alert = f"alerts/{first.proposal.report_id}.receipt.json"
    assert again.files[alert] == first.files[alert]
    run = json.loads(again.files[f"reports/{again.proposal.report_id}/run.json"])
    assert {one["outcome"] for one in run["attempts"][0]["receipts"]} == {"ran", "cut_off"}


def test_a_branch_that_touches_code_is_told_so_and_nothing_runs(loop: Loop):
    alert = loop.toy.alert("data_quality")
    number = loop.deliver(alert, **{"clean.py": "raise SystemExit('ours now')"})
    (package,) = loop.retrain("--pull", str(number))
    assert package.files == {}
    (fault,) = package.proposal.faults
    assert "touches 'clean.py'" in fault


def test_a_file_that_is_no_alert_is_told_by_its_path(loop: Loop):
    alert = loop.toy.alert("data_quality")
    (loop.toy.root / alert).write_text('{"alert_id": "<script>"}')
    number = loop.deliver(alert)
    (package,) = loop.retrain("--pull", str(number))
    (fault,) = package.proposal.faults
    assert fault.startswith(f"{alert}: ")
    assert package.files == {}


def test_an_alert_that_waits_is_only_recorded_until_somebody_asks(loop: Loop):
    loop.toy.replace("policies/retraining.yaml", "group_wait: 0 minutes", "group_wait: 2 hours")
    loop.push("Wait for others")
    alert = loop.toy.alert("data_quality")
    number = loop.deliver(alert)
    (package,) = loop.retrain("--pull", str(number))
    assert package.proposal.report_id is None
    assert package.proposal.message
    assert set(package.files) == {alert, alert.replace(".json", ".receipt.json")}
    loop.publish(package)
    assert loop.retrain("--pull", str(number)) == []
    asked = loop.event({"inputs": {"pull": str(number)}}, "workflow_dispatch")
    (again,) = loop.retrain("--pull", str(number), event=asked)
    assert again.proposal.report_id == Path(alert).stem


def test_an_unsigned_alert_is_held_until_somebody_vouches_for_it(loop: Loop):
    monitors = loop.toy.root / "policies/monitors.yaml"
    monitors.write_text(monitors.read_text().replace("unsigned: retrain", "unsigned: hold"))
    loop.push("Believe nobody")
    number = loop.deliver(loop.toy.alert("data_quality"))
    (package,) = loop.retrain("--pull", str(number))
    assert plan_in(package).action == "hold"
    assert "dvc.lock" not in package.files
    loop.publish(package)

    inputs = {"pull": str(number), "accepted_by": "alice"}
    vouched = loop.event({"inputs": inputs}, "workflow_dispatch")
    (package,) = loop.retrain("--pull", str(number), event=vouched)
    assert plan_in(package).accepted_by == "alice"
    assert "dvc.lock" in package.files


def test_a_stage_that_fails_is_an_outcome_and_everything_is_put_back(loop: Loop):
    loop.toy.replace("params.yaml", "highest: 1000 ", "highest: 1000 ")
    clean = loop.toy.root / "clean.py"
    clean.write_text("import sys\nsys.exit('disk is full')\n")
    loop.push("Broken code on main")
    loop.pull_main()
    number = loop.deliver(loop.toy.alert("data_quality"))
    (package,) = loop.retrain("--pull", str(number))
    assert "failed" in package.proposal.message
    run = json.loads(package.files[f"reports/{package.proposal.report_id}/run.json"])
    assert not run["attempts"][-1]["kept"]
    assert "dvc.lock" not in package.files
    assert package.objects == {}


def test_what_a_person_committed_on_top_is_left_alone_until_they_say_otherwise(answered: Loop):
    branch = answered.github.pull(1)["head"]
    answered.github.git.commit_on(branch, {"params.yaml": b"clean: {highest: 7}\n"})
    (package,) = answered.retrain("--pull", "1")
    assert "left alone" in package.proposal.message
    assert package.proposal.report_id is None
    asked = answered.event({"inputs": {"pull": "1", "overwrite": "true"}}, "workflow_dispatch")
    (package,) = answered.retrain("--pull", "1", event=asked)
    assert package.proposal.report_id is not None


def test_a_fork_is_planned_and_never_retrained(loop: Loop):
    alert = loop.toy.alert("data_quality")
    texts = {alert: (loop.toy.root / alert).read_text()}
    (loop.toy.root / alert).unlink()
    number = loop.github.open_pull("patch-1", owner="mallory", files=texts)
    assert loop.retrain("--pull", str(number)) == []
    told = loop.ci("retrain", "--plan-only", "--pull", str(number), "--base", "main")
    assert told.code == 0, told
    assert "clean" in told.out
    assert loop.toy.git("status", "--porcelain") == ""


def test_a_checkout_of_anything_but_the_base_branch_is_refused(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    branch = loop.github.pull(number)["head"]
    loop.toy.git("fetch", "--quiet", "origin", branch)
    loop.toy.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    told = loop.ci("retrain", "--pull", str(number), "--out", str(loop.folder / "out"))
    assert told.code == 2
    assert "is not a commit of the base branch" in told.err


def test_a_checkout_with_changes_of_somebodys_is_refused_and_kept(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    (loop.toy.root / "alerts").mkdir(exist_ok=True)
    (loop.toy.root / "alerts/mine.txt").write_text("a note")
    told = loop.ci("retrain", "--pull", str(number), "--out", str(loop.folder / "out"))
    assert told.code == 2
    assert "alerts/mine.txt: differs from the commit" in told.err
    assert (loop.toy.root / "alerts/mine.txt").read_text() == "a note"
