"""A retraining job that died is an outcome: reported once, tried again, held after three times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from retouch.github.records import set_status
from retouch.jobs.publish.failed_try import DeadJob, base_tries, report_failed_try
from retouch.jobs.publish.publish import publish
from retouch.jobs.publish.pull_request import Publisher, Site
from retouch.jobs.retrain.targets import RetrainTarget
from retouch.reporting.escape import Markdown
from retouch.reporting.failed_try import FAILED_MARKER, FailedTry, log_lines
from tests.jobs.publish.world import World

RUN = "https://github.com/acme/site/actions/runs/{}"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def begin(world: World, number: int, text: str = "retraining") -> None:
    head = world.github.git.head(world.branch) or ""
    set_status(world.repo, head, "pending", text, RUN.format(number))


def dies(world: World, number: int, pull: int | None, how: str = "failure") -> str:
    site = Site(world.repo, run_url=RUN.format(number))
    dead = DeadJob(RetrainTarget(pull=pull), how)
    return report_failed_try(dead, site, world.toy.root, NOW + timedelta(hours=number))


def reports(world: World) -> list[str]:
    return [c["body"] for c in world.github.comments if c["body"].startswith(FAILED_MARKER)]


def test_a_job_that_died_is_a_failure_with_a_comment_that_says_when_it_is_tried_again(world):
    pull = world.deliver()
    begin(world, 1)

    said = dies(world, 1, pull)

    assert world.status() == (
        "failure",
        "failed (try 1 of 3), again after 14:00 UTC: the job failed, or its machine was lost",
    )
    assert said.startswith(f"#{pull}: failed (try 1 of 3)")
    (comment,) = reports(world)
    assert "tried again after 2026-05-04 14:00 UTC" in comment
    assert f"[The run]({RUN.format(1)})" in comment
    assert "hold" not in world.github.pull(pull)["labels"]
    before = len(world.github.writes)
    assert "reported already" in dies(world, 1, pull)
    assert world.github.writes[before:] == []


def test_the_comment_ends_with_the_log_of_the_job_that_died_where_it_may_be_read(world):
    pull = world.deliver()
    begin(world, 1)
    url = RUN.format(7) + "/attempts/1"
    world.github.ran(7, "retrain / retrain 99", "failure", log="of another")
    world.github.ran(7, f"retrain / retrain {pull}", "failure", log="Loading rows\nKilled\n")
    dead = DeadJob(RetrainTarget(pull=pull), "failure")
    report_failed_try(dead, Site(world.repo, run_url=url), world.toy.root, NOW)
    (comment,) = reports(world)
    assert "<pre>\nLoading rows\nKilled\n</pre>" in comment
    world.github.permissions["actions"] = "none"
    begin(world, 2)
    report_failed_try(dead, Site(world.repo, run_url=url), world.toy.root, NOW)
    assert "<pre>" not in reports(world)[0]
    assert "try 2 of 3" in reports(world)[0]


def test_after_three_tries_it_is_held_for_a_person_in_the_same_comment(world):
    pull = world.deliver()
    for number in (1, 2, 3):
        begin(world, number)
        dies(world, number, pull, "cancelled")
    assert world.status()[1].startswith("failed (try 3 of 3), on hold: see the comment")
    (comment,) = reports(world)
    assert "comment `/retrain`" in comment
    assert "hold" in world.github.pull(pull)["labels"]


def test_a_person_who_asks_begins_to_count_anew(world):
    pull = world.deliver()
    for number in (1, 2):
        begin(world, number)
        dies(world, number, pull)
    begin(world, 3, "retraining, as asked")
    dies(world, 3, pull)
    assert world.status()[1].startswith("failed (try 1 of 3), again after")


def test_the_result_of_a_later_try_is_said_where_the_failure_was(world):
    pull = world.deliver()
    begin(world, 1)
    dies(world, 1, pull)
    publisher = Publisher(world.toy.root, world.site, "main")
    job = DeadJob(RetrainTarget(pull=pull), "success")
    assert [one.outcome for one in publish(world.packages, publisher, job)] == ["published"]
    (comment,) = reports(world)
    assert "A later one has a result" in comment
    assert world.status()[0] == "success"
    assert "the result is there" in dies(world, 2, pull), "a second job for it was not needed"
    assert world.status()[0] == "success"


def test_a_person_s_pull_request_gets_a_comment_and_no_status(world):
    pull = world.github.open_pull("mine", files={"alerts/a.json": "{}"})
    dies(world, 1, pull)
    (comment,) = reports(world)
    assert f"by hand with `pull` {pull}" in comment
    assert world.github.statuses == []


def test_for_alerts_on_main_one_issue_counts_and_closing_it_begins_anew(world):
    for number in (1, 2, 3):
        dies(world, number, None)
        dies(world, number, None)
    (issue,) = world.github.issues
    there, record = base_tries(world.repo)
    assert there is not None and record is not None
    assert record.count == 3
    assert "close this issue" in issue["body"]
    issue["state"] = "closed"
    assert base_tries(world.repo)[1] is None
    dies(world, 4, None)
    assert base_tries(world.repo)[1].count == 1
    assert issue["state"] == "open"
    publisher = Publisher(world.toy.root, world.site, "main")
    list(publish(world.folder / "none", publisher, DeadJob(RetrainTarget(pull=None), "success")))
    assert issue["state"] == "closed"


def test_the_end_of_a_log_is_shown_as_text():
    log = (
        "\ufeff2026-05-04T12:00:00.1234567Z \x1b[31m##[error]Killed\x1b[0m\r\n"
        "2026-05-04T12:00:01.1Z </pre><script>alert(1)</script> @acme/owners --> ::stop::\n\n"
    )
    assert log_lines(log)[0] == "##[error]Killed"
    failed = FailedTry("x", 1, 3, None, "javascript:alert(1)", log)
    text = failed.comment(Markdown("Comment `/retrain`."))
    assert "javascript" not in text
    assert text.count("</pre>") == 1
    assert "<script" not in text
    assert text.count("-->") == 1
    assert (
        len(FailedTry("x", 1, 3, None, None, "y" * 10**6 + "\n" * 500).comment(Markdown("")))
        < 60_000
    )
