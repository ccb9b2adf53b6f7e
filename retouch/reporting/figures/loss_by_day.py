"""The loss day by day, production against candidate, and the mean gain with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from retouch.gate.model import Check, DayLoss, Judgement, Verdict
from retouch.reporting.case import within_noise
from retouch.reporting.figures import canvas
from retouch.reporting.figures.canvas import CANDIDATE, INK, MUTED, PRODUCTION, drawn
from retouch.reporting.status_labels import mean_loss, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT, _ABOVE = 3.5, 1.02


def days_of(judgement: Judgement) -> list[DayLoss]:
    """Return the days there are numbers for, in order."""
    there = [
        day
        for day in judgement.days
        if canvas.ordinal(day.day) is not None
        and math.isfinite(day.production)
        and math.isfinite(day.candidate)
    ]
    return sorted(there, key=lambda day: day.day)


def loss_by_day_svg(verdict: Verdict, title: str) -> bytes | None:
    """Return the paired mean losses by day as SVG; None when there are no days."""
    days = days_of(verdict.deciding)
    if not days:
        return None
    check = _summed_up(verdict.deciding)

    def draw(figure: Figure) -> None:
        under = f"{mean_loss(verdict.loss)}, both models on the same rows, " + (
            f"{days[0].day} to {days[-1].day}"
        )
        canvas.heading(figure, title, under, unit_of(verdict))
        axes = canvas.panel(figure, 0.066, 0.796 if check is None else 0.612, above=_ABOVE)
        _lines(axes, days)
        if check is not None:
            _mean(canvas.panel(figure, 0.852, 0.05, above=_ABOVE), check)

    return canvas.svg(draw, _HEIGHT)


def _summed_up(judgement: Judgement) -> Check | None:
    """Return the check the days are of, when it has an interval."""
    for name in ("alerted slice", "overall"):
        for check in judgement.checks:
            numbers = (check.gain, check.gain_lower, check.gain_upper)
            if check.name == name and check.asks != "restored":
                known = all(x is not None and math.isfinite(x) for x in numbers)
                return check if known else None
    return None


def _lines(axes: Axes, days: list[DayLoss]) -> None:
    """Draw both models, the gap between them, and their names at their ends."""
    x = [canvas.ordinal(day.day) or 0 for day in days]
    production = [drawn(day.production) for day in days]
    candidate = [drawn(day.candidate) for day in days]
    better = [c <= p for c, p in zip(candidate, production, strict=True)]
    worse = [c >= p for c, p in zip(candidate, production, strict=True)]
    for where, colour in ((better, CANDIDATE), (worse, PRODUCTION)):
        axes.fill_between(
            x, production, candidate, where=where, interpolate=True, color=colour, alpha=0.09, lw=0
        )
    size = 5 if len(days) <= 45 else 0
    axes.plot(x, production, color=PRODUCTION, lw=1.8, marker="s", ms=size * 0.9)
    axes.plot(x, candidate, color=CANDIDATE, lw=2.4, marker="o", ms=size)
    low = 1.12 * min(*production, *candidate, 0.0)
    top = 1.12 * max(*production, *candidate, 0.0) or (1.0 if not low else 0.0)
    axes.set_ylim(low, top)
    axes.grid(axis="y", color=canvas.GRID, lw=1)
    canvas.ticks(axes, "y")
    canvas.days(axes, x[0], x[-1])
    for y, text, colour in zip(
        _apart(production[-1], candidate[-1], low, top),
        ("production", "candidate"),
        (PRODUCTION, CANDIDATE),
        strict=True,
    ):
        axes.annotate(
            text,
            (x[-1], y),
            xytext=(10, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )


def _apart(production: float, candidate: float, low: float, top: float) -> tuple[float, float]:
    """Return where the two names go, so that neither covers the other."""
    least = 0.085 * (top - low)
    if abs(production - candidate) >= least:
        return production, candidate
    middle = max((production + candidate) / 2, low + least / 2)
    sign = 1 if production >= candidate else -1
    return middle + sign * least / 2, middle - sign * least / 2


def _mean(axes: Axes, check: Check) -> None:
    """Draw the mean change and its interval beside the days, on a scale of its own."""
    assert check.gain is not None
    assert check.gain_lower is not None and check.gain_upper is not None
    change, worst, best = (drawn(-x) for x in (check.gain, check.gain_lower, check.gain_upper))
    colour = MUTED if within_noise(check) else CANDIDATE if change < 0 else PRODUCTION
    reach = [change, worst, best, 0.0]
    span = (max(reach) - min(reach)) or 1.0
    axes.set_ylim(min(reach) - 0.18 * span, max(reach) + 0.18 * span)
    axes.set_xlim(-1, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    axes.axhline(0, color=MUTED, lw=1, ls=(0, (3, 3)))
    axes.plot([0, 0], [worst, best], color=colour, lw=2.4, solid_capstyle="butt")
    axes.plot([0], [change], color=colour, marker="D", ms=7)
    # Of texts that would lie on one another, the less telling one goes.
    taken: list[float] = []
    told = ((change, "bold", colour), (0.0, "normal", MUTED), (worst, "normal", MUTED),
            (best, "normal", MUTED))  # fmt: skip
    for y, weight, tint in told:
        if all(abs(y - other) >= 0.15 * span for other in taken):
            taken.append(y)
            text = "no change" if y == 0 else canvas.signed(y)
            canvas.say(axes, 1.25, y, text, color=tint, va="center", size=10, weight=weight)
    axes.set_title("mean change", color=INK, size=10.5, pad=6, loc="left", x=-0.5)
