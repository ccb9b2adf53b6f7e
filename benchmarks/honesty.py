"""Is the gate honest? A thousand resampled hold-outs of real flights, with what is true known.

Two models of block time are fitted on alternate days of the same winter, and both score April to
June: 91 days that neither has learned from. For every day a coin says which of the two plays the
candidate, so both contenders have the same expected loss on every day: an A/A test, with the noise
of real days in it. As in a targeted retrain, the candidate differs from production in the alerted
slice only. A hold-out is 15 days drawn from the 91; the gate judges as policies/promotion.yaml
says, with nothing but what is planted there to find:

- **nothing**: a promotion is a mistake, since the alerted slice must improve;
- **harm**: the candidate really improves the alerted slice, and the mean error of another required
  slice grows by twice the slice margin, or that over all rows by twice the overall margin;
- **gain**: errors of the alerted slice shrink so that the mean gain is twice the smallest one that
  such hold-outs show with 80 % power (the median of `detectable` in the A/A runs).

With the whole model exchanged, the other slices have to prove that they did not get worse: that
takes more than 15 days, and the answer is mostly "not enough data". It is shown as well.

Beside it: the test that takes rows for independent, on the same hold-outs; and hold-outs of
consecutive days, where one day tells something of the next, which drawing days hides.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.honesty_table import as_markdown
from benchmarks.two_models import FIRST, LAST, two_models
from retouch.alerts.model import Predicate
from retouch.gate.comparison import AlertedSlice, Comparison, HoldoutUse, ScoredModel
from retouch.gate.holdout import HoldoutDays
from retouch.gate.judge import judge
from retouch.gate.model import Judgement
from retouch.policy.promotion import Promotion
from retouch.storage import documents
from retouch.system import files

RESULT = Path("reports/benchmarks/honesty.json")
TABLE = RESULT.with_suffix(".md")
SEED = 20130701
HOLDOUTS = 1000
DAYS = 15
ALERTED = AlertedSlice("region = central", (Predicate(column="region", value="central"),))
HARMED = ("origin", "LGA")

Plant = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Trial:
    """One planted truth, and how its hold-outs are drawn."""

    name: str
    message: str
    gain: float = 0.0
    """Share taken off every error of the alerted slice."""
    harm: float = 0.0
    """By how much the mean error of the harmed rows grows, in minutes; what the gain takes off
    there is put on again."""
    harm_everywhere: bool = False
    consecutive: bool = False
    whole_model: bool = False
    """The candidate differs from production everywhere."""


def main() -> None:
    """Measure, print and write the figures."""
    policy = documents.read_promotion(Path.cwd())
    scores = two_models(Path.cwd(), policy)
    found = measure(scores, policy)
    print(as_markdown(found))  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, json.dumps(found, indent=2) + "\n")
    files.write_text(TABLE, as_markdown(found))


def measure(scores: tuple[pd.DataFrame, pd.DataFrame], policy: Promotion) -> dict[str, Any]:
    """Return all shares, with the binomial interval of each."""
    shipped = policy.model_copy(update={"guardrails": ()})
    alone = shipped.model_copy(
        update={"limits": shipped.limits.model_copy(update={"confidence": 0.95})}
    )
    settings = (
        ("one test at 95 %", alone, HoldoutUse(1, 1)),
        ("as shipped", shipped, HoldoutUse(1, policy.holdout.candidates)),
    )
    results = []
    detectable = {}
    for setting, gate, holdout_use in settings:
        equal = Trial("nothing", "two equal models")
        told = _run(scores, gate, holdout_use, equal)
        detectable[setting] = float(np.median([one["detectable"] for one in told]))
        share = 2 * detectable[setting] / float(np.mean([one["production"] for one in told]))
        results.append(_summary(equal, setting, told))
        results += [
            _summary(trial, setting, _run(scores, gate, holdout_use, trial))
            for trial in _planted_trials(policy, share, 2 * detectable[setting])
            if trial.name == "gain" or setting == "as shipped"
        ]
    return {
        "days": [FIRST, LAST],
        "hold_outs": HOLDOUTS,
        "days_per_hold_out": DAYS,
        "seed": SEED,
        "alerted": ALERTED.description,
        "median_detectable_minutes": detectable,
        "as_shipped": {
            "confidence": policy.limits.confidence,
            "candidates_per_hold_out": policy.holdout.candidates,
        },
        "results": results,
    }


def _planted_trials(policy: Promotion, share: float, gain: float) -> tuple[Trial, ...]:
    """Return what is planted; `share` taken off every error of the alerted slice is `gain`."""
    margin, overall = policy.limits.slice_margin, policy.limits.overall_margin
    harmed = f"the mean error where {HARMED[0]} = {HARMED[1]} grows by {2 * margin:g} minutes"
    better = f"alerted slice better by {gain:.2f} minutes"
    return (
        Trial("harm in a slice", f"{better}, {harmed}", share, 2 * margin),
        Trial(
            "harm overall",
            f"{better}, the mean error overall grows by {2 * overall:g} minutes",
            share,
            2 * overall,
            harm_everywhere=True,
        ),
        Trial("gain", better, share),
        Trial("gain, whole model", f"{better}, all parts exchanged", share, whole_model=True),
        Trial("consecutive", "two equal models, consecutive days", consecutive=True),
    )


def _run(
    scores: tuple[pd.DataFrame, pd.DataFrame],
    policy: Promotion,
    holdout_use: HoldoutUse,
    trial: Trial,
) -> list[dict[str, Any]]:
    """Judge every hold-out; two processes share them."""
    with ProcessPoolExecutor(max_workers=2) as pool:
        halves = [
            pool.submit(_judge_some, scores, policy, holdout_use, trial, range(start, HOLDOUTS, 2))
            for start in (0, 1)
        ]
        return [one for half in halves for one in half.result()]


def _judge_some(
    scores: tuple[pd.DataFrame, pd.DataFrame],
    policy: Promotion,
    holdout_use: HoldoutUse,
    trial: Trial,
    numbers: range,
) -> list[dict[str, Any]]:
    by_day = [dict(list(table.groupby("day", sort=True))) for table in scores]
    days = sorted(by_day[0])
    found = []
    for number in numbers:
        rng = np.random.default_rng([SEED, number])
        chosen = _days(days, trial, rng)
        coins = rng.random(DAYS) < 0.5 if not trial.consecutive else [rng.random() < 0.5] * DAYS
        production, candidate = _hold_out(by_day, chosen, coins)
        candidate = _planted(production, candidate, trial)
        said = _judged(production, candidate, policy, holdout_use)
        found.append(_told(said, production, candidate, policy))
    return found


def _days(days: list[str], trial: Trial, rng: np.random.Generator) -> list[str]:
    if trial.consecutive:
        start = int(rng.integers(0, len(days) - DAYS + 1))
        return days[start : start + DAYS]
    return [days[i] for i in rng.integers(0, len(days), DAYS)]


def _hold_out(
    by_day: list[dict[str, pd.DataFrame]], chosen: list[str], coins: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put the drawn days one after the other; a coin for each says which model is the candidate."""
    sides: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for place, (day, coin) in enumerate(zip(chosen, coins, strict=True)):
        both = by_day[0][day], by_day[1][day]
        for side, table in zip(sides, both if coin else both[::-1], strict=True):
            moved = table.assign(day=f"2013-08-{place + 1:02}", id=f"{place:02} " + table["id"])
            side.append(moved)
    production, candidate = (pd.concat(side, ignore_index=True) for side in sides)
    return production, candidate


def _planted(production: pd.DataFrame, candidate: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    label = candidate["label"].to_numpy()
    alerted = (candidate["region"] == "central").to_numpy()
    score = candidate["score"].to_numpy(copy=True)
    if not trial.whole_model:
        score[~alerted] = production["score"].to_numpy()[~alerted]
    error = score - label
    where = np.ones(len(label), dtype=bool)
    if not trial.harm_everywhere:
        where = (candidate[HARMED[0]] == HARMED[1]).to_numpy()
    wanted = np.abs(error[where]).mean() + trial.harm
    error[alerted] *= 1 - trial.gain
    if trial.harm:
        harmed = where & ~alerted
        each = (wanted - np.abs(error[where]).mean()) * where.sum() / harmed.sum()
        error[harmed] += np.where(error[harmed] < 0, -1, 1) * each
    return candidate.assign(score=label + error)


def _judged(
    production: pd.DataFrame, candidate: pd.DataFrame, policy: Promotion, holdout_use: HoldoutUse
) -> Judgement:
    ours = ScoredModel("production", "2013-04-01", production)
    theirs = replace(ours, model="candidate", scores=candidate)
    return judge(
        Comparison(
            ours,
            theirs,
            holdout=HoldoutDays("2013-08-01", f"2013-08-{DAYS + 1:02}"),
            policy=policy.model_copy(
                update={"holdout": policy.holdout.model_copy(update={"learned_from": None})}
            ),
            tier="refit",
            must="improve",
            alerted=ALERTED,
            holdout_use=holdout_use,
        )
    )


def _told(
    said: Judgement, production: pd.DataFrame, candidate: pd.DataFrame, policy: Promotion
) -> dict[str, Any]:
    alerted = next((check for check in said.checks if check.name == "alerted slice"), None)
    row_wise = _row_wise(production, candidate, policy)
    return {
        "outcome": said.outcome,
        "detectable": alerted.detectable if alerted else np.nan,
        "production": alerted.production if alerted else np.nan,
        "alerted_passes": bool(alerted and alerted.result == "pass"),
        "row_wise_passes": row_wise,
        "invalid": said.message if said.outcome == "invalid" else None,
    }


def _row_wise(production: pd.DataFrame, candidate: pd.DataFrame, policy: Promotion) -> bool:
    """Take the rows of the alerted slice for independent: a paired t test, one-sided, at 5 %."""
    from scipy.stats import ttest_rel

    rows = (production["region"] == "central").to_numpy()
    losses = [
        (table.loc[rows, "score"] - table.loc[rows, "label"]).abs().to_numpy()
        for table in (production, candidate)
    ]
    return bool(ttest_rel(*losses, alternative="greater").pvalue < 0.05)


def _summary(trial: Trial, setting: str, told: list[dict[str, Any]]) -> dict[str, Any]:
    outcomes = Counter(one["outcome"] for one in told)
    return {
        "planted": trial.name,
        "message": trial.message,
        "setting": setting,
        "outcomes": dict(sorted(outcomes.items())),
        "promoted": _share(outcomes["promote"]),
        "alerted_slice_passes": _share(sum(one["alerted_passes"] for one in told)),
        "row_wise_test_passes": _share(sum(one["row_wise_passes"] for one in told)),
        "invalid": sorted({one["invalid"] for one in told if one["invalid"]})[:3],
    }


def _share(count: int) -> dict[str, float]:
    from scipy.stats import binomtest

    interval = binomtest(count, HOLDOUTS).proportion_ci(0.95, "exact")
    return {
        "share": count / HOLDOUTS,
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
    }


if __name__ == "__main__":
    main()
