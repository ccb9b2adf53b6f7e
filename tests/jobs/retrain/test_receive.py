"""`retouch ci receive`: an event comes in, and what is to be retrained comes out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retouch.alerts.envelope import seal
from retouch.github.client import Client
from retouch.github.records import set_status
from retouch.github.repository import Repository
from tests.github.fake import Status
from tests.jobs.retrain.conftest import Loop

SOME_COMMIT = "a" * 40


def received(loop: Loop, payload: dict[str, Any], name: str) -> dict[str, Any]:
    told = loop.ci("receive", *loop.event(payload, name))
    assert told.code == 0, told
    found = json.loads(told.out)
    assert found["any"] == bool(found["targets"])
    assert all(one.keys() == {"pull", "runs_on", "minutes"} for one in found["targets"])
    return {**found, "targets": [{"pull": one["pull"]} for one in found["targets"]]}


def sent(loop: Loop, alert: str) -> dict[str, Any]:
    return {"client_payload": seal((loop.toy.root / alert).read_bytes(), None, None, "it")}


def of_pull(loop: Loop, number: int, action: str = "opened", fork: str = "acme/site") -> dict:
    pull = loop.github.pull(number)
    head = {"ref": pull["head"], "sha": pull["sha"], "repo": {"full_name": fork}}
    base = {"ref": "main", "repo": {"full_name": "acme/site"}}
    return {"action": action, "pull_request": {"number": number, "head": head, "base": base}}


def statuses(loop: Loop) -> list[tuple[str, str, str]]:
    return [(s["sha"], s["state"], s["description"]) for s in loop.github.statuses]


def test_an_alert_that_is_sent_gets_its_pull_request_and_is_a_target(loop: Loop):
    alert = loop.toy.alert("data_quality")
    found = received(loop, sent(loop, alert), "repository_dispatch")

    assert found == {"any": True, "targets": [{"pull": 1}]}
    head = loop.github.git.head(f"retouch/alert/{Path(alert).stem}")
    assert head is not None
    assert loop.github.git.git("show", f"{head}:{alert}") == (loop.toy.root / alert).read_bytes()
    assert statuses(loop) == [(head, "pending", "retraining")]


def test_the_same_alert_sent_three_times_has_one_branch_and_one_pull_request(loop: Loop):
    alert = loop.toy.alert("data_quality")
    for _ in range(3):
        found = received(loop, sent(loop, alert), "repository_dispatch")
        assert found["targets"] == [{"pull": 1}]
    assert len(loop.github.pulls) == 1
    assert len(statuses(loop)) == 1


def test_an_alert_whose_pull_request_was_closed_is_not_taken_up_again(loop: Loop):
    alert = loop.toy.alert("data_quality")
    received(loop, sent(loop, alert), "repository_dispatch")
    loop.github.close(1)
    found = received(loop, sent(loop, alert), "repository_dispatch")
    assert found == {"any": False, "targets": []}


def test_an_alert_that_lies_on_main_is_answered_there(loop: Loop):
    alert = loop.toy.alert("data_quality")
    loop.push("An alert")
    found = received(loop, sent(loop, alert), "repository_dispatch")
    assert found == {"any": True, "targets": [{"pull": None}]}
    assert loop.github.pulls == []


def test_an_envelope_that_cannot_be_opened_is_refused_and_nothing_is_written(loop: Loop):
    payload = {"client_payload": {"v": 1, "alert_b64": "$(touch /tmp/x)"}}
    told = loop.ci("receive", *loop.event(payload, "repository_dispatch"))
    assert told.code == 2
    assert "client_payload: alert_b64: is not base64" in told.err
    assert loop.github.writes == []


def test_a_pull_request_is_a_target_when_it_brings_alerts_from_this_repository(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    found = received(loop, of_pull(loop, number), "pull_request")
    assert found["targets"] == [{"pull": number}]
    other = loop.github.open_pull("docs", files={"README.md": "Words."})
    assert not received(loop, of_pull(loop, other), "pull_request")["any"]
    fork = of_pull(loop, number, fork="mallory/site")
    assert not received(loop, fork, "pull_request")["any"]
    closed = of_pull(loop, number, action="closed")
    assert not received(loop, closed, "pull_request")["any"]
    assert len(statuses(loop)) == 1


def test_our_own_result_starts_nothing_and_a_commit_that_says_it_is_one_does(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    branch = loop.github.pull(number)["head"]
    git = loop.github.git
    head = git.head(branch)
    answer = git.commit(git.tree_of(head), [head], f"An answer\n\nRetouch-Proposal: {'0' * 64}")
    git.point(branch, answer)
    synchronize = of_pull(loop, number, action="synchronize")
    assert received(loop, synchronize, "pull_request")["targets"] == [{"pull": number}]
    assert statuses(loop) == [(answer, "pending", "retraining")]
    loop.report(number)
    assert received(loop, synchronize, "pull_request") == {"any": False, "targets": []}


def test_a_push_counts_on_the_default_branch_alone(loop: Loop):
    loop.toy.alert("data_quality")
    loop.push("An alert")
    main = {"ref": "refs/heads/main", "after": SOME_COMMIT}
    assert received(loop, main, "push")["targets"] == [{"pull": None}]
    other = {"ref": "refs/heads/retouch/alert/x", "after": SOME_COMMIT}
    assert not received(loop, other, "push")["any"]


def test_an_idle_repository_has_no_targets_at_any_time(loop: Loop):
    main = {"ref": "refs/heads/main", "after": SOME_COMMIT}
    assert received(loop, main, "push") == {"any": False, "targets": []}
    assert received(loop, {}, "schedule") == {"any": False, "targets": []}
    assert loop.github.writes == []


def test_time_wakes_what_has_no_result_yet_but_nothing_that_is_held(loop: Loop):
    first = loop.deliver(loop.toy.alert("data_quality", 1))
    second = loop.deliver(loop.toy.alert("data_quality", 2))
    loop.github.label(second, "hold")
    loop.toy.alert("data_quality", 3)
    loop.push("An alert")
    assert received(loop, {}, "schedule")["targets"] == [{"pull": None}, {"pull": first}]
    assert statuses(loop) == [(loop.github.pull(first)["sha"], "pending", "retraining")]


def test_closing_wakes_what_waited_and_a_merge_does_not_as_it_is_a_push_too(answered: Loop):
    number = answered.deliver(answered.toy.alert("data_quality", 2))
    answered.publish(answered.retrain("--pull", str(number))[0])
    closed = of_pull(answered, 1, action="closed")
    assert not received(answered, closed, "pull_request")["any"], "it is open"
    answered.github.close(1)
    assert received(answered, closed, "pull_request")["targets"] == [{"pull": number}]


def test_outputs_are_lines_of_their_own_in_the_jobs_file(loop: Loop):
    output = loop.folder / "output"
    output.write_text("before=1\n")
    args = loop.event({"inputs": {"pull": ""}}, "workflow_dispatch")
    assert loop.ci("receive", *args, "--output", str(output)).code == 0
    assert (
        output.read_text()
        == 'before=1\nany=true\ntargets=[{"pull": null, "runs_on": null, "minutes": null}]\n'
    )


def test_what_github_refuses_is_said_in_one_sentence(loop: Loop):
    alert = loop.toy.alert("data_quality")
    loop.github.fails("POST pulls", Status(403, {"message": "not permitted"}))
    told = loop.ci("receive", *loop.event(sent(loop, alert), "repository_dispatch"))
    assert told.code == 2, told
    assert "Pull requests: write" in told.err
    assert received(loop, sent(loop, alert), "repository_dispatch")["targets"] == [{"pull": 1}]


def begin(loop: Loop, number: int, run: int) -> None:
    repo = Repository(Client(loop.github.token, loop.github.url), loop.github.name)
    url = f"https://github.com/acme/site/actions/runs/{run}"
    set_status(repo, loop.github.pull(number)["sha"], "pending", "retraining", url)


def fail(loop: Loop, number: int, ago: timedelta) -> None:
    repo = Repository(Client(loop.github.token, loop.github.url), loop.github.name)
    set_status(repo, loop.github.pull(number)["sha"], "failure", "failed (try 1 of 3), again soon")
    loop.github.statuses[-1]["created_at"] = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"


def test_a_failed_try_is_repeated_after_a_pause(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    begin(loop, number, 1)
    fail(loop, number, timedelta(minutes=10))
    assert received(loop, {}, "schedule") == {"any": False, "targets": []}
    fail(loop, number, timedelta(minutes=61))
    assert received(loop, {}, "schedule")["targets"] == [{"pull": number}]


def test_a_person_or_a_new_commit_need_not_wait(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    begin(loop, number, 1)
    fail(loop, number, timedelta(minutes=10))
    asked = {"inputs": {"pull": str(number)}}
    assert received(loop, asked, "workflow_dispatch")["targets"] == [{"pull": number}]
    fail(loop, number, timedelta(minutes=1))
    loop.github.git.commit_on(loop.github.pull(number)["head"], {"alerts/note": b""})
    assert received(loop, {}, "schedule")["targets"] == [{"pull": number}]


def test_what_was_begun_three_times_and_never_ended_is_held_for_a_person(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    for run in (1, 2, 3):
        begin(loop, number, run)
    assert received(loop, {}, "schedule") == {"any": False, "targets": []}
    assert "hold" in loop.github.pull(number)["labels"]
    assert loop.github.statuses[-1]["state"] == "failure"
    assert "on hold" in loop.github.statuses[-1]["description"]
    (comment,) = loop.github.comments
    assert "comment `/retrain`" in comment["body"]


def test_what_an_earlier_run_is_at_work_on_is_left_to_it(loop: Loop):
    number = loop.deliver(loop.toy.alert("data_quality"))
    repo = Repository(Client(loop.github.token, loop.github.url), loop.github.name)
    url = "https://github.com/acme/site/actions/runs/7/attempts/1"
    set_status(repo, loop.github.pull(number)["sha"], "pending", "retraining", url)
    job = {"id": 1, "name": "retrain / retrain 1", "status": "in_progress", "conclusion": None}
    jobs = "GET actions/runs/{run_id}/attempts/{attempt_number}/jobs"
    loop.github.fails(jobs, Status(200, {"total_count": 1, "jobs": [job]}))
    assert received(loop, {}, "schedule") == {"any": False, "targets": []}
    loop.github.ran(7, "retrain / retrain 1", "cancelled")
    assert received(loop, {}, "schedule")["targets"] == [{"pull": number}], "it has ended"
