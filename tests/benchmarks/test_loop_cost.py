"""What the loop is said to cost on GitHub is what its workflow files make it cost."""

from __future__ import annotations

import re

import pytest

from benchmarks.loop_cost import (
    IDLE_MINUTES,
    RESULT,
    Event,
    Files,
    Seconds,
    Started,
    alert_events,
    billed,
    cost,
    files_at,
    idle,
    page,
    runs_a_month,
    started,
    steps,
)
from tests.toy_project import ROOT

COMMANDS = {"reconcile": 3.0, "verify": 2.0, "policy check": 1.0, "plan": 4.0, "--help": 0.5}
SECONDS = Seconds(full=50.0, runtime=15.0, checkout=2.0, commands=COMMANDS, compiling=6.0)
SETUP = {"inputs": {"store": {}, "stages": {"default": False}}}


def _files(body: dict, on: dict, setup: dict = SETUP) -> Files:
    return Files({"loop": {"on": on, "jobs": {"one": body}}}, setup)


def _setting_up(given: dict, setup: dict = SETUP) -> dict[str, float]:
    steps_ = [{"uses": "./.github/actions/setup", "with": given}]
    return steps(_files({"steps": steps_}, {}, setup), Started("loop/one", "push"), SECONDS)


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 1), (1, 1), (60, 1), (60.1, 2), (120, 2), (121, 3)]
)
def test_each_begun_minute_is_billed_and_one_at_least(seconds, minutes):
    assert billed(seconds) == minutes


@pytest.mark.parametrize(
    ("cron", "runs"),
    [
        ("17 */3 * * *", 248),
        ("17 * * * *", 744),
        ("42 5 * * *", 31),
        ("*/15 0-6/2,12 * * *", 620),
    ],
)
def test_a_cron_line_comes_up_so_often_in_31_days(cron, runs):
    assert runs_a_month(cron) == runs


def test_a_cron_line_of_some_days_is_not_counted():
    with pytest.raises(ValueError, match="only lines of every day"):
        runs_a_month("0 0 * * 1")


def test_minutes_are_rounded_up_for_each_job_and_not_for_their_sum():
    shipped = _files({"steps": [{"uses": "./.github/actions/setup"}]}, {})
    assert cost(shipped, [Started("loop/one", "push", 3)], SECONDS).minutes == 3
    slow = Seconds(50.0, 49.0, 2.0, COMMANDS, 6.0)
    both = cost(shipped, [Started("loop/one", "push", 3), Started("loop/one", "push")], slow)
    assert (both.jobs, both.minutes) == (4, 8)


def test_a_job_without_stages_installs_less_where_the_action_can_and_compiles_what_it_needs():
    assert _setting_up({})["environment"] == 17.0
    assert _setting_up({})["compiling"] == 6.0
    assert _setting_up({"stages": True})["environment"] == 52.0
    assert _setting_up({"stages": True})["compiling"] == 0.0
    assert _setting_up({}, {"inputs": {"store": {}}})["environment"] == 52.0


def test_a_step_of_another_event_takes_no_time():
    step = {"run": "retouch verify", "if": "${{ !cancelled() && github.event_name == 'push' }}"}
    shipped = _files({"steps": [step]}, {})
    assert steps(shipped, Started("loop/one", "push"), SECONDS)["commands"] == 2.0
    assert steps(shipped, Started("loop/one", "schedule"), SECONDS)["commands"] == 0.0


def test_a_pull_request_that_is_closed_starts_nothing_that_names_no_types():
    shipped = _files({"steps": []}, {"pull_request": None})
    base = {"base": {"ref": "main"}, "head": {"ref": "x"}}
    found = {
        action: started(
            shipped, Event("", "pull_request", {"action": action, "pull_request": base})
        )
        for action in ("opened", "closed")
    }
    assert found == {"opened": ["loop/one"], "closed": []}


def test_an_idle_month_is_one_job_each_three_hours():
    assert idle(files_at(ROOT, None), False) == [Started("reconcile/reconcile", "schedule", 248)]
    assert IDLE_MINUTES >= 248


def test_an_alert_starts_six_jobs_with_an_app_as_the_lock_is_checked_twice():
    shipped = files_at(ROOT, None)
    found = [job for event in alert_events(True, False) for job in started(shipped, event)]
    assert sorted(found) == [
        "alert/receive",
        "reconcile/reconcile",
        "retrain/publish",
        "retrain/retrain",
        "verify/lock",
        "verify/lock",
    ]


def test_the_table_in_the_docs_is_the_one_that_was_written():
    rows = [
        line
        for line in (ROOT / RESULT).read_text().splitlines()
        if re.match(r"\| (an idle|one al)", line)
    ]
    shown = (ROOT / "docs/workflows.md").read_text()
    assert len(rows) == 6
    assert [row for row in rows if row not in shown] == []


def test_the_page_says_which_bar_is_missed():
    shipped = files_at(ROOT, None)
    slow = Seconds(200.0, 200.0, 2.0, COMMANDS, 6.0)
    quick = Seconds(1.0, 1.0, 1.0, dict.fromkeys(COMMANDS, 0.1), 0.0)
    missed = "| an idle month: billed minutes | 992 | 992 | 300: **missed by 692** |"
    assert missed.split(" | ")[2:] == _row(page(shipped, shipped, slow))[2:]
    assert _row(page(shipped, shipped, quick))[2:] == ["248", "300: kept |"]


def _row(text: str) -> list[str]:
    [row] = [line for line in text.splitlines() if line.startswith("| an idle month: billed")]
    return row.split(" | ")
