"""The loss day by day, production against candidate, as one small SVG."""

from __future__ import annotations

import io
from datetime import date
from typing import TYPE_CHECKING, Any

from retouch.planning.model import Plan
from retouch.reporting.escape import plain
from retouch.reporting.words import LOSSES
from retouch.validation.model import DayLoss, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CARD, _EDGE, _GRID = "#ffffff", "#d0d7de", "#eaeef2"
_INK, _MUTED = "#1f2328", "#59636e"
_PRODUCTION, _CANDIDATE = "#9a6700", "#0969da"
_STYLE: Any = {
    "svg.hashsalt": "retouch",
    "svg.fonttype": "none",
    "font.size": 11.0,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "text.usetex": False,
    "path.simplify": True,
}
_FONTS = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


def loss_by_day_svg(verdict: Verdict, title: str) -> bytes | None:
    """Return the paired mean losses by day as SVG; None when there are no days.

    The same verdict gives the same bytes. The figure brings its own light card, so it reads the
    same on a light and on a dark page.
    """
    days = sorted(verdict.deciding.days, key=lambda day: day.day)
    if not days:
        return None
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8.8, 3.5))
        _card(figure)
        axes = figure.add_axes((0.062, 0.14, 0.80, 0.57))
        _lines(axes, days)
        _frame(axes, days)
        _titles(figure, verdict, title)
        out = io.BytesIO()
        figure.savefig(
            out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    return out.getvalue().replace(b"'DejaVu Sans'", _FONTS.encode())


def figure_title(plan: Plan) -> str:
    """Return what the figure is about: the slice of the alert."""
    alert = plan.alerts[0]
    return plain(" and ".join(alert.where) or f"All of {alert.dataset}", 90)


def _card(figure: Figure) -> None:
    """Lay a light card with round corners under everything."""
    from matplotlib.patches import FancyBboxPatch

    width, height = figure.get_size_inches()
    card = FancyBboxPatch(
        (0.02, 0.02),
        width - 0.04,
        height - 0.04,
        boxstyle="round,pad=0,rounding_size=0.12",
        transform=figure.dpi_scale_trans,
        facecolor=_CARD,
        edgecolor=_EDGE,
        zorder=-1,
        linewidth=1,
    )
    figure.add_artist(card)


def _lines(axes: Axes, days: list[DayLoss]) -> None:
    """Draw both models, the gap between them, and their names at their ends."""
    x = [date.fromisoformat(day.day).toordinal() for day in days]
    production = [day.production for day in days]
    candidate = [day.candidate for day in days]
    better = [c <= p for c, p in zip(candidate, production, strict=True)]
    worse = [c >= p for c, p in zip(candidate, production, strict=True)]
    for where, colour in ((better, _CANDIDATE), (worse, _PRODUCTION)):
        axes.fill_between(
            x, production, candidate, where=where, interpolate=True, color=colour, alpha=0.09, lw=0
        )
    size = 5 if len(days) <= 45 else 0
    axes.plot(x, production, color=_PRODUCTION, lw=1.8, marker="s", ms=size * 0.9)
    axes.plot(x, candidate, color=_CANDIDATE, lw=2.4, marker="o", ms=size)
    top = 1.12 * max(*production, *candidate, 1e-9)
    axes.set_ylim(0, top)
    for y, text, colour in zip(
        _apart(production[-1], candidate[-1], top),
        ("production", "candidate"),
        (_PRODUCTION, _CANDIDATE),
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


def _apart(production: float, candidate: float, top: float) -> tuple[float, float]:
    """Return where the two names go, so that neither covers the other."""
    least = 0.085 * top
    if abs(production - candidate) >= least:
        return production, candidate
    middle = max((production + candidate) / 2, least / 2)
    sign = 1 if production >= candidate else -1
    return middle + sign * least / 2, middle - sign * least / 2


def _frame(axes: Axes, days: list[DayLoss]) -> None:
    """Draw a zero line, faint guides, and few dates."""
    first, last = (date.fromisoformat(days[i].day).toordinal() for i in (0, -1))
    step = max(1, -(-(last - first) // 7))
    ticks = range(first, last + 1, step)
    axes.set_xticks(
        list(ticks), [f"{date.fromordinal(t):%b} {date.fromordinal(t).day}" for t in ticks]
    )
    axes.set_xlim(first - 0.5, last + 0.5)
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_GRID, lw=1)
    axes.locator_params(axis="y", nbins=5)
    axes.tick_params(length=0, colors=_MUTED, pad=6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_MUTED)


def _titles(figure: Figure, verdict: Verdict, title: str) -> None:
    """Write what is seen, on which days, and in which unit."""
    days = sorted(verdict.deciding.days, key=lambda day: day.day)
    squared = verdict.loss == "squared_error"
    unit = plain(verdict.unit, 24) + ("²" if squared and verdict.unit else "")
    loss = LOSSES.get(verdict.loss, "Mean loss")
    under = f"{loss}, both models on the same rows, {days[0].day} to {days[-1].day}"
    # No text of ours is mathematics, whatever dollar signs it holds.
    figure.text(0.022, 0.90, plain(title, 90), color=_INK, size=13, weight="bold", parse_math=False)
    figure.text(0.022, 0.825, under, color=_MUTED, size=10.5, parse_math=False)
    figure.text(0.022, 0.745, unit, color=_MUTED, size=10.5, parse_math=False)
