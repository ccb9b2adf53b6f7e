"""Two models' scores on new rows, as the scoring command would write them: without labels."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from retouch.gate.comparison import ScoredModel
from retouch.gate.holdout import HoldoutDays
from retouch.gate.shadow import compare_shadow
from retouch.policy.promotion import Promotion

DAYS = HoldoutDays("2013-07-01", "2013-07-09")
AT = datetime(2013, 7, 9, 6, tzinfo=UTC)
POLICY = {
    "version": 1,
    "model": "block-time",
    "score": {"cmd": "score {model} {from} {until} {out}"},
    "holdout": {
        "days": 14,
        "clock": {"key": "data.until"},
        "seen_until_file": "card.json",
        "seen_until_key": "seen_until",
    },
    "limits": {
        "loss": "absolute_error",
        "unit": "minutes",
        "overall_margin": 0.3,
        "slice_margin": 1.0,
        "min_rows": 40,
    },
    "required_slices": ["region"],
    "watched_slices": ["carrier"],
}


def make_policy(*, score=None, holdout=None, required=("region",), watched=("carrier",), **limits):
    return Promotion.model_validate(
        POLICY
        | {"required_slices": tuple(required), "watched_slices": tuple(watched)}
        | {"score": POLICY["score"] | (score or {})}
        | {"holdout": POLICY["holdout"] | (holdout or {})}
        | {"limits": POLICY["limits"] | limits}
    )


def make_scores(shift=0.0, *, days=8, rows=30, seed=1):
    """Score `rows` flights on each of `days` days; `shift` is added to the scores, row by row.

    The first half of each day's flights goes to the central region; carriers take turns.
    """
    day = np.repeat(np.arange(days), rows)
    row = np.tile(np.arange(rows), days)
    dates = pd.Timestamp(DAYS.start) + pd.to_timedelta(day, unit="D")
    score = 100.0 + np.random.default_rng(seed).normal(0, 10, days * rows)
    table = pd.DataFrame(
        {
            "id": [f"{d:02d}-{r:03d}" for d, r in zip(day, row, strict=True)],
            "time": dates + pd.to_timedelta(row, unit="min"),
            "day": dates.strftime("%Y-%m-%d"),
            "score": score,
            "region": np.where(row < rows / 2, "central", "east"),
            "carrier": np.array(["UA", "DL", "B6"])[row % 3],
        }
    )
    table["score"] += shift(table) if callable(shift) else shift
    return table


def compare(production, candidate, *, policy=None, days=DAYS, tolerance=None, seen=(None, None)):
    return compare_shadow(
        ScoredModel("md5old", seen[0], production),
        ScoredModel("md5new", seen[1], candidate),
        days=days,
        policy=policy or make_policy(),
        at=AT,
        tolerance=tolerance,
    )


def where_central(by):
    """Shift the scores of the central region alone."""
    return lambda table: np.where(table["region"] == "central", by, 0.0)


@pytest.fixture(scope="session")
def shadowed():
    """Compare a shift (a number, an array, a function of the table) with no shift."""

    def of(shift, **options):
        return compare(make_scores(), make_scores(shift), **options)

    return of
