"""What serving a model costs: time to predict and bytes of the artifact."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from retouch.gate.comparison import Turns
from retouch.gate.guardrails.bounds import Held, deciding, found, number, unknown
from retouch.gate.losses import Numbers
from retouch.gate.model import GuardrailResult
from retouch.policy.guardrails import Latency, Size

LATENCY_MEASURE = "seconds to predict 1,000 rows, {quantile}"
SIZE_MEASURE = "bytes of the model artifact"
FEWEST_TURNS = 10
RESAMPLES = 1000
SEED = 20130101
"""Fixed: the same times make the same verdict."""
_PER_ROWS = 1000
_QUANTILES = {"p50": 0.5, "p95": 0.95}
_LARGEST_BATCH = 1_000_000


def evaluate_latency(guardrail: Latency, turns: Turns | None, confidence: float) -> GuardrailResult:
    """Hold the ratios of medians and of 95th percentiles against their limits.

    How sure they are is told by a bootstrap of turns: pairs, as what slows down the machine slows
    down both models of a turn.
    """
    limits = {
        name: limit
        for name, limit in (("p50", guardrail.p50_at_most), ("p95", guardrail.p95_at_most))
        if limit is not None
    }
    wrong = _unusable(turns)
    if turns is None or wrong:
        return unknown(guardrail, LATENCY_MEASURE.format(quantile=next(iter(limits))), wrong)
    scale = _PER_ROWS / turns.rows
    old, new = np.array(turns.production) * scale, np.array(turns.candidate) * scale
    held = {name: _held(old, new, name, limit, confidence) for name, limit in limits.items()}
    if not all(math.isfinite(each.compared + (each.upper or 0.0)) for each in held.values()):
        message = "The times are too far apart to compare."
        return unknown(guardrail, LATENCY_MEASURE.format(quantile=next(iter(limits))), message)
    decides = deciding(tuple(held.values()))
    name = next(name for name, each in held.items() if each is decides)
    before, after = (float(np.quantile(times, _QUANTILES[name])) for times in (old, new))
    clauses = "; ".join(each.message(confidence) for each in held.values())
    return found(
        guardrail,
        decides,
        LATENCY_MEASURE.format(quantile=name),
        f"1,000 rows take the candidate {number(1000 * after)} ms ({name}; production"
        f" {number(1000 * before)} ms, {len(old)} turns); {clauses}.",
        production=before,
        candidate=after,
        evidence=_slowest(old, new),
    )


def _unusable(turns: Turns | None) -> str:
    """Say what keeps times from being compared; nothing when they can be."""
    if turns is None:
        return "The time to predict was not measured."
    if turns.rows < 1 or len(turns.production) != len(turns.candidate):
        return "The times measured are not pairs of turns on the same rows."
    if len(turns.production) < FEWEST_TURNS:
        few = len(turns.production)
        return f"Too little to judge by: {few} turns, where {FEWEST_TURNS} are needed."
    times = np.array([turns.production, turns.candidate], dtype=float)
    if not (np.isfinite(times) & (times > 0)).all():
        return "Some of the times measured are not seconds above 0."
    return ""


def _held(old: Numbers, new: Numbers, name: str, limit: float, confidence: float) -> Held:
    quantile = _QUANTILES[name]
    with np.errstate(all="ignore"):  # What is not finite is refused by the caller.
        ratios = np.concatenate(
            [
                np.quantile(new[chosen], quantile, axis=1)
                / np.quantile(old[chosen], quantile, axis=1)
                for chosen in _resamples(len(old))
            ]
        )
        ratio = float(np.quantile(new, quantile) / np.quantile(old, quantile))
        lower, upper = np.quantile(ratios, (1 - confidence, confidence))
    return Held(f"the {name} ratio to production's", ratio, limit, float(lower), float(upper))


def _resamples(turns: int) -> Iterator[NDArray[np.int64]]:
    """Yield places of turns drawn with replacement, shape (resamples, turns), a batch at a time."""
    chance = np.random.default_rng(SEED)
    batch = max(1, min(RESAMPLES, _LARGEST_BATCH // turns))
    for start in range(0, RESAMPLES, batch):
        yield chance.integers(0, turns, (min(batch, RESAMPLES - start), turns))


def _slowest(old: Numbers, new: Numbers) -> list[dict[str, float]]:
    """Return the candidate's ten slowest turns."""
    return [
        {"turn": int(turn) + 1, "production": float(old[turn]), "candidate": float(new[turn])}
        for turn in np.argsort(-new, kind="stable")[:10]
    ]


def evaluate_size(
    guardrail: Size, production: int | None, candidate: int | None
) -> GuardrailResult:
    """Hold the candidate's bytes, and how they compare with production's, against the limits."""
    if candidate is None or production is None:
        return unknown(guardrail, SIZE_MEASURE, "The size of the model was not measured.")
    if candidate <= 0:
        return unknown(guardrail, SIZE_MEASURE, "The candidate's artifact is empty or not there.")
    held = []
    if guardrail.bytes_at_most is not None:
        held.append(
            Held("the candidate's size", float(candidate), guardrail.bytes_at_most, unit="bytes")
        )
    if guardrail.ratio_at_most is not None:
        if production <= 0:
            message = "The artifact of the model in production is empty or not there."
            return unknown(guardrail, SIZE_MEASURE, message)
        held.append(
            Held("its ratio to production's", candidate / production, guardrail.ratio_at_most)
        )
    clauses = "; ".join(each.message(0.0) for each in held)
    return found(
        guardrail,
        deciding(held),
        SIZE_MEASURE
        if deciding(held) is held[0] and guardrail.bytes_at_most
        else f"{SIZE_MEASURE}, ratio",
        f"The candidate takes {number(candidate)} bytes, the model in production"
        f" {number(production)}; {clauses}.",
        production=float(production),
        candidate=float(candidate),
    )
