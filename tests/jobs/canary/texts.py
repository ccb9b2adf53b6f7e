"""The texts as they are compared with those in `tests/golden`, by name of the file.

`python -m tests.jobs.canary.texts` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from retouch.gate.canary_model import CanaryVerdict
from retouch.registry.canary_decision import decide_canary
from retouch.reporting.release import (
    Notice,
    RolledBackVersion,
    canary_failed,
    canary_undecided,
    revert_pull_request,
    version_rolled_back,
)
from tests.jobs.canary.conftest import AT, make_verdict

GOLDEN = Path(__file__).parents[2] / "golden"
PULL = "https://github.com/acme/site/pull/12"
FALL = RolledBackVersion(
    model="means",
    version="v1.1.0",
    commit="b" * 40,
    hash="b" * 32 + ".dir",
    to="v1.0.0",
    reason="Gates at JFK are planned ten minutes late since Tuesday.",
    counter=4,
    at=AT + timedelta(hours=2),
)
DONE = [("dvc.lock", "fit@eu"), ("dvc.lock", "assemble"), ("params.yaml", "parts.eu.until")]
LEFT = [("dvc.lock", "evaluate"), ("models/metrics.json", "")]


def judged(gains: list[float], **changed: object) -> CanaryVerdict:
    """Return a verdict with the bounds and the decision that follow."""
    verdict = make_verdict(gains, **changed)
    found = decide_canary(verdict)
    days = tuple(
        day.model_copy(update={"lower": at.lower, "upper": at.upper})
        for day, at in zip(verdict.days, found.bounds, strict=False)
    )
    return verdict.model_copy(
        update={"days": days, "decision": found.outcome, "message": found.message}
    )


def notices() -> Mapping[str, Notice]:
    """Return every text by the name of its file."""
    bad = judged([round(-2.2 + 0.4 * math.sin(n), 3) for n in range(26)])
    torn = judged([-1.8, 1.6] * 20, at_most_days=40)
    invalid = judged(
        [], invalid="The score table of the candidate lacks 3 rows of the other's 128."
    )
    return {
        "canary_failed": canary_failed(bad, message=bad.message, counter=5, revert_url=PULL),
        "canary_invalid": canary_failed(
            invalid, message=invalid.message, counter=5, revert_url=None
        ),
        "canary_undecided": canary_undecided(torn, message=torn.message, counter=2),
        "canary_rollback": version_rolled_back(FALL, revert_url=PULL),
        "canary_revert": revert_pull_request(FALL, versions=["v1.1.0"], done=DONE, left=LEFT),
        "canary_revert_all": revert_pull_request(
            replace(FALL, version="v1.2.0"), versions=["v1.2.0", "v1.1.0"], done=DONE, left=[]
        ),
    }


if __name__ == "__main__":
    for name, notice in notices().items():
        (GOLDEN / f"{name}.md").write_text(notice.body)
