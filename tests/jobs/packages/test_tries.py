"""How often a retraining was begun for a commit, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from retouch.jobs.packages.tries import (
    MOST_TRIES,
    FailedBaseTries,
    Tries,
    failed_again,
    next_try,
    tries_in,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Said:
    state: str
    description: str
    target_url: str | None = None
    created_at: datetime = NOW


def begun(run: str | None = None, text: str = "retraining") -> Said:
    return Said("pending", text, run)


FAILED = Said("failure", "failed (try 1 of 3), again after 13:00 UTC: the job was cancelled")
READY = Said("success", "ready to merge")


@pytest.mark.parametrize(
    ("newest_first", "count", "failed"),
    [
        ([], 0, False),
        ([READY, begun("1")], 0, False),
        ([begun("1"), READY, begun("2")], 1, False),
        ([begun("2"), begun("1")], 2, False),
        ([begun("1"), begun("1")], 1, False),
        ([FAILED, begun("1")], 1, True),
        ([begun("2"), FAILED, begun("1")], 2, False),
        ([FAILED, begun("2", "stale, being refreshed: `a` will run again"), READY], 1, True),
        ([begun("3", "retraining, as asked"), FAILED, begun("2"), begun("1")], 1, False),
        ([FAILED, begun("3", "retraining, as asked"), FAILED, begun("2")], 1, True),
        ([Said("pending", "waiting for #3: the same stages run there"), begun("1")], 0, False),
        ([FAILED], 0, False),
    ],
)
def test_tries_are_counted_since_the_last_result_or_a_persons_request(newest_first, count, failed):
    found = tries_in(newest_first)
    assert (found.count, found.failed) == (count, failed)


@pytest.mark.parametrize(
    ("tries", "running", "expected"),
    [
        (Tries(), None, "now"),
        (Tries(1, since=NOW), True, "running"),
        (Tries(1, since=NOW), False, "now"),
        (Tries(1, since=NOW), None, "now"),
        (Tries(3, since=NOW - HOUR), True, "running"),
        (Tries(3, since=NOW - HOUR), False, "hold"),
        (Tries(3, since=NOW - HOUR), None, "running"),
        (Tries(3, since=NOW - 9 * HOUR), None, "hold"),
        (Tries(1, failed=True, since=NOW - HOUR / 2), None, "later"),
        (Tries(1, failed=True, since=NOW - HOUR), None, "now"),
        (Tries(2, failed=True, since=NOW - HOUR), None, "later"),
        (Tries(2, failed=True, since=NOW - 6 * HOUR), None, "now"),
        (Tries(3, failed=True, since=NOW), None, "now"),
    ],
)
def test_a_try_follows_the_last_one_after_a_pause_and_a_few_times_only(tries, running, expected):
    assert next_try(tries, NOW, running=running) == expected


def test_on_the_base_branch_a_run_counts_once_and_other_alerts_count_anew():
    one, other = "a" * 64, "b" * 64
    first = failed_again(None, one, "run/1", NOW)
    assert failed_again(first, one, "run/1", NOW + HOUR) == first
    second = failed_again(first, one, "run/2", NOW + HOUR)
    assert (second.count, second.next(NOW + 2 * HOUR)) == (2, "later")
    third = failed_again(second, one, "run/3", NOW)
    assert (third.count, third.next(NOW + 100 * HOUR)) == (MOST_TRIES, "hold")
    assert failed_again(third, other, "run/4", NOW).count == 1


def test_a_forged_record_of_the_base_branch_delays_by_one_pause_at_most():
    forged = FailedBaseTries(subject="a" * 64, count=2, at=NOW + 1000 * HOUR)
    assert forged.next(NOW) == "later"
    forged = FailedBaseTries(subject="a" * 64, count=0, at=NOW - HOUR)
    assert forged.next(NOW) == "now"
