"""What a scheduled run starts; what jobs are billed is in tests/benchmarks/test_loop_cost.py."""

from __future__ import annotations

import re

from tests.workflows.reading import NAMES, Job, jobs, workflow


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
