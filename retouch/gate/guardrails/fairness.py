"""The gap of a metric between groups of rows, candidate against production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.gate.guardrails.bounds import Held, NoAnswer, deciding, found, number, unknown
from retouch.gate.guardrails.group_metric import (
    GroupRows,
    by_group,
    in_words,
    labels_and_scores,
    without_one_day,
)
from retouch.gate.guardrails.groups import Groups, groups_of, some_of
from retouch.gate.jackknife import bounds
from retouch.gate.losses import Numbers
from retouch.gate.messages import days_text
from retouch.gate.model import GuardrailResult
from retouch.gate.pairing import Paired
from retouch.gate.score_table import rows_text
from retouch.policy.guardrails import Fairness
from retouch.policy.metrics import IN_LABELS_UNIT, NEED_BOTH_LABELS
from retouch.policy.promotion import Limits

_NEED_SPREAD = frozenset({"d2_absolute_error_score", "explained_variance_score", "r2_score"})
"""0 or 1 by convention, among rows whose labels are all alike."""


@dataclass(frozen=True)
class _Judged:
    """The groups that can be judged, and their rows."""

    names: tuple[str, ...]
    rows_of: tuple[int, ...]
    days_of: tuple[int, ...]
    rows: GroupRows
    left_out: tuple[str, ...]
    """The others, each with the reason."""


def evaluate(guardrail: Fairness, paired: Paired, limits: Limits) -> GuardrailResult:
    """Hold the candidate's gap, and how much it grew, against their limits."""
    unit = limits.unit if guardrail.metric in IN_LABELS_UNIT else ""
    measure = f"largest gap of {in_words(guardrail.metric)} by {guardrail.by}"
    measure = f"{measure}, {unit}" if unit else measure
    try:
        judged = _judged(guardrail, paired, limits)
        values = np.array([by_group(guardrail.metric, judged.rows, side) for side in (0, 1)])
        _require_numbers(guardrail, judged, values)
    except NoAnswer as why:
        return unknown(guardrail, measure, str(why))
    held = _held(guardrail, judged.rows, values, limits, unit)
    gaps = np.ptp(values, axis=1)
    return found(
        guardrail,
        deciding(held),
        measure,
        _sentence(guardrail, judged, values, held, limits),
        production=float(gaps[0]),
        candidate=float(gaps[1]),
        evidence=_evidence(judged, values),
    )


def _judged(guardrail: Fairness, paired: Paired, limits: Limits) -> _Judged:
    """Return what can be judged. Raises NoAnswer when that is less than two groups."""
    if guardrail.by not in paired.slices:
        raise NoAnswer(f"The score table has no column {guardrail.by!r}.")
    label, old, new = labels_and_scores(guardrail, paired)
    day = paired.rows["day"]
    groups = groups_of(paired.slices[guardrail.by], day)
    places, left_out = _large_enough(guardrail, groups, label, limits)
    if len(places) < 2:
        raise NoAnswer(
            f"Fewer than two groups of {guardrail.by} can be compared; left out:"
            f" {some_of(left_out) or 'none'}."
        )
    chosen = np.isin(groups.of_row, places)
    return _Judged(
        names=tuple(groups.names[place] for place in places),
        rows_of=tuple(groups.rows[places].tolist()),
        days_of=tuple(groups.days[places].tolist()),
        rows=GroupRows(
            label[chosen],
            (old[chosen], new[chosen]),
            day.to_numpy(dtype=np.str_)[chosen],
            np.searchsorted(places, groups.of_row[chosen]),
        ),
        left_out=left_out,
    )


def _large_enough(
    guardrail: Fairness, groups: Groups, label: Numbers, limits: Limits
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the places of the groups that can be judged, and why each other one cannot."""
    enough = np.isin(np.arange(len(groups.names)), groups.large_enough(limits))
    mixed = np.ones_like(enough)
    if guardrail.metric in NEED_BOTH_LABELS | _NEED_SPREAD:
        labels = pd.Series(label).groupby(groups.of_row)
        mixed = (labels.max() > labels.min()).to_numpy()
    left_out = tuple(
        f"{name} (one label only)" if enough[place] else f"{name} ({_little(groups, place)})"
        for place, name in enumerate(groups.names)
        if not (enough[place] and mixed[place])
    )
    return np.flatnonzero(enough & mixed), left_out


def _little(groups: Groups, place: int) -> str:
    return f"{rows_text(int(groups.rows[place]))} on {days_text(int(groups.days[place]))}"


def _require_numbers(guardrail: Fairness, judged: _Judged, values: NDArray[np.float64]) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        names = [name for place, name in enumerate(judged.names) if not finite[:, place].all()]
        called = in_words(guardrail.metric).capitalize()
        raise NoAnswer(f"{called} is no number for {some_of(names)}.")


def _held(
    guardrail: Fairness,
    rows: GroupRows,
    values: NDArray[np.float64],
    limits: Limits,
    unit: str,
) -> tuple[Held, ...]:
    gaps = np.ptp(values, axis=1)
    left = np.array([np.ptp(v, axis=1) for v in without_one_day(guardrail.metric, rows, values)])
    held = []
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
            lower, upper = bounds(float(value), without_one, limits.confidence)
            held.append(Held(what, float(value), limit, lower, upper, unit))
    return tuple(held)


def _sentence(
    guardrail: Fairness,
    judged: _Judged,
    values: NDArray[np.float64],
    held: Sequence[Held],
    limits: Limits,
) -> str:
    least, most = int(values[1].argmin()), int(values[1].argmax())
    clauses = "; ".join(each.message(limits.confidence) for each in held)
    others = f"; not judged: {some_of(judged.left_out)}" if judged.left_out else ""
    return (
        f"{in_words(guardrail.metric).capitalize()} by {guardrail.by} goes from"
        f" {number(values[1, least])} ({judged.names[least]}) to {number(values[1, most])}"
        f" ({judged.names[most]}), in production from {number(values[0].min())} to"
        f" {number(values[0].max())}; {clauses}{others}."
    )


def _evidence(judged: _Judged, values: NDArray[np.float64]) -> list[dict[str, object]]:
    """Return the groups, those that moved most first."""
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
