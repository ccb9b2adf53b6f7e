"""The change of the loss slice by slice with its interval: a forest plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retouch.gate.model import Check, Judgement, Verdict
from retouch.reporting.case import ALERTED, OVERALL
from retouch.reporting.figures import canvas
from retouch.reporting.figures.canvas import BAD, CANDIDATE, INK, MUTED, drawn
from retouch.reporting.numbers import decimals_for, signed
from retouch.reporting.status_labels import mean_loss, unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 30
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


def rows_of(judgement: Judgement) -> list[Check]:
    """Return the checks there is an interval for, what decides first."""
    there = [check for check in judgement.checks if _interval(check)]
    return sorted(there, key=_weight)


def slices_svg(verdict: Verdict, alerted: str) -> bytes | None:
    """Return the forest plot as SVG; None when fewer than two checks have an interval."""
    checks = rows_of(verdict.deciding)
    if len(checks) < 2:
        return None
    left_out = checks[MOST_ROWS:]
    rows = [_row(check) for check in checks[:MOST_ROWS]]
    decimals = decimals_for(
        [x for check in checks for x in (check.production, check.candidate)],
        [(check.gain_lower, check.limit) for check in checks if check.family == "gate"],
    )

    def draw(figure: Figure) -> None:
        loss = mean_loss(verdict.loss)
        under = f"Change of {loss[0].lower()}{loss[1:]} with its interval; alerted: {alerted}"
        canvas.heading(figure, "Slice by slice", under, unit_of(verdict))
        left = canvas.margin((row.name for row in rows), _COLUMNS)
        axes = canvas.panel(figure, left, _RIGHT - left, above=_ABOVE, below=_BELOW)
        _frame(axes, rows)
        for y, row in enumerate(rows):
            _draw(axes, y, row)
            _numbers(figure, y, row, decimals)
        _key(figure, rows, left_out)

    return canvas.svg(draw, _ABOVE + _BELOW + _ROW * len(rows))


def _interval(check: Check) -> bool:
    numbers = (check.gain, check.gain_lower, check.gain_upper, check.limit)
    known = all(x is not None and math.isfinite(x) for x in numbers)
    return known and check.asks != "restored"


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
        change=drawn(-check.gain) + 0.0,
        worst=drawn(-check.gain_lower),
        best=drawn(-check.gain_upper),
        limit=drawn(-check.limit) + 0.0,
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
    name = canvas.words(row.name, _COLUMNS)
    left = figure.axes[0].get_position().x0 - 0.012
    canvas.say(figure, left, at, name, ha="right", color=INK, weight=weight, size=10)
    canvas.say(figure, 0.895, at, text, ha="right", color=row.colour, weight=weight, size=10)
    canvas.say(figure, 0.975, at, f"{row.rows:,}", ha="right", color=MUTED, size=10)


def _key(figure: Figure, rows: list[_Row], left_out: list[Check]) -> None:
    """Say what the marks mean, and how many slices there was no room for."""
    height = float(figure.get_size_inches()[1])
    for x, text in ((0.895, "change"), (0.975, "rows")):
        y = 1 - (_ABOVE - 0.07) / height
        canvas.say(figure, x, y, text, color=MUTED, size=10, ha="right")
    said = "red tick: limit, for the whole interval to stay left of"
    if any(row.alarm for row in rows):
        said += "  ·  hollow: harm alarm"
    if left_out:
        failed = sum(check.result == "fail" for check in left_out)
        said = f"and {len(left_out):,} more, {failed or 'none'} of them failing  ·  {said}"
    canvas.say(figure, 0.022, 0.17 / height, said, color=MUTED, size=9.5)
