"""The losses: day by day, and the change slice by slice with its interval (a forest plot)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retouch.gate.model import Check, DayLoss, Judgement, Verdict
from retouch.reporting.case import ALERTED, OVERALL, within_noise
from retouch.reporting.figures import canvas
from retouch.reporting.figures.canvas import BAD, CANDIDATE, INK, MUTED, PRODUCTION, clamp
from retouch.reporting.numbers import decimals_for, signed
from retouch.reporting.status_labels import loss_name, loss_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DAYS_HEIGHT, _DAYS_ABOVE = 3.5, 1.02
MAX_ROWS = 30
_ROW = 0.245
"""Inches."""
_RIGHT, _COLUMNS = 0.80, 34
_ABOVE, _BELOW = 1.22, 0.62


@dataclass(frozen=True)
class _Row:
    """One check: the change is candidate minus production, so below 0 the candidate is better."""

    name: str
    rows: int
    change: float
    worst: float
    best: float
    limit: float
    colour: str
    alarm: bool


def loss_days(judgement: Judgement) -> list[DayLoss]:
    """Return the days there are numbers for, in order."""
    finite = [
        day
        for day in judgement.days
        if canvas.ordinal(day.day) is not None
        and math.isfinite(day.production)
        and math.isfinite(day.candidate)
    ]
    return sorted(finite, key=lambda day: day.day)


def loss_by_day_svg(verdict: Verdict, title: str) -> bytes | None:
    """Return the paired mean losses by day as SVG; None when there are no days."""
    days = loss_days(verdict.deciding)
    if not days:
        return None
    check = _headline_check(verdict.deciding)

    def draw(figure: Figure) -> None:
        under = f"{loss_name(verdict.loss)}, both models on the same rows, " + (
            f"{days[0].day} to {days[-1].day}"
        )
        canvas.heading(figure, title, under, loss_unit(verdict))
        axes = canvas.panel(figure, 0.066, 0.796 if check is None else 0.612, above=_DAYS_ABOVE)
        _lines(axes, days)
        if check is not None:
            _mean(canvas.panel(figure, 0.852, 0.05, above=_DAYS_ABOVE), check)

    return canvas.svg(draw, _DAYS_HEIGHT)


def _headline_check(judgement: Judgement) -> Check | None:
    """Return the check the days belong to, if it has an interval."""
    for name in ("alerted slice", "overall"):
        for check in judgement.checks:
            numbers = (check.gain, check.gain_lower, check.gain_upper)
            if check.name == name and check.criterion != "restored":
                known = all(x is not None and math.isfinite(x) for x in numbers)
                return check if known else None
    return None


def _lines(axes: Axes, days: list[DayLoss]) -> None:
    """Draw both models, the gap between them, and their names at their ends."""
    x = [canvas.ordinal(day.day) or 0 for day in days]
    production = [clamp(day.production) for day in days]
    candidate = [clamp(day.candidate) for day in days]
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
    change, worst, best = (clamp(-x) for x in (check.gain, check.gain_lower, check.gain_upper))
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
    # Of overlapping texts, the less important one goes.
    used: list[float] = []
    labels = ((change, "bold", colour), (0.0, "normal", MUTED), (worst, "normal", MUTED),
            (best, "normal", MUTED))  # fmt: skip
    for y, weight, tint in labels:
        if all(abs(y - other) >= 0.15 * span for other in used):
            used.append(y)
            text = "no change" if y == 0 else canvas.signed(y)
            canvas.put_text(axes, 1.25, y, text, color=tint, va="center", size=10, weight=weight)
    axes.set_title("mean change", color=INK, size=10.5, pad=6, loc="left", x=-0.5)


def slice_checks(judgement: Judgement) -> list[Check]:
    """Return the checks with an interval, the deciding ones first."""
    finite = [check for check in judgement.checks if _interval(check)]
    return sorted(finite, key=_weight)


def slices_svg(verdict: Verdict, alerted: str) -> bytes | None:
    """Return the forest plot as SVG; None when fewer than two checks have an interval."""
    checks = slice_checks(verdict.deciding)
    if len(checks) < 2:
        return None
    left_out = checks[MAX_ROWS:]
    rows = [_row(check) for check in checks[:MAX_ROWS]]
    decimals = decimals_for(
        [x for check in checks for x in (check.production, check.candidate)],
        [(check.gain_lower, check.limit) for check in checks if check.family == "gate"],
    )

    def draw(figure: Figure) -> None:
        loss = loss_name(verdict.loss)
        under = f"{loss}, candidate minus production, with interval; alerted slice: {alerted}"
        canvas.heading(figure, "Change by slice", under, loss_unit(verdict))
        left = canvas.margin((row.name for row in rows), _COLUMNS)
        axes = canvas.panel(figure, left, _RIGHT - left, above=_ABOVE, below=_BELOW)
        _frame(axes, rows)
        for y, row in enumerate(rows):
            _draw(axes, y, row)
            _numbers(figure, y, row, decimals)
        _legend(figure, rows, left_out)

    return canvas.svg(draw, _ABOVE + _BELOW + _ROW * len(rows))


def _interval(check: Check) -> bool:
    numbers = (check.gain, check.gain_lower, check.gain_upper, check.limit)
    known = all(x is not None and math.isfinite(x) for x in numbers)
    return known and check.criterion != "restored"


def _weight(check: Check) -> tuple[int, int, float]:
    first = {ALERTED: 0, OVERALL: 1}.get(check.name, 2) if check.family == "gate" else 2
    if first < 2:
        return (first, 0, 0.0)
    rank = 0 if check.result == "fail" else 1 if check.family == "gate" else 2
    return (
        first,
        rank,
        ((check.gain_lower if check.family == "gate" else check.gain) or 0.0) - check.limit,
    )


def _row(check: Check) -> _Row:
    assert check.gain is not None
    assert check.gain_lower is not None and check.gain_upper is not None
    alarm = check.family == "harm_alarm"
    names = {ALERTED: "alerted slice", OVERALL: "overall"}
    name = check.name if alarm else names.get(check.name, check.name)
    failed = check.result == "fail"
    colour = BAD if failed else MUTED if check.result != "pass" else CANDIDATE
    return _Row(
        name=name,
        rows=check.rows,
        change=clamp(-check.gain) + 0.0,
        worst=clamp(-check.gain_lower),
        best=clamp(-check.gain_upper),
        limit=clamp(-check.limit) + 0.0,
        colour=colour,
        alarm=alarm,
    )


def _frame(axes: Axes, rows: list[_Row]) -> None:
    """Set the scale by the changes and limits; an interval that leaves it is cut off there."""
    ends = [x for row in rows for x in (row.change, row.limit)] + [0.0]
    span = max(ends) - min(ends) or 1.0
    reach = [x for row in rows for x in (row.worst, row.best)]
    low = max(min(*reach, *ends), min(ends) - 1.5 * span) - 0.06 * span
    high = min(max(*reach, *ends), max(ends) + 1.5 * span) + 0.06 * span
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks([])
    axes.grid(axis="x", color=canvas.GRID, lw=1)
    canvas.ticks(axes, "x", 6)
    axes.axvline(0, color=MUTED, lw=1)
    for at, text, side in ((0.0, "← better", "left"), (1.0, "worse →", "right")):
        axes.annotate(
            text,
            (at, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            color=MUTED,
            size=10,
            ha=side,
        )


def _draw(axes: Axes, y: int, row: _Row) -> None:
    low, high = axes.get_xlim()
    axes.plot([row.best, row.worst], [y, y], color=row.colour, lw=1.8, solid_capstyle="butt")
    for end, marker, edge in ((row.best, "<", low), (row.worst, ">", high)):
        if not low <= end <= high:
            axes.plot([edge], [y], marker=marker, color=row.colour, ms=5, clip_on=False, ls="none")
    axes.plot([row.limit], [y], marker="|", color=BAD, ms=11, mew=1.6, ls="none")
    face = canvas.CARD if row.alarm else row.colour
    axes.plot([row.change], [y], marker="o", mec=row.colour, mfc=face, mew=1.5, ms=6, ls="none")


def _numbers(figure: Figure, y: int, row: _Row, decimals: int) -> None:
    """Write the name, the change and the rows beside the drawing, one line each."""
    height = float(figure.get_size_inches()[1])
    at = 1 - (_ABOVE + _ROW * (y + 0.6) + 0.04) / height
    weight = "bold" if row.colour == BAD else "normal"
    change = row.change
    text = canvas.signed(change) if abs(change) >= 1e6 else signed(change, decimals)
    name = canvas.one_line(row.name, _COLUMNS)
    left = figure.axes[0].get_position().x0 - 0.012
    canvas.put_text(figure, left, at, name, ha="right", color=INK, weight=weight, size=10)
    canvas.put_text(figure, 0.895, at, text, ha="right", color=row.colour, weight=weight, size=10)
    canvas.put_text(figure, 0.975, at, f"{row.rows:,}", ha="right", color=MUTED, size=10)


def _legend(figure: Figure, rows: list[_Row], left_out: list[Check]) -> None:
    """Explain the marks, and say how many slices did not fit."""
    height = float(figure.get_size_inches()[1])
    for x, text in ((0.895, "change"), (0.975, "rows")):
        y = 1 - (_ABOVE - 0.07) / height
        canvas.put_text(figure, x, y, text, color=MUTED, size=10, ha="right")
    legend = "red tick: limit, passes if the interval lies left of it"
    if any(row.alarm for row in rows):
        legend += "  ·  hollow: harm alarm, fails if it lies right"
    if left_out:
        failed = sum(check.result == "fail" for check in left_out)
        legend = f"and {len(left_out):,} more, {failed or 'none'} of them failing  ·  {legend}"
    canvas.put_text(figure, 0.022, 0.17 / height, legend, color=MUTED, size=9.5)
