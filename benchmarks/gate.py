"""What a verdict costs: the gate on 100,000 rows and 30 slices, beside row-wise tests of the same.

The peer is what most teams run: scipy's paired t test on the rows of each slice. CPU seconds are
this process's, medians of several runs; the tables are made up, seeded, and the same for both.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from retouch.alerts.model import Predicate
from retouch.gate.comparison import AlertedSlice, Comparison, ScoredModel
from retouch.gate.holdout import HoldoutDays
from retouch.gate.judge import judge
from retouch.policy.promotion import Promotion
from retouch.system import files

RESULT = Path("reports/benchmarks/gate.json")
ROWS, DAYS, SEED, RUNS = 100_000, 30, 4, 7
SLICES = {"origin": 5, "region": 10, "carrier": 15}


def main() -> None:
    """Measure, print and write the figures."""
    found = measure()
    print(json.dumps(found, indent=2))  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, json.dumps(found, indent=2) + "\n")


def measure() -> dict[str, Any]:
    """Return the medians of the gate and of its peer, and their ratio."""
    production, candidate = _tables()
    policy = _policy()
    ours, peer, checks = [], [], 0
    for _ in range(RUNS):
        began = time.process_time()
        judgement = judge(
            Comparison(
                ScoredModel("production", "2013-01-01", production),
                ScoredModel("candidate", "2013-01-01", candidate),
                holdout=HoldoutDays("2013-06-01", "2013-07-01"),
                policy=policy,
                tier="refit",
                must="improve",
                alerted=AlertedSlice("region = r1", (Predicate(column="region", value="r1"),)),
            )
        )
        ours.append(time.process_time() - began)
        checks = len(judgement.checks)
        peer.append(_row_wise(production, candidate))
    return {
        "rows": ROWS,
        "days": DAYS,
        "slices": sum(SLICES.values()),
        "checks": checks,
        "runs": RUNS,
        "cpu_seconds": round(median(ours), 3),
        "cpu_seconds_of_all_runs": [round(each, 3) for each in ours],
        "row_wise_cpu_seconds": round(median(peer), 3),
        "ratio": round(median(ours) / median(peer), 2),
    }


def _row_wise(production: pd.DataFrame, candidate: pd.DataFrame) -> float:
    from scipy.stats import ttest_rel

    began = time.process_time()
    both = production.merge(candidate[["id", "score"]], on="id", suffixes=("", "_new"))
    both["old_loss"] = (both["score"] - both["label"]).abs()
    both["new_loss"] = (both["score_new"] - both["label"]).abs()
    ttest_rel(both["old_loss"], both["new_loss"], alternative="greater")
    for column in SLICES:
        for _, rows in both.groupby(column):
            ttest_rel(rows["old_loss"], rows["new_loss"], alternative="greater")
    return time.process_time() - began


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(SEED)
    day = rng.integers(0, DAYS, ROWS)
    dates = pd.Timestamp("2013-06-01") + pd.to_timedelta(day, unit="D")
    label = rng.gamma(9, 20, ROWS)
    table = pd.DataFrame(
        {
            "id": [f"{number:06}" for number in rng.permutation(ROWS)],
            "time": dates,
            "day": dates.strftime("%Y-%m-%d"),
            "label": label,
            "score": label + rng.normal(0, 12, ROWS) + rng.normal(0, 2, DAYS)[day],
        }
        | {name: rng.integers(0, count, ROWS).astype(str) for name, count in SLICES.items()}
    )
    table["region"] = "r" + table["region"]
    better = label + 0.9 * (table["score"] - label)
    return table, table.assign(score=better)


def _policy() -> Promotion:
    return Promotion.model_validate(
        {
            "version": 1,
            "model": "made-up",
            "score": {"cmd": "score {model} {from} {until} {out}"},
            "holdout": {
                "days": DAYS,
                "clock": {"key": "data.until"},
                "seen_until_file": "card.json",
                "seen_until_key": "seen_until",
            },
            "limits": {"loss": "absolute_error", "overall_margin": 0.3, "slice_margin": 1.0},
            "required_slices": ["origin", "region"],
            "watched_slices": ["carrier"],
        }
    )


if __name__ == "__main__":
    main()
