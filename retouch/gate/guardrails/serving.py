"""What serving a model costs: time to predict and bytes of the artifact."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from retouch.gate.comparison import PairedTimes
from retouch.gate.guardrails.results import LimitCheck, decided, deciding, number, undecided
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.policy.guardrails import Latency, Size

LATENCY_MEASURE = "seconds to predict 1,000 rows, {quantile}"
SIZE_MEASURE = "bytes of the model artifact"
MIN_PAIRS = 10
RESAMPLES = 1000
SEED = 20130101
"""Fixed, so that the same times give the same verdict."""
_PER_ROWS = 1000
_QUANTILES = {"p50": 0.5, "p95": 0.95}
_LARGEST_BATCH = 1_000_000


def evaluate_latency(
    guardrail: Latency, turns: PairedTimes | None, confidence: float
) -> GuardrailResult:
    """Compare the ratios of the medians and of the 95th percentiles with their limits.

    Bounds by percentile bootstrap (Efron and Tibshirani 1993, chapter 13) over pairs of times,
    since whatever slows down the machine affects both models of a pair. `confidence`: one-sided,
    of each bound.
    """
    limits = {
        name: limit
        for name, limit in (("p50", guardrail.p50_at_most), ("p95", guardrail.p95_at_most))
        if limit is not None
    }
    wrong = _unusable(turns)
    if turns is None or wrong:
        return undecided(guardrail, LATENCY_MEASURE.format(quantile=next(iter(limits))), wrong)
    scale = _PER_ROWS / turns.rows
    old, new = np.array(turns.production) * scale, np.array(turns.candidate) * scale
    checks = {
        name: _limit_checks(old, new, name, limit, confidence) for name, limit in limits.items()
    }
    if not all(math.isfinite(each.compared + (each.upper or 0.0)) for each in checks.values()):
        message = "The times are too far apart to compare."
        return undecided(guardrail, LATENCY_MEASURE.format(quantile=next(iter(limits))), message)
    decides = deciding(tuple(checks.values()))
    name = next(name for name, each in checks.items() if each is decides)
    before, after = (float(np.quantile(times, _QUANTILES[name])) for times in (old, new))
    clauses = "; ".join(each.message(confidence) for each in checks.values())
    return decided(
        guardrail,
        decides,
        LATENCY_MEASURE.format(quantile=name),
        f"Predicting 1,000 rows takes the candidate {number(1000 * after)} ms ({name}; production"
        f" {number(1000 * before)} ms; {len(old)} pairs of times); {clauses}.",
        production=before,
        candidate=after,
        evidence=_slowest(old, new),
    )


def _unusable(turns: PairedTimes | None) -> str:
    """Return why times cannot be compared; an empty text when they can."""
    if turns is None:
        return "The time to predict was not measured."
    if turns.rows < 1 or len(turns.production) != len(turns.candidate):
        return "The measured times are not pairs on the same rows."
    if len(turns.production) < MIN_PAIRS:
        few = len(turns.production)
        return f"Not enough data: {few} pairs of times, where {MIN_PAIRS} are needed."
    times = np.array([turns.production, turns.candidate], dtype=float)
    if not (np.isfinite(times) & (times > 0)).all():
        return "Some of the measured times are not seconds above 0."
    return ""


def _limit_checks(
    old: Numbers, new: Numbers, name: str, limit: float, confidence: float
) -> LimitCheck:
    quantile = _QUANTILES[name]
    with np.errstate(all="ignore"):  # The caller refuses non-finite values.
        ratios = np.concatenate(
            [
                np.quantile(new[chosen], quantile, axis=1)
                / np.quantile(old[chosen], quantile, axis=1)
                for chosen in _resamples(len(old))
            ]
        )
        ratio = float(np.quantile(new, quantile) / np.quantile(old, quantile))
        lower, upper = np.quantile(ratios, (1 - confidence, confidence))
    return LimitCheck(
        f"the ratio of the {name} to production's", ratio, limit, float(lower), float(upper)
    )


def _resamples(turns: int) -> Iterator[NDArray[np.int64]]:
    """Yield indices drawn with replacement, in batches of shape (resamples, pairs)."""
    rng = np.random.default_rng(SEED)
    batch = max(1, min(RESAMPLES, _LARGEST_BATCH // turns))
    for start in range(0, RESAMPLES, batch):
        yield rng.integers(0, turns, (min(batch, RESAMPLES - start), turns))


def _slowest(old: Numbers, new: Numbers) -> list[dict[str, float]]:
    """Return the ten pairs in which the candidate was slowest."""
    return [
        {"turn": int(turn) + 1, "production": float(old[turn]), "candidate": float(new[turn])}
        for turn in np.argsort(-new, kind="stable")[:10]
    ]


def evaluate_size(
    guardrail: Size, production: int | None, candidate: int | None
) -> GuardrailResult:
    """Compare the candidate's bytes, and their ratio to production's, with the limits."""
    if candidate is None or production is None:
        return undecided(guardrail, SIZE_MEASURE, "The size of the model was not measured.")
    if candidate <= 0:
        return undecided(guardrail, SIZE_MEASURE, "The candidate's artifact is empty or missing.")
    checks = []
    if guardrail.bytes_at_most is not None:
        checks.append(
            LimitCheck(
                "the candidate's size", float(candidate), guardrail.bytes_at_most, unit="bytes"
            )
        )
    if guardrail.ratio_at_most is not None:
        if production <= 0:
            message = "The artifact of the model in production is empty or missing."
            return undecided(guardrail, SIZE_MEASURE, message)
        checks.append(
            LimitCheck("its ratio to production's", candidate / production, guardrail.ratio_at_most)
        )
    clauses = "; ".join(each.message(0.0) for each in checks)
    return decided(
        guardrail,
        deciding(checks),
        SIZE_MEASURE
        if deciding(checks) is checks[0] and guardrail.bytes_at_most
        else f"{SIZE_MEASURE}, ratio",
        f"The candidate takes {number(candidate)} bytes, the model in production"
        f" {number(production)}; {clauses}.",
        production=float(production),
        candidate=float(candidate),
    )
