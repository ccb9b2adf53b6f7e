"""What a verdict shows besides its checks: hold-out, losses by day, calibration, drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retouch.alerts.model import Predicate, Window
from retouch.documents import digest_of
from retouch.gate.comparison import HoldoutUse
from retouch.gate.guardrails.calibration import calibration_of
from retouch.gate.holdout import HoldoutDays
from retouch.gate.hypotheses import Hypothesis
from retouch.gate.model import Calibration, DayLoss, Drift, DriftDay, HoldoutUsed
from retouch.gate.pairing import Paired
from retouch.gate.slices import Rows, describe, mask_of, select
from retouch.policy.promotion import Promotion


def holdout_used(
    paired: Paired,
    holdout: HoldoutDays,
    *,
    seen_until: tuple[str, str],
    learned_rows: int | None,
    holdout_use: HoldoutUse,
    confidence: float | None,
) -> HoldoutUsed:
    """Return the record of the hold-out. `seen_until`: of production, of the candidate."""
    labels = paired.rows[["id", "label"]].to_numpy(dtype=object).tolist()
    return HoldoutUsed(
        start=holdout.start,
        end=holdout.end,
        rows=len(paired.rows),
        days=len(paired.days.names),
        digest=digest_of(labels),
        production_seen_until=seen_until[0],
        candidate_seen_until=seen_until[1],
        learned_rows_compared=learned_rows,
        candidate_number=holdout_use.number,
        candidates_allowed=holdout_use.allowed,
        confidence=confidence,
    )


def losses_by_day(paired: Paired, rows: Rows) -> Iterator[DayLoss]:
    """Yield both models' mean loss on each day of these rows.

    A rank-based loss is computed within the day; a day with a single class is left out.
    """
    number = paired.days.of_row[rows]
    for day in np.unique(number):
        of_day = rows[number == day]
        losses = paired.losses(of_day)
        production, candidate = float(losses.production.mean()), float(losses.candidate.mean())
        if np.isfinite(production) and np.isfinite(candidate):
            yield DayLoss(
                day=paired.days.names[day],
                rows=len(of_day),
                production=production,
                candidate=candidate,
            )


def calibration(
    paired: Paired, hypotheses: Sequence[Hypothesis], policy: Promotion
) -> tuple[Calibration, ...]:
    """Return both models' calibration: over all rows, the alerted slices, the required ones."""
    rows = {q.where: q.rows for q in hypotheses if q.family == "gate" and len(q.rows)}
    slices = [(where, mask_of(each, len(paired.rows))) for where, each in rows.items()]
    return calibration_of(paired, slices, policy)


MOST_DAYS = 92
"""The most days shown of each window: its last ones."""
ALL_ROWS = "all rows"


def drift_of(
    frame: pd.DataFrame,
    column: str,
    where: Sequence[Predicate],
    reference: Window | None,
    current: Window,
    *,
    day: str,
    met: Sequence[Predicate] = (),
) -> Drift | None:
    """Return the column's median and its 10 % and 90 % quantiles on each day of both windows.

    `day` is the frame's column of days (`YYYY-MM-DD`, dates) or of moments; moments with an offset
    become days in the offset the window is written in. Missing and infinite values are ignored; a
    condition on a column the frame lacks is dropped, also from `Drift.where`. `met`: conditions
    that every row of the frame meets. None when the column is not numeric, or has no value within
    the alert's window.
    """
    values = _numbers(frame[column])
    if values is None:
        return None
    chosen = select(frame, tuple(where))
    values = np.where(chosen.mask, values, np.nan)
    now = tuple(_days(values, frame[day], current))
    if not now:
        return None
    return Drift(
        column=column,
        where=" and ".join(map(describe, (*met, *chosen.applied))) or ALL_ROWS,
        reference=tuple(_days(values, frame[day], reference)) if reference else (),
        current=now,
    )


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64] | None:
    """Return the values as floats, infinite ones as missing; None when they are not numeric."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return None
    if not pd.api.types.is_numeric_dtype(column.dtype) and not _decimal(column):
        return None
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _decimal(column: pd.Series[Any]) -> bool:
    return pd.api.types.infer_dtype(column, skipna=True) == "decimal"


def _days(values: NDArray[np.float64], day: pd.Series[Any], window: Window) -> Iterator[DriftDay]:
    first, after = window.days
    first = max(first, after - timedelta(days=MOST_DAYS))
    texts = _local_days(day, window)
    within = (texts >= first.isoformat()) & (texts < after.isoformat()) & ~np.isnan(values)
    for name, of_day in pd.Series(values[within]).groupby(texts[within], sort=True):
        with np.errstate(all="ignore"):
            low, median, high = np.quantile(of_day.to_numpy(), [0.1, 0.5, 0.9])
        if np.isfinite([low, median, high]).all():
            yield DriftDay(
                day=str(name),
                rows=len(of_day),
                median=float(median),
                low=float(low),
                high=float(high),
            )


def _local_days(day: pd.Series[Any], window: Window) -> NDArray[np.object_]:
    """Return every row's day as `YYYY-MM-DD`; empty where it has none."""
    if isinstance(day.dtype, pd.DatetimeTZDtype):
        day = day.dt.tz_convert(window.start.tzinfo).dt.tz_localize(None)
    if pd.api.types.is_datetime64_any_dtype(day.dtype):
        day = day.dt.floor("D")
    codes, values = pd.factorize(day)
    texts = np.array([*map(_day_text, values), ""], dtype=object)
    return texts[codes]


def _day_text(value: object) -> str:
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""
