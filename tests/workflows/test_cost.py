"""How many jobs an event starts. GitHub bills each job by the minute, and one minute at least."""

from __future__ import annotations

import re

from tests.workflows.reading import NAMES, Job, jobs, workflow

AT_MOST_IDLE = 300
"""Billed minutes of a month in which nothing happens."""
DAYS = 31


def _waits(one: Job) -> bool:
    """Tell whether a job runs only when an earlier one has found something to do."""
    return bool(one.body.get("needs"))


def test_a_scheduled_run_that_finds_nothing_to_do_is_one_job():
    scheduled = [name for name in NAMES if "schedule" in workflow(name)["on"]]
    first = [one.at for one in jobs() if one.at.split("/")[0] in scheduled and not _waits(one)]
    assert first == ["reconcile/reconcile"]
    for one in jobs():
        if one.body.get("needs") == "reconcile":
            assert re.search(r"needs\.reconcile\.outputs\.\w+ == 'true'", one.body["if"]), one.at


def test_an_idle_month_costs_at_most_300_jobs():
    [schedule] = workflow("reconcile")["on"]["schedule"]
    hours = re.fullmatch(r"\d+ \*/(\d+) \* \* \*", schedule["cron"])
    assert hours is not None
    assert DAYS * 24 // int(hours[1]) <= AT_MOST_IDLE


def test_an_alert_takes_five_kinds_of_jobs_from_its_pull_request_to_its_promotion():
    opened = [one.at for one in jobs() if one.at in ("alert/receive", "verify/lock")]
    retrained = [f"retrain/{name}" for name in workflow("retrain")["jobs"]]
    pushed = [name for name in NAMES if "push" in workflow(name)["on"]]
    merged = [one.at for one in jobs() if one.at.split("/")[0] in pushed and not _waits(one)]
    assert [*opened, *retrained, *merged] == [
        "alert/receive",
        "verify/lock",
        "retrain/retrain",
        "retrain/publish",
        "reconcile/reconcile",
    ]
