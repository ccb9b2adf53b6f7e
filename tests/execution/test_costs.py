"""What past runs spent, and which days have judged how many candidates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from retouch.execution.model import Attempt, Receipt, Run, cpu_seconds_since

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(ago, cpu=10.0, judging=0.0, alerts=("a",)):
    ran = Receipt(stage="fit", outcome="ran", because="its command was run", cpu_seconds=cpu)
    attempt = Attempt(
        tier="refit",
        edits=(),
        receipts=(ran, ran),
        wall_seconds=1,
        judging_cpu_seconds=judging,
        kept=False,
    )
    return Run(
        plan_key="k",
        alert_ids=alerts,
        runner="r",
        jobs=1,
        base_commit="c",
        started_at=NOW - ago,
        finished_at=NOW,
        attempts=(attempt, attempt),
    )


def test_every_attempt_of_the_runs_since_then_counts_with_its_scoring():
    runs = [run(timedelta(hours=24), judging=3.0), run(timedelta(hours=25)), run(timedelta(0))]

    assert cpu_seconds_since(runs, NOW - timedelta(days=1)) == pytest.approx(46.0 + 40.0)


def test_a_build_answers_no_alert_and_counts_for_nothing():
    assert cpu_seconds_since([run(timedelta(0), alerts=())], NOW - timedelta(days=1)) == 0
    assert cpu_seconds_since([], NOW) == 0
