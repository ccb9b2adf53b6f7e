"""Calibration: bias and interval coverage by slice, or reliability of probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retouch.gate.model import (
    Calibration,
    Judgement,
    ModelCalibration,
    ReliabilityBin,
    Verdict,
)
from retouch.reporting.figures import canvas
from retouch.reporting.figures.canvas import CANDIDATE, INK, MUTED, PRODUCTION, clamp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_ROWS = 20
_TITLE = "Calibration on the hold-out"
_ROW = 0.32
_ABOVE, _BELOW = 1.3, 0.5
_RIGHT, _BETWEEN, _COLUMNS = 0.965, 0.045, 30


def finite_calibration(judgement: Judgement) -> list[Calibration]:
    """Return the slices there are finite numbers for, in the order of the verdict."""
    return [
        of
        for of in judgement.calibration
        if math.isfinite(of.production.bias) and math.isfinite(of.candidate.bias)
    ]


def finite_reliability(judgement: Judgement) -> list[ReliabilityBin]:
    """Return the bins there are finite numbers for."""
    return [
        one
        for one in judgement.reliability
        if math.isfinite(one.mean_score) and math.isfinite(one.mean_label)
    ]


def calibration_svg(verdict: Verdict) -> bytes | None:
    """Return reliability of probabilities, else bias and coverage, as SVG; None without either."""
    judgement = verdict.deciding
    if bins := finite_reliability(judgement):
        return _reliability(bins)
    if slices := finite_calibration(judgement):
        return _by_slice(slices, verdict)
    return None


def _by_slice(slices: list[Calibration], verdict: Verdict) -> bytes:
    shown, left_out = slices[:MAX_ROWS], len(slices) - MAX_ROWS
    covered = any(_covers(of.production) or _covers(of.candidate) for of in shown)

    def draw(figure: Figure) -> None:
        under = f"{'Bias and interval coverage' if covered else 'Bias'} of both models, by slice"
        canvas.heading(figure, _TITLE, under)
        _legend(figure)
        left = canvas.margin((of.where for of in shown), _COLUMNS)
        room = _RIGHT - left
        width = (room - _BETWEEN) / 2 if covered else room
        axes = canvas.panel(figure, left, width, above=_ABOVE, below=_BELOW)
        unit = canvas.one_line(verdict.unit, 16)
        _bias(axes, shown, f"mean of score − label{', ' if unit else ''}{unit}")
        if covered:
            left += width + _BETWEEN
            panel = canvas.panel(figure, left, width, above=_ABOVE, below=_BELOW)
            _coverage(panel, shown, verdict.promised_coverage)
        if left_out > 0:
            height = float(figure.get_size_inches()[1])
            canvas.put_text(
                figure, 0.022, 0.17 / height, f"and {left_out:,} more", color=MUTED, size=9.5
            )

    return canvas.svg(draw, _ABOVE + _BELOW + _ROW * max(2, len(shown)))


def _legend(figure: Figure) -> None:
    height = float(figure.get_size_inches()[1])
    y = 1 - 0.9 / height
    canvas.put_text(figure, 0.022, y, "■ production", color=PRODUCTION, size=10.5, weight="bold")
    canvas.put_text(figure, 0.15, y, "● candidate", color=CANDIDATE, size=10.5, weight="bold")


def _rows(axes: Axes, count: int, message: str) -> None:
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_yticks([])
    axes.grid(axis="x", color=canvas.GRID, lw=1)
    axes.set_title(message, color=MUTED, size=10, pad=6, loc="left", parse_math=False)


def _bias(axes: Axes, slices: Sequence[Calibration], message: str) -> None:
    ends = [clamp(x.bias) for of in slices for x in (of.production, of.candidate)] + [0.0]
    span = max(ends) - min(ends) or 1.0
    axes.set_xlim(min(ends) - 0.08 * span, max(ends) + 0.08 * span)
    _rows(axes, len(slices), message)
    canvas.ticks(axes, "x", 4)
    axes.axvline(0, color=MUTED, lw=1)
    for y, of in enumerate(slices):
        before, after = clamp(of.production.bias), clamp(of.candidate.bias)
        axes.plot([before, after], [y, y], color=canvas.EDGE, lw=2.5, zorder=1)
        axes.plot([before], [y], marker="s", color=PRODUCTION, ms=6, ls="none")
        axes.plot([after], [y], marker="o", color=CANDIDATE, ms=7, ls="none")
        how = {"va": "center_baseline", "size": 10, "transform": axes.get_yaxis_transform()}
        canvas.put_text(
            axes, -0.03, y, canvas.one_line(of.where, _COLUMNS), ha="right", color=INK, **how
        )


def _covers(of: ModelCalibration) -> bool:
    return of.coverage is not None and math.isfinite(of.coverage)


def _coverage(axes: Axes, slices: Sequence[Calibration], promised: float | None) -> None:
    """Draw both coverages with their bounds, a little above and below the row's middle."""
    from matplotlib.ticker import FuncFormatter

    shares = [1.0 if promised is None else promised]
    for y, of in enumerate(slices):
        for model, off, mark, colour in (
            (of.production, -0.14, "s", PRODUCTION),
            (of.candidate, 0.14, "o", CANDIDATE),
        ):
            if model.coverage is None or not _covers(model):
                continue
            bounds = [
                min(1.0, max(0.0, x))
                for x in (model.coverage_lower, model.coverage_upper)
                if x is not None and math.isfinite(x)
            ]
            shares += [model.coverage, *bounds]
            if len(bounds) == 2:
                axes.plot(bounds, [y + off] * 2, color=colour, lw=1.6, solid_capstyle="butt")
            axes.plot([model.coverage], [y + off], marker=mark, color=colour, ms=5.5, ls="none")
    axes.set_xlim(max(-0.03, min(shares) - 0.04), min(1.03, max(shares) + 0.04))
    dashed = "" if promised is None else " (dashed: nominal)"
    _rows(axes, len(slices), f"interval coverage{dashed}")
    canvas.ticks(axes, "x", 4)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.4g} %"))
    if promised is not None:
        axes.axvline(promised, color=INK, lw=1.2, ls=(0, (3, 3)))


def _reliability(bins: list[ReliabilityBin]) -> bytes:
    def draw(figure: Figure) -> None:
        under = "Observed frequency against predicted probability, by bin"
        canvas.heading(figure, _TITLE, under)
        _legend(figure)
        axes = canvas.panel(figure, 0.075, 0.875, above=1.05, below=0.72)
        values = [clamp(x) for one in bins for x in (one.mean_score, one.mean_label)]
        low, high = min(values), max(values)
        room = 0.06 * (high - low or 0.2)
        low, high = low - room, high + room
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.grid(color=canvas.GRID, lw=1)
        canvas.ticks(axes, "y")
        canvas.ticks(axes, "x", 8)
        axes.plot([low, high], [low, high], color=MUTED, lw=1, ls=(0, (3, 3)))
        for model, mark, colour in (
            ("production", "s", PRODUCTION),
            ("candidate", "o", CANDIDATE),
        ):
            mine = sorted(
                (clamp(one.mean_score), clamp(one.mean_label)) for one in bins if one.model == model
            )
            x, y = [at for at, _ in mine], [at for _, at in mine]
            axes.plot(x, y, color=colour, lw=1.8, marker=mark, ms=6)
        height = float(figure.get_size_inches()[1])
        message = "predicted probability; dashed: perfect calibration"
        canvas.put_text(figure, 0.075, 0.2 / height, message, color=MUTED, size=9.5)

    return canvas.svg(draw, 4.2)
