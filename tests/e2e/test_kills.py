"""A few kill points by lot, of all that `python -m benchmarks kills` tries.

Each is played on workflows that the light interpreter runs (`kill_points.py` says how).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.kill_flows import FLOWS
from tests.e2e.kill_points import disturbed, undisturbed

pytestmark = pytest.mark.skipif(
    "RETOUCH_KILLS" not in os.environ,
    reason="not every kill point holds yet: RETOUCH_KILLS=SEED tries some",
)
SEED = os.environ.get("RETOUCH_KILLS") or time.strftime("%Y-%m-%d")
"""Another one every day, the same for all workers of a run."""
CHOSEN = random.Random(SEED).sample(["alert", "merge", "pass", "fail", "hold", "close"], 2)


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("number", range(2))
def test_what_a_job_left_undone_is_done_by_the_triggers_that_exist(
    name: str, number: int, made: Callable[[str], Path], tmp_path: Path
):
    flow = FLOWS[name]
    ground = made(flow.start)
    calm = undisturbed(flow, ground, tmp_path / "calm")
    point = random.Random(f"{SEED} {number}").choice(calm.points(name))
    outcome = disturbed(flow, point, ground, tmp_path / "disturbed", calm.end)
    # Else a comment says what a person has to do.
    assert outcome.same or outcome.said, f"RETOUCH_KILLS={SEED}\n{outcome}"
