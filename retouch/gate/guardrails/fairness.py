"""Fairness: the gap of a metric between groups of rows, candidate compared with production."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.block_jackknife import jackknife_bounds
from retouch.gate.guardrails.calibration import SIDES, has_interval, within_interval
from retouch.gate.guardrails.groups import days_per_group, large_enough, names_text
from retouch.gate.guardrails.results import (
    CannotEvaluate,
    LimitCheck,
    decided,
    deciding,
    number,
    undecided,
)
from retouch.gate.losses import Numbers
from retouch.gate.messages import days_text
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.gate.slices import Groups, group_by_value
from retouch.policy.guardrails import Fairness
from retouch.policy.metrics import (
    IN_LABELS_UNIT,
    NEED_BOTH_LABELS,
    OF_DECISIONS,
    OF_PROBABILITIES,
    OF_TWO_LABELS,
)
from retouch.policy.promotion import Limits

_NEED_SPREAD = frozenset({"d2_absolute_error_score", "explained_variance_score", "r2_score"})
"""Metrics that are 0 or 1 by convention where labels are constant."""


@dataclass(frozen=True)
class _UsableGroups:
    """The groups with enough rows and days, and their rows."""

    names: tuple[str, ...]
    rows_of: tuple[int, ...]
    days_of: tuple[int, ...]
    rows: GroupRows
    left_out: tuple[str, ...]
    """The other groups, each with the reason."""


def evaluate(guardrail: Fairness, paired: Paired, limits: Limits) -> GuardrailResult:
    """Compare the candidate's gap, and its growth over production's, with their limits.

    The gap is the largest minus the smallest value among the groups with enough rows and days;
    bounds by jackknife over days, each with the policy's confidence.
    """
    unit = limits.unit if guardrail.metric in IN_LABELS_UNIT else ""
    measure = f"largest gap of {metric_text(guardrail.metric)} by {guardrail.by}"
    measure = f"{measure}, {unit}" if unit else measure
    try:
        judged = _usable_groups(guardrail, paired, limits)
        values = np.array([by_group(guardrail.metric, judged.rows, side) for side in (0, 1)])
        _require_numbers(guardrail, judged, values)
    except CannotEvaluate as why:
        return undecided(guardrail, measure, str(why))
    checks = _limit_checks(guardrail, judged.rows, values, limits, unit)
    gaps = np.ptp(values, axis=1)
    return decided(
        guardrail,
        deciding(checks),
        measure,
        _sentence(guardrail, judged, values, checks, limits),
        production=float(gaps[0]),
        candidate=float(gaps[1]),
        evidence=_evidence(judged, values),
    )


def _usable_groups(guardrail: Fairness, paired: Paired, limits: Limits) -> _UsableGroups:
    """Return the groups to compare. Raises CannotEvaluate for fewer than two."""
    if guardrail.by not in paired.slices:
        raise CannotEvaluate(f"The score table has no column {guardrail.by!r}.")
    label, old, new = labels_and_scores(guardrail, paired)
    groups = group_by_value(paired.slices[guardrail.by])
    places, left_out = _usable(guardrail, groups, paired.days, label, limits)
    if len(places) < 2:
        raise CannotEvaluate(
            f"Fewer than two groups of {guardrail.by} can be compared; left out:"
            f" {names_text(left_out) or 'none'}."
        )
    chosen = np.isin(groups.of_row, places)
    return _UsableGroups(
        names=tuple(groups.names[place] for place in places),
        rows_of=tuple(groups.sizes[places].tolist()),
        days_of=tuple(days_per_group(groups, paired.days)[places].tolist()),
        rows=GroupRows(
            label[chosen],
            (old[chosen], new[chosen]),
            paired.days.of_row[chosen],
            np.searchsorted(places, groups.of_row[chosen]),
        ),
        left_out=left_out,
    )


def _usable(
    guardrail: Fairness, groups: Groups, days: Groups, label: Numbers, limits: Limits
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the numbers of the groups to compare, and why each other group is left out."""
    enough = np.isin(np.arange(len(groups.names)), large_enough(groups, days, limits))
    mixed = np.ones_like(enough)
    counts = zip(groups.sizes, days_per_group(groups, days), strict=True)
    size = [f"{rows_text(int(rows))} on {days_text(int(on))}" for rows, on in counts]
    if guardrail.metric in NEED_BOTH_LABELS | _NEED_SPREAD:
        labels = pd.Series(label).groupby(groups.of_row)
        mixed = (labels.max() > labels.min()).to_numpy()
    left_out = tuple(
        f"{name} (one label only)" if enough[place] else f"{name} ({size[place]})"
        for place, name in enumerate(groups.names)
        if not (enough[place] and mixed[place])
    )
    return np.flatnonzero(enough & mixed), left_out


def _require_numbers(
    guardrail: Fairness, judged: _UsableGroups, values: NDArray[np.float64]
) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        names = [name for place, name in enumerate(judged.names) if not finite[:, place].all()]
        called = metric_text(guardrail.metric).capitalize()
        raise CannotEvaluate(f"{called} is undefined for {names_text(names)}.")


def _limit_checks(
    guardrail: Fairness,
    rows: GroupRows,
    values: NDArray[np.float64],
    limits: Limits,
    unit: str,
) -> tuple[LimitCheck, ...]:
    gaps = np.ptp(values, axis=1)
    left = np.array([np.ptp(v, axis=1) for v in without_one_day(guardrail.metric, rows, values)])
    checks = []
    for what, value, without_one, limit in (
        ("the candidate's gap", gaps[1], left[:, 1], guardrail.gap_at_most),
        (
            "its growth over production's",
            gaps[1] - gaps[0],
            left[:, 1] - left[:, 0],
            guardrail.gap_grows_at_most,
        ),
    ):
        if limit is not None:
            lower, upper = jackknife_bounds(float(value), without_one, limits.confidence)
            checks.append(LimitCheck(what, float(value), limit, lower, upper, unit))
    return tuple(checks)


def _sentence(
    guardrail: Fairness,
    judged: _UsableGroups,
    values: NDArray[np.float64],
    checks: Sequence[LimitCheck],
    limits: Limits,
) -> str:
    least, most = int(values[1].argmin()), int(values[1].argmax())
    clauses = "; ".join(each.message(limits.confidence) for each in checks)
    others = f"; left out: {names_text(judged.left_out)}" if judged.left_out else ""
    return (
        f"{metric_text(guardrail.metric).capitalize()} by {guardrail.by} ranges from"
        f" {number(values[1, least])} ({judged.names[least]}) to {number(values[1, most])}"
        f" ({judged.names[most]}), in production from {number(values[0].min())} to"
        f" {number(values[0].max())}; {clauses}{others}."
    )


def _evidence(judged: _UsableGroups, values: NDArray[np.float64]) -> list[dict[str, object]]:
    """Return the groups, those whose metric changed most first."""
    moved = np.abs(values[1] - values[0])
    return [
        {
            "group": judged.names[place],
            "rows": judged.rows_of[place],
            "days": judged.days_of[place],
            "production": float(values[0, place]),
            "candidate": float(values[1, place]),
        }
        for place in np.argsort(-moved, kind="stable")
    ]


Metric = Callable[[Numbers, Numbers], float]
_UNDEFINED = (ValueError, TypeError, ZeroDivisionError, FloatingPointError, Warning)
"""What metrics raise where they are undefined, including warnings turned into errors."""


@dataclass(frozen=True)
class GroupRows:
    """Rows as metrics take them; all arrays of shape (rows,)."""

    label: Numbers
    scores: tuple[Numbers, Numbers]
    """Production's and the candidate's."""
    day: NDArray[Any]
    group: NDArray[np.intp]
    """The number of each row's group."""


def metric_text(metric: str) -> str:
    """Return `mean absolute error`."""
    return metric.removesuffix("_score").replace("_", " ")


def labels_and_scores(guardrail: Fairness, paired: Paired) -> tuple[Numbers, Numbers, Numbers]:
    """Return labels, production's scores and the candidate's as the metric takes them.

    Raises CannotEvaluate for labels or scores outside the metric's domain.
    """
    rows, name = paired.rows, guardrail.metric
    called = metric_text(name).capitalize()
    label = rows["label"].to_numpy(dtype=np.float64)
    if name == "interval_coverage":
        if not has_interval(rows):
            raise CannotEvaluate(
                "The score tables have no interval: set score.lower and score.upper in the policy."
            )
        return label, within_interval(rows, SIDES[0]), within_interval(rows, SIDES[1])
    old, new = (rows[f"{side}_score"].to_numpy(dtype=np.float64) for side in SIDES)
    if guardrail.threshold is not None:
        old, new = ((each >= guardrail.threshold).astype(np.float64) for each in (old, new))
    if name in OF_TWO_LABELS and not np.isin(label, (0, 1)).all():
        raise CannotEvaluate(f"{called} needs labels 0 and 1; some are neither.")
    if name in OF_DECISIONS and not np.isin((old, new), (0, 1)).all():
        raise CannotEvaluate(
            f"{called} needs decisions 0 and 1, and some scores are neither: give the guardrail a"
            " 'threshold'."
        )
    if name in OF_PROBABILITIES and not ((old >= 0) & (old <= 1) & (new >= 0) & (new <= 1)).all():
        raise CannotEvaluate(f"{called} needs scores from 0 to 1; some are outside.")
    return label, old, new


def metric_of(name: str) -> Metric:
    """Return the function of (labels, scores) -> number."""
    if name == "bias":
        return lambda label, score: float(np.mean(score - label))
    if name == "interval_coverage":
        return lambda _label, within: float(np.mean(within))
    import fairlearn.metrics  # with scikit-learn, two seconds of loading
    import sklearn.metrics

    metric: Metric = getattr(sklearn.metrics, name, None) or getattr(fairlearn.metrics, name)
    return metric


def by_group(name: str, rows: GroupRows, side: int) -> Numbers:
    """Return the metric of each group, in their order, by fairlearn's MetricFrame.

    Raises CannotEvaluate when it is undefined for one of them.
    """
    from fairlearn.metrics import MetricFrame

    try:
        with _undefined_is_an_error():
            frame = MetricFrame(
                metrics=metric_of(name),
                y_true=rows.label,
                y_pred=rows.scores[side],
                sensitive_features=rows.group,
            )
        return np.asarray(frame.by_group.sort_index(), dtype=np.float64)
    except _UNDEFINED as error:
        first_line = " ".join(str(error).split()).split(". ")[0].rstrip(".")
        raise CannotEvaluate(
            f"{metric_text(name).capitalize()} is undefined: {first_line}."
        ) from None


def without_one_day(
    name: str, rows: GroupRows, values: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the metric of each model and group, shape (2, groups), with each day left out in turn.

    `values`: the metric with all days, also used for groups without rows on that day. NaN where it
    is undefined.
    """
    metric = metric_of(name)
    days, block = np.unique(rows.day, return_inverse=True)
    members = [np.flatnonzero(rows.group == group) for group in range(values.shape[1])]
    for day in range(len(days)):
        left = values.copy()
        for group, member in enumerate(members):
            kept = member[block[member] != day]
            if len(kept) < len(member):
                for side in (0, 1):
                    left[side, group] = _or_nan(metric, rows.label[kept], rows.scores[side][kept])
        yield left


def _or_nan(metric: Metric, label: Numbers, score: Numbers) -> float:
    try:
        with _undefined_is_an_error():
            return float(metric(label, score)) if len(label) else float("nan")
    except _UNDEFINED:
        return float("nan")


@contextmanager
def _undefined_is_an_error() -> Iterator[None]:
    """Make metrics raise where they would return 0 for an undefined value."""
    from sklearn.exceptions import UndefinedMetricWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        yield
