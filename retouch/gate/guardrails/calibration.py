"""How far off a model is in how sure it is: its interval's coverage, or its probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.block_jackknife import by_day, jackknife_bounds, means_without_one_day
from retouch.gate.guardrails.bounds import Held, Result, deciding, found, number, unknown
from retouch.gate.guardrails.groups import large_enough, names_text, too_few_rows
from retouch.gate.losses import Numbers
from retouch.gate.model import Calibration, CalibrationOf, GuardrailResult, ReliabilityBin
from retouch.gate.pairing import Paired
from retouch.gate.slices import Mask, each_value
from retouch.policy.guardrails import CalibrationLimit
from retouch.policy.promotion import Limits, Promotion

ALL_ROWS = "all rows"


@dataclass(frozen=True)
class _Off:
    """How far off one model is on some rows."""

    value: float
    without_one: Numbers
    """The same with each day left out; shape (days,)."""
    by_chance: float = 0.0
    """How far off a perfect model of its scores would be seen to be, by chance alone."""


@dataclass(frozen=True)
class _Answer:
    """What is said of one slice."""

    where: str
    rows: int
    production: float
    candidate: float
    held: tuple[Held, ...]

    @property
    def result(self) -> Result:
        """Being off is a fault when it is beyond *every* limit given."""
        results = [each.result for each in self.held]
        for result in ("pass", "not_enough_data"):
            if result in results:
                return result
        return "fail"

    @property
    def decides(self) -> Held:
        """The number the result is that of: with two limits, the one that excuses the other."""
        return deciding([each for each in self.held if each.result == self.result])


def evaluate(guardrail: CalibrationLimit, paired: Paired, limits: Limits) -> GuardrailResult:
    """Hold how far off the candidate is against the limits: on all rows, and on each slice."""
    measure = _measure(guardrail)
    wrong = _unusable(guardrail, paired) or too_few_rows(paired, ALL_ROWS, limits)
    if wrong:
        return unknown(guardrail, measure, wrong)
    slices, small = _slices(guardrail, paired, limits)
    # Shared out over the slices (Bonferroni): among many, one is beyond its limit by chance.
    confidence = 1 - (1 - limits.confidence) / len(slices)
    answers = [_answer(guardrail, where, paired.rows[rows], confidence) for where, rows in slices]
    decides = _deciding(answers)
    clauses = "; ".join(each.message(confidence) for each in decides.held)
    others = f"; too small to judge: {names_text(small)}" if small else ""
    asked = f", the worst of {len(answers)} slices" if len(answers) > 1 else ""
    return found(
        guardrail,
        decides.decides,
        measure,
        f"On {decides.where}{asked}, {_in_words(guardrail, decides)}; {clauses}{others}.",
        production=decides.production,
        candidate=decides.candidate,
        evidence=_evidence(guardrail, answers, paired),
        result=decides.result,
    )


def _measure(guardrail: CalibrationLimit) -> str:
    if guardrail.coverage is not None:
        return f"interval coverage, off its {number(guardrail.coverage)}"
    return f"expected calibration error, {guardrail.bins} bins"


def _in_words(guardrail: CalibrationLimit, answer: _Answer) -> str:
    if guardrail.coverage is None:
        off = "probabilities are off by"
    else:
        off = f"coverage is off its {number(guardrail.coverage)} by"
    return f"{off} {number(answer.candidate)}, in production by {number(answer.production)}"


def _unusable(guardrail: CalibrationLimit, paired: Paired) -> str:
    """Say what is missing; nothing when the question can be asked."""
    if guardrail.coverage is not None and not has_interval(paired.rows):
        return "The score tables hold no interval: the policy's 'score' names no ends of it."
    if guardrail.coverage is None and not are_probabilities(paired.rows):
        return "Reliability needs labels 0 and 1 and scores from 0 to 1; some are neither."
    if guardrail.by is not None and guardrail.by not in paired.slices:
        return f"The score table has no column {guardrail.by!r}."
    return ""


def _slices(
    guardrail: CalibrationLimit, paired: Paired, limits: Limits
) -> tuple[list[tuple[str, Mask]], list[str]]:
    """Return what is asked about, by name and rows, and the names of what is too small."""
    slices = [(ALL_ROWS, np.ones(len(paired.rows), dtype=bool))]
    if guardrail.by is None:
        return slices, []
    groups = each_value(paired.slices[guardrail.by])
    enough = set(large_enough(groups, paired.days, limits).tolist())
    names = [f"{guardrail.by} = {name}" for name in groups.names]
    slices += [(names[group], groups.of_row == group) for group in sorted(enough)]
    return slices, [name for group, name in enumerate(names) if group not in enough]


def _answer(
    guardrail: CalibrationLimit, where: str, rows: pd.DataFrame, confidence: float
) -> _Answer:
    old, new = _off(guardrail, rows, "production"), _off(guardrail, rows, "candidate")
    limit = guardrail.coverage_off_by_at_most
    if guardrail.coverage is None:
        limit = guardrail.reliability_error_at_most
    held = []
    if limit is not None:
        lower, upper = jackknife_bounds(new.value, new.without_one, confidence)
        if lower is not None:
            lower = max(0.0, lower - new.by_chance)
        held.append(Held("the error", new.value, limit, lower, upper))
    if guardrail.worsens_at_most is not None:
        growth = new.value - old.value
        lower, upper = jackknife_bounds(growth, new.without_one - old.without_one, confidence)
        held.append(Held("its growth", growth, guardrail.worsens_at_most, lower, upper))
    return _Answer(where, len(rows), old.value, new.value, tuple(held))


def _off(guardrail: CalibrationLimit, rows: pd.DataFrame, side: Side) -> _Off:
    day = rows["day"].to_numpy(dtype=np.str_)
    if guardrail.coverage is not None:
        within = within_interval(rows, side)
        without_one = np.abs(means_without_one_day(within, day) - guardrail.coverage)
        return _Off(abs(float(within.mean()) - guardrail.coverage), without_one)
    scores = rows[f"{side}_score"].to_numpy(dtype=float)
    bins = bins_of(scores, guardrail.bins)
    # |mean score - mean label| times the rows of a bin is |sum of (score - label)|.
    sums = _sums(scores - rows["label"].to_numpy(dtype=float), bins, day)
    odds = np.bincount(bins, weights=scores * (1 - scores))
    return _Off(
        value=float(np.abs(sums.sum(axis=0)).sum() / len(rows)),
        without_one=np.abs(sums.sum(axis=0) - sums).sum(axis=1) / (len(rows) - _sizes(day)),
        # A bin's sum has the variance sum of p (1 - p); E|x| of a normal is sqrt(2 / pi) sigma.
        by_chance=float(np.sqrt(2 / np.pi * odds).sum() / len(rows)),
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


def _deciding(answers: list[_Answer]) -> _Answer:
    """Return the slice that decides: the worst of those with the worst result."""
    for result in ("fail", "not_enough_data", "pass"):
        chosen = [answer for answer in answers if answer.result == result]
        if chosen:
            return max(chosen, key=lambda a: a.decides.compared - a.decides.limit)
    raise AssertionError("all rows are always asked about")


def _evidence(
    guardrail: CalibrationLimit, answers: list[_Answer], paired: Paired
) -> list[dict[str, object]]:
    """Return the slices, worst first; without slices, the bins of the candidate."""
    if len(answers) == 1 and guardrail.coverage is None:
        return list(_candidate_bins(guardrail, paired.rows))
    ordered = sorted(answers, key=lambda a: a.decides.limit - a.decides.compared)
    return [
        {
            "where": answer.where,
            "rows": answer.rows,
            "production": answer.production,
            "candidate": answer.candidate,
            "result": answer.result,
        }
        for answer in ordered
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

    Nothing without an interval; a slice without rows is left out.
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
    """Return both models' reliability in bins of equal size; nothing unless labels are 0 and 1.

    Nothing either when a score is no probability.
    """
    rows = paired.rows
    if rows.empty or not are_probabilities(rows):
        return ()
    return tuple(each for side in SIDES for each in _bins(side, rows))


def has_interval(rows: pd.DataFrame) -> bool:
    """Say whether the paired rows hold both models' intervals."""
    return all(f"{side}_{end}" in rows for side in SIDES for end in ("lower", "upper"))


def are_probabilities(rows: pd.DataFrame) -> bool:
    """Say whether all labels are 0 or 1 and all scores of both models from 0 to 1."""
    scores = rows[["production_score", "candidate_score"]].to_numpy(dtype=float)
    return bool(np.isin(rows["label"], (0, 1)).all() and ((scores >= 0) & (scores <= 1)).all())


def within_interval(rows: pd.DataFrame, side: Side) -> Numbers:
    """Return 1 where the label is within the model's interval, ends included; else 0."""
    label = rows["label"]
    within = (rows[f"{side}_lower"] <= label) & (label <= rows[f"{side}_upper"])
    return within.to_numpy().astype(np.float64)


def bins_of(scores: Numbers, count: int) -> NDArray[np.intp]:
    """Return the bin of each score: equally filled, but rows of one score share their bin."""
    edges = np.unique(np.quantile(scores, np.arange(1, count) / count, method="higher"))
    _, bins = np.unique(np.searchsorted(edges, scores, side="left"), return_inverse=True)
    return bins


def _of(side: Side, rows: pd.DataFrame, confidence: float) -> CalibrationOf:
    within = within_interval(rows, side)
    without_one = means_without_one_day(within, rows["day"].to_numpy(dtype=np.str_))
    coverage = float(within.mean())
    lower, upper = jackknife_bounds(coverage, without_one, confidence)
    return CalibrationOf(
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
