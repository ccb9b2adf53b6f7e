"""Verdicts on canaries as they would be written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from retouch.gate.canary_model import CanaryDay, CanaryModel, CanaryVerdict
from retouch.policy.promotion import Canary

AT = datetime(2024, 3, 1, 6, tzinfo=UTC)
FIRST = date(2024, 2, 22)
LIMITS = {"margin": 1.0, "scale": 2.0, "confidence": 0.9, "at_least_days": 5, "at_most_days": 28}


def make_verdict(gains, **changed):
    """Return a verdict on days of these gains; its own bounds and decision are of no account."""
    limits = LIMITS | {key: changed.pop(key) for key in [*LIMITS, "undecided"] if key in changed}
    days = tuple(
        CanaryDay(
            day=(FIRST + timedelta(days=n)).isoformat(),
            rows=16 + n,
            production=10.0,
            candidate=10.0 - gain,
            lower=-3,
            upper=3,
        )
        for n, gain in enumerate(gains)
    )
    old, new = (
        CanaryModel(version=v, commit=c * 40, model=c * 32 + ".dir", seen_until="2024-02-08")
        for v, c in (("v1.0.0", "a"), ("v1.1.0", "b"))
    )
    end = FIRST + timedelta(days=len(gains) + 1)
    fields = {
        "name": "means",
        "production": old,
        "candidate": new,
        "start": FIRST.isoformat(),
        "end": end.isoformat(),
        "loss": "absolute_error",
        "unit": "points",
        "limits": Canary(**limits),
        "days": days,
        "decision": "wait",
        "message": "",
        "judged_at": AT,
    }
    return CanaryVerdict(**fields | changed)


@pytest.fixture(scope="session")
def verdict_of():
    return make_verdict
