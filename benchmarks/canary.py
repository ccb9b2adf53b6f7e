"""How long a canary takes to pass or fail, on days that vary as those of the shipped reports do.

Each judgement's daily gains, less their mean, are one pool of days. They are those of the alerted
slice, and a canary is judged on all rows; so a pool is scaled to the spread that the same
judgement's bounds tell of all rows. Then days are drawn from one pool with a true gain added.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from retouch.gate.canary_model import CanaryDay, CanaryModel, CanaryVerdict
from retouch.gate.model import Judgement, Verdict
from retouch.policy.promotion import Canary
from retouch.registry.canary_decision import decide_canary
from retouch.storage import documents
from retouch.system import files

RESULT = Path("reports/benchmarks/canary.md")
SCALES = (2.0, 3.0, 5.0)
TRUE_GAINS = {"equal": 0.0, "harm of 1": -1.0, "harm of 3": -3.0, "gain of 1.5": 1.5}
SIMULATIONS, SEED = 400, 5

Pool = NDArray[np.float64]


def main() -> None:
    """Simulate, print and write the table."""
    policy = documents.read_promotion(Path()).release.canary
    if policy is None:
        raise SystemExit("policies/promotion.yaml has no release.canary")
    text = table(list(pools(Path())), policy)
    print(text)  # noqa: T201 - printing is what it is for
    files.write_text(RESULT, text)


def pools(root: Path) -> Iterator[Pool]:
    """Yield the days of each judgement of the shipped reports, with a mean of zero."""
    for path in documents.report_documents(root, "verdict.json"):
        verdict: Verdict = documents.read_document(path, Verdict)
        for judgement in verdict.judgements:
            gains = np.array([day.production - day.candidate for day in judgement.days])
            spread = _spread_of_all_rows(judgement)
            if len(gains) > 1 and spread is not None and gains.std(ddof=1) > 0:
                yield (gains - gains.mean()) / gains.std(ddof=1) * spread


def _spread_of_all_rows(judgement: Judgement) -> float | None:
    """Return the standard deviation of the daily gain over all rows, from its bounds."""
    check = next((one for one in judgement.checks if one.name == "overall"), None)
    if check is None or check.gain is None or check.gain_lower is None or not judgement.holdout:
        return None
    confidence = judgement.holdout.confidence or 0.95
    error = (check.gain - check.gain_lower) / stdtrit(check.days - 1, confidence)
    return float(error * np.sqrt(check.days))


def table(days: list[Pool], policy: Canary) -> str:
    """Return the table in Markdown."""
    spreads = sorted(pool.std(ddof=1) for pool in days)
    lines = [
        "# How long a canary takes",
        "",
        f"`python -m benchmarks canary`: {SIMULATIONS} canaries per cell, days drawn from"
        f" {len(days)} judgements of the shipped reports (spread of a day's gain"
        f" {spreads[0]:.2f} to {spreads[-1]:.2f} minutes). Margin {policy.margin:g} minutes,"
        f" confidence {policy.confidence:g}, {policy.at_least_days} to {policy.at_most_days} days;"
        f" policies/promotion.yaml has the scale {policy.scale:g}.",
        "",
        "| scale | true gain, minutes | passes | median days | fails | median days | undecided |",
        "|--:|:--|--:|--:|--:|--:|--:|",
    ]
    for scale in SCALES:
        limits = policy.model_copy(update={"scale": scale})
        for name, gain in TRUE_GAINS.items():
            found = [_ends(day, limits) for day in _drawn(days, gain, policy.at_most_days)]
            cells = [f"{scale:g}", name]
            for outcome in ("pass", "fail"):
                took = [at for what, at in found if what == outcome]
                cells += [_share(took), f"{median(took):g}" if took else "–"]
            undecided = [at for what, at in found if what == "undecided"]
            lines.append(f"| {' | '.join([*cells, _share(undecided)])} |")
    return "\n".join(lines) + "\n"


def _share(some: list[int]) -> str:
    return f"{100 * len(some) / SIMULATIONS:.0f} %"


def _drawn(days: list[Pool], gain: float, count: int) -> Iterator[Pool]:
    chance = np.random.default_rng(SEED)
    for _ in range(SIMULATIONS):
        yield chance.choice(days[chance.integers(len(days))], count) + gain


def _ends(gains: Pool, limits: Canary) -> tuple[str, int]:
    """Return how a canary ends that is looked at after every day, and after how many days."""
    whole = _verdict(gains, limits)
    for count in range(1, len(gains) + 1):
        outcome = decide_canary(whole.model_copy(update={"days": whole.days[:count]})).outcome
        if outcome != "wait":
            return outcome, count
    raise AssertionError("the last day decides")


def _verdict(gains: Pool, limits: Canary) -> CanaryVerdict:
    first = np.datetime64("2013-07-01")
    model = CanaryModel(version="v1.0.0", commit="0" * 40, model="0" * 32)
    days = [
        CanaryDay(
            day=str(first + n), rows=1, production=float(gain), candidate=0.0, lower=0, upper=0
        )
        for n, gain in enumerate(gains)
    ]
    fields: dict[str, Any] = {"name": "x", "production": model, "candidate": model}
    fields |= {"start": str(first), "end": str(first + len(gains)), "loss": "absolute_error"}
    fields |= {"limits": limits, "days": tuple(days), "decision": "wait", "message": ""}
    return CanaryVerdict(**fields, judged_at="2013-08-01T00:00:00Z")
