"""What a comment asks for is done for those who may, once, and nothing of it is run."""

from __future__ import annotations

import json
import re

import pytest

from retouch.gate.model import Overrides
from retouch.jobs.comments.commands import carry_out, read_comment_event
from tests.github.fake import Kill, Killed, Status

LATER = "2030-01-01T00:00:00Z"


def event(number, body, comment=1, login="alice", **changed):
    said = {
        "id": comment,
        "body": body,
        "created_at": changed.pop("at", LATER),
        "user": {"login": login, "type": changed.pop("type", "User")},
    }
    issue = {"number": number, "pull_request": {"url": "-"}}
    return json.dumps({"action": "created", "comment": said, "issue": issue} | changed)


@pytest.fixture
def published(world):
    world.without_figures()
    world.number = world.deliver()
    (outcome,) = world.publish()
    assert outcome.exit_code == 0, outcome
    world.github.collaborators = {"alice": "write", "root": "admin", "maria": "maintain"}
    return world


def say(world, body, login="alice", meanwhile=lambda: None, **changed):
    """Comment, and let the job answer; `meanwhile`: what happens before it does."""
    comment = world.github.comment(world.number, body, login)
    at = world.github.comments[-1]["created_at"]
    asked = read_comment_event(event(world.number, body, comment, login, at=at, **changed))
    meanwhile()
    return carry_out(asked, world.site, "main")


def reactions(world):
    return [r["content"] for r in world.github.reactions]


def last(world):
    return world.github.comments[-1]["body"]


@pytest.mark.parametrize("login", ["alice", "root", "maria"])
def test_a_writer_has_it_retrained_and_vouches_for_an_unsigned_alert(published, login):
    say(published, "/retrain", login)

    (started,) = published.github.dispatched
    assert (started["workflow"], started["ref"]) == ("alert.yml", "main")
    assert started["inputs"]["pull"] == str(published.number)
    assert started["inputs"]["overwrite"] == "false"
    assert reactions(published) == ["eyes", "+1"]


@pytest.mark.parametrize("body", ["/retrain", "/retrain discard", "/retrain what"])
def test_nobody_else_is_heard(published, body):
    for number, login in enumerate(["mallory", "a/../b", "x" * 90], start=1):
        before = published.end()

        say(published, body, login)

        assert reactions(published) == ["-1"] * number
        assert published.github.dispatched == []
        after = published.end()
        assert after.pop("comments")[:-1] == before.pop("comments")  # theirs came on top
        assert after == before


def test_what_is_held_stays_until_the_next_retrain(published):
    say(published, "/retrain hold")

    assert "hold" in published.github.pulls[0]["labels"]
    assert published.status() == ("pending", "held by @alice: /retrain resumes")
    (outcome,) = published.publish()
    assert published.status()[0] == "pending", outcome

    say(published, "/retrain")

    assert "hold" not in published.github.pulls[0]["labels"]
    assert len(published.github.dispatched) == 1


def test_what_is_discarded_is_closed_and_not_published_again(published):
    for _ in range(2):
        say(published, "/retrain discard")

    (pull,) = published.github.pulls
    assert pull["state"] == "closed"
    assert "discarded" in pull["labels"]
    mine = [c["body"] for c in published.github.comments if "Discarded by" in c["body"]]
    assert mine == [
        "<!-- retouch:discarded v1 -->\nDiscarded by `alice`. It is not reopened automatically.\n"
    ]
    assert published.publish()[0].outcome == "closed"


def test_discarding_wakes_those_that_wait(published):
    ident = f"{published.answered.alert_id[:-1]}9"
    other = published.github.open_pull(
        f"retouch/alert/{ident}", files={f"alerts/{ident}.json": "{}"}
    )
    published.github.label(other, "waiting")

    say(published, "/retrain discard")

    assert [d["inputs"]["pull"] for d in published.github.dispatched] == [str(other)]


def test_a_discard_that_died_after_closing_goes_on_when_its_job_is_run_again(published):
    ident = f"{published.answered.alert_id[:-1]}9"
    other = published.github.open_pull(
        f"retouch/alert/{ident}", files={f"alerts/{ident}.json": "{}"}
    )
    published.github.label(other, "waiting")
    route = "POST actions/workflows/{workflow_id}/dispatches"
    published.github.fails(route, Kill())
    body = "/retrain discard"
    comment = published.github.comment(published.number, body, "alice")
    at = published.github.comments[-1]["created_at"]
    asked = read_comment_event(event(published.number, body, comment, at=at))
    with pytest.raises(Killed):
        carry_out(asked, published.site, "main")
    before = published.end()

    carry_out(asked, published.site, "main")

    assert published.end() == before
    assert [d["inputs"]["pull"] for d in published.github.dispatched] == [str(other)]


def refuse(world):
    """Let the verdict have a check that does not hold."""
    report = f"reports/{world.answered.alert_id}/verdict.json"
    verdict = json.loads(world.github.git.file(world.branch, report))
    verdict["judgements"][-1]["checks"][0] |= {"result": "fail", "name": "alerted slice"}
    world.github.git.commit_on(world.branch, {report: json.dumps(verdict).encode()})
    return f"reports/{world.answered.alert_id}/overrides.json"


def test_an_override_is_on_record_with_who_and_why_and_judged_again(published):
    path = refuse(published)
    before = published.github.git.head(published.branch)

    say(published, "/retrain override alerted slice The sensor is `gone`, @octocat.")

    git = published.github.git
    head = git.head(published.branch)
    (said,) = Overrides.model_validate_json(git.file(head, path)).overrides
    assert (said.check, said.by) == ("alerted slice", "alice")
    assert said.reason == "The sensor is `gone`, @octocat."
    assert git.parents(head) == [before]
    message = git.message(head)
    assert "Retouch-Proposal: " in message
    assert "octocat" not in message
    assert published.status()[0] == "pending"
    assert len(published.github.dispatched) == 1


def test_an_override_of_what_holds_or_is_unknown_is_answered_with_the_names(published):
    refuse(published)
    before = published.github.git.head(published.branch)

    say(published, "/retrain override nonsense because")

    assert "These failed: `alerted slice`." in last(published)
    assert reactions(published) == ["eyes", "-1"]
    assert published.github.git.head(published.branch) == before
    assert published.github.dispatched == []


def test_an_override_taken_again_after_a_kill_is_there_once(published):
    path = refuse(published)
    body = "/retrain override alerted slice It is fine."
    comment = published.github.comment(published.number, body, "alice")
    asked = read_comment_event(event(published.number, body, comment))
    published.github.fails("PATCH git/refs/{ref}", Kill(after=True))
    with pytest.raises(Killed):
        carry_out(asked, published.site, "main")

    carry_out(asked, published.site, "main")

    text = published.github.git.file(published.branch, path)
    assert len(Overrides.model_validate_json(text).overrides) == 1
    assert len(published.github.dispatched) == 1


def test_overwriting_takes_others_changes_off_the_branch_and_keeps_its_history(published):
    git = published.github.git
    theirs = git.commit_on(published.branch, {"fit.py": b"print()\n"})
    (outcome,) = published.publish()
    assert outcome.outcome == "overtaken"

    say(published, "/retrain --overwrite")

    head = git.head(published.branch)
    assert theirs in git.git("rev-list", head).decode()
    assert git.file(head, "fit.py") == git.file("main", "fit.py")
    assert git.file(head, published.answered.alert) is not None
    assert published.github.dispatched[-1]["inputs"]["overwrite"] == "true"


def pushed(world, date="2020-01-01T00:00:00Z"):
    """Push a commit that claims a date."""
    git = world.github.git
    head = git.head(world.branch)
    tree = git.tree(git.tree_of(head), [("fit.py", "100644", b"print()\n")])
    git.point(world.branch, git.commit(tree, [head], "Mine", date))


def test_what_was_pushed_after_the_comment_was_not_meant_whatever_date_it_claims(published):
    say(published, "/retrain discard", meanwhile=lambda: pushed(published))

    assert "after the comment was written" in " ".join(last(published).split())
    assert published.github.pulls[0]["state"] == "open"


def test_a_commit_from_the_future_that_was_there_stands_in_the_way_of_no_command(published):
    pushed(published, "2099-01-01T00:00:00Z")
    say(published, "/retrain discard")
    assert published.github.pulls[0]["state"] == "closed"


def test_a_result_of_ours_in_the_meantime_stands_in_the_way_of_no_command(published):
    def answered() -> None:
        published.github.git.commit_on(published.branch, {"alerts/note": b""})
        published.github.sync()
        head = published.github.git.head(published.branch)
        ours = published.github.comments[0]
        ours["body"] = re.sub(r"result v1 \w{40}", f"result v1 {head}", ours["body"])

    say(published, "/retrain hold", meanwhile=answered)
    assert "hold" in published.github.pulls[0]["labels"]


def test_without_githubs_record_of_pushes_a_command_is_carried_out(published):
    published.github.fails("GET activity", Status(404, {"message": "Not Found"}))
    say(published, "/retrain hold", meanwhile=lambda: pushed(published))
    assert "hold" in published.github.pulls[0]["labels"]


def test_what_github_refuses_is_answered_with_what_a_person_can_do(published):
    published.github.git.commit_on("main", {".github/workflows/verify.yml": b"name: verify\n"})
    published.github.git.commit_on(published.branch, {"fit.py": b"print()\n"})

    say(published, "/retrain --overwrite")

    assert "press **Update branch** on this pull request" in last(published)
    assert published.github.dispatched == []


def test_an_edited_comment_is_answered_in_one_sentence_and_not_carried_out(published):
    for _ in range(2):
        say(published, "/retrain discard", action="edited")
    assert published.github.pulls[0]["state"] == "open"
    assert "counts as it was first written" in last(published)
    assert say(published, "/retrain discard", "mallory", action="edited").endswith(
        "nothing was done."
    )


def test_a_pull_request_that_is_not_ours_is_left_alone(published):
    published.number = published.github.open_pull("feature", files={"a.txt": "a"})

    assert "not a pull request of Retouch" in say(published, "/retrain discard")
    assert reactions(published) == []
    fork = published.github.open_pull(published.branch, owner="mallory", files={"a.txt": "b"})
    published.number = fork
    assert "not a pull request of Retouch" in say(published, "/retrain")


def test_what_is_not_understood_is_answered_with_a_line_of_help(published):
    say(published, "/retrain ${{ secrets.TOKEN }} `id` @octocat")

    assert last(published).split("\n")[1].startswith("Commands, on the first line")
    assert "octocat" not in last(published)


@pytest.mark.parametrize(
    "changed", [{"action": "deleted"}, {"type": "Bot"}, {"login": "retouch[bot]"}]
)
def test_deletions_and_bots_ask_nothing(changed):
    assert read_comment_event(event(1, "/retrain", **changed)) is None
    assert read_comment_event(event(1, "/retrain")) is not None
    assert read_comment_event(event(1, "Looks good")) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"action": "created"}', "[" * 99999])
def test_what_is_no_event_is_refused_in_a_sentence(world, text, tmp_path):
    path = tmp_path / "event.json"
    path.write_text(text)
    told = world.command("ci", "command", "--event", str(path))
    assert told.code == 2, told
    assert "--event: is no" in told.err
    assert "Traceback" not in told.err
