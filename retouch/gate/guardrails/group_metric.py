"""A metric of scikit-learn, fairlearn or our own, group by group."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retouch.gate.calibration import SIDES, has_interval, within_interval
from retouch.gate.guardrails.bounds import NoAnswer
from retouch.gate.losses import Numbers
from retouch.gate.pairing import Paired
from retouch.policy.guardrails import Fairness
from retouch.policy.metrics import OF_DECISIONS, OF_PROBABILITIES, OF_TWO_LABELS

Metric = Callable[[Numbers, Numbers], float]
_UNDEFINED = (ValueError, TypeError, ZeroDivisionError, FloatingPointError, Warning)
"""What metrics raise for rows they are not defined for, warnings turned into errors among them."""


@dataclass(frozen=True)
class GroupRows:
    """Rows as the metric takes them; all of shape (rows,)."""

    label: Numbers
    scores: tuple[Numbers, Numbers]
    """Production's and the candidate's."""
    day: NDArray[Any]
    group: NDArray[np.intp]
    """The place of each row's group among the groups."""


def in_words(metric: str) -> str:
    """Return `mean absolute error`, to end or to begin a phrase with."""
    return metric.removesuffix("_score").replace("_", " ")


def labels_and_scores(guardrail: Fairness, paired: Paired) -> tuple[Numbers, Numbers, Numbers]:
    """Return labels, production's scores and the candidate's as the metric takes them.

    Raises NoAnswer for labels or scores it is not meant for.
    """
    rows, name = paired.rows, guardrail.metric
    called = in_words(name).capitalize()
    label = rows["label"].to_numpy(dtype=np.float64)
    if name == "interval_coverage":
        if not has_interval(rows):
            raise NoAnswer("The score tables hold no interval: the policy names no ends of it.")
        return label, within_interval(rows, SIDES[0]), within_interval(rows, SIDES[1])
    old, new = (rows[f"{side}_score"].to_numpy(dtype=np.float64) for side in SIDES)
    if guardrail.threshold is not None:
        old, new = ((each >= guardrail.threshold).astype(np.float64) for each in (old, new))
    if name in OF_TWO_LABELS and not np.isin(label, (0, 1)).all():
        raise NoAnswer(f"{called} needs labels 0 and 1; some are neither.")
    if name in OF_DECISIONS and not np.isin((old, new), (0, 1)).all():
        raise NoAnswer(
            f"{called} needs decisions 0 and 1, and some scores are neither: give the guardrail a"
            " 'threshold'."
        )
    if name in OF_PROBABILITIES and not ((old >= 0) & (old <= 1) & (new >= 0) & (new <= 1)).all():
        raise NoAnswer(f"{called} needs scores from 0 to 1; some are outside.")
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

    Raises NoAnswer when it cannot be worked out for one of them.
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
        raise NoAnswer(
            f"{in_words(name).capitalize()} cannot be worked out: {first_line}."
        ) from None


def without_one_day(
    name: str, rows: GroupRows, values: NDArray[np.float64]
) -> Iterator[NDArray[np.float64]]:
    """Yield the metric of each model and group, shape (2, groups), with each day left out in turn.

    `values`: with all days, which is also that of a group without rows on that day. NaN where it
    cannot be worked out.
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
    """Make metrics raise where they would put 0 for what is not defined."""
    from sklearn.exceptions import UndefinedMetricWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        yield
