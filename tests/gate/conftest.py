"""A small hold-out of flights, as the scoring command would write it, and a policy to judge it by.

The fixtures are functions, so that a test can make as many tables as it needs.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from retouch.alerts.model import Predicate
from retouch.gate.comparison import AlertedSlice, Comparison, HoldoutUse, ScoredModel
from retouch.gate.holdout import HoldoutDays, is_day
from retouch.gate.judge import judge
from retouch.policy.promotion import Promotion

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
        "min_days": 10,
        "min_rows": 100,
    },
    "required_slices": ["origin"],
}
HOLDOUT = HoldoutDays("2013-11-01", "2013-11-15")
"""As many days as `make_scores` makes unless told otherwise."""


def make_policy(
    *,
    required_slices=("origin",),
    watched_slices=(),
    guardrails=(),
    score=None,
    holdout=None,
    **limits,
):
    return Promotion.model_validate(
        POLICY
        | {"required_slices": tuple(required_slices), "watched_slices": tuple(watched_slices)}
        | {"guardrails": tuple(guardrails)}
        | {"holdout": POLICY["holdout"] | (holdout or {})}
        | {"score": POLICY["score"] | (score or {})}
        | {"limits": POLICY["limits"] | limits}
    )


def make_scores(error, *, days=14, rows=30):
    """Score `rows` flights on each of `days` days; `error` (score - label) broadcasts to both.

    Origins take turns row by row; the first half of each day's flights goes to the central region.
    """
    day = np.repeat(np.arange(days), rows)
    row = np.tile(np.arange(rows), days)
    dates = pd.Timestamp(HOLDOUT.start) + pd.to_timedelta(day, unit="D")
    label = 100.0 + np.random.default_rng(1).integers(0, 60, len(day))
    return pd.DataFrame(
        {
            "id": [f"{d:02d}-{r:03d}" for d, r in zip(day, row, strict=True)],
            "time": dates + pd.to_timedelta(row, unit="min"),
            "day": dates.strftime("%Y-%m-%d"),
            "label": label,
            "score": label + np.broadcast_to(error, (days, rows)).ravel(),
            "origin": np.array(["EWR", "JFK", "LGA"])[row % 3],
            "region": np.where(row < rows / 2, "central", "east"),
        }
    )


def judge_scores(
    production,
    candidate,
    *,
    must="improve",
    alerted=None,
    also_alerted=(),
    policy=None,
    holdout=None,
    hashes=("md5:old", "md5:new"),
    seen=("2013-10-01", "2013-11-01"),
    learned=(None, None),
    **given,
):
    """Judge two score tables; a number or an array instead of a table is the models' error.

    The hold-out ends with the last day of either table unless one is given.
    """
    tables = [
        t if t is None or isinstance(t, pd.DataFrame) else make_scores(t)
        for t in (production, candidate)
    ]
    return judge(
        Comparison(
            ScoredModel(hashes[0], seen[0], tables[0], learned[0]),
            ScoredModel(hashes[1], seen[1], tables[1], learned[1]),
            holdout=holdout or holdout_of(tables),
            policy=policy or make_policy(),
            tier="refit",
            must=must,
            alerted=alerted,
            also_alerted=also_alerted,
            **given,
        )
    )


def holdout_of(tables):
    """Return the hold-out from the first of November to the last day of a table."""
    days = {str(day)[:10] for t in tables if t is not None for day in t["day"].dropna()}
    last = max((day for day in days if is_day(day)), default=HOLDOUT.start)
    return HoldoutDays(HOLDOUT.start, (date.fromisoformat(last) + timedelta(days=1)).isoformat())


def make_noise(seed, *, days=14, rows=30, day_sd=1.0, row_sd=4.0):
    """Errors with a day's own luck in them: shape (days, rows), far from 0, so never negative."""
    rng = np.random.default_rng(seed)
    return 50 + day_sd * rng.standard_normal((days, 1)) + row_sd * rng.standard_normal((days, rows))


def make_alerted(description, *where):
    """Make an alerted slice; each of `where` is (column, op, value)."""
    predicates = (Predicate(column=c, op=op, value=value) for c, op, value in where)
    return AlertedSlice(description, tuple(predicates))


@pytest.fixture(scope="session")
def policy():
    return make_policy


@pytest.fixture(scope="session")
def holdout():
    return HOLDOUT


@pytest.fixture(scope="session")
def scores():
    return make_scores


@pytest.fixture(scope="session")
def judged():
    return judge_scores


@pytest.fixture(scope="session")
def noise():
    return make_noise


@pytest.fixture(scope="session")
def alerted():
    return make_alerted


@pytest.fixture(scope="session")
def central():
    """The alerted slice most tests speak of."""
    return make_alerted("region = central", ("region", "eq", "central"))


@pytest.fixture(scope="session")
def holdout_use():
    return HoldoutUse
