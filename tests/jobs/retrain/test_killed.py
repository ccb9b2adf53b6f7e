"""A job that is killed leaves nothing that the next one trips over."""

from __future__ import annotations

from tests.jobs.retrain.conftest import Loop
from tests.toy_project import kill, wait_for


def test_after_a_kill_in_the_middle_of_a_run_the_next_job_starts_from_the_commit(loop: Loop):
    number = loop.deliver(
        loop.toy.alert("performance", where={"region": "eu"}, severity="critical")
    )
    other = loop.deliver(loop.toy.alert("target_drift", 2))
    out = str(loop.folder / "killed")
    process = loop.toy.start("ci", "retrain", "--pull", str(number), "--out", out, slow=60)
    wait_for(lambda: list((loop.toy.root / ".retouch/run/children").glob("*")))
    kill(process)
    assert loop.toy.git("status", "--porcelain") != ""

    (package,) = loop.retrain("--pull", str(other))

    assert package.proposal.report_id is None
    assert not (loop.toy.root / "alerts").exists() or not any((loop.toy.root / "alerts").iterdir())
    assert loop.toy.processes() == []
