"""Calibration: interval coverage and reliability of probabilities, as guardrail and as evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.block_jackknife import by_day, jackknife_bounds, means_without_one_day
from retouch.gate.guardrails.groups import large_enough, names_text, too_few_rows
from retouch.gate.guardrails.results import LimitCheck, Result, decided, deciding, number, undecided
from retouch.gate.losses import Numbers
from retouch.gate.model import Calibration, GuardrailResult, ModelCalibration, ReliabilityBin
from retouch.gate.pairing import Paired
from retouch.gate.slices import Mask, group_by_value
from retouch.policy.guardrails import CalibrationLimit
from retouch.policy.promotion import Limits, Promotion

ALL_ROWS = "all rows"


@dataclass(frozen=True)
class _CalibrationError:
    """One model's calibration error on some rows."""

    value: float
    without_one: Numbers
    """The same with each day left out; shape (days,)."""
    by_chance: float = 0.0
    """The error expected by chance of perfectly calibrated scores."""


@dataclass(frozen=True)
class _SliceResult:
    """The result of one slice."""

    where: str
    rows: int
    production: float
    candidate: float
    checks: tuple[LimitCheck, ...]

    @property
    def result(self) -> Result:
        """An error fails only beyond *every* limit given."""
        outcomes = [each.result for each in self.checks]
        for result in ("pass", "not_enough_data"):
            if result in outcomes:
                return result
        return "fail"

    @property
    def decides(self) -> LimitCheck:
        """The check that decides: with two limits, the one that is met."""
        return deciding([each for each in self.checks if each.result == self.result])


def evaluate(guardrail: CalibrationLimit, paired: Paired, limits: Limits) -> GuardrailResult:
    """Compare the candidate's calibration error with its limits: on all rows, and on each slice.

    Coverage: |share of labels within the interval - the nominal one|. Reliability: the expected
    calibration error (Naeini et al., AAAI 2015) over equally filled bins. Bounds by jackknife over
    days.
    """
    measure = _measure(guardrail)
    wrong = _unusable(guardrail, paired) or too_few_rows(paired, ALL_ROWS, limits)
    if wrong:
        return undecided(guardrail, measure, wrong)
    slices, small = _slices(guardrail, paired, limits)
    # Bonferroni over the slices: among many, one is beyond its limit by chance.
    confidence = 1 - (1 - limits.confidence) / len(slices)
    results = [
        _slice_result(guardrail, where, paired.rows[rows], confidence) for where, rows in slices
    ]
    decides = _deciding(results)
    clauses = "; ".join(each.message(confidence) for each in decides.checks)
    others = f"; too few rows or days: {names_text(small)}" if small else ""
    among = f", the worst of {len(results)} slices" if len(results) > 1 else ""
    return decided(
        guardrail,
        decides.decides,
        measure,
        f"On {decides.where}{among}, {_errors_text(guardrail, decides)}; {clauses}{others}.",
        production=decides.production,
        candidate=decides.candidate,
        evidence=_evidence(guardrail, results, paired),
        result=decides.result,
    )


def _measure(guardrail: CalibrationLimit) -> str:
    if guardrail.coverage is not None:
        return f"deviation of interval coverage from {number(guardrail.coverage)}"
    return f"expected calibration error, {guardrail.bins} bins"


def _errors_text(guardrail: CalibrationLimit, result: _SliceResult) -> str:
    if guardrail.coverage is None:
        error = "calibration error is"
    else:
        error = f"coverage deviates from {number(guardrail.coverage)} by"
    return f"{error} {number(result.candidate)} (production {number(result.production)})"


def _unusable(guardrail: CalibrationLimit, paired: Paired) -> str:
    """Return what is missing; an empty text when the guardrail can be evaluated."""
    if guardrail.coverage is not None and not has_interval(paired.rows):
        return "The score tables have no interval: set score.lower and score.upper in the policy."
    if guardrail.coverage is None and not are_probabilities(paired.rows):
        return "Reliability needs labels 0 and 1 and scores from 0 to 1; some are neither."
    if guardrail.by is not None and guardrail.by not in paired.slices:
        return f"The score table has no column {guardrail.by!r}."
    return ""


def _slices(
    guardrail: CalibrationLimit, paired: Paired, limits: Limits
) -> tuple[list[tuple[str, Mask]], list[str]]:
    """Return the slices to evaluate, by name and rows, and the names of those too small."""
    slices = [(ALL_ROWS, np.ones(len(paired.rows), dtype=bool))]
    if guardrail.by is None:
        return slices, []
    groups = group_by_value(paired.slices[guardrail.by])
    enough = set(large_enough(groups, paired.days, limits).tolist())
    names = [f"{guardrail.by} = {name}" for name in groups.names]
    slices += [(names[group], groups.of_row == group) for group in sorted(enough)]
    return slices, [name for group, name in enumerate(names) if group not in enough]


def _slice_result(
    guardrail: CalibrationLimit, where: str, rows: pd.DataFrame, confidence: float
) -> _SliceResult:
    old, new = (
        _calibration_error(guardrail, rows, "production"),
        _calibration_error(guardrail, rows, "candidate"),
    )
    limit = guardrail.coverage_off_by_at_most
    if guardrail.coverage is None:
        limit = guardrail.reliability_error_at_most
    checks = []
    if limit is not None:
        lower, upper = jackknife_bounds(new.value, new.without_one, confidence)
        if lower is not None:
            lower = max(0.0, lower - new.by_chance)
        checks.append(LimitCheck("the error", new.value, limit, lower, upper))
    if guardrail.worsens_at_most is not None:
        growth = new.value - old.value
        lower, upper = jackknife_bounds(growth, new.without_one - old.without_one, confidence)
        checks.append(LimitCheck("its growth", growth, guardrail.worsens_at_most, lower, upper))
    return _SliceResult(where, len(rows), old.value, new.value, tuple(checks))


def _calibration_error(
    guardrail: CalibrationLimit, rows: pd.DataFrame, side: Side
) -> _CalibrationError:
    day = rows["day"].to_numpy(dtype=np.str_)
    if guardrail.coverage is not None:
        within = within_interval(rows, side)
        without_one = np.abs(means_without_one_day(within, day) - guardrail.coverage)
        return _CalibrationError(abs(float(within.mean()) - guardrail.coverage), without_one)
    scores = rows[f"{side}_score"].to_numpy(dtype=float)
    bins = bins_of(scores, guardrail.bins)
    # |mean score - mean label| times the rows of a bin is |sum of (score - label)|.
    sums = _sums(scores - rows["label"].to_numpy(dtype=float), bins, day)
    variance = np.bincount(bins, weights=scores * (1 - scores))
    return _CalibrationError(
        value=float(np.abs(sums.sum(axis=0)).sum() / len(rows)),
        without_one=np.abs(sums.sum(axis=0) - sums).sum(axis=1) / (len(rows) - _sizes(day)),
        # A bin's sum has the variance sum of p (1 - p); E|x| of a normal is sqrt(2 / pi) sigma.
        by_chance=float(np.sqrt(2 / np.pi * variance).sum() / len(rows)),
    )


def _sums(values: Numbers, bins: NDArray[np.intp], day: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the sums of values by day and bin; shape (days, bins)."""
    days, block = by_day(day)
    width = int(bins.max()) + 1
    flat = np.bincount(block * width + bins, weights=values, minlength=days * width)
    return flat.astype(np.float64).reshape(days, width)


def _sizes(day: NDArray[np.str_]) -> NDArray[np.intp]:
    days, block = by_day(day)
    return np.bincount(block, minlength=days)


def _deciding(results: list[_SliceResult]) -> _SliceResult:
    """Return the slice that decides: the worst of those with the worst result."""
    for result in ("fail", "not_enough_data", "pass"):
        chosen = [each for each in results if each.result == result]
        if chosen:
            return max(chosen, key=lambda a: a.decides.compared - a.decides.limit)
    raise AssertionError("all rows are always evaluated")


def _evidence(
    guardrail: CalibrationLimit, results: list[_SliceResult], paired: Paired
) -> list[dict[str, object]]:
    """Return the slices, worst first; without slices, the bins of the candidate."""
    if len(results) == 1 and guardrail.coverage is None:
        return list(_candidate_bins(guardrail, paired.rows))
    ordered = sorted(results, key=lambda a: a.decides.limit - a.decides.compared)
    return [
        {
            "where": result.where,
            "rows": result.rows,
            "production": result.production,
            "candidate": result.candidate,
            "result": result.result,
        }
        for result in ordered
    ]


def _candidate_bins(guardrail: CalibrationLimit, rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    scores = rows["candidate_score"].to_numpy(dtype=float)
    frame = pd.DataFrame(
        {"bin": bins_of(scores, guardrail.bins), "score": scores, "label": rows["label"]}
    )
    means = frame.groupby("bin").agg(
        rows=("score", "size"), score=("score", "mean"), label=("label", "mean")
    )
    off = (means["score"] - means["label"]).abs() * means["rows"]
    for size, score, label in means.loc[off.sort_values(ascending=False).index].itertuples(
        index=False
    ):
        yield {"rows": int(size), "mean_score": float(score), "mean_label": float(label)}


Side = Literal["production", "candidate"]
SIDES: tuple[Side, Side] = ("production", "candidate")
BINS = 10


def calibration_of(
    paired: Paired, slices: Sequence[tuple[str, Mask]], policy: Promotion
) -> tuple[Calibration, ...]:
    """Return both models' calibration on each of the slices, given by name and rows.

    Empty without an interval; a slice without rows is left out.
    """
    if not has_interval(paired.rows):
        return ()
    confidence = policy.limits.confidence
    return tuple(
        Calibration(
            where=where,
            rows=int(mask.sum()),
            days=int(rows["day"].nunique()),
            production=_of("production", rows, confidence),
            candidate=_of("candidate", rows, confidence),
        )
        for where, mask in slices
        if not (rows := paired.rows[mask]).empty
    )


def reliability_of(paired: Paired, policy: Promotion) -> tuple[ReliabilityBin, ...]:
    """Return both models' reliability in equally filled bins.

    Empty unless labels are 0 and 1 and all scores are probabilities.
    """
    rows = paired.rows
    if rows.empty or not are_probabilities(rows):
        return ()
    return tuple(each for side in SIDES for each in _bins(side, rows))


def has_interval(rows: pd.DataFrame) -> bool:
    """Tell whether the paired rows have both models' intervals."""
    return all(f"{side}_{end}" in rows for side in SIDES for end in ("lower", "upper"))


def are_probabilities(rows: pd.DataFrame) -> bool:
    """Tell whether all labels are 0 or 1 and all scores of both models from 0 to 1."""
    scores = rows[["production_score", "candidate_score"]].to_numpy(dtype=float)
    return bool(np.isin(rows["label"], (0, 1)).all() and ((scores >= 0) & (scores <= 1)).all())


def within_interval(rows: pd.DataFrame, side: Side) -> Numbers:
    """Return 1 where the label is within the model's interval, ends included; else 0."""
    label = rows["label"]
    within = (rows[f"{side}_lower"] <= label) & (label <= rows[f"{side}_upper"])
    return within.to_numpy().astype(np.float64)


def bins_of(scores: Numbers, count: int) -> NDArray[np.intp]:
    """Return the bin of each score: equally filled, except that equal scores share a bin."""
    edges = np.unique(np.quantile(scores, np.arange(1, count) / count, method="higher"))
    _, bins = np.unique(np.searchsorted(edges, scores, side="left"), return_inverse=True)
    return bins


def _of(side: Side, rows: pd.DataFrame, confidence: float) -> ModelCalibration:
    within = within_interval(rows, side)
    without_one = means_without_one_day(within, rows["day"].to_numpy(dtype=np.str_))
    coverage = float(within.mean())
    lower, upper = jackknife_bounds(coverage, without_one, confidence)
    return ModelCalibration(
        bias=float((rows[f"{side}_score"] - rows["label"]).mean()),
        coverage=coverage,
        coverage_lower=None if lower is None else max(0.0, lower),
        coverage_upper=None if upper is None else min(1.0, upper),
    )


def _bins(side: Side, rows: pd.DataFrame) -> Iterator[ReliabilityBin]:
    scores = rows[f"{side}_score"].to_numpy(dtype=float)
    bins = bins_of(scores, BINS)
    sizes = np.bincount(bins)
    means = np.bincount(bins, weights=scores) / sizes
    shares = np.bincount(bins, weights=rows["label"].to_numpy(dtype=float)) / sizes
    for size, score, label in zip(sizes, means, shares, strict=True):
        yield ReliabilityBin(
            model=side, rows=int(size), mean_score=float(score), mean_label=float(label)
        )
