"""The alerted column day by day: its median and the band that holds most of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retouch.gate.model import Drift, DriftDay, Verdict
from retouch.reporting.figures import canvas
from retouch.reporting.figures.canvas import CANDIDATE, INK, MUTED, clamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _ABOVE = 3.4, 1.12
_LEFT, _ROOM, _BETWEEN = 0.085, 0.88, 0.03


def drift_days(days: tuple[DriftDay, ...]) -> list[DriftDay]:
    """Return the days there are finite numbers for, in order."""
    finite = [
        day
        for day in days
        if canvas.ordinal(day.day) is not None
        and all(math.isfinite(x) for x in (day.low, day.median, day.high))
    ]
    return sorted(finite, key=lambda day: day.day)


def drift_svg(verdict: Verdict) -> bytes | None:
    """Return the alerted column in the reference window and in the alert's; None without days."""
    drift = verdict.drift
    if drift is None or not drift_days(drift.current):
        return None

    def draw(figure: Figure) -> None:
        title = f"{canvas.one_line(drift.column, 40)} where {drift.where}"
        if not drift.where or drift.where == "all rows":
            title = f"{canvas.one_line(drift.column, 40)}, all rows"
        under = "Daily median with the band from the 10 % to the 90 % quantile"
        canvas.heading(figure, title, under)
        _windows(figure, drift)

    return canvas.svg(draw, _HEIGHT)


def _windows(figure: Figure, drift: Drift) -> None:
    """Draw the two windows side by side, as wide as they are long, on one scale."""
    reference, current = drift_days(drift.reference), drift_days(drift.current)
    windows = [
        (days, message, colour)
        for days, message, colour in (
            (reference, "reference window", MUTED),
            (current, "alert window", CANDIDATE),
        )
        if days
    ]
    every = [clamp(x) for days, _, _ in windows for day in days for x in (day.low, day.high)]
    span = max(every) - min(every) or abs(max(every)) or 1.0
    scale = (clamp(min(every) - 0.07 * span), clamp(max(every) + 0.07 * span))
    weights = [max(_length(days), 0.3 * max(map(_length, (d for d, _, _ in windows))))
               for days, _, _ in windows]  # fmt: skip
    left, room = _LEFT, _ROOM - _BETWEEN * (len(windows) - 1)
    reference_median = _reference_median(reference)
    for (days, message, colour), weight in zip(windows, weights, strict=True):
        width = room * weight / sum(weights)
        axes = canvas.panel(figure, left, width, above=_ABOVE)
        axes.set_ylim(*scale)
        axes.grid(axis="y", color=canvas.GRID, lw=1)
        canvas.ticks(axes, "y")
        if left > _LEFT:
            axes.tick_params(labelleft=False)
        _band(axes, days, colour, max(2, round(9 * width)))
        if reference_median is not None:
            axes.axhline(reference_median, color=INK, lw=1, ls=(0, (3, 3)))
        axes.set_title(message, color=colour, size=10.5, pad=6, loc="left", weight="bold")
        left += width + _BETWEEN


def _band(axes: Axes, days: list[DriftDay], colour: str, dates: int) -> None:
    x = [canvas.ordinal(day.day) or 0 for day in days]
    low = [clamp(day.low) for day in days]
    median = [clamp(day.median) for day in days]
    high = [clamp(day.high) for day in days]
    if len(days) == 1:
        axes.plot([x[0], x[0]], [low[0], high[0]], color=colour, lw=9, alpha=0.2)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
    axes.plot(x, median, color=colour, lw=2.2, marker="o", ms=5 if len(days) <= 45 else 0)
    canvas.days(axes, x[0], x[-1], dates)


def _length(days: list[DriftDay]) -> int:
    return (canvas.ordinal(days[-1].day) or 0) - (canvas.ordinal(days[0].day) or 0) + 1


def _reference_median(reference: list[DriftDay]) -> float | None:
    """Return the median of the reference window's daily medians."""
    medians = sorted(clamp(day.median) for day in reference)
    return medians[len(medians) // 2] if medians else None
